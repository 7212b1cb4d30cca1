/**
 * The inner loop of the 1:N search: one probe row against many template rows, four numbers at a time (WebAssembly
 * SIMD). Rows go in through `memory`; one sum for each row comes out of it.
 *
 * Plain JavaScript is slower: for 10,000 rows of 256 numbers it took 3 ms at best (four accumulators) and 8 ms with
 * one; this takes 0.4 ms. It is assembled here, so there is no compiler to install and no binary to trust.
 */
import { advance, assembleGrowing, type Code, f32, f32x4, get, i32, type Routine, repeat, set, tee, v128 } from '../base/wasm.ts';

/** What is summed over a row: |a − b|, or a·b. */
export type Term = 'absolute-difference' | 'product';

/**
 * For each of `rows` rows (at least 1) that start `strideBytes` apart, writes to `out` the float32 sum of the term over
 * the first `bytes` bytes (at least 64, a multiple of 64) of the probe and of the row. All places are byte offsets in
 * memory.
 */
export type Sums = (probe: number, row: number, rows: number, bytes: number, strideBytes: number, out: number) => void;

/** The kernel with its own memory. */
export function openKernel(term: Term) {
  const { memory, routines } = assembleGrowing([sumsRoutine(term)]);
  const sums: Sums = routines.sums;
  return { memory, sums };
}

// The parameters of `sums`, then its locals.
const [probe, row, rows, bytes, stride, out] = [0, 1, 2, 3, 4, 5] as const;
const [at, rowAt, stop] = [6, 7, 8] as const;
const sum = [9, 10, 11, 12] as const; // four sums at once: with one, each addition would wait for the one before
const notSign = 13; // f32x4.abs makes this mask again each time: a quarter slower, measured

const allButSign = v128.constant([255, 255, 255, 127, 255, 255, 255, 127, 255, 255, 255, 127, 255, 255, 255, 127]);

function sumsRoutine(term: Term): Routine<'sums'> {
  const combine = term === 'product' ? f32x4.multiply : [...f32x4.subtract, ...get(notSign), ...v128.and];
  return {
    name: 'sums',
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'i32'],
    locals: ['i32', 'i32', 'i32', 'v128', 'v128', 'v128', 'v128', 'v128'],
    body: [
      ...[...allButSign, ...set(notSign)],
      ...[...get(probe), ...get(bytes), ...i32.add, ...set(stop)],
      ...repeat(
        [
          ...[...get(probe), ...set(at), ...get(row), ...set(rowAt)],
          ...sum.flatMap((local) => [...v128.zero, ...set(local)]),
          ...repeat(sixteenNumbers(combine), [...get(at), ...get(stop), ...i32.lessUnsigned]),
          ...total,
          ...advance(out, 4),
          ...[...get(row), ...get(stride), ...i32.add, ...set(row)],
        ],
        [...get(rows), ...i32.constant(1), ...i32.subtract, ...tee(rows)],
      ),
    ],
  };
}

/** One turn of the loop over a row. */
const sixteenNumbers = (combine: Code): Code => [
  ...sum.flatMap((local, lane) => [
    ...[...get(at), ...v128.load(16 * lane), ...get(rowAt), ...v128.load(16 * lane)],
    ...[...combine, ...get(local), ...f32x4.add, ...set(local)],
  ]),
  ...advance(rowAt, 64),
  ...advance(at, 64),
];

/** The four sums in one number, stored. */
const total: Code = [
  ...[...get(sum[0]), ...get(sum[1]), ...f32x4.add, ...get(sum[2]), ...get(sum[3]), ...f32x4.add, ...f32x4.add, ...set(sum[0])],
  ...get(out),
  ...[...get(sum[0]), ...f32x4.lane(0), ...get(sum[0]), ...f32x4.lane(1), ...f32.add],
  ...[...get(sum[0]), ...f32x4.lane(2), ...get(sum[0]), ...f32x4.lane(3), ...f32.add],
  ...[...f32.add, ...f32.store],
];
