/**
 * The inner loop of the 1:N search: one probe row against many template rows, four numbers at a time (WebAssembly
 * SIMD, assembled here from the listing below); rows go in through `memory`, one sum per row comes out of it.
 *
 * Why not plain JavaScript: for 10,000 rows of 256 numbers it took 3 ms at best (four accumulators) and 8 ms plainly, this
 * 0.4 ms. Why assembled here: no compiler to install and no binary to trust; the listing is the source.
 */

// The TypeScript library without the DOM does not know WebAssembly; this is as much of it as is used here.
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: { readonly sums: Sums } };
};

export interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

/** What is summed over a row: |a − b|, or a·b. */
export type Term = 'absolute-difference' | 'product';

/**
 * For each of `rows` rows (at least 1) that start `strideBytes` apart, writes to `out` the float32 sum of the term over the
 * first `bytes` bytes (at least 64, a multiple of 64) of the probe and of the row. All places are byte offsets in memory.
 */
export type Sums = (probe: number, row: number, rows: number, bytes: number, strideBytes: number, out: number) => void;

/** The kernel with a memory of its own. */
export function openKernel(term: Term): { readonly memory: WasmMemory; readonly sums: Sums } {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assemble(term)), { host: { memory } });
  return { memory, sums: exports.sums };
}

// Opcodes: WebAssembly Core Specification 2.0, section 5.4 (instructions) and the index in its appendix.
const i32 = 0x7f;
const v128 = 0x7b;
const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const tee = (local: number) => [0x22, local];
const i32const = (value: number) => [0x41, ...leb128(value)];
const i32add = [0x6a];
const i32sub = [0x6b];
const i32lessUnsigned = [0x49];
const f32add = [0x92];
const f32store = [0x38, 2, 0];
const loop = [0x03, 0x40];
const repeatIf = [0x0d, 0];
const end = [0x0b];
const simd = (opcode: number) => [0xfd, ...unsignedLeb128(opcode)];
const v128load = (offset: number) => [...simd(0x00), 4, ...unsignedLeb128(offset)];
const v128const = (bytes: readonly number[]) => [...simd(0x0c), ...bytes];
const v128and = simd(0x4e);
const f32lane = (lane: number) => [...simd(0x1f), lane];
const f32x4add = simd(0xe4);
const f32x4sub = simd(0xe5);
const f32x4mul = simd(0xe6);

// The parameters of `sums`, then its locals.
const [probe, row, rows, bytes, stride, out] = [0, 1, 2, 3, 4, 5] as const;
const [at, rowAt, stop] = [6, 7, 8] as const;
const sum = [9, 10, 11, 12] as const; // four at once: one alone would wait for each addition to end
const notSign = 13; // f32x4.abs makes this mask anew each time: a quarter slower, measured

function listing(term: Term): number[] {
  const combine = term === 'product' ? f32x4mul : [...f32x4sub, ...get(notSign), ...v128and];
  return [
    ...v128const([255, 255, 255, 127, 255, 255, 255, 127, 255, 255, 255, 127, 255, 255, 255, 127]),
    ...set(notSign),
    ...get(probe),
    ...get(bytes),
    ...i32add,
    ...set(stop),
    ...loop, // over the rows
    ...get(probe),
    ...set(at),
    ...get(row),
    ...set(rowAt),
    ...sum.flatMap((local) => [...v128const(new Array(16).fill(0)), ...set(local)]),
    ...loop, // over a row, 16 numbers a turn
    ...sum.flatMap((local, lane) => [
      ...get(at),
      ...v128load(16 * lane),
      ...get(rowAt),
      ...v128load(16 * lane),
      ...combine,
      ...get(local),
      ...f32x4add,
      ...set(local),
    ]),
    ...[...get(rowAt), ...i32const(64), ...i32add, ...set(rowAt)],
    ...[...get(at), ...i32const(64), ...i32add, ...tee(at)],
    ...[...get(stop), ...i32lessUnsigned, ...repeatIf],
    ...end,
    ...[...get(sum[0]), ...get(sum[1]), ...f32x4add, ...get(sum[2]), ...get(sum[3]), ...f32x4add, ...f32x4add, ...set(sum[0])],
    ...get(out),
    ...[...get(sum[0]), ...f32lane(0), ...get(sum[0]), ...f32lane(1), ...f32add],
    ...[...get(sum[0]), ...f32lane(2), ...get(sum[0]), ...f32lane(3), ...f32add],
    ...[...f32add, ...f32store],
    ...[...get(out), ...i32const(4), ...i32add, ...set(out)],
    ...[...get(row), ...get(stride), ...i32add, ...set(row)],
    ...[...get(rows), ...i32const(1), ...i32sub, ...tee(rows)],
    ...repeatIf,
    ...end,
  ];
}

/** The module: one imported memory, one exported function (section 5.5, binary modules). */
function assemble(term: Term): Uint8Array<ArrayBuffer> {
  const locals = [2, 3, i32, 5, v128];
  const code = [...locals, ...listing(term), ...end];
  const section = (id: number, content: readonly number[]) => [id, ...unsignedLeb128(content.length), ...content];
  const name = (text: string) => [text.length, ...Buffer.from(text)];
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 6, i32, i32, i32, i32, i32, i32, 0]), // type: six numbers in, nothing out
    ...section(2, [1, ...name('host'), ...name('memory'), 2, 0, 1]), // import: a memory of at least one page
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('sums'), 0, 0]),
    ...section(10, [1, ...unsignedLeb128(code.length), ...code]),
  ]);
}

function unsignedLeb128(value: number): number[] {
  const low = value & 127;
  return value < 128 ? [low] : [low | 128, ...unsignedLeb128(value >>> 7)];
}

/** Signed, for constants from 0 up: a byte whose bit 6 is set would read as negative, so another follows. */
function leb128(value: number): number[] {
  const low = value & 127;
  return value < 64 ? [low] : [low | 128, ...leb128(value >>> 7)];
}
