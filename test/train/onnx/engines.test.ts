/** Both engines held to each other: the same weights and batch give the same loss, gradients and steps. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Fault } from '../../../src/base/errors.ts';
import { openOnnxEngine } from '../../../src/train/onnx/engine-onnx.ts';
import type { Engine, EngineOptions, Network, Objective, Optimiser } from '../../../src/train/port.ts';
import { openTfjsEngine } from '../../../src/train/tfjs/engine-tfjs.ts';
import {
  adam,
  chanceBatch,
  chanceWeights,
  crossEntropy,
  evenNetwork,
  oddNetwork,
  overlappingNetwork,
  relativeError,
} from '../small-networks.ts';

const pairs = 8;

async function both(network: Network, objective: Objective, optimiser: Optimiser, check: (onnx: Engine, tfjs: Engine) => Promise<void>) {
  const options: EngineOptions = { network, pairs, objective, optimiser, weights: chanceWeights(network, 3), threads: 1 };
  await using onnx = await openOnnxEngine(options);
  await using tfjs = await openTfjsEngine({ ...options, device: 'cpu' });
  await check(onnx, tfjs);
}

const networks = [evenNetwork, oddNetwork, overlappingNetwork];
const objectives: Objective[] = [crossEntropy, { ...crossEntropy, loss: 'contrastive', margin: 2 }];

describe.each(networks)('$name network', (network) => {
  it.each(objectives)('gives the same loss and gradients on both engines: $loss', (objective) =>
    both(network, objective, adam, async (onnx, tfjs) => {
      const batch = chanceBatch(network, pairs, 11);
      const [found, expected] = [await onnx.gradients(batch), await tfjs.gradients(batch)];
      expect(Math.abs(found.loss / expected.loss - 1)).toBeLessThan(1e-5);
      for (const [name, gradient] of expected.gradients)
        expect(relativeError(found.gradients.get(name)!, gradient), name).toBeLessThan(1e-4);
    }),
  );

  it('gives the same embeddings on both engines', () =>
    both(network, crossEntropy, adam, async (onnx, tfjs) => {
      const { pictures } = chanceBatch(network, 10, 12);
      expect(relativeError(await onnx.embed(pictures, 20), await tfjs.embed(pictures, 20))).toBeLessThan(1e-5);
    }));
});

const optimisers: Optimiser[] = [adam, { kind: 'sgd', rate: 0.05, momentum: 0.8 }];

describe.each(optimisers)('steps of $kind', (optimiser) => {
  it.each([evenNetwork, oddNetwork])('lead both engines to the same weights: $name', (network) =>
    both(network, { ...crossEntropy, l1: 1e-3, l2: 1e-3 }, optimiser, async (onnx, tfjs) => {
      for (let step = 0; step < 3; step++) {
        const batch = chanceBatch(network, pairs, 20 + step);
        const [found, expected] = [await onnx.step(batch), await tfjs.step(batch)];
        expect(found.loss).toBeCloseTo(expected.loss, 4);
        expect(found.penalty).toBeCloseTo(expected.penalty, 4);
      }
      const [found, expected] = [await onnx.state(), await tfjs.state()];
      for (const [name, weights] of expected.weights) expect(relativeError(found.weights.get(name)!, weights), name).toBeLessThan(2e-3);
      for (const [name, means] of expected.first)
        expect(relativeError(found.first.get(name)!, means), `mean of ${name}`).toBeLessThan(5e-3);
    }),
  );

  it('go on from the other engine’s state as if nothing had happened', () =>
    both(evenNetwork, crossEntropy, optimiser, async (onnx, tfjs) => {
      for (let step = 0; step < 3; step++) await onnx.step(chanceBatch(evenNetwork, pairs, 30 + step));
      await tfjs.restore(await onnx.state());
      const next = chanceBatch(evenNetwork, pairs, 40);
      await onnx.step(next);
      await tfjs.step(next);
      const [found, expected] = [await onnx.state(), await tfjs.state()];
      expect(expected.step).toBe(4);
      for (const [name, weights] of expected.weights) expect(relativeError(found.weights.get(name)!, weights), name).toBeLessThan(1e-4);
    }));
});

it.each([evenNetwork, overlappingNetwork])('TensorFlow.js on WebAssembly, with our kernels, agrees too: $name', async (network) => {
  const options: EngineOptions = {
    network,
    pairs,
    objective: crossEntropy,
    optimiser: adam,
    weights: chanceWeights(network, 3),
    threads: 1,
  };
  await using onnx = await openOnnxEngine(options);
  await using wasm = await openTfjsEngine({ ...options, device: 'wasm' });
  const batch = chanceBatch(network, pairs, 11);
  const [found, expected] = [await onnx.gradients(batch), await wasm.gradients(batch)];
  expect(wasm.label).toBe('tfjs (wasm)');
  for (const [name, gradient] of expected.gradients) expect(relativeError(found.gradients.get(name)!, gradient), name).toBeLessThan(1e-4);
});

// Chromium brings a Vulkan driver that computes on the processor: where it is installed, WebGPU can be tried without a GPU.
const softwareVulkan = '/usr/lib/chromium/vk_swiftshader_icd.json';

it('WebGPU agrees with the processor, or says what is missing', async () => {
  if (existsSync(softwareVulkan)) process.env.VK_ICD_FILENAMES ??= softwareVulkan;
  const network = overlappingNetwork;
  const options = { network, pairs, objective: crossEntropy, optimiser: adam, weights: chanceWeights(network, 3), threads: 1 };
  const opened = await openOnnxEngine({ ...options, device: 'webgpu' }).catch((error: unknown) => error as Fault);
  if (opened instanceof Error) {
    expect(opened).toMatchObject({ code: 'tool-missing', message: expect.stringMatching(/--device webgpu .*Vulkan driver/) });
    return;
  }
  await using webgpu = opened;
  await using processor = await openOnnxEngine(options);
  const batch = chanceBatch(network, pairs, 11);
  expect((await webgpu.step(batch)).loss).toBeCloseTo((await processor.step(batch)).loss, 5);
  // After one step Adam's first means are a tenth of the gradients: a driver on the processor compiles for seconds for each graph.
  const [found, expected] = [await webgpu.state(), await processor.state()];
  for (const [name, gradient] of expected.first) expect(relativeError(found.first.get(name)!, gradient), name).toBeLessThan(1e-4);
  expect(relativeError(await webgpu.embed(batch.pictures, 16), await processor.embed(batch.pictures, 16))).toBeLessThan(1e-5);
});

it('leaves the weights alone when the loss is not a number', async () => {
  const options = {
    network: evenNetwork,
    pairs,
    objective: crossEntropy,
    optimiser: adam,
    weights: chanceWeights(evenNetwork, 3),
    threads: 1,
  };
  await using engine = await openOnnxEngine(options);
  const before = await engine.state();
  const batch = chanceBatch(evenNetwork, pairs, 1);
  batch.pictures[5] = Number.NaN;
  expect((await engine.step(batch)).loss).toBeNaN();
  expect(await engine.state()).toEqual(before);
});
