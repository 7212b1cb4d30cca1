/**
 * Measures the training step and the twin of the paper's network on this machine: `node test/train/step.bench.ts [steps]`. Beside each
 * stands a baseline of the same run: the same pass in ONNX Runtime's plain layout with the whole dense gradient and Adam in JavaScript.
 */
import * as ort from 'onnxruntime-node';
import { openOnnxEngine } from '../../src/train/engine-onnx.ts';
import { initialWeights, paperNetwork, parametersOf, sizeOf } from '../../src/train/network.ts';
import { embeddingModel, onnxDims, trainingGraph } from '../../src/train/siamese-graph.ts';
import { adam, chanceBatch, crossEntropy } from './small-networks.ts';

const pairs = 16;
const steps = Number(process.argv[2] ?? 10);
const batch = chanceBatch(paperNetwork, pairs, 1);
const weights = initialWeights(paperNetwork, 1);

async function times(count: number, work: () => Promise<unknown>): Promise<string> {
  const all: number[] = [];
  for (let run = 0; run <= count; run++) {
    const startedAt = performance.now();
    await work();
    if (run > 0) all.push(performance.now() - startedAt); // the first allocates
  }
  all.sort((a, b) => a - b);
  return `median ${all[Math.floor(all.length / 2)]?.toFixed(1)} ms, least ${all[0]?.toFixed(1)} ms of ${all.length}`;
}

const peak = () => `${Math.round(process.resourceUsage().maxRSS / 1024)} MB`;

async function ours(): Promise<void> {
  const options = { network: paperNetwork, pairs, objective: crossEntropy, optimiser: adam, weights, threads: 2 };
  await using engine = await openOnnxEngine(options);
  console.log(`step of ${pairs} pairs, ${engine.label}: ${await times(steps, () => engine.step(batch))}; peak memory ${peak()}`);
}

async function twin(): Promise<void> {
  const session = await ort.InferenceSession.create(embeddingModel(paperNetwork, 1, weights), { intraOpNumThreads: 2 });
  const pictures = new ort.Tensor('float32', batch.pictures.subarray(0, 30_000), [1, 100, 100, 3]);
  console.log(`twin, one picture: ${await times(50, () => session.run({ pictures }))}`);
  await session.release();
}

async function baseline(): Promise<void> {
  const graph = trainingGraph({ network: paperNetwork, pairs, objective: crossEntropy, block: 0, denseGradient: 'whole' });
  const session = await ort.InferenceSession.create(graph, { intraOpNumThreads: 2 });
  const parameters = parametersOf(paperNetwork).map(({ name, dims }) => {
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
  console.log(`step of ${pairs} pairs, plain: ${await times(steps, step)}; peak memory ${peak()}`);
  await session.release();
}

function plainAdam(w: Float32Array, g: Float32Array, m: Float32Array, v: Float32Array): void {
  for (let i = 0; i < w.length; i++) {
    m[i] = 0.9 * m[i]! + 0.1 * g[i]!;
    v[i] = 0.999 * v[i]! + 0.001 * g[i]! * g[i]!;
    w[i]! -= (1e-4 * m[i]!) / (Math.sqrt(v[i]!) + 1e-7);
  }
}

await ours();
await twin();
await baseline();
