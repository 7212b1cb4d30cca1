/**
 * An embedder with a second output, its own measure of how much of a face can be told. A small network stands in for
 * it: the means of the colours are its embedding, their brightness is its fitness.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelFolder } from '../../src/adapters/basics.ts';
import { openEmbedder } from '../../src/face/embed.ts';
import { openEmbedderNetwork } from '../../src/face/manifest/embedder.ts';
import type { FaceReader, QualityLimits, ReadOptions } from '../../src/face/port.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { readCandidate } from '../../src/identity/candidate.ts';
import { newGraph } from '../../src/train/onnx/onnx-graph.ts';
import { qualityLimits } from '../fakes/quality-limits.ts';

const side = 128;
/** Fitness is 1 for a white face, 0.5 for a mid-grey one, 0 for a black one. */
function network(): Uint8Array {
  const graph = newGraph('fitness');
  const face = graph.input('face', [1, 3, side, side]);
  const means = graph.node('GlobalAveragePool', [face], [1, 3, 1, 1]);
  graph.output('embedding', graph.node('Reshape', [means, graph.integers([1, 3])], [1, 3]));
  const half = graph.constant(Float32Array.of(1 / 6, 1 / 6, 1 / 6), [3, 1]);
  const sum = graph.node('MatMul', [graph.node('Reshape', [means, graph.integers([1, 3])], [1, 3]), half], [1, 1]);
  graph.output('fitness', graph.node('Add', [sum, graph.constant(Float32Array.of(0.5), [1])], [1, 1]));
  return graph.encode();
}

/** As large as the network's own fitness is, from its embedding. */
function head(outputs = 1) {
  const first = { weights: [1, 1, 1, 0, 0, 0], bias: [1.5, 0] };
  return { layers: [first, { weights: Array(2 * outputs).fill(2), bias: Array(outputs).fill(0) }] };
}

const folder = mkdtempSync(join(tmpdir(), 'facelatch-fitness-'));
afterAll(() => rmSync(folder, { recursive: true }));

function embedder(quality: object | undefined): string {
  const bytes = network();
  const { alignment } = JSON.parse(readFileSync(join(modelFolder('embedder'), 'manifest.json'), 'utf8')) as { alignment: object };
  const manifest = {
    ...{ schema: 1, kind: 'face-embedder', name: 'colours', version: '1', file: 'net.onnx', quality, alignment },
    sha256: createHash('sha256').update(bytes).digest('hex'),
    input: { name: 'face', layout: 'NCHW', channels: 'RGB', width: side, height: side, mean: 127.5, std: 127.5 },
    output: { name: 'embedding', dimension: 3 },
  };
  writeFileSync(join(folder, 'net.onnx'), bytes);
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return folder;
}

const open = (quality: object | undefined, limits: Partial<QualityLimits> = {}) =>
  openFaceReader({
    ...{ detector: modelFolder('detector'), embedder: embedder(quality), threads: 1 },
    limits: { ...qualityLimits, ...limits },
  });
/** Fitness about 0.54, and about 0.28. */
const light = readFileSync(new URL('../../config/demo-people/p01-neutral.jpg', import.meta.url));
const dim = () => sharp(light).linear(0.5, 0).jpeg().toBuffer();
const read = async (reader: FaceReader, picture: Uint8Array, options?: ReadOptions) => (await reader.read(picture, options)).faces[0];

describe('thresholds of the manifest', () => {
  let reader: FaceReader;
  beforeAll(async () => {
    reader = await open({ name: 'fitness', door: 0.2, enrolment: 0.4 });
  });
  afterAll(async () => await reader[Symbol.asyncDispose]());

  it('a fit face is embedded and says how fit it is', async () => {
    const face = await read(reader, light);
    expect(face?.quality.reasons).toEqual([]);
    expect(face?.fitness).toBeCloseTo(0.54, 1);
    expect(face?.embedding).toHaveLength(3);
    expect(reader.embedder.quality).toEqual({ door: 0.2, enrolment: 0.4 });
  });

  it('what is fit for the door may be unfit for enrolment', async () => {
    expect((await read(reader, await dim()))?.embedding).toHaveLength(3);
    const face = await read(reader, await dim(), { purpose: 'enrolment' });
    expect(face).toMatchObject({ quality: { reasons: ['unfit'] }, fitness: expect.closeTo(0.28, 1) });
    expect(face?.embedding).toBeUndefined();
    expect(await readCandidate('dim', await dim(), reader, qualityLimits)).toMatchObject({
      accepted: false,
      reasons: ['unfit'],
      detail: expect.stringMatching(/^unfit \(0\.\d+ of 1\)/),
    });
  });

  it('an unfit face is embedded all the same where that is asked', async () =>
    expect(await read(reader, await dim(), { embed: 'dominant', purpose: 'enrolment' })).toMatchObject({
      quality: { reasons: ['unfit'] },
      embedding: expect.any(Float32Array),
    }));
});

it.each<[string, Partial<QualityLimits>, object | undefined, readonly string[]]>([
  ['a setting makes the door stricter', { minFitness: 0.9 }, { name: 'fitness', door: 0.2, enrolment: 0.4 }, ['unfit']],
  ['a setting makes it laxer', { minFitness: 0 }, { name: 'fitness', door: 0.9, enrolment: 0.9 }, []],
  ['the manifest alone is enough', {}, { name: 'fitness', door: 0.9, enrolment: 0.9 }, ['unfit']],
  // 1 / (1 + exp(−x)): x is 2 × (the sum of the means + 1.5), about 0.54 × 6, behind a layer that adds nothing.
  ['a head in the manifest does without an output', { minFitness: 0.9 }, { head: head(), door: 0, enrolment: 0 }, []],
  ['and refuses by what it says', { minFitness: 0.98 }, { head: head(), door: 0, enrolment: 0 }, ['unfit']],
  ['a network without the output is used as before', { minFitness: 0.9 }, undefined, []],
])('%s', async (_, limits, quality, reasons) => {
  await using reader = await open(quality, limits);
  const face = await read(reader, light);
  expect(face?.quality.reasons).toEqual(reasons);
  expect(face?.embedding === undefined).toBe(reasons.length > 0);
});

it.each<[string, object, RegExp]>([
  ['an output that is not there', { name: 'beauty', door: 0.2, enrolment: 0.4 }, /no output "beauty".*quality\.name/],
  ['an output that is not one number', { name: 'embedding', door: 0.2, enrolment: 0.4 }, /not one number for a face/],
  ['a head beside an output', { name: 'fitness', head: head(), door: 0, enrolment: 0 }, /not both/],
  ['a head with two outputs', { head: head(2), door: 0, enrolment: 0 }, /layers\.1\.weights must be 2 finite numbers/],
  ['a head without layers', { head: { layers: [] }, door: 0, enrolment: 0 }, /1 to 4 layers/],
  ['a head with numbers that are none', { head: { layers: [{ weights: [1, 'x', 1], bias: [0] }] }, door: 0, enrolment: 0 }, /3 finite/],
  ['a head for another dimension', { head: { layers: [{ weights: [1, 1], bias: [0] }] }, door: 0, enrolment: 0 }, /weights must be 3/],
  ['a threshold that is none', { name: 'fitness', door: 2, enrolment: 0.4 }, /quality\.door must be a number from 0 to 1/],
])('%s is refused', async (_, quality, message) => {
  const opened = async () => openEmbedder(openEmbedderNetwork(embedder(quality)), { threads: 1 });
  await expect(opened()).rejects.toMatchObject({ code: 'model-unfit', message: expect.stringMatching(message) });
});
