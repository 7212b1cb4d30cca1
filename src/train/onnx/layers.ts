/**
 * The layers of the network in ONNX operators, each followed by its adjoint. An adjoint takes the gradient of the
 * loss with respect to the layer's output and gives the gradients with respect to its inputs. Pictures are N × C × H
 * × W here.
 */
import type { Graph, Tensor } from './onnx-graph.ts';

/**
 * Window and stride of a maximum pool with padding `same`: ceil(side / stride) out, the odd pixel of padding at the
 * end.
 */
export interface Pool {
  readonly size: number;
  readonly stride: number;
}

const size = (tensor: Tensor, axis: number) => tensor.dims[axis] ?? 1;

/** max(x, 0). */
export const relu = (graph: Graph, x: Tensor) => graph.node('Relu', [x], x.dims);

/** `y` is the layer's output, or that after its pool: a maximum of 0 has no gradient either. */
export const reluAdjoint = (graph: Graph, y: Tensor, dy: Tensor) => graph.node('Mul', [dy, graph.node('Sign', [y], y.dims)], y.dims);

/** x where it is above 0, else slope · x. */
export const leakyRelu = (graph: Graph, x: Tensor, slope: number) =>
  graph.node({ op: 'LeakyRelu', attributes: { alpha: { float: slope } } }, [x], x.dims);

/** From the input, because the slope may be negative: then the output does not tell on which side its input was. */
export function leakyReluAdjoint(graph: Graph, x: Tensor, dy: Tensor, slope: number): Tensor {
  const above = graph.node('Greater', [x, graph.constant(Float32Array.of(0), [])], x.dims);
  const below = graph.node('Mul', [dy, graph.constant(Float32Array.of(slope), [])], dy.dims);
  return graph.node('Where', [above, dy, below], x.dims);
}

/** The mean of each channel, N × C × 1 × 1. */
export const globalAverage = (graph: Graph, x: Tensor) =>
  graph.node('GlobalAveragePool', [x], [size(x, 0), size(x, 1), ...x.dims.slice(2).map(() => 1)]);

export function globalAverageAdjoint(graph: Graph, x: Tensor, dy: Tensor): Tensor {
  const places = x.dims.slice(2).reduce((product, n) => product * n, 1);
  const each = graph.node('Mul', [dy, graph.constant(Float32Array.of(1 / places), [])], dy.dims);
  return graph.node('Expand', [each, graph.integers(x.dims)], x.dims);
}

/** The shape of a sum or product of two tensors whose sides are equal, or 1 in one of them; undefined for others. */
export function broadcast(a: Tensor, b: Tensor): readonly number[] | undefined {
  const rank = Math.max(a.dims.length, b.dims.length);
  const sideOf = ({ dims }: Tensor, axis: number) => dims[axis - rank + dims.length] ?? 1;
  const dims = Array.from({ length: rank }, (_, axis) => Math.max(sideOf(a, axis), sideOf(b, axis)));
  const suits = (tensor: Tensor) => dims.every((side, axis) => [1, side].includes(sideOf(tensor, axis)));
  return suits(a) && suits(b) ? dims : undefined;
}

/** The gradient of a broadcast tensor of shape `dims`: `dy` summed over every side that was stretched. */
export function broadcastAdjoint(graph: Graph, dims: readonly number[], dy: Tensor): Tensor {
  const added = dy.dims.length - dims.length;
  const axes = dy.dims.flatMap((side, axis) => (axis < added || (dims[axis - added] === 1 && side > 1) ? [axis] : []));
  if (axes.length === 0) return dy;
  const kept = dy.dims.map((side, axis) => (axes.includes(axis) ? 1 : side));
  const sum = graph.node({ op: 'ReduceSum', attributes: { keepdims: 1 } }, [dy, graph.integers(axes)], kept);
  return added === 0 ? sum : graph.node('Reshape', [sum, graph.integers(dims)], dims);
}

/**
 * Whether a pool also gives the places of its maxima, and in which numbers it searches. ONNX Runtime's WebGPU gives
 * no places, and leaves a pool of doubles to the processor, which does.
 */
export type Located = 'no' | 'float' | 'double';

const onnxDouble = 11;

/** The maximum of each window and, where it is `located`, its place (which costs time). */
export function maxPool(graph: Graph, x: Tensor, pool: Pool, located: Located): { readonly y: Tensor; readonly index?: Tensor } {
  const side = Math.ceil(size(x, 2) / pool.stride);
  const { before, after } = padding(size(x, 2), pool);
  const attributes = {
    kernel_shape: [pool.size, pool.size],
    strides: [pool.stride, pool.stride],
    pads: [before, before, after, after],
  };
  const dims = [size(x, 0), size(x, 1), side, side];
  const pooled = (of: Tensor, outputs: readonly (readonly number[])[]) =>
    graph.nodes({ op: 'MaxPool', attributes }, [of], outputs) as Tensor[];
  const [y, index] = pooled(x, located === 'float' ? [dims, dims] : [dims]) as [Tensor, Tensor?];
  if (located !== 'double') return { y, ...(index && { index }) };
  const wide = graph.node({ op: 'Cast', attributes: { to: onnxDouble } }, [x], x.dims);
  return { y, index: pooled(wide, [dims, dims])[1] as Tensor };
}

/** Each gradient goes to the place of its maximum. Overlapping windows may share a place; their gradients add up. */
export function maxPoolAdjoint(graph: Graph, x: Tensor, index: Tensor, dy: Tensor, pool: Pool): Tensor {
  const { before, after } = padding(size(x, 2), pool);
  if (pool.size <= pool.stride) {
    const attributes = {
      kernel_shape: [pool.size, pool.size],
      strides: [pool.stride, pool.stride],
      pads: [before, before, after, after],
    };
    return graph.node({ op: 'MaxUnpool', attributes }, [dy, index, graph.integers(x.dims)], x.dims);
  }
  const count = x.dims.reduce((product, n) => product * n, 1);
  const zeros = graph.node('ConstantOfShape', [graph.integers([count])], [count]);
  const flat = (tensor: Tensor) => graph.node('Reshape', [tensor, graph.integers([-1])], [dy.dims.reduce((product, n) => product * n, 1)]);
  const scattered = graph.node(
    { op: 'ScatterElements', attributes: { axis: 0, reduction: 'add' } },
    [zeros, flat(index), flat(dy)],
    [count],
  );
  return graph.node('Reshape', [scattered, graph.integers(x.dims)], x.dims);
}

function padding(side: number, pool: Pool): { before: number; after: number } {
  const total = Math.max(0, (Math.ceil(side / pool.stride) - 1) * pool.stride + pool.size - side);
  return { before: Math.floor(total / 2), after: Math.ceil(total / 2) };
}

/** N × C × H × W to N × (H·W·C): the order in which Keras flattens. */
export function flatten(graph: Graph, x: Tensor): Tensor {
  const [n = 1, c = 1, h = 1, w = 1] = x.dims;
  const last = graph.node({ op: 'Transpose', attributes: { perm: [0, 2, 3, 1] } }, [x], [n, h, w, c]);
  return graph.node('Reshape', [last, graph.integers([n, h * w * c])], [n, h * w * c]);
}

export function flattenAdjoint(graph: Graph, x: Tensor, dy: Tensor): Tensor {
  const [n = 1, c = 1, h = 1, w = 1] = x.dims;
  const last = graph.node('Reshape', [dy, graph.integers([n, h, w, c])], [n, h, w, c]);
  return graph.node({ op: 'Transpose', attributes: { perm: [0, 3, 1, 2] } }, [last], x.dims);
}

/** x·W + b. */
export const dense = (graph: Graph, x: Tensor, kernel: Tensor, bias: Tensor) =>
  graph.node('Gemm', [x, kernel, bias], [size(x, 0), size(kernel, 1)]);

/** dW = xᵀ·dy. */
export const denseKernelAdjoint = (graph: Graph, x: Tensor, dy: Tensor) =>
  graph.node({ op: 'Gemm', attributes: { transA: 1 } }, [x, dy], [size(x, 1), size(dy, 1)]);

/** dx = dy·Wᵀ. */
export const denseInputAdjoint = (graph: Graph, kernel: Tensor, dy: Tensor) =>
  graph.node({ op: 'Gemm', attributes: { transB: 1 } }, [dy, kernel], [size(dy, 0), size(kernel, 0)]);

/** db: the sum over everything but the channel (axis 1). */
export function biasAdjoint(graph: Graph, dy: Tensor): Tensor {
  const axes = dy.dims.map((_, axis) => axis).filter((axis) => axis !== 1);
  return graph.node({ op: 'ReduceSum', attributes: { keepdims: 0 } }, [dy, graph.integers(axes)], [size(dy, 1)]);
}

export const sigmoid = (graph: Graph, x: Tensor) => graph.node('Sigmoid', [x], x.dims);

/** dx = dy·y·(1 − y). */
export function sigmoidAdjoint(graph: Graph, y: Tensor, dy: Tensor): Tensor {
  const rest = graph.node('Sub', [graph.constant(Float32Array.of(1), []), y], y.dims);
  return graph.node('Mul', [dy, graph.node('Mul', [y, rest], y.dims)], y.dims);
}

/** The two halves of the rows. */
export function halves(graph: Graph, x: Tensor): readonly [Tensor, Tensor] {
  const [rows = 2, columns = 1] = x.dims;
  const cut = (from: number, to: number) =>
    graph.node('Slice', [x, graph.integers([from]), graph.integers([to]), graph.integers([0])], [rows / 2, columns]);
  return [cut(0, rows / 2), cut(rows / 2, rows)];
}

/** The gradient of both halves, from that of first − second. */
export function halvesAdjoint(graph: Graph, dDifference: Tensor): Tensor {
  const [rows = 1, columns = 1] = dDifference.dims;
  const negative = graph.node('Neg', [dDifference], dDifference.dims);
  return graph.node({ op: 'Concat', attributes: { axis: 0 } }, [dDifference, negative], [2 * rows, columns]);
}

/** |difference|, or its sum over each row (rows × 1). */
export function l1Distance(graph: Graph, difference: Tensor, kind: 'vector' | 'sum'): Tensor {
  const vector = graph.node('Abs', [difference], difference.dims);
  if (kind === 'vector') return vector;
  return graph.node('ReduceSum', [vector, graph.integers([1])], [size(difference, 0), 1]);
}

/** Gradient with respect to the difference; under the sum, one gradient goes to every number of its row. */
export const l1DistanceAdjoint = (graph: Graph, difference: Tensor, dDistance: Tensor) =>
  graph.node('Mul', [graph.node('Sign', [difference], difference.dims), dDistance], difference.dims);
