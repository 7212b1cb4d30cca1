/**
 * A broker that does what a test says, down to the packet: it acknowledges, refuses, hangs up, delivers nothing or whatever it likes to whomever it
 * likes. MQTT 5.0 only, and no more of it than our clients use: what a broker in an attacker's hands is made of.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

/** A message as it came: the properties as raw bytes, to be passed on or changed. */
export interface Published {
  readonly from: string;
  readonly topic: string;
  readonly payload: Buffer;
  readonly properties: Buffer;
  readonly retain: boolean;
}

export interface ScriptedBroker extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Client ids of who is connected now, and what they subscribed to. */
  readonly clients: ReadonlyMap<string, { readonly filters: readonly string[] }>;
  /** Everything that was published. */
  readonly published: Published[];
  /** Hands a message to a client, whether it subscribed or not. */
  deliver(to: string, message: { topic: string; payload: Buffer | string; properties?: Buffer; retain?: boolean; dup?: boolean }): void;
  /** Hangs up on a client; on all of them without an id. */
  hangUp(id?: string): void;
}

export interface ScriptedOptions {
  /** What is done with a message: a reason code for PUBACK (0 takes it), a DISCONNECT with a code, or no answer at all. Default: taken. */
  readonly onPublish?: (message: Published) => number | { readonly disconnect: number } | 'silence';
  /** Properties of CONNACK. */
  readonly connack?: Buffer;
  /** Passes messages on to whoever subscribed, as a broker should. Default false. */
  readonly honest?: boolean;
}

export async function openScriptedBroker({ onPublish = () => 0, connack = Buffer.alloc(0), honest = false }: ScriptedOptions = {}) {
  const inside = new Map<string, { socket: Socket; filters: string[] }>();
  const published: Published[] = [];
  const server = createServer((socket) => {
    let id = '';
    let buffered: Buffer = Buffer.alloc(0);
    const take = (type: number, flags: number, body: Buffer) => {
      if (type === 1) {
        id = textAt(body, connectIdAt(body));
        inside.get(id)?.socket.destroy();
        inside.set(id, { socket, filters: [] });
        socket.write(packet(0x20, Buffer.concat([Buffer.from([0, 0]), sized(connack)])));
      } else if (type === 3) {
        publish(flags, body);
      } else if (type === 8) {
        const [length, bytes] = varint(body, 2);
        const filters: string[] = [];
        for (let at = 2 + bytes + length; at < body.length; at += 3 + body.readUInt16BE(at)) filters.push(textAt(body, at));
        inside.get(id)?.filters.push(...filters);
        socket.write(packet(0x90, Buffer.concat([body.subarray(0, 2), Buffer.from([0]), Buffer.alloc(filters.length, 1)])));
      } else if (type === 12) socket.write(Buffer.from([0xd0, 0]));
    };
    const publish = (flags: number, body: Buffer) => {
      const topic = textAt(body, 0);
      let at = 2 + Buffer.byteLength(topic);
      const qos = (flags >> 1) & 3;
      const packetId = body.subarray(at, qos > 0 ? at + 2 : at);
      at += packetId.length;
      const [length, bytes] = varint(body, at);
      const properties = Buffer.from(body.subarray(at + bytes, at + bytes + length));
      const message = { from: id, topic, payload: Buffer.from(body.subarray(at + bytes + length)), properties, retain: (flags & 1) === 1 };
      published.push(message);
      const answer = onPublish(message);
      if (typeof answer === 'object') {
        socket.write(Buffer.from([0xe0, 2, answer.disconnect, 0]));
        socket.end();
        return;
      }
      if (answer !== 'silence' && qos > 0) socket.write(Buffer.concat([Buffer.from([0x40, 4]), packetId, Buffer.from([answer, 0])]));
      if (honest && answer === 0)
        for (const [to, { filters }] of inside) if (filters.some((filter) => fits(filter, topic))) broker.deliver(to, message);
    };
    socket.on('data', (chunk: Buffer) => {
      buffered = Buffer.concat([buffered, chunk]);
      while (buffered.length >= 2) {
        const [length, bytes] = varint(buffered, 1);
        if (bytes === 0 || buffered.length < 1 + bytes + length) return;
        const body = buffered.subarray(1 + bytes, 1 + bytes + length);
        const first = buffered[0] ?? 0;
        buffered = buffered.subarray(1 + bytes + length);
        take(first >> 4, first & 15, body);
      }
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (inside.get(id)?.socket === socket) inside.delete(id);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const broker: ScriptedBroker = {
    url: `mqtt://127.0.0.1:${port}`,
    port,
    clients: inside,
    published,
    deliver: (to, { topic, payload, properties = Buffer.alloc(0), retain = false, dup = false }) => {
      const flags = (retain ? 1 : 0) | (dup ? 8 : 0);
      const name = Buffer.from(topic);
      const length = Buffer.from([name.length >> 8, name.length & 255]);
      inside.get(to)?.socket.write(packet(0x30 | flags, Buffer.concat([length, name, sized(properties), Buffer.from(payload)])));
    },
    hangUp: (id) => {
      for (const [name, { socket }] of inside) {
        if (id !== undefined && name !== id) continue;
        socket.destroy();
        inside.delete(name);
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const { socket } of inside.values()) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return broker;
}

/** The client identifier stands behind protocol name, version, flags, keepalive and properties (section 3.1.3.1). */
function connectIdAt(body: Buffer): number {
  const at = 2 + body.readUInt16BE(0) + 4;
  const [length, bytes] = varint(body, at);
  return at + bytes + length;
}

const textAt = (body: Buffer, at: number): string => body.toString('utf8', at + 2, at + 2 + body.readUInt16BE(at));

const fits = (filter: string, topic: string): boolean =>
  filter === topic || filter === '#' || (filter.endsWith('/#') && topic.startsWith(filter.slice(0, -1)));

/** A variable byte integer and how many bytes it takes; 0 bytes where it is not whole yet (section 1.5.5). */
function varint(bytes: Buffer, at: number): [value: number, length: number] {
  for (let value = 0, i = 0; i < 4; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) return [0, 0];
    value += (byte & 127) * 128 ** i;
    if (byte < 128) return [value, i + 1];
  }
  return [0, 0];
}

function varintOf(value: number): Buffer {
  const bytes: number[] = [];
  for (let left = value; bytes.length === 0 || left > 0; left = Math.floor(left / 128)) bytes.push((left % 128) + (left >= 128 ? 128 : 0));
  return Buffer.from(bytes);
}

const sized = (bytes: Buffer): Buffer => Buffer.concat([varintOf(bytes.length), bytes]);
const packet = (first: number, body: Buffer): Buffer => Buffer.concat([Buffer.from([first]), sized(body)]);

/** The property «response topic» (section 3.3.2.3.5). */
export function responseTopic(topic: string): Buffer {
  const name = Buffer.from(topic);
  return Buffer.concat([Buffer.from([8, name.length >> 8, name.length & 255]), name]);
}
