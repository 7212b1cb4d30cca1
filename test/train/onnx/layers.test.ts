/** Every adjoint against finite differences: what the graph calls a gradient is how the loss really changes. */
import * as ort from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { newRandom } from '../../../src/base/random.ts';
import {
  type Block,
  convolution,
  convolutionInputAdjoint,
  convolutionKernelAdjoint,
  convolutionRelu,
} from '../../../src/train/onnx/convolution.ts';
import * as layers from '../../../src/train/onnx/layers.ts';
import * as losses from '../../../src/train/onnx/losses.ts';
import { fastestBlock } from '../../../src/train/onnx/native-block.ts';
import { folded, normalise, normaliseAdjoint } from '../../../src/train/onnx/normalisation.ts';
import { type Graph, newGraph, type Tensor } from '../../../src/train/onnx/onnx-graph.ts';
import { chance, relativeError } from '../small-networks.ts';

type Values = Record<string, { dims: readonly number[]; data: Float32Array }>;

const size = (dims: readonly number[]) => dims.reduce((product, n) => product * n, 1);

async function run(values: Values, build: (graph: Graph, inputs: Record<string, Tensor>) => Record<string, Tensor>) {
  const graph = newGraph('test');
  const inputs = Object.fromEntries(Object.entries(values).map(([name, { dims }]) => [name, graph.input(name, dims)]));
  for (const [name, tensor] of Object.entries(build(graph, inputs))) graph.output(name, tensor);
  const session = await ort.InferenceSession.create(graph.encode(), { intraOpNumThreads: 1, logSeverityLevel: 3 });
  return {
    results: async (changed: Values = values) => {
      const feeds = Object.entries(changed).map(([name, { dims, data }]) => [name, new ort.Tensor('float32', data, dims)]);
      const out = await session.run(Object.fromEntries(feeds));
      return Object.fromEntries(Object.entries(out).map(([name, tensor]) => [name, tensor.data as Float32Array]));
    },
    close: () => session.release(),
  };
}

/**
 * `build` gives an output `y` and gradients `d:name` for the loss Σ weights·y; each gradient is compared with central differences
 * of that loss, summed in float64.
 */
async function expectAdjoints(
  values: Values,
  yDims: readonly number[],
  build: (graph: Graph, inputs: Record<string, Tensor>, dy: Tensor) => Record<string, Tensor>,
  step = 1e-2,
) {
  const dy = chance(size(yDims), newRandom(77));
  const session = await run(values, (graph, inputs) => build(graph, inputs, graph.constant(dy, yDims)));
  const loss = async (changed: Values) =>
    ((await session.results(changed)).y as Float32Array).reduce((sum, y, i) => sum + y * (dy[i] ?? 0), 0);
  const found = await session.results();
  for (const [name, { dims, data }] of Object.entries(values)) {
    const gradient = found[`d:${name}`];
    if (!gradient) continue;
    const expected = new Float32Array(data.length);
    for (let index = 0; index < data.length; index++) {
      const moved = (by: number) => ({ ...values, [name]: { dims, data: data.map((value, at) => (at === index ? value + by : value)) } });
      expected[index] = ((await loss(moved(step))) - (await loss(moved(-step)))) / (2 * step);
    }
    expect(relativeError(gradient, expected), `gradient of ${name}`).toBeLessThan(2e-3);
  }
  await session.close();
}

const random = newRandom(5);
const uniform = (...dims: number[]) => ({ dims, data: chance(size(dims), random) });
/** Numbers that lie at least 0.05 from each other and from 0: no finite difference crosses a kink. */
const spread = (...dims: number[]) => {
  const data = Float32Array.from(
    { length: size(dims) },
    (_, index) => 0.05 * (((index * 37) % size(dims)) - Math.floor(size(dims) / 2)) + 0.025,
  );
  return { dims, data };
};

/** The plain layout, and the one that this machine has. */
const blocks = [...new Set<Block>([0, await fastestBlock()])];

describe('adjoints', () => {
  it.each(blocks)('convolution with ReLU, block %i', async (block) => {
    const values = { x: uniform(16, 16, 5, 5), kernel: uniform(16, 16, 2, 2), bias: uniform(16) };
    const dims = [16, 16, 4, 4];
    // Far from the kink: a bias so large that every number is positive.
    values.bias.data.fill(60);
    await expectSampled(values, dims, block);
  });

  it.each(['float', 'double'] as const)('maximum pool, windows side by side, maxima looked for in %ss', (located) =>
    expectAdjoints({ x: spread(2, 3, 5, 5) }, [2, 3, 3, 3], (graph, { x }, dy) => poolWith(graph, x!, dy, { size: 2, stride: 2 }, located)),
  );

  it.each(['float', 'double'] as const)('maximum pool, windows that overlap, maxima looked for in %ss', (located) =>
    expectAdjoints({ x: spread(2, 2, 7, 7) }, [2, 2, 4, 4], (graph, { x }, dy) => poolWith(graph, x!, dy, { size: 4, stride: 2 }, located)),
  );

  it('ReLU', () =>
    expectAdjoints({ x: spread(3, 7) }, [3, 7], (graph, { x }, dy) => {
      const y = layers.relu(graph, x!);
      return { y, 'd:x': layers.reluAdjoint(graph, y, dy) };
    }));

  it('flatten', () =>
    expectAdjoints({ x: uniform(2, 3, 2, 2) }, [2, 12], (graph, { x }, dy) => ({
      y: layers.flatten(graph, x!),
      'd:x': layers.flattenAdjoint(graph, x!, dy),
    })));

  it('batch normalisation', () =>
    expectAdjoints({ x: uniform(4, 3, 2, 2), scale: uniform(3), shift: uniform(3) }, [4, 3, 2, 2], (graph, { x, scale, shift }, dy) => {
      const normalised = normalise(graph, x!, scale!, shift!);
      const { dx, dScale } = normaliseAdjoint(graph, normalised, dy);
      return { y: normalised.y, 'd:x': dx, 'd:scale': dScale, 'd:shift': layers.biasAdjoint(graph, dy) };
    }));

  it('dense', () =>
    expectAdjoints({ x: uniform(4, 5), kernel: uniform(5, 3), bias: uniform(3) }, [4, 3], (graph, { x, kernel, bias }, dy) => ({
      y: layers.dense(graph, x!, kernel!, bias!),
      'd:x': layers.denseInputAdjoint(graph, kernel!, dy),
      'd:kernel': layers.denseKernelAdjoint(graph, x!, dy),
      'd:bias': layers.biasAdjoint(graph, dy),
    })));

  it('sigmoid', () =>
    expectAdjoints({ x: uniform(3, 4) }, [3, 4], (graph, { x }, dy) => {
      const y = layers.sigmoid(graph, x!);
      return { y, 'd:x': layers.sigmoidAdjoint(graph, y, dy) };
    }));

  it.each(['vector', 'sum'] as const)('L1 distance of two halves, %s', (kind) =>
    expectAdjoints({ x: spread(4, 5) }, [2, kind === 'sum' ? 1 : 5], (graph, { x }, dy) => {
      const [first, second] = layers.halves(graph, x!);
      const difference = graph.node('Sub', [first, second], first.dims);
      const dDifference = layers.l1DistanceAdjoint(graph, difference, dy);
      return { y: layers.l1Distance(graph, difference, kind), 'd:x': layers.halvesAdjoint(graph, dDifference) };
    }),
  );

  it('binary cross-entropy of logits', () => {
    const labels = Float32Array.of(1, 0, 1, 0);
    return expectLoss({ x: uniform(4, 1) }, (graph, { x }) => losses.binaryCrossEntropy(graph, x!, graph.constant(labels, [4, 1])));
  });

  it('binary cross-entropy of logits that no float can hold the exponential of', async () => {
    const values = { x: { dims: [2, 1], data: Float32Array.of(500, -500) } };
    const session = await run(values, (graph, { x }) => {
      const { loss, gradient } = losses.binaryCrossEntropy(graph, x!, graph.constant(Float32Array.of(0, 0), [2, 1]));
      return { loss, gradient };
    });
    const { loss, gradient } = await session.results();
    expect(loss?.[0]).toBeCloseTo(250, 3);
    expect([...gradient!]).toEqual([0.5, 0]);
    await session.close();
  });

  it('contrastive loss', () => {
    const labels = Float32Array.of(1, 0, 1, 0);
    return expectLoss({ x: uniform(4, 6) }, (graph, { x }) => losses.contrastive(graph, x!, graph.constant(labels, [4, 1]), 3));
  });

  it('contrastive loss is flat beyond the margin and finite between equal pictures', async () => {
    const values = { x: { dims: [2, 2], data: Float32Array.of(3, 4, 0, 0) } };
    const session = await run(values, (graph, { x }) => {
      const { loss, gradient } = losses.contrastive(graph, x!, graph.constant(Float32Array.of(0, 1), [2, 1]), 2);
      return { loss, gradient };
    });
    const { loss, gradient } = await session.results();
    expect(loss?.[0]).toBeCloseTo(0, 6);
    expect([...gradient!].map(Math.abs)).toEqual([0, 0, 0, 0]);
    await session.close();
  });
});

it('a batch normalisation folded into its convolution gives what it gives after it, with the statistics of the batch', async () => {
  const values = { x: uniform(4, 3, 5, 5), kernel: uniform(6, 3, 2, 2), scale: uniform(6), shift: uniform(6) };
  const session = await run(values, (graph, { x, kernel, scale, shift }) => {
    const normalised = normalise(graph, convolution(graph, x!, kernel!, undefined, 0), scale!, shift!);
    const one = folded(graph, kernel!, { scale: scale!, shift: shift!, mean: normalised.mean, variance: normalised.variance });
    return { after: normalised.y, inside: convolution(graph, x!, one.kernel, one.bias, 0) };
  });
  const { after, inside } = await session.results();
  expect(relativeError(inside!, after!)).toBeLessThan(1e-5);
  // Each channel has mean `shift` and deviation `scale`.
  const first = Array.from({ length: 4 * 16 }, (_, index) => after![(index >> 4) * 6 * 16 + (index & 15)] as number);
  expect(first.reduce((sum, value) => sum + value, 0) / first.length).toBeCloseTo(values.shift.data[0] as number, 5);
  await session.close();
});

function poolWith(graph: Graph, x: Tensor, dy: Tensor, pool: layers.Pool, located: layers.Located) {
  const { y, index } = layers.maxPool(graph, x, pool, located);
  return { y, 'd:x': layers.maxPoolAdjoint(graph, x, index!, dy, pool) };
}

async function expectLoss(values: Values, build: (graph: Graph, inputs: Record<string, Tensor>) => losses.Loss) {
  await expectAdjoints(values, [], (graph, inputs, dy) => {
    const { loss, gradient } = build(graph, inputs);
    return { y: loss, 'd:x': graph.node('Mul', [gradient, dy], gradient.dims) };
  });
}

/** A convolution is linear, so a few directions of chance hold its adjoints as well as every number alone. */
async function expectSampled(values: Values, yDims: readonly number[], block: Block) {
  const dy = chance(size(yDims), newRandom(78));
  const session = await run(values, (graph, { x, kernel, bias }) => {
    const dz = graph.constant(dy, yDims);
    return {
      y: convolutionRelu(graph, x!, kernel!, bias!, block),
      'd:x': convolutionInputAdjoint(graph, kernel!, dz, block),
      'd:kernel': convolutionKernelAdjoint(graph, x!, dz, block),
      'd:bias': layers.biasAdjoint(graph, dz),
    };
  });
  const loss = async (changed: Values) =>
    ((await session.results(changed)).y as Float32Array).reduce((sum, y, i) => sum + y * (dy[i] ?? 0), 0);
  const found = await session.results();
  for (const [name, { dims, data }] of Object.entries(values))
    for (let round = 0; round < 4; round++) {
      const direction = chance(data.length, random);
      const moved = (by: number) => ({ ...values, [name]: { dims, data: data.map((value, at) => value + by * (direction[at] ?? 0)) } });
      const expected = ((await loss(moved(0.5))) - (await loss(moved(-0.5)))) / 1;
      const along = found[`d:${name}`]!.reduce((sum, value, at) => sum + value * (direction[at] ?? 0), 0);
      expect(Math.abs(along - expected) / Math.max(1, Math.abs(expected)), `gradient of ${name}`).toBeLessThan(2e-3);
    }
  await session.close();
}
