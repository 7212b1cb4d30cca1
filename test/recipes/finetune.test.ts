/** The recipe `finetune`, with few steps, from people who do not exist: to a folder that the face reader opens. */

import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { shelfIn } from '../../src/base/model/shelf.ts';
import { newRandom } from '../../src/base/random.ts';
import { openEmbedderNetwork } from '../../src/face/manifest/embedder.ts';
import type { FaceStudio } from '../../src/face/port.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { workshopOf } from '../../src/learning/workshop.ts';
import { cuttingOnce } from '../../src/recipes/finetune-faces.ts';
import { openLessons, turned } from '../../src/recipes/lessons.ts';
import type { LabelledPerson, Recipe, RecipeProgress, RecipeResult, RecipeRun, Sample } from '../../src/retrain/port.ts';
import { readOnnx } from '../../src/train/onnx/onnx-model.ts';
import { qualityLimits } from '../fakes/quality-limits.ts';

const models = new URL('../../models/', import.meta.url).pathname;
const demo = new URL('../../config/demo-people/', import.meta.url).pathname;
const base = join(models, 'embedder');
const work = mkdtempSync(join(tmpdir(), 'facelatch-finetune-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const few = { steps: 4, rows: 2, checkpointEvery: 2, mixedPerFace: 1, versions: 1, people: 12, others: 7 } as const;
const recipe = workshopOf({ finetune: few }).recipes.finetune as Recipe;

const sampleOf = (picture: Uint8Array): Sample => ({
  id: createHash('sha256').update(picture).digest('hex'),
  picture,
  origin: 'enrolment',
  takenAt: '2026-11-01T12:00:00Z',
});

/**
 * Six pictures of each of thirteen people of the demo: both there are, in three lights. Of thirteen people four are held
 * out, and fewer people or pictures would make too few pairs of strangers for a table.
 */
async function demoPeople(): Promise<LabelledPerson[]> {
  const people = Map.groupBy(
    readdirSync(demo).filter((name) => name.endsWith('.jpg')),
    (name) => name.slice(0, 3),
  );
  return Promise.all(
    [...people].slice(0, 13).map(async ([personId, names]) => {
      const lights = names.flatMap((name) => [0.7, 1, 1.2].map((brightness) => ({ name, brightness })));
      const samples = lights.map(async ({ name, brightness }) =>
        sampleOf(await sharp(join(demo, name)).resize(300).modulate({ brightness }).jpeg().toBuffer()),
      );
      return { personId, samples: await Promise.all(samples) };
    }),
  );
}

const runOf = (people: readonly LabelledPerson[], out: string, change: Partial<RecipeRun> = {}): RecipeRun => {
  mkdirSync(out, { recursive: true });
  return {
    data: { people, strangers: [] },
    ...{ base, out: shelfIn(out), checkpoint: shelfIn(join(work, 'checkpoint', out.slice(work.length))), seed: 5, threads: 2 },
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...change,
  };
};

let people: LabelledPerson[];
let result: RecipeResult;
const progress: RecipeProgress[] = [];
beforeAll(async () => {
  people = await demoPeople();
  result = await recipe.run(runOf(people, join(work, 'whole'), { onProgress: (said) => progress.push(said) }));
}, 180_000);

const onnxOf = (folder: string) => readFileSync(join(folder, 'twin.onnx'));

describe('the recipe finetune', () => {
  test('leaves an embedder that the face reader opens, calibrated on people of whom it learned nothing', async () => {
    const limits = qualityLimits;
    await using reader = await openFaceReader({ detector: join(models, 'detector'), embedder: result.folder, threads: 2, limits });
    expect(reader.embedder).toMatchObject({
      version: '2.0.0+finetune',
      dimension: 256,
      head: { kind: 'cosine' },
      calibration: result.calibration,
    });
    expect(result.calibration.population).toMatch(/; carried over to this network by 4 people of this door, held out/);
    expect(result.calibration.table.length).toBeGreaterThanOrEqual(3);
    const { faces } = await reader.read(people[0]!.samples[0]!.picture, { embed: 'dominant' });
    expect(Math.hypot(...faces[0]!.embedding!)).toBeCloseTo(1, 4);
    // Those held out have templates too, as everyone does: 78 pictures.
    expect(openEmbedderNetwork(result.folder).adapter?.keys.length).toBe(78 * 256);
  });

  test('only layers that still see the picture in detail were changed', () => {
    const [before, after] = [readOnnx(onnxOf(base)), readOnnx(onnxOf(result.folder))];
    const changed = [...before.weights].filter(([name, { numbers }]) =>
      numbers.some((value, i) => value !== after.weights.get(name)?.numbers[i]),
    );
    // w28 is the first kernel that sees a sixteenth of the picture's pixels; gates see none of the picture.
    const kernels = changed.filter(([name]) => name.startsWith('w')).map(([name]) => Number(name.slice(1)));
    expect(kernels.length).toBeGreaterThan(10);
    expect(Math.max(...kernels)).toBeLessThanOrEqual(28);
  });

  test('tells how far it is, with its loss and the time of a step', () => {
    expect([...new Set(progress.map(({ stage }) => stage))]).toEqual([
      'finding faces',
      'teaching',
      'training',
      'calibrating',
      'embedding',
      'comparing',
    ]);
    for (const { figures } of progress.filter(({ stage }) => stage === 'training')) {
      expect(figures?.loss).toBeGreaterThan(0);
      expect(figures?.secondsPerStep).toBeGreaterThan(0);
    }
    expect(result.figures).toMatchObject({ faces: 78, others: 0, pictures: 108 });
  });

  describe('with pictures of others', () => {
    let household: Recipe;
    let learned: RecipeResult;
    const own = () => people.slice(0, 3);
    beforeAll(async () => {
      const others = join(work, 'others');
      for (const { personId, samples } of people.slice(6)) {
        mkdirSync(join(others, personId), { recursive: true });
        for (const { id, picture } of samples) writeFileSync(join(others, personId, `${id}.jpg`), picture);
      }
      household = workshopOf({ finetune: few, others }).recipes.finetune as Recipe;
      learned = await household.run(runOf(own(), join(work, 'household')));
    }, 120_000);

    test('learns from a household, and calibrates on the others', () => {
      expect(learned.calibration.population).toMatch(/by 4 strangers from whom/);
      expect(learned.figures).toMatchObject({ faces: 18, others: 7 });
    });

    test('stopped in the middle it goes on from its checkpoint, to the very same network', async () => {
      const stop = new AbortController();
      const out = join(work, 'stopped');
      const run = runOf(own(), out);
      const half = ({ stage, done }: RecipeProgress) => stage === 'training' && done === 2 && stop.abort(new Error('enough'));
      await expect(household.run({ ...run, signal: stop.signal, onProgress: half })).rejects.toThrow('enough');
      expect(existsSync(join(out, 'twin.onnx'))).toBe(false);
      const steps: number[] = [];
      // The network is there before it is calibrated.
      const end = new AbortController();
      const onProgress = ({ stage, done }: RecipeProgress) => {
        if (stage === 'training') steps.push(done);
        if (stage === 'calibrating') end.abort(new Error('trained'));
      };
      await expect(household.run({ ...run, signal: end.signal, onProgress })).rejects.toThrow('trained');
      expect(steps).toEqual([3, 4]);
      expect(onnxOf(out).equals(onnxOf(learned.folder))).toBe(true);
    }, 120_000);
  });

  test('says what is missing: people, pictures, others; and what to do', () => {
    const data = { people: people.slice(0, 3), strangers: [] };
    const lack = recipe.lacks(data) as string;
    for (const part of ['finetune needs at least 12 people with 4 pictures', '9 more people', 'retrain.others', 'adapt'])
      expect(lack).toContain(part);
    const lonely = join(work, 'lonely');
    mkdirSync(join(lonely, 'Ada'), { recursive: true });
    cpSync(join(demo, 'p01-neutral.jpg'), join(lonely, 'Ada', '1.jpg'));
    expect(workshopOf({ finetune: few, others: lonely }).recipes.finetune?.lacks(data)).toMatch(/at least 7 people.*retrain\.others has 1/);
    // A link to a folder of people is as good as the folder.
    mkdirSync(join(work, 'linked'));
    symlinkSync(join(lonely, 'Ada'), join(work, 'linked', 'Ada'));
    expect(workshopOf({ finetune: few, others: join(work, 'linked') }).recipes.finetune?.lacks(data)).toMatch(/retrain\.others has 1/);
    expect(() => workshopOf({ others: join(lonely, 'Ada') }).recipes.finetune?.lacks(data)).toThrow(
      /retrain\.others.*no folders of pictures/,
    );
    expect(() => workshopOf({ others: join(work, 'nowhere') }).recipes.finetune?.lacks(data)).toThrow(/retrain\.others.*cannot be read/);
  });
});

test('lessons: the same batch whenever a step is asked for, of pictures that nobody has too', async () => {
  const random = newRandom(1);
  const [width, height] = [24, 24];
  const face = () => Uint8Array.from({ length: width * height * 3 }, () => 256 * random());
  const lessons = await openLessons({
    ...{ width, height, door: [[face()], [face(), face()]], others: [], seed: 3, mixedPerFace: 2 },
    judge: async (aligned) => ({ embedding: Float32Array.from([aligned[0] as number, 1]), fitness: (aligned[1] as number) / 255 }),
    onProgress: () => undefined,
    signal: new AbortController().signal,
  });
  expect(lessons.count).toBe(9);
  const batch = async (step: number) => {
    const laid: Uint8Array[] = [];
    const taught = await lessons.batch(step, 5, (aligned, row) => {
      laid[row] = aligned;
    });
    return { laid, ...taught };
  };
  const [first, other, again] = [await batch(1), await batch(2), await batch(1)];
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
  for (let row = 0; row < 5; row++) expect(Math.hypot(...first.targets.subarray(2 * row, 2 * row + 2))).toBeCloseTo(1, 5);
  // The fitness is that of the degraded picture, before the training: the output goes on to say what it said.
  expect([...(first.qualities as Float32Array)]).toEqual(first.laid.map((aligned) => Math.fround((aligned[1] as number) / 255)));
});

test('the face of a picture is looked for once', async () => {
  const cut = vi.fn(async (picture: Uint8Array) => picture.map((value) => value + 1));
  const studio = cuttingOnce({ cut } as unknown as FaceStudio);
  const [one, two] = [Uint8Array.of(1), Uint8Array.of(2)];
  expect(await Promise.all([one, two, one].map((picture) => studio.cut(picture)))).toEqual(
    [[2], [3], [2]].map((face) => Uint8Array.from(face)),
  );
  expect(await studio.cut(two)).toEqual(Uint8Array.of(3));
  expect(cut.mock.calls).toEqual([[one], [two]]);
});

test('a picture turned four times by a quarter is as it was', () => {
  const rgb = Uint8Array.from({ length: 4 * 4 * 3 }, (_, i) => i);
  const once = turned(rgb, 4, 4, 1);
  expect([turned(once, 4, 4, 1), turned(once, 4, 4, 2), turned(once, 4, 4, 3)]).toEqual([turned(rgb, 4, 4, 2), turned(rgb, 4, 4, 3), rgb]);
});
