/** The network with batch normalisation: its gradients, its running statistics, and its way to disk and back. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCheckpoint, writeCheckpoint } from '../../../src/train/network/checkpoint.ts';
import { initialWeights, isKernel, networkParameters, paperNetwork, sizeOf } from '../../../src/train/network/network.ts';
import { openOnnxEngine } from '../../../src/train/onnx/engine-onnx.ts';
import type { Network, Weights } from '../../../src/train/port.ts';
import { openTfjsEngine } from '../../../src/train/tfjs/engine-tfjs.ts';
import { adam, chanceBatch, chanceWeights, crossEntropy, evenNetwork, oddNetwork, relativeError } from '../small-networks.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facelatch-normalised-'));
});
afterAll(() => rm(folder, { recursive: true }));

const pairs = 8;
const normalised = (network: Network): Network => ({ ...network, normalised: true });
const openWith = (network: Network, weights: Weights, loss: 'bce' | 'contrastive' = 'bce') =>
  openOnnxEngine({ network, pairs, objective: { ...crossEntropy, loss, margin: 2 }, optimiser: adam, weights, threads: 1 });

describe.each([normalised(evenNetwork), normalised(oddNetwork)])('the $name network', (network) => {
  it.each(['bce', 'contrastive'] as const)('has the gradients that finite differences show: %s', async (loss) => {
    const weights = chanceWeights(network, 3);
    const batch = chanceBatch(network, pairs, 11);
    await using engine = await openWith(network, weights, loss);
    const lossOf = async (changed: Weights) => {
      await engine.restore({ step: 0, weights: changed, first: new Map(), second: new Map() });
      return (await engine.gradients(batch)).loss;
    };
    const { gradients } = await engine.gradients(batch);
    for (const name of ['conv1/kernel', 'conv1/bias', 'conv1/scale', 'conv2/kernel', 'conv2/scale', 'embedding/kernel']) {
      const own = gradients.get(name) as Float32Array;
      // Along the gradient the loss changes most: its sign and size are then beyond the rounding of float32.
      const length = Math.hypot(...own);
      const moved = (by: number) =>
        new Map(weights).set(
          name,
          weights.get(name)!.map((value, at) => value + (by * (own[at] ?? 0)) / length),
        );
      const step = 2e-3;
      const found = ((await lossOf(moved(step))) - (await lossOf(moved(-step)))) / (2 * step);
      expect(Math.abs(found / length - 1), name).toBeLessThan(0.05);
    }
  });
});

it('embeds with the running statistics, which come to those of the batches', async () => {
  const network = normalised(evenNetwork);
  // A rate of almost nothing: only the statistics move.
  const optimiser = { ...adam, rate: 1e-12 };
  const weights = chanceWeights(network, 3);
  await using engine = await openOnnxEngine({ network, pairs, objective: crossEntropy, optimiser, weights, threads: 1 });
  const batch = chanceBatch(network, pairs, 11);
  const before = await engine.embed(batch.pictures, 4);
  for (let step = 0; step < 120; step++) await engine.step(batch);
  const [mean, variance] = [await engine.read('conv1/mean'), await engine.read('conv1/variance')];
  expect(Math.max(...mean.map(Math.abs))).toBeGreaterThan(0.01);
  expect(Math.min(...variance)).toBeGreaterThan(0);
  const settled = await engine.embed(batch.pictures, 4);
  expect(relativeError(before, settled)).toBeGreaterThan(1e-3);
  for (let step = 0; step < 20; step++) await engine.step(batch);
  expect(relativeError(await engine.embed(batch.pictures, 4), settled)).toBeLessThan(1e-3);
});

it('goes on from its checkpoint as if nothing had happened, statistics included', async () => {
  const network = normalised(evenNetwork);
  const weights = chanceWeights(network, 3);
  await using engine = await openWith(network, weights);
  for (let step = 0; step < 3; step++) await engine.step(chanceBatch(network, pairs, 30 + step));
  const path = join(folder, 'checkpoint.facelatch');
  await writeCheckpoint(path, { network, state: await engine.state(), notes: {} });
  await using other = await openWith(network, weights);
  await other.restore((await readCheckpoint(path, network)).state);
  const next = chanceBatch(network, pairs, 40);
  expect(await other.step(next)).toEqual(await engine.step(next));
  expect(await other.state()).toEqual(await engine.state());
  await expect(readCheckpoint(path, evenNetwork)).rejects.toMatchObject({ code: 'model-unfit' });
});

it('starts as one that changes nothing: scale and variance 1, mean 0, and none of them a kernel', () => {
  const network = normalised(paperNetwork);
  const weights = initialWeights(normalised(evenNetwork), 1);
  expect([...new Set([...weights.get('conv1/scale')!, ...weights.get('conv2/variance')!])]).toEqual([1]);
  expect([...new Set(weights.get('conv3/mean'))]).toEqual([0]);
  const more = networkParameters(network).filter(({ name }) => /scale|mean|variance/.test(name));
  expect(more.map(({ dims }) => sizeOf(dims)).reduce((sum, size) => sum + size, 0)).toBe(3 * (64 + 128 + 128 + 256));
  expect(more.some(({ name }) => isKernel(name))).toBe(false);
});

it('is refused by TensorFlow.js, which names the engine that has it', async () => {
  const network = normalised(evenNetwork);
  const options = { network, pairs, objective: crossEntropy, optimiser: adam, weights: chanceWeights(network, 3), threads: 1 };
  await expect(openTfjsEngine({ ...options, device: 'cpu' })).rejects.toMatchObject({
    code: 'bad-argument',
    message: expect.stringContaining('--engine onnx'),
  });
});
