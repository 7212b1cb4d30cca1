import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { shelfIn } from '../../src/base/model/shelf.ts';
import { openEmbedderNetwork } from '../../src/face/manifest/embedder.ts';
import type { Embedding } from '../../src/face/port.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { thresholdsOf } from '../../src/identity/threshold.ts';
import { workshopOf } from '../../src/learning/workshop.ts';
import { openCohort, writeCohort } from '../../src/recipes/cohort.ts';
import { cosine } from '../../src/recipes/embeddings.ts';
import type { LabelledPerson, Recipe, RecipeProgress, RecipeResult, RecipeRun, Sample } from '../../src/retrain/port.ts';
import { qualityLimits } from '../fakes/quality-limits.ts';

const models = new URL('../../models/', import.meta.url).pathname;
const demo = new URL('../../config/demo-people/', import.meta.url).pathname;
const base = join(models, 'embedder');
const work = mkdtempSync(join(tmpdir(), 'facelatch-adapt-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const sampleOf = (picture: Uint8Array): Sample => ({
  id: createHash('sha256').update(picture).digest('hex'),
  picture,
  origin: 'enrolment',
  takenAt: '2026-11-01T12:00:00Z',
});

/** Three pictures of someone of the demo: as it is, smiling where there is one, and in other light. */
async function person(name: string): Promise<LabelledPerson> {
  const picture = await sharp(join(demo, `${name}-neutral.jpg`))
    .resize(300)
    .jpeg()
    .toBuffer();
  const changed = await Promise.all([
    sharp(picture).modulate({ brightness: 0.6 }).jpeg().toBuffer(),
    sharp(picture).modulate({ brightness: 1.2 }).blur(1).jpeg().toBuffer(),
  ]);
  return { personId: name, samples: [picture, ...changed].map(sampleOf) };
}

/**
 * The first people of the shipped cohort, 60 of them to learn from: comparisons grow with the square. With all of it the
 * recipe runs in test/flow/real-learning.test.ts.
 */
const cohort = join(work, 'cohort');
const shipped = openCohort(join(models, 'cohort'));
writeCohort(cohort, { ...shipped, people: shipped.people.slice(0, 75) }, { licence: 'as shipped', provenance: 'a part' });
const recipe = workshopOf({ cohort }).recipes.adapt as Recipe;
const progress: RecipeProgress[] = [];
const runOf = (people: readonly LabelledPerson[], out: string, change: Partial<RecipeRun> = {}): RecipeRun => ({
  data: { people, strangers: [] },
  ...{ base, out: shelfIn(out), checkpoint: shelfIn(join(out, 'checkpoint')), seed: 5, threads: 2 },
  signal: new AbortController().signal,
  onProgress: (said) => progress.push(said),
  ...change,
});

let people: LabelledPerson[];
let result: RecipeResult;
const out = join(work, 'adapted');
beforeAll(async () => {
  people = await Promise.all(['p01', 'p02', 'p03'].map(person));
  result = await recipe.run(runOf(people, out));
}, 120_000);

const limits = qualityLimits;
const readerOf = (embedder: string) => openFaceReader({ detector: join(models, 'detector'), embedder, threads: 2, limits });

describe('the recipe adapt', () => {
  test('leaves an embedder that the face reader opens, of another identity than the base, whose threshold can be set', async () => {
    await using reader = await readerOf(out);
    expect(reader.embedder).toMatchObject({
      version: '2.0.0+adapt',
      dimension: 256,
      head: { kind: 'cosine' },
      calibration: result.calibration,
    });
    expect(reader.embedder.sha256).not.toBe(openEmbedderNetwork(base).info.sha256);
    const policy = { policy: 'target-fmr', targetFmr: 1e-4, detection: 0.99, verification: 0.8 } as const;
    expect(thresholdsOf(policy, reader.embedder)(15).logit).toBeGreaterThan(0);
  });

  test('under it, pictures of one person that were learned from are more alike than before, and unlike other people', async () => {
    const cosinesOf = async (embedder: string) => {
      await using reader = await readerOf(embedder);
      const seen: Embedding[][] = [];
      for (const { samples } of people)
        seen.push(
          await Promise.all(samples.map(async ({ picture }) => (await reader.read(picture, { embed: 'dominant' })).faces[0]!.embedding!)),
        );
      return seen.map((own) => ({
        own: cosine(own[0]!, own[2]!),
        others: seen.filter((each) => each !== own).map(([a]) => cosine(own[0]!, a!)),
      }));
    };
    const [before, after] = [await cosinesOf(base), await cosinesOf(out)];
    const { scale, bias } = openEmbedderNetwork(out).info.head as { readonly scale: number; readonly bias: number };
    const strict = result.calibration.table.find(({ fmr }) => fmr === 1e-3)!.logit;
    for (const [i, { own, others }] of after.entries()) {
      expect(own).toBeGreaterThan(before[i]!.own);
      expect(scale * own + bias).toBeGreaterThan(strict);
      for (const other of others) expect(scale * other + bias).toBeLessThan(strict);
    }
  });

  test('keeps the fitness that the base demands, and its calibration, carried over: no row is more lenient than strangers show', () => {
    const [before, after] = [openEmbedderNetwork(base), openEmbedderNetwork(out)];
    expect(after.info.quality).toEqual(before.info.quality);
    expect(after.quality).toEqual(before.quality);
    expect(after.twin).toEqual(before.twin);
    const { table, wild, population } = after.info.calibration!;
    expect(population).toContain(before.info.calibration!.population);
    expect(table.map(({ fmr }) => fmr)).toEqual(before.info.calibration!.table.map(({ fmr }) => fmr));
    for (const { fmr, logit } of wild!.table) expect(logit).toBeLessThan(table.find((row) => row.fmr === fmr)!.logit);
  });

  test('tells how far it is, and says what it saw', () => {
    expect(progress.filter(({ stage }) => stage === 'embedding').map(({ done }) => done)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(progress.at(-1)).toMatchObject({ stage: 'comparing', done: 60, total: 60 });
    expect(result.figures).toEqual({ faces: 9, without: 0, embeddings: 45 });
  });

  test('whoever was turned away often becomes nobody: no picture of theirs stands for anyone, and no threshold falls', async () => {
    const often = await person('p09');
    const visited = join(work, 'visited');
    const strangers = Array.from({ length: 4 }, () => often.samples);
    const { calibration } = await recipe.run({ ...runOf(people, visited), data: { people, strangers } });
    expect(openEmbedderNetwork(visited).adapter?.keys.length).toBe(9 * 256);
    const cosinesAt = (folder: string) => {
      const { head, calibration: stated } = openEmbedderNetwork(folder).info;
      const { scale: by, bias: from } = head as { readonly scale: number; readonly bias: number };
      return stated!.table.map(({ logit }) => (logit - from) / by);
    };
    const before = cosinesAt(out);
    for (const [i, threshold] of cosinesAt(visited).entries()) expect(threshold).toBeGreaterThanOrEqual(before[i]! - 1e-4);
    await using reader = await readerOf(visited);
    const embeddingOf = async ({ picture }: Sample) => (await reader.read(picture, { embed: 'dominant' })).faces[0]!.embedding!;
    const { scale, bias } = reader.embedder.head as { readonly scale: number; readonly bias: number };
    const strict = calibration.table.find(({ fmr }) => fmr === 1e-3)!.logit;
    const probe = await embeddingOf(often.samples[0]!);
    for (const { samples } of people)
      for (const sample of samples) expect(scale * cosine(probe, await embeddingOf(sample)) + bias).toBeLessThan(strict);
  }, 120_000);

  test('goes on from the twin where the base has an adapter already: to the same network again under the same seed', async () => {
    const twice = join(work, 'twice');
    await recipe.run(runOf(people, twice, { base: out }));
    expect(openEmbedderNetwork(twice).info.sha256).toBe(openEmbedderNetwork(out).info.sha256);
  }, 120_000);

  test('refuses one person only, and pictures in which no face is found', async () => {
    expect(recipe.lacks({ people: people.slice(0, 1), strangers: [] })).toContain('there is only one');
    await expect(recipe.run(runOf(people.slice(0, 1), join(work, 'no')))).rejects.toMatchObject({ code: 'training-failed' });
    const wall = async (shade: string) =>
      sampleOf(
        await sharp({ create: { width: 200, height: 200, channels: 3, background: shade } })
          .jpeg()
          .toBuffer(),
      );
    const nobody = { personId: 'nobody', samples: await Promise.all(['#111111', '#777777', '#eeeeee'].map(wall)) };
    await expect(recipe.run(runOf([people[0]!, nobody], join(work, 'no')))).rejects.toThrow(/Only 1 people have two pictures with a face/);
  });

  test('refuses a base of another network than the cohort’s', async () => {
    const other = join(work, 'other');
    cpSync(base, other, { recursive: true });
    const manifest = JSON.parse(readFileSync(join(other, 'manifest.json'), 'utf8'));
    const onnx = Buffer.concat([readFileSync(join(other, 'twin.onnx')), Buffer.from([0x1a, 0x01, 0x31])]);
    writeFileSync(join(other, 'twin.onnx'), onnx);
    writeFileSync(join(other, 'manifest.json'), JSON.stringify({ ...manifest, sha256: createHash('sha256').update(onnx).digest('hex') }));
    await expect(recipe.run(runOf(people, join(work, 'no'), { base: other }))).rejects.toThrow(
      /choose the recipe finetune \(retrain\.recipe\)/,
    );
  });

  test('ends where it is told to stop', async () => {
    const stop = new AbortController();
    const run = runOf(people, join(work, 'no'), { signal: stop.signal, onProgress: () => stop.abort(new Error('stopped')) });
    await expect(recipe.run(run)).rejects.toThrow('stopped');
    expect(existsSync(join(work, 'no'))).toBe(false);
  });
});

describe('an adapted embedder whose folder is wrong', () => {
  const broken = join(work, 'broken');
  test.each([
    ['an altered adapter', 'model-damaged', (m: object) => m, (b: Buffer) => Buffer.concat([b.subarray(4), b.subarray(0, 4)])],
    [
      'a missing adapter',
      'model-missing',
      (m: { adapter: object }) => ({ ...m, adapter: { ...m.adapter, file: 'gone.f32' } }),
      (b: Buffer) => b,
    ],
    [
      'a number of keys that the file does not hold',
      'model-unfit',
      (m: { adapter: object }) => ({ ...m, adapter: { ...m.adapter, keys: 3 } }),
      (b: Buffer) => b,
    ],
    [
      'a gate that closes before it opens',
      'model-unfit',
      (m: { adapter: object }) => ({ ...m, adapter: { ...m.adapter, gate: { from: 0.9, to: 0.8 } } }),
      (b: Buffer) => b,
    ],
  ])('%s is a fault', (_, code, change, bytes) => {
    cpSync(out, broken, { recursive: true });
    writeFileSync(join(broken, 'manifest.json'), JSON.stringify(change(JSON.parse(readFileSync(join(out, 'manifest.json'), 'utf8')))));
    writeFileSync(join(broken, 'adapter.f32'), bytes(readFileSync(join(out, 'adapter.f32'))));
    expect(() => openEmbedderNetwork(broken)).toThrow(expect.objectContaining({ code }));
  });
});
