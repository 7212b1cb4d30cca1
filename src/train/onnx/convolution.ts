/**
 * Convolution (valid and of stride 1 by default) and its two adjoints in ONNX operators: in the plain layout, and in
 * the blocked layout in which ONNX Runtime is faster. Pictures are N × C × H × W, kernels out × in × height × width.
 *
 * ONNX Runtime uses its blocked convolution (operators of `com.microsoft.nchwc`; channels in blocks of 8 or 16
 * numbers, one vector register) only for constant kernels, and weights in training are not constant. Written out
 * here, it takes any kernel. The paper's second convolution, forward and backward: 0.86 s blocked, 1.21 s plain.
 */
import type { Graph, Tensor } from './onnx-graph.ts';

/** Channels in a block; 0 for a machine without blocked convolution. */
export type Block = 0 | 8 | 16;

const domain = 'com.microsoft.nchwc';
const size = (tensor: Tensor, axis: number) => tensor.dims[axis] ?? 1;
const fits = (block: Block, ...channels: readonly number[]) => block > 0 && channels.every((count) => count % block === 0);

const transpose = (graph: Graph, x: Tensor, perm: readonly number[]) =>
  graph.node(
    { op: 'Transpose', attributes: { perm } },
    [x],
    perm.map((axis) => size(x, axis)),
  );
const reshape = (graph: Graph, x: Tensor, dims: readonly number[]) => graph.node('Reshape', [x, graph.integers(dims)], dims);
const swapped = (graph: Graph, x: Tensor) => transpose(graph, x, [1, 0, 2, 3]);
const toBlocks = (graph: Graph, x: Tensor) => graph.node({ op: 'ReorderInput', domain }, [x], x.dims);
const fromBlocks = (graph: Graph, x: Tensor) =>
  graph.node({ op: 'ReorderOutput', domain, attributes: { channels: size(x, 1) } }, [x], x.dims);

/** How a kernel moves over a picture: pixels from one place to the next, and rows of zeros around it. */
export interface Steps {
  readonly stride: number;
  readonly pad: number;
}

export const everywhere: Steps = { stride: 1, pad: 0 };
const both = (value: number) => [value, value];
const around = (pad: number) => [pad, pad, pad, pad];
/** Places of a window on a side. */
export const sides = (side: number, window: number, { stride, pad }: Steps) => Math.floor((side + 2 * pad - window) / stride) + 1;

/** x * kernel + bias, with `activation` in the same operator. */
export function convolution(
  graph: Graph,
  x: Tensor,
  kernel: Tensor,
  bias: Tensor | undefined,
  block: Block,
  steps: Steps = everywhere,
  activation?: 'Relu',
): Tensor {
  const side = (axis: number) => sides(size(x, axis), size(kernel, axis), steps);
  const dims = [size(x, 0), size(kernel, 0), side(2), side(3)];
  const attributes = { kernel_shape: kernel.dims.slice(2), strides: both(steps.stride), pads: around(steps.pad) };
  const few = size(x, 1) < block; // then the runtime blocks only the outputs
  const shift = bias ? [bias] : [];
  if (!fits(block, size(kernel, 0)) || !(few || fits(block, size(x, 1)))) {
    const plain = graph.node({ op: 'Conv', attributes }, [x, kernel, ...shift], dims);
    return activation ? graph.node(activation, [plain], dims) : plain;
  }
  const operator = { op: 'Conv', domain, attributes: { ...attributes, ...(activation && { activation }) } };
  const weights = few ? blockOutputs(graph, kernel, block) : blockBoth(graph, kernel, block);
  return fromBlocks(graph, graph.node(operator, [few ? x : toBlocks(graph, x), weights, ...shift], dims));
}

/** max(0, x * kernel + bias). */
export const convolutionRelu = (graph: Graph, x: Tensor, kernel: Tensor, bias: Tensor, block: Block): Tensor =>
  convolution(graph, x, kernel, bias, block, everywhere, 'Relu');

/**
 * dkernel (`window` × `window`): x convolved with dy, with the batch in place of the channels and the stride in place
 * of the dilation.
 */
export function convolutionKernelAdjoint(
  graph: Graph,
  x: Tensor,
  dy: Tensor,
  block: Block,
  { stride, pad }: Steps = everywhere,
  window = size(x, 2) + 2 * pad - stride * (size(dy, 2) - 1),
): Tensor {
  const [n = 1, out = 1, height = 1, width = 1] = dy.dims;
  if (window === 1 && stride === 1 && pad === 0) return pointwiseKernelAdjoint(graph, x, dy);
  const side = (axis: number) => size(x, axis) + 2 * pad - stride * (size(dy, axis) - 1);
  const dims = [size(x, 1), out, side(2), side(3)];
  const attributes = { kernel_shape: [height, width], dilations: both(stride), pads: around(pad) };
  // Rows and columns that the stride never reached make the result larger than the kernel.
  const cut = (wide: Tensor) =>
    side(2) === window && side(3) === window
      ? wide
      : graph.node(
          'Slice',
          [wide, graph.integers([0, 0]), graph.integers([window, window]), graph.integers([2, 3])],
          [size(wide, 0), size(wide, 1), window, window],
        );
  if (!fits(block, n, out))
    return swapped(graph, cut(graph.node({ op: 'Conv', attributes }, [swapped(graph, x), swapped(graph, dy)], dims)));
  // dy as a blocked kernel, out × n × height × width: [n/B, B, out/B, height·width, B] → [out/B, n/B, height·width, B
  // of n, B of out].
  const parted = reshape(graph, toBlocks(graph, dy), [n / block, block, out / block, height * width, block]);
  const weights = reshape(graph, transpose(graph, parted, [2, 0, 3, 1, 4]), [out, n, height, width]);
  const gradient = graph.node({ op: 'Conv', domain, attributes }, [toBlocks(graph, swapped(graph, x)), weights], dims);
  return swapped(graph, cut(fromBlocks(graph, gradient)));
}

/** For a kernel of one pixel: the product of dy and x over all places, picture by picture, and its sum. */
function pointwiseKernelAdjoint(graph: Graph, x: Tensor, dy: Tensor): Tensor {
  const [rows, channels, out, places] = [size(x, 0), size(x, 1), size(dy, 1), size(x, 2) * size(x, 3)];
  const turned = graph.node(
    { op: 'Transpose', attributes: { perm: [0, 2, 1] } },
    [reshape(graph, x, [rows, channels, places])],
    [rows, places, channels],
  );
  const each = graph.node('MatMul', [reshape(graph, dy, [rows, out, places]), turned], [rows, out, channels]);
  const sum = graph.node({ op: 'ReduceSum', attributes: { keepdims: 0 } }, [each, graph.integers([0])], [out, channels]);
  return reshape(graph, sum, [out, channels, 1, 1]);
}

/** dx: the full convolution of dy with the kernel turned by 180° and its channels exchanged. */
export function convolutionInputAdjoint(
  graph: Graph,
  kernel: Tensor,
  dy: Tensor,
  block: Block,
  { stride, pad }: Steps = everywhere,
  [height, width] = [2, 3].map((axis) => stride * (size(dy, axis) - 1) + size(kernel, axis) - 2 * pad) as [number, number],
): Tensor {
  const [out = 1, channels = 1, window = 1] = kernel.dims;
  const dims = [size(dy, 0), channels, height, width];
  const kernelShape = { kernel_shape: [window, window] };
  if (stride === 1 && !fits(block, out, channels)) {
    const attributes = { ...kernelShape, pads: around(window - 1 - pad) };
    return graph.node({ op: 'Conv', attributes }, [dy, turnedKernel(graph, kernel)], dims);
  }
  if (stride > 1) {
    const rest = (side: number) => (side + 2 * pad - window) % stride;
    const attributes = { ...kernelShape, strides: both(stride), pads: around(pad), output_padding: [rest(height), rest(width)] };
    return graph.node({ op: 'ConvTranspose', attributes }, [dy, kernel], dims);
  }
  const parted = reshape(graph, kernel, [out / block, block, channels / block, block, window * window]);
  const backwards = graph.integers(backwardsFrom(window * window));
  const turned = graph.node({ op: 'Gather', attributes: { axis: 4 } }, [parted, backwards], parted.dims);
  const weights = reshape(graph, transpose(graph, turned, [2, 0, 4, 1, 3]), [channels, out, window, window]);
  const operator = { op: 'Conv', domain, attributes: { ...kernelShape, pads: around(window - 1 - pad) } };
  return fromBlocks(graph, graph.node(operator, [toBlocks(graph, dy), weights], dims));
}

const backwardsFrom = (count: number) => Array.from({ length: count }, (_, index) => count - 1 - index);

/** Turned by 180°, with its channels exchanged: in × out × window × window. */
function turnedKernel(graph: Graph, kernel: Tensor): Tensor {
  const [out = 1, channels = 1, window = 1] = kernel.dims;
  const exchanged = reshape(graph, swapped(graph, kernel), [channels, out, window * window]);
  const backwards = graph.integers(backwardsFrom(window * window));
  const turned = graph.node({ op: 'Gather', attributes: { axis: 2 } }, [exchanged, backwards], exchanged.dims);
  return reshape(graph, turned, [channels, out, window, window]);
}

/** Out × in × window² to [out/B, in/B, window², B of in, B of out]. */
function blockBoth(graph: Graph, kernel: Tensor, block: Block): Tensor {
  const [out = 1, channels = 1, window = 1] = kernel.dims;
  const parted = reshape(graph, kernel, [out / block, block, channels / block, block, window * window]);
  return reshape(graph, transpose(graph, parted, [0, 2, 4, 3, 1]), kernel.dims);
}

/** Out × in × window² to [out/B, in, window², B of out]. */
function blockOutputs(graph: Graph, kernel: Tensor, block: Block): Tensor {
  const [out = 1, channels = 1, window = 1] = kernel.dims;
  const parted = reshape(graph, kernel, [out / block, block, channels, window * window]);
  return reshape(graph, transpose(graph, parted, [0, 2, 3, 1]), kernel.dims);
}
