/** The paper's network is the paper's: shapes, parameters, start; and it goes to TensorFlow.js's format and back. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as ort from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { logitOf } from '../../../src/identity/siamese.ts';
import { headLogit, unitHead } from '../../../src/train/network/head.ts';
import { initialWeights, networkParameters, paperNetwork, sizeOf, tutorialNetwork } from '../../../src/train/network/network.ts';
import { openOnnxEngine } from '../../../src/train/onnx/engine-onnx.ts';
import { describe as describeNetwork, embeddingModel, unitModel } from '../../../src/train/onnx/siamese-graph.ts';
import { exportLayersModel, importLayersModel } from '../../../src/train/tfjs/layers-model.ts';
import { openTensorFlow } from '../../../src/train/tfjs/tfjs.ts';
import { adam, chanceBatch, chanceWeights, crossEntropy, evenNetwork, oddNetwork, relativeError } from '../small-networks.ts';

describe('the paper’s network', () => {
  it.each([paperNetwork, tutorialNetwork])('has the shapes and parameters of the paper: $name', (network) => {
    const rows = describeNetwork(network);
    expect(rows.map(({ layer, shape, parameters }) => `${layer} ${shape.join('×')} ${parameters}`)).toEqual([
      'input 100×100×3 0',
      'conv1 91×91×64 19264',
      'pool1 46×46×64 0',
      'conv2 40×40×128 401536',
      'pool2 20×20×128 0',
      'conv3 17×17×128 262272',
      'pool3 9×9×128 0',
      'conv4 6×6×256 524544',
      'flatten 9216 0',
      'embedding 4096 37752832',
      'distance 4096 0',
      'head 1 4097',
    ]);
    expect(rows.reduce((sum, { parameters }) => sum + parameters, 0)).toBe(38_964_545);
  });

  it('has two parameters in its head where the distance is summed first', () => {
    const rows = describeNetwork({ ...paperNetwork, distance: 'sum' });
    expect(rows.slice(-2).map(({ shape, parameters }) => [shape, parameters])).toEqual([
      [[1], 0],
      [[1], 2],
    ]);
  });

  it('refuses a picture too small for its windows', () => {
    expect(() => networkParameters({ ...paperNetwork, side: 30 })).toThrow(/conv3 is 4 wide but its input only 3/);
  });
});

describe('the weights it starts from', () => {
  it('are the same for the same seed and others for another', () => {
    expect(initialWeights(oddNetwork, 1)).toEqual(initialWeights(oddNetwork, 1));
    expect(initialWeights(oddNetwork, 1)).not.toEqual(initialWeights(oddNetwork, 2));
  });

  it('are Glorot uniform: kernels within ±√(6 / (fan in + fan out)) with its variance, biases 0', () => {
    const weights = initialWeights(evenNetwork, 1);
    const kernel = weights.get('conv2/kernel')!;
    const limit = Math.sqrt(6 / (9 * (16 + 32)));
    const squares = kernel.reduce((sum, value) => sum + value * value, 0) / kernel.length;
    expect(Math.max(...kernel.map(Math.abs))).toBeLessThanOrEqual(limit);
    expect(squares / (limit ** 2 / 3)).toBeCloseTo(1, 1);
    expect(weights.get('conv2/bias')).toEqual(new Float32Array(32));
  });
});

describe('the twin as an ONNX model', () => {
  it('gives the embeddings that the engine gives', async () => {
    const weights = chanceWeights(oddNetwork, 2);
    await using engine = await openOnnxEngine({
      network: oddNetwork,
      pairs: 2,
      objective: crossEntropy,
      optimiser: adam,
      weights,
      threads: 1,
    });
    const { pictures } = chanceBatch(oddNetwork, 1, 4);
    const session = await ort.InferenceSession.create(embeddingModel(oddNetwork, 2, weights), { logSeverityLevel: 3 });
    const { embeddings } = await session.run({ pictures: new ort.Tensor('float32', pictures, [2, 13, 13, 3]) });
    expect(relativeError(embeddings!.data as Float32Array, await engine.embed(pictures, 2))).toBeLessThan(1e-5);
  });
});

describe('the twin for whoever compares unit vectors', () => {
  it.each([evenNetwork, oddNetwork, { ...oddNetwork, distance: 'vector' as const }])(
    'gives vectors of length 1 whose head says what the network says: $name $distance',
    async (network) => {
      // As float16 holds them, so that nothing else differs.
      const weights = new Map([...chanceWeights(network, 2)].map(([name, values]) => [name, new Float32Array(new Float16Array(values))]));
      const options = { network, pairs: 2, objective: crossEntropy, optimiser: adam, weights, threads: 1 };
      await using engine = await openOnnxEngine(options);
      const { pictures } = chanceBatch(network, 2, 4);
      const size = network.side ** 2 * 3;
      const session = await ort.InferenceSession.create(unitModel(network, weights), { logSeverityLevel: 3 });
      const embed = async (at: number) => {
        const picture = new ort.Tensor('float32', pictures.slice(at * size, (at + 1) * size), [1, network.side, network.side, 3]);
        return (await session.run({ pictures: picture })).embeddings!.data as Float32Array;
      };
      const plain = await engine.embed(pictures, 4);
      const head = { kind: 'l1-logistic', ...unitHead(network, weights) } as const;
      for (const [one, other] of [
        [0, 1],
        [2, 3],
        [0, 0],
      ] as const) {
        const [a, b] = [await embed(one), await embed(other)];
        expect(a).toHaveLength(network.units + 1);
        expect(Math.hypot(...a)).toBeCloseTo(1, 5);
        const raw = (at: number) => plain.subarray(at * network.units, (at + 1) * network.units);
        expect(logitOf(head, a, b)).toBeCloseTo(headLogit(network, weights, raw(one), raw(other)), 4);
      }
    },
  );
});

describe('a TensorFlow.js layers model', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'facelatch-layers-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it.each([evenNetwork, oddNetwork])('comes back with the same layers and weights: $name', async (network) => {
    const tf = await openTensorFlow('cpu');
    const weights = chanceWeights(network, 8);
    await exportLayersModel(tf, network, weights, join(folder, network.name));
    const back = await importLayersModel(tf, join(folder, network.name));
    expect(back.network).toEqual({ ...network, name: 'SiameseNetwork' });
    for (const { name } of networkParameters(network)) expect(back.weights.get(name), name).toEqual(weights.get(name));
    expect([...back.weights.values()].every((values, at) => values.length === sizeOf(networkParameters(network)[at]!.dims))).toBe(true);
  });

  it('answers for a pair what our engine answers', async () => {
    const tf = await openTensorFlow('cpu');
    const weights = chanceWeights(evenNetwork, 8);
    const place = join(folder, 'answer');
    await exportLayersModel(tf, evenNetwork, weights, place);
    const { pictures } = chanceBatch(evenNetwork, 1, 4);
    const options = { network: evenNetwork, pairs: 8, objective: crossEntropy, optimiser: adam, threads: 1 };
    await using engine = await openOnnxEngine({ ...options, ...(await importLayersModel(tf, place)) });
    const both = await engine.embed(pictures, 2);
    const logit = headLogit(evenNetwork, weights, both.subarray(0, 32), both.subarray(32));
    const model = await tf.loadLayersModel(tf.io.fromMemory(await artifacts(place)));
    const [first, second] = tf.split(tf.tensor4d(pictures, [2, 14, 14, 3]), 2);
    const answer = (model.predict([first!, second!]) as ReturnType<typeof tf.tensor>).dataSync<'float32'>();
    expect(relativeError(Float32Array.of(1 / (1 + Math.exp(-logit))), answer)).toBeLessThan(1e-5);
  });

  it('is refused when it is missing or another kind of model', async () => {
    const tf = await openTensorFlow('cpu');
    await expect(importLayersModel(tf, join(folder, 'nowhere'))).rejects.toMatchObject({ code: 'model-missing' });
    const other = tf.sequential({ layers: [tf.layers.dense({ units: 1, inputShape: [3] })] });
    const handler = tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData }) => {
      const manifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
      await writeFile(join(folder, 'weights.bin'), new Uint8Array(weightData as ArrayBuffer));
      await writeFile(join(folder, 'model.json'), JSON.stringify({ modelTopology, weightsManifest: manifest }));
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    });
    await other.save(handler);
    await expect(importLayersModel(tf, folder)).rejects.toMatchObject({ code: 'model-unfit' });
  });
});

async function artifacts(folder: string) {
  const { readFile } = await import('node:fs/promises');
  const { modelTopology, weightsManifest } = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8'));
  const data = await readFile(join(folder, 'weights.bin'));
  const weightData = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer;
  return { modelTopology, weightSpecs: weightsManifest[0].weights, weightData };
}
