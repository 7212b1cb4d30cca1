import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { modelFolder } from '../../../src/adapters/basics.ts';
import { Fault } from '../../../src/base/errors.ts';
import { newRandom } from '../../../src/base/random.ts';
import { openDistiller } from '../../../src/train/onnx/distiller.ts';
import { type Graph, newGraph, type Tensor } from '../../../src/train/onnx/onnx-graph.ts';
import { type OnnxWeight, readOnnx } from '../../../src/train/onnx/onnx-model.ts';
import { gatedEmbedder } from './gated-embedder.ts';

const rows = 4;
const side = 16;

/** As small as the shipped embedder's graph can be with every kind of layer that it has: strides, a shortcut, a depthwise layer, normalisation. */
function smallEmbedder(change?: (graph: Graph, x: Tensor) => Tensor, shallow = false): Uint8Array {
  const random = newRandom(5);
  const graph = newGraph('small');
  const numbers = (...dims: number[]) => {
    const count = dims.reduce((product, n) => product * n, 1);
    return graph.constant(
      Float32Array.from({ length: count }, () => (random() - 0.5) * Math.sqrt(6 / (count / (dims[0] as number)))),
      dims,
    );
  };
  const conv = (x: Tensor, out: number, kernel: number, stride: number) => {
    const pad = (kernel - 1) / 2;
    const half = Math.ceil((x.dims[2] as number) / stride);
    const attributes = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] };
    return graph.node(
      { op: 'Conv', attributes },
      [x, numbers(out, x.dims[1] as number, kernel, kernel), numbers(out)],
      [rows, out, half, half],
    );
  };
  const relu = (x: Tensor) => graph.node('Relu', [x], x.dims);
  const face = graph.input('face', [rows, 3, side, side]);
  const shortcut = () => {
    const first = relu(conv(face, 16, 3, 2));
    const deep = conv(relu(conv(first, 16, 3, 2)), 16, 3, 1);
    return relu(graph.node('Add', [deep, conv(first, 16, 1, 2)], deep.dims));
  };
  const joined = shallow ? relu(conv(face, 16, 3, 4)) : shortcut();
  const changed = change?.(graph, joined) ?? joined;
  const depthwise = graph.node(
    { op: 'Conv', attributes: { kernel_shape: [4, 4], group: 16, strides: [1, 1], pads: [0, 0, 0, 0] } },
    [changed, numbers(16, 1, 4, 4), numbers(16)],
    [rows, 16, 1, 1],
  );
  const flat = graph.node({ op: 'Flatten', attributes: { axis: 1 } }, [depthwise], [rows, 16]);
  const dense = graph.node('MatMul', [flat, numbers(16, 8)], [rows, 8]);
  const spread = graph.constant(
    Float32Array.from({ length: 8 }, () => 0.5 + random()),
    [8],
  );
  const normal = graph.node(
    { op: 'BatchNormalization', attributes: { epsilon: { float: 1e-5 } } },
    [dense, numbers(8), numbers(8), numbers(8), spread],
    dense.dims,
  );
  graph.output('embedding', normal);
  return graph.encode();
}

function batch(seed: number) {
  const random = newRandom(seed);
  const pictures = Float32Array.from({ length: rows * 3 * side * side }, () => 2 * random() - 1);
  const targets = new Float32Array(rows * 8);
  for (let row = 0; row < rows; row++) {
    const target = Float32Array.from({ length: 8 }, () => random() - 0.5);
    targets.set(
      target.map((value) => value / Math.hypot(...target)),
      row * 8,
    );
  }
  return { pictures, targets };
}

const options = { rows, channels: 3, height: side, width: side, threads: 1, learns: () => true } as const;

const gated = (channels: number) => gatedEmbedder({ rows, side, channels, dimension: 8 });

// 16 channels fit the blocked layouts, 5 do not.
test.each([
  ['strides, a shortcut, a depthwise layer, normalisation', smallEmbedder()],
  ['depthwise layers, slopes, gates and a second output, 16 channels', gated(16)],
  ['depthwise layers, slopes, gates and a second output, 5 channels', gated(5)],
])(
  'the gradient of every weight of every layer is the finite difference of the loss: %s',
  async (_, network) => {
    const { pictures, targets } = batch(1);
    const model = readOnnx(network);
    await using distiller = await openDistiller({ ...options, network, output: 'embedding' });
    const { gradients } = await distiller.gradients({ pictures, targets });
    expect([...gradients.keys()].sort()).toEqual(learnable(network));
    const start = distiller.state();
    // The number of steps, then of each weight its numbers and two means of the optimiser.
    let from = 1;
    for (const [name, gradient] of gradients) {
      const own = [from, from + gradient.length] as const;
      from += 3 * gradient.length;
      const { numbers: old } = model.weights.get(name) as OnnxWeight;
      expect(start.subarray(...own), name).toEqual(old);
      // Along the gradient itself the loss changes by its squared length: one check for all numbers of the weight.
      const length = Math.hypot(...gradient);
      expect(length, name).toBeGreaterThan(1e-4);
      const step = 2e-3;
      const moved = async (by: number) => {
        const state = start.slice();
        state.subarray(...own).set(old.map((value, i) => value + (by * (gradient[i] as number)) / length));
        distiller.restore(state);
        return (await distiller.gradients({ pictures, targets })).loss;
      };
      const slope = ((await moved(step)) - (await moved(-step))) / (2 * step);
      expect(Math.abs(slope - length) / length, `${name}: ${slope} against ${length}`).toBeLessThan(0.03);
    }
  },
  60_000,
);

/** Weights that the embedding depends on, but means and variances of normalisations: those of the other output stay. */
function learnable(network: Uint8Array): readonly string[] {
  const { nodes, weights } = readOnnx(network);
  const other = nodes.filter(({ op }) => op === 'Gemm').flatMap(({ inputs }) => inputs);
  const fixed = nodes.find(({ op }) => op === 'BatchNormalization')?.inputs.slice(3) ?? [];
  return [...weights.keys()].filter((name) => !fixed.includes(name) && !other.includes(name)).sort();
}

test('the quality output comes to say what it is told to', async () => {
  const { pictures, targets } = batch(2);
  const lesson = { pictures, targets, qualities: Float32Array.of(0.1, 0.9, 0.2, 0.7) };
  await using distiller = await openDistiller({ ...options, network: gated(5), output: 'embedding', quality: 'quality' });
  const losses = [];
  for (let step = 0; step < 80; step++) losses.push(await distiller.step(lesson, 3e-3));
  expect(losses.at(-1)).toBeLessThan(0.3 * (losses[0] as number));
});

test('steps lead to the embeddings that are asked for; the network that comes out gives them; what is not learned stays as it is', async () => {
  const { pictures, targets } = batch(2);
  const network = smallEmbedder();
  const early = ({ side: of }: { readonly side: number }) => of >= 4;
  await using distiller = await openDistiller({ ...options, network, learns: early });
  const losses = [];
  for (let step = 0; step < 60; step++) losses.push(await distiller.step({ pictures, targets }, 3e-3));
  expect(losses.at(-1)).toBeLessThan((losses[0] as number) / 3);
  const [before, after] = [readOnnx(network), readOnnx(distiller.network())];
  const changed = [...before.weights].filter(([name, { numbers }]) =>
    numbers.some((value, i) => value !== after.weights.get(name)?.numbers[i]),
  );
  // Four convolutions with their biases.
  expect(changed.length).toBe(8);
  await using again = await openDistiller({ ...options, network: distiller.network() });
  expect((await again.gradients({ pictures, targets })).loss).toBeCloseTo((await distiller.gradients({ pictures, targets })).loss, 5);
});

test('goes on from a state as if it had never stopped, and refuses the state of another network', async () => {
  const { pictures, targets } = batch(3);
  const network = smallEmbedder();
  await using whole = await openDistiller({ ...options, network });
  for (let step = 0; step < 4; step++) await whole.step({ pictures, targets }, 1e-3);
  await using first = await openDistiller({ ...options, network });
  for (let step = 0; step < 2; step++) await first.step({ pictures, targets }, 1e-3);
  await using second = await openDistiller({ ...options, network });
  second.restore(first.state());
  for (let step = 0; step < 2; step++) await second.step({ pictures, targets }, 1e-3);
  expect(second.network()).toEqual(whole.network());
  expect(() => second.restore(new Float32Array(7))).toThrow(RangeError);
});

test('a broken loss changes nothing', async () => {
  const { pictures, targets } = batch(4);
  const network = smallEmbedder();
  await using distiller = await openDistiller({ ...options, network });
  expect(await distiller.step({ pictures: pictures.fill(Number.NaN), targets }, 1e-3)).toBeNaN();
  expect(distiller.network()).toEqual(network);
});

test('a layer that has no adjoint here is named, and so is an output that is not there', async () => {
  const network = smallEmbedder((graph, x) => graph.node('Softplus', [x], x.dims));
  await expect(openDistiller({ ...options, network })).rejects.toMatchObject({
    code: 'model-unfit',
    message: expect.stringContaining('Softplus'),
  });
  await expect(openDistiller({ ...options, network: gated(5) })).rejects.toThrow(/it has embedding, quality/);
  await expect(openDistiller({ ...options, network: gated(5), output: 'other' })).rejects.toThrow(/no output "other"/);
  await expect(openDistiller({ ...options, network: new Uint8Array([1, 2, 3]) })).rejects.toMatchObject({ code: 'model-unfit' });
});

test('the shipped embedder can be learned whole: read, differentiated and written back without a change', async () => {
  const network = readFileSync(`${modelFolder('embedder')}/twin.onnx`);
  const shape = { rows: 2, channels: 3, height: 128, width: 128 };
  await using distiller = await openDistiller({ ...shape, network, output: 'embedding', threads: 1, learns: () => true });
  expect(distiller.learned).toBeGreaterThan(1_000_000);
  expect(Buffer.from(distiller.network()).equals(network)).toBe(true);
  const { loss, gradients } = await distiller.gradients({
    pictures: Float32Array.from({ length: 2 * 3 * 128 * 128 }, (_, i) => Math.sin(i / 50)),
    targets: Float32Array.from({ length: 512 }, () => 1 / 16),
  });
  expect(loss).toBeGreaterThan(0);
  for (const gradient of gradients.values()) expect(gradient.every(Number.isFinite)).toBe(true);
});

const softwareVulkan = '/usr/lib/chromium/vk_swiftshader_icd.json';

test('on a GPU the gradients are those of the processor; without one it says what is missing', async () => {
  // Chromium brings a Vulkan driver that computes on the processor: where it is installed, WebGPU can be tried without a GPU.
  if (existsSync(softwareVulkan)) process.env.VK_ICD_FILENAMES ??= softwareVulkan;
  const { pictures, targets } = batch(6);
  // A driver on the processor compiles for seconds: each kind of layer once.
  const network = smallEmbedder(undefined, true);
  const opened = await openDistiller({ ...options, network, device: 'webgpu' }).catch((error: unknown) => error as Fault);
  if (opened instanceof Fault) {
    expect(opened).toMatchObject({ code: 'tool-missing', message: expect.stringMatching(/trainer\.device.*Vulkan driver/) });
    return;
  }
  await using webgpu = opened;
  await using processor = await openDistiller({ ...options, network });
  const [found, expected] = [await webgpu.gradients({ pictures, targets }), await processor.gradients({ pictures, targets })];
  expect(found.loss).toBeCloseTo(expected.loss, 5);
  for (const [name, gradient] of expected.gradients) {
    const other = found.gradients.get(name) as Float32Array;
    const off = Math.hypot(...gradient.map((value, i) => value - (other[i] as number))) / Math.hypot(...gradient);
    expect(off, name).toBeLessThan(1e-3);
  }
});
