/**
 * Whether a sequential JPEG holds all the data of its scan: the bytes of a picture go in, yes or no comes out. Walks
 * over the Huffman codes (ITU-T T.81, annex F) without computing a pixel: 2 ms for 640×480. picture.ts asks only about
 * pictures with extra bytes before a restart marker, which some Logitech cameras write into good pictures. libjpeg
 * names nothing but the first flaw that it meets, so damage further down would stay unseen.
 */

interface Component {
  readonly id: number;
  readonly across: number;
  readonly down: number;
}

/** What the segments before the scan say about it. */
interface Header {
  readonly width: number;
  readonly height: number;
  readonly components: readonly Component[];
  /** MCUs between two restart markers; 0: there are none. */
  readonly restart: number;
  /** By class (0: DC, 1: AC) and number. For 16 bits ahead: the length of the code times 256, plus its value; or 0. */
  readonly tables: ReadonlyMap<number, Uint16Array>;
  /** For each component in the scan, the numbers of its tables. */
  readonly scan: readonly { readonly id: number; readonly dc: number; readonly ac: number }[];
  /** Where the entropy-coded data begins. */
  readonly at: number;
}

/** One block's tables, in the order of an MCU. */
interface Block {
  readonly dc: Uint16Array;
  readonly ac: Uint16Array;
}

/** False where data is missing or wrong; undefined for a JPEG that no camera makes (progressive, 12 bits). */
export function holdsWholeScan(jpeg: Uint8Array): boolean | undefined {
  const header = headerOf(jpeg);
  const blocks = header && blocksOf(header);
  if (!header || !blocks) return undefined;
  // A single component is not interleaved: its MCU is one block (A.2.2), whatever its sampling says.
  const alone = header.components.length === 1;
  const most = (key: 'across' | 'down') => (alone ? 1 : Math.max(...header.components.map((component) => component[key])));
  const mcus = Math.ceil(header.width / (8 * most('across'))) * Math.ceil(header.height / (8 * most('down')));
  const perInterval = header.restart || mcus;
  const bits = { bytes: jpeg, at: header.at, held: 0, count: 0, padded: 0 };
  for (let done = 0, next = 0xd0; done < mcus; done += perInterval) {
    if (!readMcus(bits, blocks, Math.min(perInterval, mcus - done))) return false;
    if (done + perInterval >= mcus) return true;
    // Extra bytes before the marker do no harm: everything that the interval needs was there.
    const marker = markerFrom(jpeg, bits.at);
    if (jpeg[marker + 1] !== next) return false;
    Object.assign(bits, { at: marker + 2, held: 0, count: 0, padded: 0 });
    next = next === 0xd7 ? 0xd0 : next + 1;
  }
  return true;
}

function headerOf(jpeg: Uint8Array): Header | undefined {
  const bytes = Buffer.from(jpeg.buffer, jpeg.byteOffset, jpeg.length);
  const tables = new Map<number, Uint16Array>();
  let frame: Pick<Header, 'width' | 'height' | 'components'> | undefined;
  let restart = 0;
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff; ) {
    const code = bytes.readUInt8(at + 1);
    const body = bytes.subarray(at + 4, at + 2 + bytes.readUInt16BE(at + 2));
    if (code === 0xda) {
      const scan = Array.from({ length: body[0] ?? 0 }, (_, i) => {
        const numbers = body[2 + 2 * i] ?? 0;
        return { id: body[1 + 2 * i] ?? 0, dc: numbers >> 4, ac: numbers & 15 };
      });
      return frame && { ...frame, restart, tables, scan, at: at + 4 + body.length };
    }
    // Baseline and extended sequential, 8 bits, Huffman.
    if (code === 0xc0 || code === 0xc1) frame = body[0] === 8 ? frameOf(body) : undefined;
    else if (code >= 0xc2 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc) return undefined;
    else if (code === 0xc4) addTables(tables, body);
    else if (code === 0xdd) restart = body.length >= 2 ? body.readUInt16BE(0) : 0;
    if (code === 0xff) at += 1;
    else at += 4 + body.length;
  }
  return undefined;
}

function frameOf(body: Buffer): Pick<Header, 'width' | 'height' | 'components'> | undefined {
  if (body.length < 6 + 3 * (body[5] ?? 0)) return undefined;
  const components = Array.from({ length: body[5] ?? 0 }, (_, i) => {
    const sampling = body[7 + 3 * i] ?? 0;
    return { id: body[6 + 3 * i] ?? 0, across: sampling >> 4, down: sampling & 15 };
  });
  const known = components.length > 0 && components.every(({ across, down }) => across > 0 && down > 0);
  return known ? { width: body.readUInt16BE(3), height: body.readUInt16BE(1), components } : undefined;
}

function addTables(tables: Map<number, Uint16Array>, body: Buffer): void {
  for (let at = 0; at + 17 <= body.length; ) {
    const table = new Uint16Array(65_536);
    let value = at + 17;
    for (let length = 1, code = 0; length <= 16; length++, code <<= 1) {
      for (let n = body[at + length] ?? 0; n > 0; n--, code++, value++) {
        table.fill((length << 8) | (body[value] ?? 0), code << (16 - length), (code + 1) << (16 - length));
      }
    }
    tables.set(body[at] ?? 0, table);
    at = value;
  }
}

/** The blocks of one MCU; undefined where a table is missing or the scan does not hold all components. */
function blocksOf({ components, scan, tables }: Header): readonly Block[] | undefined {
  if (scan.length !== components.length) return undefined;
  const blocks: Block[] = [];
  for (const { id, dc, ac } of scan) {
    const component = components.find((each) => each.id === id);
    const pair = { dc: tables.get(dc), ac: tables.get(0x10 | ac) };
    if (!component || !pair.dc || !pair.ac) return undefined;
    const count = components.length === 1 ? 1 : component.across * component.down;
    for (let i = 0; i < count; i++) blocks.push({ dc: pair.dc, ac: pair.ac });
  }
  return blocks;
}

/** Bits of entropy-coded data. `padded`: how many zero bits were added after its end. */
interface Bits {
  readonly bytes: Uint8Array;
  at: number;
  held: number;
  count: number;
  padded: number;
}

/** Reads over MCUs; false where a code is none, a block is too long, or the data ends before them. */
function readMcus(bits: Bits, blocks: readonly Block[], mcus: number): boolean {
  for (let mcu = 0; mcu < mcus; mcu++) {
    for (const { dc, ac } of blocks) {
      if (!readBlock(bits, dc, ac)) return false;
    }
    if (bits.padded > bits.count) return false;
  }
  return true;
}

function readBlock(bits: Bits, dc: Uint16Array, ac: Uint16Array): boolean {
  const first = readCode(bits, dc);
  if (first < 0) return false;
  skip(bits, first & 15);
  for (let k = 1; k < 64; k++) {
    const code = readCode(bits, ac);
    if (code < 0) return false;
    const size = code & 15;
    if (size === 0 && code !== 0xf0) return true;
    k += code >> 4;
    if (k > 63) return false;
    skip(bits, size);
  }
  return true;
}

/** The value of the next Huffman code; −1 where the bits are none. */
function readCode(bits: Bits, table: Uint16Array): number {
  refill(bits);
  const found = table[(bits.held >>> (bits.count - 16)) & 0xffff] as number;
  if (found === 0) return -1;
  bits.count -= found >> 8;
  return found & 0xff;
}

function skip(bits: Bits, count: number): void {
  refill(bits);
  bits.count -= count;
}

/** At least 16 bits ahead. Zeros follow the end of the data, as libjpeg adds them. */
function refill(bits: Bits): void {
  while (bits.count <= 16) {
    let byte = bits.bytes[bits.at] ?? 0xff;
    if (byte !== 0xff) bits.at++;
    else if (bits.bytes[bits.at + 1] === 0) bits.at += 2;
    else {
      byte = 0;
      bits.padded += 8;
    }
    bits.held = (bits.held << 8) | byte;
    bits.count += 8;
  }
}

/** Where the next marker is. */
function markerFrom(bytes: Uint8Array, from: number): number {
  for (let at = from; at + 1 < bytes.length; at++) {
    if (bytes[at] === 0xff && bytes[at + 1] !== 0 && bytes[at + 1] !== 0xff) return at;
  }
  return bytes.length;
}
