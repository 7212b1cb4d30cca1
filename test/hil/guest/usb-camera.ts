/**
 * A USB camera in software: a USB/IP server with one UVC 1.0 device (MJPEG over a bulk endpoint) whose frames are the JPEGs of a folder. The
 * kernel's own stack does the rest: vhci_hcd → usbcore → uvcvideo → /dev/video0. Commands, a line each, on standard input: `show FOLDER`,
 * `freeze`, `run`, `unplug` (the cable is pulled; it may be plugged again with `usbip attach`), `serial NUMBER` (of what is plugged next).
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [first = '', fps = '4'] = process.argv.slice(2);
const intervalMs = 1000 / Number(fps);
/** USB 2.0 has frame intervals in units of 100 ns (UVC 1.0, 4.3.1.1). */
const interval = Math.round(intervalMs * 10_000);
const payloadBytes = 16_384;
const [width, height] = [640, 480];
const frameBytes = width * height * 2;

const u8 = (...bytes: number[]) => Buffer.from(bytes);
const u16 = (...values: number[]) => Buffer.concat(values.map((v) => u8(v & 255, v >> 8)));
const u32 = (...values: number[]) => Buffer.concat(values.map((v) => u16(v & 0xffff, v >>> 16)));
/** A descriptor: its own length goes first (USB 2.0, 9.5). */
const descriptor = (...parts: Buffer[]) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([u8(body.length + 1), body]);
};
const CS_INTERFACE = 0x24;
const vendor = 0x1209;
const product = 0x0001;
const device = descriptor(u8(1), u16(0x200), u8(0xef, 2, 1, 64), u16(vendor, product, 0x100), u8(1, 2, 3, 1));
/** Camera terminal → USB streaming terminal (UVC 1.0, 3.7.2). */
const controlBody = [
  descriptor(u8(CS_INTERFACE, 2, 1), u16(0x201), u8(0, 0), u16(0, 0, 0), u8(3, 0, 0, 0)),
  descriptor(u8(CS_INTERFACE, 3, 2), u16(0x101), u8(0, 1, 0)),
];
const control = [
  descriptor(u8(CS_INTERFACE, 1), u16(0x100, 13 + Buffer.concat(controlBody).length), u32(6_000_000), u8(1, 1)),
  ...controlBody,
];
/** One MJPEG format with one size and rate (UVC Payload Motion JPEG 1.0, 3.1). */
const streamBody = [
  descriptor(u8(CS_INTERFACE, 6, 1, 1, 1, 1, 0, 0, 0, 0)),
  descriptor(u8(CS_INTERFACE, 7, 1, 0), u16(width, height), u32(1e6, 1e8, frameBytes, interval), u8(1), u32(interval)),
  descriptor(u8(CS_INTERFACE, 0x0d, 1, 1, 4)),
];
const stream = [
  descriptor(u8(CS_INTERFACE, 1, 1), u16(14 + Buffer.concat(streamBody).length), u8(0x81, 0, 2, 0, 0, 0, 1, 0)),
  ...streamBody,
];
const inside = Buffer.concat([
  descriptor(u8(0x0b, 0, 2, 0x0e, 3, 0, 2)),
  descriptor(u8(4, 0, 0, 0, 0x0e, 1, 0, 2)),
  ...control,
  descriptor(u8(4, 1, 0, 1, 0x0e, 2, 0, 0)),
  ...stream,
  descriptor(u8(5, 0x81, 2), u16(512), u8(0)),
]);
const configuration = Buffer.concat([u8(9, 2), u16(9 + inside.length), u8(2, 1, 0, 0x80, 250), inside]);
const text = (s: string) => descriptor(u8(3), Buffer.from(s, 'utf16le'));
const stringsOf = (serial: string) => [descriptor(u8(3, 9, 4)), text('HIL'), text('HIL USB Camera'), text(serial)];
/** The stream's terms, as asked for or agreed (UVC 1.0, 4.3.1.1). */
const terms = Buffer.concat([u16(0), u8(1, 1), u32(interval), u16(0, 0, 0, 0, 0), u32(frameBytes, payloadBytes)]);

const EPIPE = -32;
const ECONNRESET = -104;
const show = (folder: string) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.jpg'))
    .sort()
    .map((name) => readFileSync(join(folder, name)));

/** No camera delivers the same bytes twice, and a door takes those of a recording for one: a comment (T.81, B.2.4.5) with a number of its own. */
const numbered = (jpeg: Buffer, number: number) =>
  Buffer.concat([jpeg.subarray(0, 2), u8(0xff, 0xfe, 0, 10), Buffer.from(String(number % 1e8).padStart(8, '0')), jpeg.subarray(2)]);

const state = { jpegs: show(first), next: 0, sent: 0, frozen: false, serial: '0001', cables: new Set<Socket>() };
createInterface(process.stdin).on('line', (line) => {
  const [command = '', given = ''] = line.split(' ');
  if (command === 'show') Object.assign(state, { jpegs: show(given), next: 0 });
  if (command === 'serial') state.serial = given;
  if (command === 'freeze' || command === 'run') state.frozen = command === 'freeze';
  if (command === 'unplug') for (const cable of state.cables) cable.destroy();
  console.log(`done ${line}`);
});

/** struct usbip_usb_device, in network byte order. */
function deviceRecord(): Buffer {
  const record = Buffer.alloc(312);
  record.write('/sys/devices/hil/1-1', 0);
  record.write('1-1', 256);
  for (const [i, value] of [1, 2, 3].entries()) record.writeUInt32BE(value, 288 + 4 * i); // bus, device, high speed
  for (const [i, value] of [vendor, product, 0x100].entries()) record.writeUInt16BE(value, 300 + 2 * i);
  record.set([0xef, 2, 1, 1, 1, 2], 306);
  return record;
}

/** The answer to a control transfer; null stalls. */
function answer(setup: Buffer): Buffer | null {
  const [type = 0, request = 0] = setup;
  const value = setup.readUInt16LE(2);
  const entity = setup.readUInt16LE(4) & 255;
  if (type === 0x80 && request === 6)
    return [null, device, configuration, stringsOf(state.serial)[value & 255] ?? null][value >> 8] ?? null;
  if ((type & 0xe0) === 0x80) return request === 8 ? u8(1) : request === 10 ? u8(0) : u16(0); // standard reads
  if (type === 0xa1 && entity === 1 && (value >> 8 === 1 || value >> 8 === 2))
    return request === 0x86 ? u8(3) : request === 0x85 ? u16(26) : terms;
  if ((type & 0x60) === 0 || (type === 0x21 && entity === 1)) return Buffer.alloc(0); // set configuration, set terms
  return null;
}

function serve(cable: Socket): void {
  let received: Buffer = Buffer.alloc(0);
  let imported = false;
  let waiting: number[] = [];
  let payloads: Buffer[] = [];
  let frameId = 0;
  let clock: NodeJS.Timeout | undefined;
  const header = (command: number, seq: number, status: number, length: number) => {
    const h = Buffer.alloc(48);
    h.writeUInt32BE(command, 0);
    h.writeUInt32BE(seq, 4);
    h.writeInt32BE(status, 20);
    h.writeUInt32BE(length, 24);
    h.writeUInt32BE(0xffffffff, 32);
    return h;
  };
  const pump = () => {
    while (waiting.length > 0 && payloads.length > 0) {
      const data = payloads.shift() ?? Buffer.alloc(0);
      cable.write(Buffer.concat([header(3, waiting.shift() ?? 0, 0, data.length), data]));
    }
  };
  const frame = () => {
    // A reader slower than the camera loses frames, as with a real one.
    if (state.frozen || waiting.length === 0 || payloads.length > 0) return;
    const jpeg = numbered(state.jpegs[state.next++ % state.jpegs.length] ?? Buffer.alloc(2), state.sent++);
    for (let at = 0; at < jpeg.length; at += payloadBytes - 2) {
      const last = at + payloadBytes - 2 >= jpeg.length;
      payloads.push(Buffer.concat([u8(2, 0x80 | frameId | (last ? 2 : 0)), jpeg.subarray(at, at + payloadBytes - 2)]));
    }
    frameId ^= 1;
    pump();
  };
  /** One message off the wire; false when it has not come whole. */
  const take = (): boolean => {
    if (!imported) return greet();
    if (received.length < 48) return false;
    const [command, seq, out, endpoint, length] = [0, 4, 12, 16, 24].map((at) => received.readUInt32BE(at)) as [
      number,
      number,
      number,
      number,
      number,
    ];
    if (command === 2) {
      const target = received.readUInt32BE(20);
      const was = waiting.includes(target);
      waiting = waiting.filter((each) => each !== target);
      if (waiting.length === 0) payloads = [];
      cable.write(header(4, seq, was ? ECONNRESET : 0, 0));
      received = received.subarray(48);
      return true;
    }
    const reads = out === 1;
    const whole = 48 + (reads ? 0 : length);
    if (received.length < whole) return false;
    const setup = Buffer.from(received.subarray(40, 48));
    received = received.subarray(whole);
    if (endpoint === 1 && reads) {
      waiting.push(seq);
      pump();
      return true;
    }
    const data = endpoint === 0 ? answer(setup) : null;
    if (!data) cable.write(header(3, seq, EPIPE, 0));
    else if (reads) cable.write(Buffer.concat([header(3, seq, 0, Math.min(length, data.length)), data.subarray(0, length)]));
    else cable.write(header(3, seq, 0, length));
    return true;
  };
  /** OP_REQ_DEVLIST and OP_REQ_IMPORT of USB/IP. */
  const greet = (): boolean => {
    if (received.length < 8) return false;
    const operation = received.readUInt16BE(2);
    const reply = (code: number, ...parts: Buffer[]) => Buffer.concat([Buffer.from([1, 0x11, 0, code, 0, 0, 0, 0]), ...parts]);
    if (operation === 0x8005) {
      cable.end(reply(5, Buffer.from([0, 0, 0, 1]), deviceRecord(), u8(0x0e, 1, 0, 0, 0x0e, 2, 0, 0)));
      return false;
    }
    if (operation !== 0x8003 || received.length < 40) return false;
    received = received.subarray(40);
    cable.write(reply(3, deviceRecord()));
    imported = true;
    clock = setInterval(frame, intervalMs);
    return true;
  };
  state.cables.add(cable);
  cable.setNoDelay(true);
  cable.on('error', () => undefined);
  cable.on('close', () => {
    state.cables.delete(cable);
    clearInterval(clock);
  });
  cable.on('data', (data) => {
    received = Buffer.concat([received, data]);
    while (take());
  });
}

createServer(serve).listen(3240, '127.0.0.1', () => console.log('ready'));
