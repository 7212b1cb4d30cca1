/**
 * The training step and the twin of the paper's network. Beside the step stands a baseline of the same run: the same pass in ONNX Runtime's
 * plain layout with the whole dense gradient and Adam in JavaScript.
 */
import * as ort from 'onnxruntime-node';
import { quantile, type Row, time } from '../../src/cli/door/figures.ts';
import { initialWeights, networkParameters, paperNetwork, sizeOf } from '../../src/train/network/network.ts';
import { openOnnxEngine } from '../../src/train/onnx/engine-onnx.ts';
import { embeddingModel, onnxDims, trainingGraph } from '../../src/train/onnx/siamese-graph.ts';
import { adam, chanceBatch, crossEntropy } from '../train/small-networks.ts';

const pairs = 16;
const steps = 10;
const batch = chanceBatch(paperNetwork, pairs, 1);
const weights = initialWeights(paperNetwork, 1);

/** The most this process has taken so far: ours is measured before the baseline. */
const peakMb = () => process.resourceUsage().maxRSS / 1024;

async function ours(): Promise<Row[]> {
  const options = { network: paperNetwork, pairs, objective: crossEntropy, optimiser: adam, weights, threads: 2 };
  await using engine = await openOnnxEngine(options);
  const stepMs = quantile(await time(steps, 1, () => engine.step(batch)), 0.5); // the first allocates
  return [
    { what: `training step of ${pairs} pairs, ${engine.label}, p50`, value: stepMs, unit: 'ms', target: 1300 },
    { what: 'peak memory of training', value: peakMb(), unit: 'MB', target: 2200 },
  ];
}

async function twin(): Promise<Row> {
  const session = await ort.InferenceSession.create(embeddingModel(paperNetwork, 1, weights), { intraOpNumThreads: 2 });
  const pictures = new ort.Tensor('float32', batch.pictures.subarray(0, 30_000), [1, 100, 100, 3]);
  const samples = await time(50, 3, () => session.run({ pictures }));
  await session.release();
  return { what: 'twin of the paper, one picture, p50', value: quantile(samples, 0.5), unit: 'ms', target: 10 };
}

/** Milliseconds. */
async function baseline(): Promise<number> {
  const graph = trainingGraph({ network: paperNetwork, pairs, objective: crossEntropy, block: 0, denseGradient: 'whole' });
  const session = await ort.InferenceSession.create(graph, { intraOpNumThreads: 2 });
  const parameters = networkParameters(paperNetwork).map(({ name, dims }) => {
    const [first, second] = [new Float32Array(sizeOf(dims)), new Float32Array(sizeOf(dims))];
    return { name, dims: onnxDims(dims), live: weights.get(name)!.slice(), first, second };
  });
  const feeds: Record<string, ort.Tensor> = {
    pictures: new ort.Tensor('float32', batch.pictures, [2 * pairs, 100, 100, 3]),
    labels: new ort.Tensor('float32', batch.labels, [pairs, 1]),
  };
  for (const { name, dims, live } of parameters) feeds[name] = new ort.Tensor('float32', live, dims);
  const step = async () => {
    const results = await session.run(feeds);
    for (const { name, live, first, second } of parameters) plainAdam(live, results[`d:${name}`]!.data as Float32Array, first, second);
  };
  const samples = await time(steps, 1, step);
  await session.release();
  return quantile(samples, 0.5);
}

function plainAdam(w: Float32Array, g: Float32Array, m: Float32Array, v: Float32Array): void {
  for (let i = 0; i < w.length; i++) {
    m[i] = 0.9 * m[i]! + 0.1 * g[i]!;
    v[i] = 0.999 * v[i]! + 0.001 * g[i]! * g[i]!;
    w[i]! -= (1e-4 * m[i]!) / (Math.sqrt(v[i]!) + 1e-7);
  }
}

export async function benchTrain(): Promise<Row[]> {
  const [step, memory] = (await ours()) as [Row, Row];
  const one = await twin();
  return [{ ...step, baseline: { what: 'plain layout', value: await baseline() } }, memory, one];
}
