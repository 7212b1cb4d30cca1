/**
 * As small as the shipped embedder's graph can be with every kind of layer that it has: an input that is scaled first,
 * depthwise convolutions, slopes below 0 and above 1, gates from the channels' means, shortcuts, and a second output.
 */
import { newRandom } from '../../../src/base/random.ts';
import { newGraph, type Tensor } from '../../../src/train/onnx/onnx-graph.ts';

export interface GatedOptions {
  readonly rows: number;
  readonly side: number;
  readonly channels: number;
  readonly dimension: number;
}

export function gatedEmbedder({ rows, side, channels, dimension }: GatedOptions): Uint8Array {
  const random = newRandom(9);
  const graph = newGraph('gated');
  const numbers = (fanIn: number, ...dims: number[]) => {
    const count = dims.reduce((product, n) => product * n, 1);
    const spread = Math.sqrt(6 / fanIn);
    return graph.constant(
      Float32Array.from({ length: count }, () => (random() - 0.5) * spread),
      dims,
    );
  };
  const conv = (x: Tensor, out: number, kernel: number, stride: number, group = 1) => {
    const pad = (kernel - 1) / 2;
    const [from = 1, height = 1] = x.dims.slice(1);
    const half = Math.ceil(height / stride);
    const attributes = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad], group };
    const fanIn = (from / group) * kernel * kernel;
    const weights = [numbers(fanIn, out, from / group, kernel, kernel), numbers(4, out)];
    return graph.node({ op: 'Conv', attributes }, [x, ...weights], [rows, out, half, half]);
  };
  const bent = (x: Tensor, alpha: number) => graph.node({ op: 'LeakyRelu', attributes: { alpha: { float: alpha } } }, [x], x.dims);
  const gated = (x: Tensor) => {
    const mean = graph.node('GlobalAveragePool', [x], [rows, channels, 1, 1]);
    const gate = graph.node('Sigmoid', [conv(bent(conv(mean, 8, 1, 1), -1.3), channels, 1, 1)], mean.dims);
    return graph.node('Mul', [x, gate], x.dims);
  };
  const block = (x: Tensor, stride: number, alpha: number) => {
    const wide = bent(conv(x, 2 * channels, 1, 1), alpha);
    return gated(conv(bent(conv(wide, 2 * channels, 3, stride, 2 * channels), -0.8), channels, 1, 1));
  };
  const face = graph.input('face', [rows, 3, side, side]);
  const scaled = graph.node('Mul', [face, numbers(1, 1, 3, 1, 1)], face.dims);
  const shifted = graph.node('Add', [scaled, numbers(1, 1, 3, 1, 1)], face.dims);
  const first = bent(conv(shifted, channels, 3, 2), -2.3);
  const second = block(first, 2, 2.5);
  const joined = graph.node('Add', [second, block(second, 1, 1.5)], second.dims);
  const [left = 1] = joined.dims.slice(2);
  const attributes = { kernel_shape: [left, left], group: channels, strides: [1, 1], pads: [0, 0, 0, 0] };
  const weights = [numbers(left * left, channels, 1, left, left), numbers(4, channels)];
  const whole = graph.node({ op: 'Conv', attributes }, [joined, ...weights], [rows, channels, 1, 1]);
  const flat = graph.node('Flatten', [conv(whole, dimension, 1, 1)], [rows, dimension]);
  graph.output('embedding', flat);
  const quality = graph.node({ op: 'Gemm', attributes: { transB: 1 } }, [flat, numbers(dimension, 1, dimension), numbers(4, 1)], [rows, 1]);
  graph.output('quality', graph.node('Sigmoid', [quality], [rows, 1]));
  return graph.encode();
}
