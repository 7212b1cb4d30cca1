/**
 * Depthwise convolution (one kernel for each channel) and its adjoints in ONNX operators, in the plain layout and in
 * the blocked one (convolution.ts). Pictures are N × C × H × W, kernels C × 1 × height × width.
 */
import { type Block, everywhere, type Steps, sides } from './convolution.ts';
import type { Graph, Tensor } from './onnx-graph.ts';

const domain = 'com.microsoft.nchwc';
const size = (tensor: Tensor, axis: number) => tensor.dims[axis] ?? 1;
const reshape = (graph: Graph, x: Tensor, dims: readonly number[]) => graph.node('Reshape', [x, graph.integers(dims)], dims);
const both = (value: number) => [value, value];
const around = (pad: number) => [pad, pad, pad, pad];

/** x * kernel + bias, channel by channel. */
export function depthwise(
  graph: Graph,
  x: Tensor,
  kernel: Tensor,
  bias: Tensor | undefined,
  block: Block,
  steps: Steps = everywhere,
): Tensor {
  const channels = size(x, 1);
  if (coversAll(x, kernel, steps)) return summedUp(graph, x, kernel, bias);
  const side = (axis: number) => sides(size(x, axis), size(kernel, axis), steps);
  const dims = [size(x, 0), channels, side(2), side(3)];
  const attributes = {
    kernel_shape: kernel.dims.slice(2),
    strides: both(steps.stride),
    pads: around(steps.pad),
    group: channels,
  };
  const shift = bias ? [bias] : [];
  if (block === 0 || channels % block !== 0) return graph.node({ op: 'Conv', attributes }, [x, kernel, ...shift], dims);
  const blocks = graph.node({ op: 'ReorderInput', domain }, [x], x.dims);
  const convolved = graph.node({ op: 'Conv', domain, attributes }, [blocks, inBlocks(graph, kernel, block), ...shift], dims);
  return graph.node({ op: 'ReorderOutput', domain, attributes: { channels } }, [convolved], dims);
}

/** One kernel over the whole picture: a product and a sum are faster than so large a convolution. */
function coversAll(x: Tensor, kernel: Tensor, { pad }: Steps): boolean {
  return pad === 0 && size(kernel, 2) === size(x, 2) && size(kernel, 3) === size(x, 3);
}

/** As large as the picture: 1 × C × height × width. */
const spread = (graph: Graph, kernel: Tensor, x: Tensor) => reshape(graph, kernel, [1, ...x.dims.slice(1)]);

function summedUp(graph: Graph, x: Tensor, kernel: Tensor, bias: Tensor | undefined): Tensor {
  const dims = [size(x, 0), size(x, 1), 1, 1];
  const products = graph.node('Mul', [x, spread(graph, kernel, x)], x.dims);
  const sum = graph.node({ op: 'ReduceSum', attributes: { keepdims: 1 } }, [products, graph.integers([2, 3])], dims);
  return bias ? graph.node('Add', [sum, reshape(graph, bias, [1, size(bias, 0), 1, 1])], dims) : sum;
}

/** C × 1 × window² to [C/B, window², B]. */
function inBlocks(graph: Graph, kernel: Tensor, block: Block): Tensor {
  const [channels, window] = [size(kernel, 0), size(kernel, 2) * size(kernel, 3)];
  const parted = reshape(graph, kernel, [channels / block, block, window]);
  const turned = graph.node({ op: 'Transpose', attributes: { perm: [0, 2, 1] } }, [parted], [channels / block, window, block]);
  return reshape(graph, turned, kernel.dims);
}

/** dx, of the shape of `x`: dy with its places `stride` apart, convolved with the kernel turned by 180°. */
export function depthwiseInputAdjoint(graph: Graph, x: Tensor, kernel: Tensor, dy: Tensor, block: Block, steps: Steps): Tensor {
  if (coversAll(x, kernel, steps)) return graph.node('Mul', [dy, spread(graph, kernel, x)], x.dims);
  const [channels, height, width] = [size(kernel, 0), size(kernel, 2), size(kernel, 3)];
  const { stride, pad } = steps;
  if (stride > 1 || height !== width) {
    const rest = (axis: number) => (size(x, axis) + 2 * pad - size(kernel, axis)) % stride;
    const attributes = {
      kernel_shape: [height, width],
      strides: both(stride),
      pads: around(pad),
      output_padding: [rest(2), rest(3)],
      group: channels,
    };
    return graph.node({ op: 'ConvTranspose', attributes }, [dy, kernel], x.dims);
  }
  const flat = reshape(graph, kernel, [channels, height * width]);
  const backwards = graph.integers(Array.from({ length: height * width }, (_, index) => height * width - 1 - index));
  const turned = reshape(graph, graph.node({ op: 'Gather', attributes: { axis: 1 } }, [flat, backwards], flat.dims), kernel.dims);
  return depthwise(graph, dy, turned, undefined, block, { stride: 1, pad: height - 1 - pad });
}

/** dkernel, place by place of the window: what it saw of x, times dy, summed over batch and picture. */
export function depthwiseKernelAdjoint(graph: Graph, x: Tensor, kernel: Tensor, dy: Tensor, steps: Steps): Tensor {
  const [rows, channels] = [size(x, 0), size(x, 1)];
  if (coversAll(x, kernel, steps)) return reshape(graph, sumOver(graph, graph.node('Mul', [x, dy], x.dims), [0]), kernel.dims);
  const { stride, pad } = steps;
  const wide = pad === 0 ? x : padded(graph, x, pad);
  const parts = Array.from({ length: size(kernel, 2) * size(kernel, 3) }, (_, place) => {
    const [top, left] = [Math.floor(place / size(kernel, 3)), place % size(kernel, 3)];
    const ends = [top + stride * (size(dy, 2) - 1) + 1, left + stride * (size(dy, 3) - 1) + 1];
    const seen = graph.node(
      'Slice',
      [wide, graph.integers([top, left]), graph.integers(ends), graph.integers([2, 3]), graph.integers(both(stride))],
      [rows, channels, size(dy, 2), size(dy, 3)],
    );
    return reshape(graph, sumOver(graph, graph.node('Mul', [seen, dy], dy.dims), [0, 2, 3]), [channels, 1]);
  });
  const all = graph.node({ op: 'Concat', attributes: { axis: 1 } }, parts, [channels, parts.length]);
  return reshape(graph, all, kernel.dims);
}

function padded(graph: Graph, x: Tensor, pad: number): Tensor {
  const dims = [size(x, 0), size(x, 1), size(x, 2) + 2 * pad, size(x, 3) + 2 * pad];
  return graph.node('Pad', [x, graph.integers([0, 0, pad, pad, 0, 0, pad, pad])], dims);
}

function sumOver(graph: Graph, x: Tensor, axes: readonly number[]): Tensor {
  const dims = x.dims.filter((_, axis) => !axes.includes(axis));
  return graph.node({ op: 'ReduceSum', attributes: { keepdims: 0 } }, [x, graph.integers(axes)], dims);
}
