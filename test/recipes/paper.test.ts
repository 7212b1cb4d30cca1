/**
 * The recipe `paper`, with a small network, from people who do not exist: to a folder that the face reader opens, and
 * to the comparison's verdict.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openEmbedderNetwork } from '../../src/face/manifest/embedder.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { checkEmbedding } from '../../src/identity/search.ts';
import { thresholdsOf } from '../../src/identity/threshold.ts';
import type { RecipeProgress, RecipeResult } from '../../src/retrain/port.ts';
import { qualityLimits } from '../fakes/quality-limits.ts';
import { demoPeople, paperRun, paperWorkshop } from './paper-set.ts';

const models = new URL('../../models/', import.meta.url).pathname;
const work = mkdtempSync(join(tmpdir(), 'facelatch-paper-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

const workshop = paperWorkshop();
const recipe = workshop.recipes.paper!;
/** Where only the people matter. */
const brief = { epochs: 1, stepsPerEpoch: 2 };
const people = demoPeople();
/** Thirteen are learned from or held out; three are the frozen set. */
const data = { people: people.slice(0, 13), strangers: [] };
const progress: RecipeProgress[] = [];
let result: RecipeResult;
const place = join(work, 'door');
beforeAll(async () => {
  result = await recipe.run(paperRun(place, data, { onProgress: (said) => progress.push(said) }));
}, 300_000);

const limits = qualityLimits;
const readerOf = (embedder: string) => openFaceReader({ detector: join(models, 'detector'), embedder, threads: 2, limits });
const hashOf = (folder: string) => openEmbedderNetwork(folder).info.sha256;

describe('the recipe paper', () => {
  test('leaves an embedder that the face reader opens, of vectors that a gallery takes, whose threshold can be set', async () => {
    await using reader = await readerOf(result.folder);
    expect(reader.embedder).toMatchObject({
      name: 'facelatch-paper',
      dimension: 65,
      head: { kind: 'l1-logistic' },
      calibration: result.calibration,
    });
    const { faces } = await reader.read(people[0]!.samples[0]!.picture, { embed: 'dominant' });
    checkEmbedding(reader.embedder, faces[0]!.embedding!);
    const policy = { policy: 'target-fmr', targetFmr: 1e-3, detection: 0.99, verification: 0.8 } as const;
    expect(Number.isFinite(thresholdsOf(policy, reader.embedder)(10).logit)).toBe(true);
  });

  test('learns from some, stops by others, and is calibrated on people of neither', () => {
    expect(result.figures).toMatchObject({ faces: 26, without: 0, learned: 7, judged: 3, calibrated: 3 });
    expect(result.calibration.table.length).toBeGreaterThanOrEqual(3);
    // Three people, two pictures, six versions: against the other picture, and against the 24 of everyone else.
    expect(result.calibration).toMatchObject({ genuinePairs: 36, impostorPairs: 36 * 24 });
  });

  test('tells how far it is, with its loss and how fast it goes', () => {
    expect(progress.filter(({ stage }) => stage === 'faces').at(-1)).toMatchObject({ done: 26, total: 26 });
    const training = progress.filter(({ stage }) => stage === 'training');
    expect(training.map(({ done }) => done)).toEqual(training.map((_, index) => index + 1));
    expect(training[0]!.figures!.loss).toBeGreaterThan(0);
    expect(training.at(-1)!.figures).toMatchObject({ 'steps.perSecond': expect.any(Number), 'validation.accuracy': expect.any(Number) });
    expect(progress.at(-1)).toMatchObject({ stage: 'calibrating' });
  });

  test('is measured against the network in use, and refused', async () => {
    await using champion = await readerOf(join(models, 'embedder'));
    await using candidate = await readerOf(result.folder);
    const verdict = await workshop.compare({
      champion: { reader: champion, place: join(models, 'embedder') },
      candidate: { reader: candidate, place: result.folder },
      frozen: { people: people.slice(13), strangers: [] },
      enrolled: people.slice(10),
      targetFmr: 0.001,
      seed: 1,
      signal: new AbortController().signal,
      onProgress: () => undefined,
    });
    expect(verdict.ok).toBe(false);
    expect(verdict.detail).toMatch(/FNMR .* against the champion's 0.00 % on 6 frozen pictures of 3 people/);
  }, 120_000);

  test('ended in the middle it goes on, and gives the network that it would have given', async () => {
    const cut = join(work, 'cut');
    const stop = new AbortController();
    const onProgress = ({ stage, done }: RecipeProgress) => void (stage === 'training' && done === 13 && stop.abort(new Error('stopped')));
    await expect(recipe.run(paperRun(cut, data, { signal: stop.signal, onProgress }))).rejects.toThrow('stopped');
    expect(existsSync(join(cut, 'out', 'manifest.json'))).toBe(false);
    const steps: number[] = [];
    await recipe.run(paperRun(cut, data, { onProgress: ({ stage, done }) => void (stage === 'training' && steps.push(done)) }));
    expect(steps[0]).toBe(14);
    expect(hashOf(join(cut, 'out'))).toBe(hashOf(result.folder));
  }, 120_000);

  test('killed with SIGKILL it goes on from its checkpoint, and gives the same network', async () => {
    const killed = join(work, 'killed');
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, killed], { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface(child.stdout)) if (Number(line) >= 17) break;
    child.kill('SIGKILL');
    await once(child, 'exit');
    const steps: number[] = [];
    // The network is there before it is calibrated.
    const end = new AbortController();
    const onProgress = ({ stage, done }: RecipeProgress) => {
      if (stage === 'training') steps.push(done);
      if (stage === 'calibrating') end.abort(new Error('trained'));
    };
    await expect(recipe.run(paperRun(killed, data, { signal: end.signal, onProgress }))).rejects.toThrow('trained');
    expect(steps[0]).toBeGreaterThan(10);
    expect(hashOf(join(killed, 'out'))).toBe(hashOf(result.folder));
  }, 120_000);

  test('says how many people are missing; beside people who do not exist fewer will do', async () => {
    expect(recipe.lacks({ people: people.slice(0, 5), strangers: [] })).toBe(
      'paper needs at least 8 people with 2 pictures each; there are 5 people, 5 of them with enough pictures: 3 more people with 2 pictures are missing',
    );
    await expect(recipe.run(paperRun(join(work, 'no'), { people: people.slice(0, 5), strangers: [] }))).rejects.toMatchObject({
      code: 'training-failed',
    });
    const nobodies = join(work, 'nobodies');
    mkdirSync(nobodies);
    const demo = new URL('../../config/demo-people/', import.meta.url).pathname;
    for (const name of readdirSync(demo)) if (/^p(1\d)-/.test(name)) cpSync(join(demo, name), join(nobodies, name));
    const { paper } = paperWorkshop({ nobodies }, brief).recipes;
    const few = { people: people.slice(0, 5), strangers: [people[5]!.samples, people[6]!.samples, people[7]!.samples] };
    expect(paper!.lacks({ ...few, people: few.people.slice(0, 3) })).toContain('at least 4 people');
    expect(paper!.lacks(few)).toBeUndefined();
    const { figures } = await paper!.run(paperRun(join(work, 'few'), few));
    expect(figures).toMatchObject({ faces: 30, learned: 3 + 5 + 1, judged: 1 + 1 + 1, calibrated: 1 + 1 + 1 });
    // One of those who do not exist lives here: none of them is learned from.
    expect(paper!.lacks({ people: [...people.slice(0, 3), people[9]!, people[10]!], strangers: [] })).toContain('at least 8 people');
  }, 120_000);

  test('takes the people of retrain.others in place of those who do not exist, but for whoever lives here', async () => {
    const others = join(work, 'others');
    for (const { personId, samples } of people.slice(4)) {
      mkdirSync(join(others, personId), { recursive: true });
      for (const [index, { picture }] of samples.entries()) writeFileSync(join(others, personId, `${index}.jpg`), picture);
    }
    writeFileSync(join(others, 'p06', 'no-picture.jpg'), 'nothing');
    const { paper } = paperWorkshop({ others }, brief).recipes;
    const few = { people: people.slice(0, 5), strangers: [] };
    expect(paper!.lacks(few)).toBeUndefined();
    // Five of the door; of the twelve others one lives here.
    expect((await paper!.run(paperRun(join(work, 'with-others'), few))).figures).toMatchObject({
      faces: 32,
      learned: 3 + 7,
      judged: 1 + 2,
      calibrated: 1 + 2,
    });
  }, 120_000);

  test('refuses people in whose pictures there are no faces', async () => {
    const blank = readFileSync(fileURLToPath(new URL('../../config/demo-people/p01-neutral.jpg', import.meta.url)));
    const { default: sharp } = await import('sharp');
    const wall = async (shade: number) => {
      const picture = await sharp(blank).resize(64, 64).blur(30).modulate({ brightness: shade }).jpeg().toBuffer();
      return { id: createHash('sha256').update(picture).digest('hex'), picture, origin: 'enrolment', takenAt: '' } as const;
    };
    const walls = { personId: 'wall', samples: [await wall(0.5), await wall(0.4)] };
    await expect(recipe.run(paperRun(join(work, 'walls'), { people: [...people.slice(0, 7), walls], strangers: [] }))).rejects.toThrow(
      /Only 7 people have two pictures with a face: paper needs 8/,
    );
  });
});

const script = `
  import { demoPeople, paperRun, paperWorkshop } from ${JSON.stringify(fileURLToPath(new URL('./paper-set.ts', import.meta.url)))};
  const slowly = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
  const onProgress = ({ stage, done }) => { if (stage !== 'training') return; console.log(done); slowly(); };
  const data = { people: demoPeople().slice(0, 13), strangers: [] };
  await paperWorkshop().recipes.paper.run(paperRun(process.argv[1], data, { onProgress }));`;
