/**
 * Covered halves of a face. A small network stands in for a real one: the means of the colours are its embedding, so
 * what a half adds to them can be reckoned.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { modelFolder } from '../../src/adapters/basics.ts';
import { aroundEyes, coveredHalf, coverLogit, eyeNumbers, looks, looksAt } from '../../src/face/cover.ts';
import { openEmbedder } from '../../src/face/embed.ts';
import { openEmbedderNetwork } from '../../src/face/manifest/embedder.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { readCandidate } from '../../src/identity/candidate.ts';
import { newGraph } from '../../src/train/onnx/onnx-graph.ts';
import { qualityLimits } from '../fakes/quality-limits.ts';

const side = 128;
const lowerLook = 1;
const { template } = openEmbedderNetwork(modelFolder('embedder'));
const white = new Uint8Array(side * side * 3).fill(255);
const pixel = (rgb: Uint8Array | undefined, x: number, y: number) => rgb?.[3 * (y * side + x)];

describe('looks at an aligned face', () => {
  it('are the face as it is, without its lower half, without its upper half; the original is left alone', () => {
    const seen = looksAt(white, side, template);
    const [eyes, mouth] = [60, 105];
    expect(seen.map((look) => [pixel(look, 64, eyes), pixel(look, 64, mouth)])).toEqual([
      [255, 255],
      [255, 127],
      [127, 255],
    ]);
    expect(white.every((value) => value === 255)).toBe(true);
  });

  it('of the eyes say nothing of light and contrast', () => {
    const face = Uint8Array.from(white, (_, i) => 100 + ((i * 37) % 50));
    const half = face.map((value) => 10 + value / 2);
    const [bright, dim] = [aroundEyes(face, side, template), aroundEyes(half, side, template)];
    expect(bright).toHaveLength(eyeNumbers);
    for (const [i, value] of bright.entries()) expect(dim[i]).toBeCloseTo(value, 0);
    expect(aroundEyes(white, side, template).every((value) => value === 0)).toBe(true);
  });

  it('of the eyes of a template at the edge of its face are made of what there is', () => {
    const high = template.map(([x, y]) => [x, y - 55] as const);
    expect(aroundEyes(white, side, high).every(Number.isFinite)).toBe(true);
  });
});

describe('the rule', () => {
  const none = { weights: Float32Array.of(0, 0), bias: -1 };
  const looked = { seen: [Float32Array.of(1), Float32Array.of(0.5)], eyes: Float32Array.of(3) };

  it('sums the numbers of all looks, and of the eyes where it has any', () => {
    const rule = { weights: Float32Array.of(2, 4), bias: -1 };
    expect(coverLogit(rule, looked)).toBe(3);
    expect(coverLogit({ ...rule, eyes: Float32Array.of(2) }, looked)).toBe(9);
  });

  it('names the surer half, or none', () => {
    const [sure, surer] = [
      { ...none, bias: 1 },
      { ...none, bias: 2 },
    ];
    expect(coveredHalf({ lower: none, upper: none }, looked)).toBeUndefined();
    expect(coveredHalf({ lower: sure, upper: none }, looked)).toBe('lower');
    expect(coveredHalf({ lower: sure, upper: surer }, looked)).toBe('upper');
  });
});

const folder = mkdtempSync(join(tmpdir(), 'facelatch-cover-'));
afterAll(() => rmSync(folder, { recursive: true }));

function embedder(cover: object | undefined): string {
  const graph = newGraph('means');
  const face = graph.input('face', [1, 3, side, side]);
  const means = graph.node('GlobalAveragePool', [face], [1, 3, 1, 1]);
  graph.output('embedding', graph.node('Reshape', [means, graph.integers([1, 3])], [1, 3]));
  const bytes = graph.encode();
  const { alignment } = JSON.parse(readFileSync(join(modelFolder('embedder'), 'manifest.json'), 'utf8')) as { alignment: object };
  const manifest = {
    ...{ schema: 1, kind: 'face-embedder', name: 'means', version: '1', file: 'net.onnx', alignment, cover },
    sha256: createHash('sha256').update(bytes).digest('hex'),
    input: { name: 'face', layout: 'NCHW', channels: 'RGB', width: side, height: side, mean: 127.5, std: 127.5 },
    output: { name: 'embedding', dimension: 3, normalise: 'none' },
  };
  writeFileSync(join(folder, 'net.onnx'), bytes);
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  return folder;
}

const shot = readFileSync(new URL('../../config/demo-people/p01-neutral.jpg', import.meta.url));
const weights = Array<number>(3 * looks).fill(0);
const rule = (bias: number) => ({ weights, bias });
const open = (cover: object | undefined) =>
  openFaceReader({ detector: modelFolder('detector'), embedder: embedder(cover), threads: 1, limits: qualityLimits });

describe('at enrolment', () => {
  it.each([
    ['lower', { lower: rule(1), upper: rule(-1) }, /^unfit: mouth and nose seem covered; .*without mask or scarf/],
    ['upper', { lower: rule(-1), upper: rule(1) }, /^unfit: the eyes seem covered; take off sunglasses/],
  ])('a covered %s half is refused in words of its own; at the door nobody asks', async (half, cover, words) => {
    await using reader = await open(cover);
    expect(reader.embedder.seesCovers).toBe(true);
    const [face] = (await reader.read(shot, { purpose: 'enrolment' })).faces;
    expect(face).toMatchObject({ covered: half, quality: { reasons: ['unfit'] } });
    expect(face?.embedding).toBeUndefined();
    expect(await readCandidate('shot', shot, reader, qualityLimits)).toMatchObject({
      reasons: ['unfit'],
      detail: expect.stringMatching(words),
    });
    expect((await reader.read(shot)).faces[0]?.embedding).toHaveLength(3);
  });

  it('the numbers of the manifest are used look after look, in the order of the embedding', async () => {
    // The look without its lower half is greyer than the face as it is by what the lower half adds.
    const red = weights.map((_, i) => (i === 0 ? 1 : i === 3 * lowerLook ? -1 : 0));
    await using reader = await open({ lower: { weights: red, bias: 0 }, upper: rule(-1) });
    const brighter = (await reader.read(shot, { purpose: 'enrolment' })).faces[0];
    await using opposite = await open({ lower: { weights: red.map((w) => -w), bias: 0 }, upper: rule(-1) });
    const darker = (await opposite.read(shot, { purpose: 'enrolment' })).faces[0];
    expect([brighter?.covered, darker?.covered].toSorted()).toEqual(['lower', undefined]);
  });

  it('a network without rules enrols whatever it sees, and says that it has none', async () => {
    await using reader = await open(undefined);
    expect(reader.embedder.seesCovers).toBeUndefined();
    expect((await reader.read(shot, { purpose: 'enrolment' })).faces[0]?.embedding).toHaveLength(3);
  });
});

it.each<[string, object, RegExp]>([
  [
    'numbers for another network',
    { lower: { weights: [1, 2], bias: 0 }, upper: rule(0) },
    /cover\.lower\.weights must be 9 finite numbers, 3 for each/,
  ],
  ['a half that is missing', { lower: rule(0) }, /cover\.upper\.weights/],
  ['too few numbers for the eyes', { lower: { ...rule(0), eyes: [1] }, upper: rule(0) }, /cover\.lower\.eyes must be 1008 finite numbers/],
  ['a bias that is none', { lower: rule(0), upper: { weights, bias: 'high' } }, /cover\.upper\.bias must be a number/],
])('rules with %s are refused', async (_, cover, message) => {
  const opened = async () => openEmbedder(openEmbedderNetwork(embedder(cover)), { threads: 1 });
  await expect(opened()).rejects.toMatchObject({ code: 'model-unfit', message: expect.stringMatching(message) });
});
