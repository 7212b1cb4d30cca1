/**
 * The inner loops of the optimisers, four numbers at a time, over one memory of weights and running means that change
 * in place. For the paper's 39 million weights Adam moves 1.1 GB through memory; plain JavaScript took three times as
 * long.
 */
import { advance, assemble, type Code, f32x4, get, i32, type Routine, repeat, set, type ValueType, v128 } from '../../base/wasm.ts';

/** Places are byte offsets in `memory`, multiples of 16; lengths are bytes, multiples of 16, at least 16. */
export interface Kernels {
  readonly memory: ArrayBuffer;
  /**
   * m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², w ← w − rate·m / (√v + ε) (Kingma, Ba 2015; bias correction in rate
   * and ε).
   */
  adam(w: number, g: number, m: number, v: number, bytes: number, rate: number, epsilon: number, beta1: number, beta2: number): void;
  /** m ← momentum·m + g, w ← w − rate·m. */
  momentum(w: number, g: number, m: number, bytes: number, rate: number, momentum: number): void;
  /** g ← g + l1·sign(w) + 2·l2·w; adds Σ|w| and Σw² to the four partial sums at `sums` and the four after them. */
  penalise(w: number, g: number, bytes: number, l1: number, l2: number, sums: number): void;
  /**
   * Two rows of xᵀ·d: `x` is two rows of `n` numbers, `panels` the columns of d in `count` panels of n × 16, `out`
   * two rows of 16·count numbers.
   */
  twoRows(x: number, panels: number, n: number, count: number, out: number): void;
}

/** Compiles the kernels around `bytes` bytes of memory. */
export function openKernels(bytes: number): Kernels {
  const { memory, routines } = assemble([adam, momentum, penalise, twoRows], bytes);
  return { ...routines, memory } as unknown as Kernels;
}

const four = 16; // bytes of four float32
const vectors = (count: number): ValueType[] => new Array<ValueType>(count).fill('v128');
const splat = (from: number, to: number): Code => [...get(from), ...f32x4.splat, ...set(to)];

/** Repeats `body` over the addresses in `locals`, 16 bytes per turn, until the first of them has moved by `bytes`. */
function sweep(locals: readonly [number, ...number[]], bytes: number, body: Code): Code {
  const stop = bytes; // the local of the length becomes the end
  return [
    ...[...get(locals[0]), ...get(bytes), ...i32.add, ...set(stop)],
    ...repeat([...body, ...locals.flatMap((local) => advance(local, four))], [...get(locals[0]), ...get(stop), ...i32.lessUnsigned]),
  ];
}

/** value·decay + other·rest, all by local. */
const blend = (place: Code, decay: number, other: Code, rest: number): Code => [
  ...[...place, ...get(decay), ...f32x4.multiply],
  ...[...other, ...get(rest), ...f32x4.multiply, ...f32x4.add],
];

const adam: Routine = (() => {
  const [w, g, m, v, bytes, rate, epsilon, beta1, beta2] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;
  const [rates, epsilons, betas1, betas2, rests1, rests2, gradient, first, second] = [9, 10, 11, 12, 13, 14, 15, 16, 17] as const;
  const one: Code = [0x43, 0, 0, 0x80, 0x3f]; // f32.const 1
  const rest = (beta: number, to: number): Code => [...one, ...get(beta), 0x93, ...f32x4.splat, ...set(to)];
  return {
    name: 'adam',
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32', 'f32', 'f32', 'f32', 'f32'],
    locals: vectors(9),
    body: [
      ...[...splat(rate, rates), ...splat(epsilon, epsilons), ...splat(beta1, betas1), ...splat(beta2, betas2)],
      ...[...rest(beta1, rests1), ...rest(beta2, rests2)],
      ...sweep([w, g, m, v], bytes, [
        ...[...get(g), ...v128.load(0), ...set(gradient)],
        ...[...blend([...get(m), ...v128.load(0)], betas1, get(gradient), rests1), ...set(first)],
        ...blend([...get(v), ...v128.load(0)], betas2, [...get(gradient), ...get(gradient), ...f32x4.multiply], rests2),
        ...set(second),
        ...[...get(m), ...get(first), ...v128.store(0), ...get(v), ...get(second), ...v128.store(0)],
        ...[...get(w), ...get(w), ...v128.load(0)],
        ...[...get(rates), ...get(first), ...f32x4.multiply],
        ...[...get(second), ...f32x4.squareRoot, ...get(epsilons), ...f32x4.add],
        ...[...f32x4.divide, ...f32x4.subtract, ...v128.store(0)],
      ]),
    ],
  };
})();

const momentum: Routine = (() => {
  const [w, g, m, bytes, rate, kept, rates, keeps, velocity] = [0, 1, 2, 3, 4, 5, 6, 7, 8] as const;
  return {
    name: 'momentum',
    parameters: ['i32', 'i32', 'i32', 'i32', 'f32', 'f32'],
    locals: vectors(3),
    body: [
      ...[...splat(rate, rates), ...splat(kept, keeps)],
      ...sweep([w, g, m], bytes, [
        ...[...get(m), ...v128.load(0), ...get(keeps), ...f32x4.multiply, ...get(g), ...v128.load(0), ...f32x4.add, ...set(velocity)],
        ...[...get(m), ...get(velocity), ...v128.store(0)],
        ...[...get(w), ...get(w), ...v128.load(0), ...get(rates), ...get(velocity), ...f32x4.multiply, ...f32x4.subtract],
        ...v128.store(0),
      ]),
    ],
  };
})();

const penalise: Routine = (() => {
  const [w, g, bytes, l1, l2, sums, l1s, l2s, weight, absolute, squared] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] as const;
  const where = (compare: Code): Code => [...get(weight), ...v128.zero, ...compare, ...get(l1s), ...v128.and];
  return {
    name: 'penalise',
    parameters: ['i32', 'i32', 'i32', 'f32', 'f32', 'i32'],
    locals: vectors(5),
    body: [
      ...[...splat(l1, l1s), ...get(l2), ...get(l2), 0x92, ...f32x4.splat, ...set(l2s)], // 0x92: f32.add
      ...[...get(sums), ...v128.load(0), ...set(absolute), ...get(sums), ...v128.load(four), ...set(squared)],
      ...sweep([w, g], bytes, [
        ...[...get(w), ...v128.load(0), ...set(weight)],
        ...[...get(g), ...get(g), ...v128.load(0), ...where(f32x4.greaterThan), ...f32x4.add, ...where(f32x4.lessThan), ...f32x4.subtract],
        ...[...get(weight), ...get(l2s), ...f32x4.multiply, ...f32x4.add, ...v128.store(0)],
        ...[...get(absolute), ...get(weight), ...f32x4.absolute, ...f32x4.add, ...set(absolute)],
        ...[...get(squared), ...get(weight), ...get(weight), ...f32x4.multiply, ...f32x4.add, ...set(squared)],
      ]),
      ...[...get(sums), ...get(absolute), ...v128.store(0), ...get(sums), ...get(squared), ...v128.store(four)],
    ],
  };
})();

const twoRows: Routine = (() => {
  const [x, panels, n, count, out, at, stop, stride, end, lower, upper] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] as const;
  const [above, below] = [
    [11, 12, 13, 14],
    [15, 16, 17, 18],
  ] as const;
  const columns = [19, 20, 21, 22] as const;
  const shift = (from: number, bits: number): Code => [...get(from), ...i32.constant(bits), 0x74]; // i32.shl
  const madd = (sum: number, factor: number, column: number): Code => [
    ...[...get(factor), ...get(column), ...get(sum), ...f32x4.multiplyAdd, ...set(sum)],
  ];
  const oneTerm: Code = [
    ...columns.flatMap((column, index) => [...get(panels), ...v128.load(four * index), ...set(column)]),
    ...[...get(at), ...v128.loadSplat(0), ...set(upper), ...get(at), ...get(stride), ...i32.add, ...v128.loadSplat(0), ...set(lower)],
    ...columns.flatMap((column, index) => [...madd(above[index] ?? 0, upper, column), ...madd(below[index] ?? 0, lower, column)]),
    ...[...advance(at, 4), ...advance(panels, 4 * four)],
  ];
  const onePanel: Code = [
    ...[...above, ...below].flatMap((sum) => [...v128.zero, ...set(sum)]),
    ...[...get(x), ...set(at), ...get(x), ...get(stride), ...i32.add, ...set(stop)],
    ...repeat(oneTerm, [...get(at), ...get(stop), ...i32.lessUnsigned]),
    ...above.flatMap((sum, index) => [...get(out), ...get(sum), ...v128.store(four * index)]),
    // The second row of `out` starts one row (64 bytes a panel) later.
    ...below.flatMap((sum, index) => [...get(out), ...shift(count, 6), ...i32.add, ...get(sum), ...v128.store(four * index)]),
    ...advance(out, 4 * four),
  ];
  return {
    name: 'twoRows',
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32'],
    locals: ['i32', 'i32', 'i32', 'i32', ...vectors(14)],
    body: [
      ...[...shift(n, 2), ...set(stride), ...get(out), ...shift(count, 6), ...i32.add, ...set(end)],
      ...repeat(onePanel, [...get(out), ...get(end), ...i32.lessUnsigned]),
    ],
  };
})();
