/** The gradients of the shipped embedder's kinds of layers, held to TensorFlow.js: the same ONNX nodes, run and differentiated by it. */
import type * as Tf from '@tensorflow/tfjs';
import { expect, test } from 'vitest';
import { newRandom } from '../../../src/base/random.ts';
import { openDistiller } from '../../../src/train/onnx/distiller.ts';
import { type OnnxModel, type OnnxNode, readOnnx } from '../../../src/train/onnx/onnx-model.ts';
import { openTensorFlow, type TensorFlow } from '../../../src/train/tfjs/tfjs.ts';
import { relativeError } from '../small-networks.ts';
import { gatedEmbedder } from './gated-embedder.ts';

const [rows, side, dimension] = [4, 16, 8];
const random = newRandom(3);
const pictures = Float32Array.from({ length: rows * 3 * side * side }, () => 2 * random() - 1);
const targets = new Float32Array(rows * dimension);
for (let row = 0; row < rows; row++) {
  const target = Float32Array.from({ length: dimension }, () => random() - 0.5);
  targets.set(
    target.map((value) => value / Math.hypot(...target)),
    row * dimension,
  );
}
const qualities = Float32Array.of(0.1, 0.9, 0.2, 0.7);

/** N × C × H × W throughout; TensorFlow.js convolves N × H × W × C. */
function convolved(tf: TensorFlow, x: Tf.Tensor4D, w: Tf.Tensor4D, b: Tf.Tensor, { attributes }: OnnxNode): Tf.Tensor {
  const numbers = (name: string) => attributes[name] as readonly number[];
  const [pad = 0, stride = 1] = [numbers('pads')[0], numbers('strides')[0]];
  const last = tf.transpose(x, [0, 2, 3, 1]);
  const wide =
    pad === 0
      ? last
      : tf.pad(last, [
          [0, 0],
          [pad, pad],
          [pad, pad],
          [0, 0],
        ]);
  const made =
    attributes.group === 1
      ? tf.conv2d(wide as Tf.Tensor4D, tf.transpose(w, [2, 3, 1, 0]) as Tf.Tensor4D, stride, 'valid')
      : tf.depthwiseConv2d(wide as Tf.Tensor4D, tf.transpose(w, [2, 3, 0, 1]) as Tf.Tensor4D, stride, 'valid');
  return tf.add(tf.transpose(made, [0, 3, 1, 2]), tf.reshape(b, [1, -1, 1, 1]));
}

function run(tf: TensorFlow, node: OnnxNode, [x, w, b]: readonly Tf.Tensor[]): Tf.Tensor {
  const [first, second] = [x as Tf.Tensor, w as Tf.Tensor];
  switch (node.op) {
    case 'Conv':
      return convolved(tf, first as Tf.Tensor4D, second as Tf.Tensor4D, b as Tf.Tensor, node);
    case 'LeakyRelu':
      return tf.leakyRelu(first, Number(node.attributes.alpha));
    case 'Sigmoid':
      return tf.sigmoid(first);
    case 'GlobalAveragePool':
      return tf.mean(first, [2, 3], true);
    case 'Add':
      return tf.add(first, second);
    case 'Mul':
      return tf.mul(first, second);
    case 'Flatten':
      return tf.reshape(first, [rows, -1]);
    case 'Gemm':
      return tf.add(tf.matMul(first as Tf.Tensor2D, second as Tf.Tensor2D, false, true), b as Tf.Tensor);
    case 'Identity':
      return first;
  }
  throw new Error(`no ${node.op} here`);
}

function lossOf(tf: TensorFlow, model: OnnxModel, weights: ReadonlyMap<string, Tf.Tensor>): Tf.Scalar {
  const values = new Map<string, Tf.Tensor>([...weights, ['face', tf.tensor(pictures, [rows, 3, side, side])]]);
  for (const node of model.nodes)
    values.set(
      node.outputs[0] as string,
      run(
        tf,
        node,
        node.inputs.map((name) => values.get(name) as Tf.Tensor),
      ),
    );
  const [e, q] = [values.get('embedding') as Tf.Tensor, values.get('quality') as Tf.Tensor];
  const cosine = tf.div(tf.sum(tf.mul(e, tf.tensor(targets, [rows, dimension])), 1), tf.norm(e, 'euclidean', 1));
  // The quality output weighs twice (distiller.ts).
  const off = tf.mul(2, tf.mean(tf.square(tf.sub(q, tf.tensor(qualities, [rows, 1])))));
  return tf.add(tf.sub(1, tf.mean(cosine)), off) as Tf.Scalar;
}

test.each([16, 5])(
  'loss and every gradient are those of TensorFlow.js: %i channels',
  async (channels) => {
    const network = gatedEmbedder({ rows, side, channels, dimension });
    const model = readOnnx(network);
    const shape = { rows, channels: 3, height: side, width: side, threads: 1, learns: () => true };
    await using distiller = await openDistiller({ ...shape, network, output: 'embedding', quality: 'quality' });
    const { loss, gradients } = await distiller.gradients({ pictures, targets, qualities });
    const tf = await openTensorFlow('cpu');
    const names = [...gradients.keys()];
    const tensors = new Map([...model.weights].map(([name, { dims, numbers }]) => [name, tf.tensor(numbers, [...dims])]));
    const { value, grads } = tf.valueAndGrads((...changed: Tf.Tensor[]) =>
      lossOf(tf, model, new Map([...tensors, ...changed.map((tensor, i) => [names[i] as string, tensor] as const)])),
    )(names.map((name) => tensors.get(name) as Tf.Tensor));
    expect(Math.abs((value.dataSync()[0] as number) - loss)).toBeLessThan(1e-5);
    for (const [i, name] of names.entries())
      expect(relativeError(gradients.get(name) as Float32Array, grads[i]?.dataSync<'float32'>() as Float32Array), name).toBeLessThan(1e-3);
    tf.disposeVariables();
  },
  60_000,
);
