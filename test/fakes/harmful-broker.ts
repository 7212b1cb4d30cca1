/**
 * A broker that means harm, in a process of its own, so that what it does costs the door's process nothing but what the door spends on it. It takes every
 * connection, acknowledges what is published, and sends one kind of attack without end.
 *
 *     node test/fakes/harmful-broker.ts ATTACK     prints its port, and a line for each DISCONNECT that it gets
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface HarmfulBroker extends AsyncDisposable {
  readonly url: string;
  /** Reason codes of the DISCONNECTs that it got. */
  readonly codes: number[];
}

export async function openHarmfulBroker(attack: Attack): Promise<HarmfulBroker> {
  const child: ChildProcess = spawn(process.execPath, [fileURLToPath(import.meta.url), attack], { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout ?? process.stdin });
  const codes: number[] = [];
  const port = Promise.withResolvers<string>();
  lines.on('line', (line) => (line.startsWith('port ') ? port.resolve(line.slice(5)) : codes.push(Number(line))));
  return {
    url: `mqtt://127.0.0.1:${await port.promise}`,
    codes,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

const topic = 'facelatch/front-door/cmd/door/open';
const message = (flags: number, id: boolean, properties: Buffer, payload: Buffer): Buffer => {
  const name = Buffer.from(topic);
  const head = Buffer.concat([
    Buffer.from([name.length >> 8, name.length & 255]),
    name,
    Buffer.from(id ? [0, 1] : []),
    varint(properties.length),
  ]);
  return Buffer.concat([Buffer.from([0x30 | flags]), varint(head.length + properties.length + payload.length), head, properties, payload]);
};
const none = Buffer.alloc(0);
const userProperties = (bytes: number) => Buffer.concat(Array.from({ length: bytes / 7 }, () => Buffer.from([0x26, 0, 1, 97, 0, 1, 98])));

/** What it sends again and again, until the socket is closed. */
const attacks = {
  'qos 2': (n: number) => {
    const packet = message(4, true, none, Buffer.alloc(1000));
    packet.writeUInt16BE(1 + (n % 65_535), 3 + 2 + topic.length);
    return packet;
  },
  'large packets': () => message(0, false, none, Buffer.alloc(256_000_000)),
  properties: () => message(0, false, userProperties(15_000), none),
  'many properties': () => message(0, false, userProperties(1_000_000), none),
  messages: () => Buffer.concat(Array.from({ length: 500 }, () => message(2, true, none, Buffer.from('{}')))),
  'long messages': () => message(2, true, none, Buffer.alloc(900_000, 'a')),
  acknowledgements: () => Buffer.concat(Array.from({ length: 5000 }, () => Buffer.from([0x40, 2, 0, 1]))),
  nonsense: () => Buffer.alloc(1000, 0xff),
};
export type Attack = keyof typeof attacks;
export const attackNames = Object.keys(attacks) as readonly Attack[];

/** Writes as fast as the door reads. */
function attackOn(socket: Socket, attack: Attack): void {
  const next: (n: number) => Buffer = attacks[attack];
  const same = attack === 'qos 2' ? undefined : next(0);
  let n = 0;
  const go = () => {
    while (socket.writable && socket.write(same ?? next(n++)));
  };
  socket.on('drain', go);
  go();
}

function serve(attack: Attack): void {
  const server = createServer((socket) => {
    let buffered: Buffer = none;
    socket.on('error', () => {});
    socket.on('data', (chunk: Buffer) => {
      buffered = Buffer.concat([buffered, chunk]);
      for (;;) {
        const [length, bytes] = readVarint(buffered);
        if (bytes === 0 || buffered.length < 1 + bytes + length) return;
        const [first = 0, body] = [buffered[0], buffered.subarray(1 + bytes, 1 + bytes + length)];
        buffered = buffered.subarray(1 + bytes + length);
        if (first >> 4 === 1) {
          socket.write(Buffer.from([0x20, 3, 0, 0, 0]));
          attackOn(socket, attack);
        } else if (first >> 4 === 3 && (first & 6) > 0) {
          const at = 2 + body.readUInt16BE(0);
          socket.write(Buffer.from([0x40, 2, body[at] ?? 0, body[at + 1] ?? 0]));
        } else if (first >> 4 === 8) socket.write(Buffer.from([0x90, 4, body[0] ?? 0, body[1] ?? 0, 0, 1]));
        else if (first >> 4 === 12) socket.write(Buffer.from([0xd0, 0]));
        else if (first >> 4 === 14) console.log(body[0] ?? 0);
      }
    });
  });
  server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`));
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; bytes.length === 0 || left > 0; left = Math.floor(left / 128)) bytes.push((left % 128) + (left >= 128 ? 128 : 0));
  return Buffer.from(bytes);
}

/** The length of the packet at the beginning, and how many bytes that takes; 0 where it is not whole yet. */
function readVarint(bytes: Buffer): readonly [value: number, bytes: number] {
  for (let value = 0, i = 0; i < 4; i++) {
    const byte = bytes[1 + i];
    if (byte === undefined) return [0, 0];
    value += (byte & 127) * 128 ** i;
    if (byte < 128) return [value, i + 1];
  }
  return [0, 0];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) serve(process.argv[2] as Attack);
