/**
 * Batch normalisation (Ioffe, Szegedy 2015) of channels in ONNX operators: with the statistics of the batch and its
 * adjoint for training, and folded into the convolution before it for embedding. Pictures are N × C × H × W.
 */
import type { Graph, Tensor } from './onnx-graph.ts';

/** Added to the variance. */
const epsilon = 1e-3;

const channels = ({ dims }: Tensor) => dims[1] ?? 1;
const number = (graph: Graph, value: number) => graph.constant(Float32Array.of(value), []);
/** C numbers as 1 × C × 1 × 1. */
const spread = (graph: Graph, x: Tensor, dims: readonly number[]) => graph.node('Reshape', [x, graph.integers(dims)], dims);
const mean = (graph: Graph, x: Tensor) =>
  graph.node({ op: 'ReduceMean', attributes: { axes: [0, 2, 3], keepdims: 1 } }, [x], [1, channels(x), 1, 1]);

/** 1 / √(variance + epsilon). */
const inverseRoot = (graph: Graph, variance: Tensor) => {
  const safe = graph.node('Add', [variance, number(graph, epsilon)], variance.dims);
  return graph.node('Reciprocal', [graph.node('Sqrt', [safe], variance.dims)], variance.dims);
};

export interface Normalised {
  readonly y: Tensor;
  /** Of the batch: C numbers each. */
  readonly mean: Tensor;
  readonly variance: Tensor;
  /** For the adjoint: x − mean; 1 / deviation and scale / deviation, both 1 × C × 1 × 1. */
  readonly centred: Tensor;
  readonly inverse: Tensor;
  readonly factor: Tensor;
}

/** scale · (x − mean) / deviation + shift, of each channel over the batch and all places. */
export function normalise(graph: Graph, x: Tensor, scale: Tensor, shift: Tensor): Normalised {
  const each = [1, channels(x), 1, 1];
  const middle = mean(graph, x);
  const centred = graph.node('Sub', [x, middle], x.dims);
  const variance = mean(graph, graph.node('Mul', [centred, centred], x.dims));
  const inverse = inverseRoot(graph, variance);
  const factor = graph.node('Mul', [inverse, spread(graph, scale, each)], each);
  const y = graph.node('Add', [graph.node('Mul', [centred, factor], x.dims), spread(graph, shift, each)], x.dims);
  const flat = (tensor: Tensor) => spread(graph, tensor, [channels(x)]);
  return { y, mean: flat(middle), variance: flat(variance), centred, inverse, factor };
}

/** Gradients of input and scale; that of the shift is the sum of `dy`, as for a bias. */
export function normaliseAdjoint(graph: Graph, { centred, inverse, factor }: Normalised, dy: Tensor) {
  const { dims } = factor;
  const each = (op: string, a: Tensor, b: Tensor) => graph.node(op, [a, b], dims);
  const whole = (op: string, a: Tensor, b: Tensor) => graph.node(op, [a, b], dy.dims);
  const places = dy.dims.reduce((product, side) => product * side, 1) / channels(dy);
  const product = mean(graph, whole('Mul', dy, centred));
  const dScale = graph.node('Mul', [each('Mul', product, inverse), number(graph, places)], dims);
  // dx = factor · (dy − mean(dy) − centred · inverse² · mean(dy · centred))
  const along = each('Mul', each('Mul', inverse, inverse), product);
  const left = whole('Sub', whole('Sub', dy, mean(graph, dy)), whole('Mul', centred, along));
  return { dx: whole('Mul', left, factor), dScale: spread(graph, dScale, [channels(dy)]) };
}

/** Kernel and bias of a convolution that normalises with the running statistics: no step more than without. */
export function folded(
  graph: Graph,
  kernel: Tensor,
  {
    scale,
    shift,
    mean: middle,
    variance,
  }: { readonly scale: Tensor; readonly shift: Tensor; readonly mean: Tensor; readonly variance: Tensor },
): { readonly kernel: Tensor; readonly bias: Tensor } {
  const factor = graph.node('Mul', [scale, inverseRoot(graph, variance)], scale.dims);
  const out = [scale.dims[0] ?? 1, 1, 1, 1];
  const offset = graph.node('Mul', [middle, factor], scale.dims);
  return {
    kernel: graph.node('Mul', [kernel, spread(graph, factor, out)], kernel.dims),
    bias: graph.node('Sub', [shift, offset], shift.dims),
  };
}
