/**
 * The Huffman codes of a sequential JPEG (ITU-T T.81, annexes B and F): the bytes of a picture go in, its headers and
 * the steps between its DC coefficients come out. No pixel is computed.
 */

interface Component {
  readonly id: number;
  readonly across: number;
  readonly down: number;
  /** Number of its quantisation table. */
  readonly quantisation: number;
}

/** What the segments before the scan say about it. */
export interface ScanHeader {
  readonly width: number;
  readonly height: number;
  readonly components: readonly Component[];
  /** MCUs between two restart markers; 0: there are none. */
  readonly restart: number;
  readonly tables: CodeTables;
  /** By the number of the table: what a step of the DC coefficient stands for, levels times 8. */
  readonly dcSteps: ReadonlyMap<number, number>;
  /** For each component in the scan, the numbers of its tables. */
  readonly scan: readonly { readonly id: number; readonly dc: number; readonly ac: number }[];
  /** Where the entropy-coded data begins. */
  readonly at: number;
}

/** By class (0: DC, 1: AC) and number. */
type CodeTables = ReadonlyMap<number, Codes>;

/** For the bits ahead: the length of the code times 256, plus its value; or 0. */
interface Codes {
  /** For 9 bits, which most codes fit in: it stays in the processor's nearest memory. */
  readonly short: Uint16Array;
  /** For 16 bits. */
  readonly long: Uint16Array;
}

/** A camera writes the same tables into each of its pictures: they are built once. */
export interface KnownTables {
  segments: Buffer;
  tables: CodeTables;
}

/** One block's tables, in the order of an MCU. */
interface Block {
  readonly dc: Codes;
  readonly ac: Codes;
}

/** Undefined for a JPEG that no camera makes (progressive, 12 bits) and for what is none. */
export function scanHeaderOf(jpeg: Uint8Array, known?: KnownTables): ScanHeader | undefined {
  const bytes = Buffer.from(jpeg.buffer, jpeg.byteOffset, jpeg.length);
  const codes: Buffer[] = [];
  const dcSteps = new Map<number, number>();
  let frame: Pick<ScanHeader, 'width' | 'height' | 'components'> | undefined;
  let restart = 0;
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff; ) {
    const code = bytes.readUInt8(at + 1);
    const body = bytes.subarray(at + 4, at + 2 + bytes.readUInt16BE(at + 2));
    if (code === 0xda) {
      const scan = Array.from({ length: body[0] ?? 0 }, (_, i) => {
        const numbers = body[2 + 2 * i] ?? 0;
        return { id: body[1 + 2 * i] ?? 0, dc: numbers >> 4, ac: numbers & 15 };
      });
      return frame && { ...frame, restart, dcSteps, tables: tablesOf(codes, known), scan, at: at + 4 + body.length };
    }
    // Baseline and extended sequential, 8 bits, Huffman.
    if (code === 0xc0 || code === 0xc1) frame = body[0] === 8 ? frameOf(body) : undefined;
    else if (code >= 0xc2 && code <= 0xcf && code !== 0xc4 && code !== 0xc8 && code !== 0xcc) return undefined;
    else if (code === 0xc4) codes.push(body);
    else if (code === 0xdb) addDcSteps(dcSteps, body);
    else if (code === 0xdd) restart = body.length >= 2 ? body.readUInt16BE(0) : 0;
    if (code === 0xff) at += 1;
    else at += 4 + body.length;
  }
  return undefined;
}

function frameOf(body: Buffer): Pick<ScanHeader, 'width' | 'height' | 'components'> | undefined {
  if (body.length < 6 + 3 * (body[5] ?? 0)) return undefined;
  const components = Array.from({ length: body[5] ?? 0 }, (_, i) => {
    const sampling = body[7 + 3 * i] ?? 0;
    return { id: body[6 + 3 * i] ?? 0, across: sampling >> 4, down: sampling & 15, quantisation: body[8 + 3 * i] ?? 0 };
  });
  const known = components.length > 0 && components.every(({ across, down }) => across > 0 && down > 0);
  return known ? { width: body.readUInt16BE(3), height: body.readUInt16BE(1), components } : undefined;
}

function addDcSteps(dcSteps: Map<number, number>, body: Buffer): void {
  for (let at = 0; at + 65 <= body.length; ) {
    const number = body[at] ?? 0;
    const wide = number >> 4 > 0;
    dcSteps.set(number & 15, wide ? body.readUInt16BE(at + 1) : (body[at + 1] ?? 0));
    at += wide ? 129 : 65;
  }
}

function tablesOf(codes: readonly Buffer[], known: KnownTables | undefined): CodeTables {
  const segments = Buffer.concat(codes);
  if (known?.segments.equals(segments)) return known.tables;
  const tables = new Map<number, Codes>();
  for (const body of codes) addTables(tables, body);
  if (known) Object.assign(known, { segments, tables });
  return tables;
}

function addTables(tables: Map<number, Codes>, body: Buffer): void {
  for (let at = 0; at + 17 <= body.length; ) {
    const [short, long] = [new Uint16Array(512), new Uint16Array(65_536)];
    let value = at + 17;
    for (let length = 1, code = 0; length <= 16; length++, code <<= 1) {
      for (let n = body[at + length] ?? 0; n > 0; n--, code++, value++) {
        const found = (length << 8) | (body[value] ?? 0);
        long.fill(found, code << (16 - length), (code + 1) << (16 - length));
        if (length <= 9) short.fill(found, code << (9 - length), (code + 1) << (9 - length));
      }
    }
    tables.set(body[at] ?? 0, { short, long });
    at = value;
  }
}

/** The blocks of one MCU; undefined where a table is missing or the scan does not hold all components. */
export function blocksOf({ components, scan, tables }: ScanHeader): readonly Block[] | undefined {
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

/** MCUs across and down. A single component is not interleaved: its MCU is one block (A.2.2), whatever its sampling. */
export function mcusOf({ width, height, components }: ScanHeader): { readonly across: number; readonly down: number } {
  const alone = components.length === 1;
  const most = (key: 'across' | 'down') => (alone ? 1 : Math.max(...components.map((component) => component[key])));
  return { across: Math.ceil(width / (8 * most('across'))), down: Math.ceil(height / (8 * most('down'))) };
}

/**
 * Reads over a whole scan of `mcus` MCUs, and writes the step from each block's DC coefficient to that of the block
 * before it (of the same component) into `steps`, in the order of the scan. False where a code is none, a block is too
 * long, a restart marker is missing, or the data ends before them.
 */
export function readScan(jpeg: Uint8Array, header: ScanHeader, blocks: readonly Block[], mcus: number, steps?: Int16Array): boolean {
  const perInterval = header.restart || mcus;
  for (let done = 0, from = header.at, next = 0xd0; done < mcus; done += perInterval) {
    const count = blocks.length * Math.min(perInterval, mcus - done);
    const end = readBlocks(jpeg, from, blocks, count, steps?.subarray(done * blocks.length));
    if (end < 0) return false;
    if (done + perInterval >= mcus) return true;
    // Extra bytes before the marker do no harm: everything that the interval needs was there.
    const marker = markerFrom(jpeg, end);
    if (jpeg[marker + 1] !== next) return false;
    from = marker + 2;
    next = next === 0xd7 ? 0xd0 : next + 1;
  }
  return true;
}

/**
 * Reads over `count` blocks from byte `from` on. Returns the byte after them; −1 where a code is none, a block is too
 * long, or the data ends before them. One function with local numbers: with calls it took twice as long.
 */
function readBlocks(jpeg: Uint8Array, from: number, blocks: readonly Block[], count: number, steps: Int16Array | undefined): number {
  let at = from;
  // The bits read last, how many of them are not used yet, and how many zeros were added after the end of the data, as
  // libjpeg adds them.
  let held = 0;
  let bits = 0;
  let padded = 0;
  for (let block = 0; block < count; block++) {
    const { dc, ac } = blocks[block % blocks.length] as Block;
    // −1: the code of the DC coefficient, 0: its number, 1 to 63: the AC coefficients.
    for (let k = -1, size = 0; k < 64; k++) {
      while (bits <= 24) {
        const byte = at < jpeg.length ? (jpeg[at] as number) : 0xff;
        if (byte !== 0xff) at++;
        else if (jpeg[at + 1] === 0) at += 2;
        else padded += 8;
        held = (held << 8) | (padded > 0 ? 0 : byte);
        bits += 8;
      }
      if (k === 0) {
        bits -= size;
        const number = (held >>> bits) & ((1 << size) - 1);
        // F.2.2.1: what begins with 0 is negative.
        if (steps) steps[block] = size === 0 || number >> (size - 1) === 1 ? number : number - (1 << size) + 1;
        continue;
      }
      const codes = k < 0 ? dc : ac;
      const short = codes.short[(held >>> (bits - 9)) & 511] as number;
      const code = short === 0 ? (codes.long[(held >>> (bits - 16)) & 0xffff] as number) : short;
      if (code === 0) return -1;
      bits -= code >> 8;
      size = code & 15;
      if (k < 0) continue;
      // A code of 16 bits with a number of 10 reaches one bit beyond what is held; it is made up for above.
      bits -= size;
      if (size === 0 && (code & 0xff) !== 0xf0) break;
      k += (code & 0xff) >> 4;
      if (k > 63) return -1;
    }
    if (padded > 0 && padded > bits) return -1;
  }
  return at;
}

/** Where the next marker is. */
function markerFrom(bytes: Uint8Array, from: number): number {
  for (let at = from; at + 1 < bytes.length; at++) {
    if (bytes[at] === 0xff && bytes[at + 1] !== 0 && bytes[at + 1] !== 0xff) return at;
  }
  return bytes.length;
}
