/** A stranger's chances against a gallery: one person's many pictures must not lock the others out, nor let strangers in. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelFolder } from '../../src/adapters/basics.ts';
import type { EmbedderInfo, Embedding, FaceReader } from '../../src/face/port.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { chancesAt, chancesOf, type Strangers } from '../../src/identity/chances.ts';
import { logitOf } from '../../src/identity/siamese.ts';
import { galleryThreshold, thresholdsOf } from '../../src/identity/threshold.ts';
import { openCohort } from '../../src/recipes/cohort.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { near, randomOf } from '../fakes/embeddings.ts';
import { sharedData } from '../fakes/shared-data.ts';

const { config } = loadConfig({ flags: new Map() });
const policy = { ...config.identity, policy: 'target-fmr', targetFmr: 1e-4 } as const;
let reader: FaceReader;
let embedder: EmbedderInfo;
/** Two halves of the shipped people: on one the chances are estimated, with the other the door is tried. */
let strangers: Strangers;
let others: readonly Embedding[];
beforeAll(async () => {
  const parts = { detector: modelFolder('detector'), embedder: modelFolder('embedder'), limits: config.face.quality };
  reader = await openFaceReader({ ...parts, threads: 1, provider: 'cpu' });
  embedder = reader.embedder;
  const { people } = openCohort(modelFolder('cohort'));
  strangers = { embedder: embedder.sha256, embeddings: people.filter((_, i) => i % 2 === 0).flat() };
  others = people.filter((_, i) => i % 2 === 1).flat();
});
afterAll(() => reader[Symbol.asyncDispose]());

async function embedding(picture: Uint8Array): Promise<Embedding> {
  const [face] = (await reader.read(picture, { embed: 'dominant' })).faces;
  return face?.embedding as Embedding;
}
const demo = (name: string) => embedding(readFileSync(new URL(`../../config/demo-people/${name}.jpg`, import.meta.url)));

/** As alike as webcam frames of one moment: measured at logits of 26 to 33 of at most 36, half of them above 30.5. */
const nearEqual = (of: Embedding, count: number): Embedding[] => {
  const random = randomOf(3);
  return Array.from({ length: count }, () => near(of, 0.14, random));
};

/** How many times more often than promised somebody of `others` passes for somebody in the gallery. */
function timesPromise(people: readonly { id: string; templates: readonly Embedding[] }[], targetFmr: number): number {
  const threshold = galleryThreshold({ ...policy, targetFmr }, embedder, () => strangers);
  threshold.load(people);
  const templates = people.flatMap((person) => person.templates);
  const passing = others.filter((other) => templates.some((template) => logitOf(embedder.head, other, template) >= threshold.now.logit));
  return passing.length / others.length / targetFmr;
}

describe('46 near-equal pictures of one person', () => {
  it('leave the threshold where 5 leave it, with the shipped strangers and without', async () => {
    const [p03, p10] = [await demo('p03-neutral'), await demo('p10-neutral')];
    const many = nearEqual(p03, 46);
    expect(logitOf(embedder.head, many[0]!, many[1]!)).toBeLessThan(30.5);
    for (const source of [() => strangers, () => undefined]) {
      const at = (count: number) => {
        const threshold = galleryThreshold(policy, embedder, source);
        const people = [
          { id: 'p03', templates: many.slice(0, count) },
          { id: 'p10', templates: [p10] },
        ];
        threshold.load(people);
        return threshold.now.logit;
      };
      expect(at(46)).toBeGreaterThanOrEqual(at(1));
      expect(at(46) - at(5)).toBeLessThan(0.3);
      expect(thresholdsOf(policy, embedder)(47).logit - at(46)).toBeGreaterThan(1);
    }
  });

  it('are measured in small turns while the door runs, and count at least as much until then', async () => {
    const many = nearEqual(await demo('p03-neutral'), 46);
    const chances = chancesOf(embedder, Number.POSITIVE_INFINITY, () => strangers);
    chances.load([]);
    chances.load([0, 10, 20, 30].map((from, i) => ({ id: `p${i}`, templates: many.slice(from, from + 10) })));
    const counts = [chances.at(1e-5)];
    while (chances.continue()) counts.push(chances.at(1e-5));
    expect(counts.length).toBeGreaterThan(2);
    expect(counts).toEqual(counts.toSorted((a, b) => b - a));
    expect(counts.at(-1)).toBeLessThan(10);
  });
});

describe('many people with as many templates each', () => {
  it('are counted by a table, within 0.3 % of each by itself', () => {
    const random = randomOf(9);
    const people = others
      .slice(0, 20)
      .map((one, i) => ({ id: `p${i}`, templates: Array.from({ length: 5 }, () => near(one, 0.2 + i / 20, random)) }));
    const chances = chancesOf(embedder, Number.POSITIVE_INFINITY, () => strangers);
    chances.load(people);
    for (const fmr of [1e-3, 1e-6]) {
      const each = people.map((person) => {
        const alone = chancesOf(embedder, Number.POSITIVE_INFINITY, () => strangers);
        alone.load([person]);
        return alone.at(fmr);
      });
      const sum = each.reduce((total, one) => total + one, 0);
      expect(Math.abs(chances.at(fmr) / sum - 1)).toBeLessThan(0.003);
    }
  });
});

describe('different people', () => {
  it('let strangers in at most twice as often as promised: people of the demo', async () => {
    const people = [];
    for (const id of ['p01', 'p02', 'p05', 'p07'])
      people.push({ id, templates: [await demo(`${id}-neutral`), await demo(`${id}-smiling`)] });
    for (const target of [1e-2, 3e-3]) expect(timesPromise(people, target)).toBeLessThanOrEqual(2);
  });

  const orl = sharedData('orl');
  it.skipIf(!orl)('let strangers in at most twice as often as promised: four of ORL with five pictures each', async () => {
    const people = [];
    for (const id of ['s3', 's9', 's21', 's33']) {
      const files = readdirSync(join(orl!, id)).toSorted().slice(0, 5);
      const templates = [];
      for (const file of files) templates.push(await embedding(await fromPgm(join(orl!, id, file))));
      people.push({ id, templates });
    }
    for (const target of [1e-2, 3e-3]) expect(timesPromise(people, target)).toBeLessThanOrEqual(2);
    const chances = chancesOf(embedder, Number.POSITIVE_INFINITY, () => strangers);
    chances.load(people);
    expect(chances.at(1e-5)).toBeGreaterThan(10);
    expect(chances.at(1e-5)).toBeLessThanOrEqual(20);
  });
});

/** Larger, so that the detector finds the face. */
async function fromPgm(file: string): Promise<Buffer> {
  const bytes = readFileSync(file);
  const [header = '', width = '0', height = '0'] =
    /^P5\s+(?:#.*\n)?(\d+)\s+(\d+)\s+\d+\s/.exec(bytes.subarray(0, 60).toString('latin1')) ?? [];
  const raw = { width: Number(width), height: Number(height), channels: 1 } as const;
  const pixels = bytes.subarray(header.length, header.length + raw.width * raw.height);
  return sharp(pixels, { raw })
    .resize(3 * raw.width)
    .toColourspace('srgb')
    .jpeg({ quality: 95 })
    .toBuffer();
}

describe('the model', () => {
  it('counts independent templates one by one, equal ones once, and grows towards rarer matches between', () => {
    expect(chancesAt(10, 0, 1e-4)).toBeCloseTo(10, 1);
    expect(chancesAt(10, 1, 1e-4)).toBeLessThan(1.2);
    expect(chancesAt(1, 0.5, 1e-4)).toBe(1);
    const rising = [1e-2, 1e-3, 1e-4, 1e-5].map((fmr) => chancesAt(5, 0.85, fmr));
    expect(rising).toEqual(rising.toSorted((a, b) => a - b));
    // Against a numeric integral on a grid of 800 nodes.
    expect(rising[0]).toBeCloseTo(2.56, 1);
    expect(rising[3]).toBeCloseTo(3.69, 1);
  });
});
