/**
 * Early stopping. In: a course, that is faces to learn from and faces of other people to stop by. Out: the weights
 * after the epoch in which the faces to stop by were told apart best. They are on disk beside the checkpoint, so a
 * course that was stopped or killed continues as if it had not been.
 *
 * Method: Prechelt, Early Stopping — But When?, 1998: the last criterion (so many epochs in a row without a better
 * one).
 */
import { createHash } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BestWeights, isNoCheckpoint, openBestWeights } from './best-weights.ts';
import { type Part, requirePairs, type Split } from './data/dataset.ts';
import { type Pictures, toNumbers } from './data/pictures.ts';
import { readWeights, writeWeights } from './network/checkpoint.ts';
import type { Course, CourseResult, Objective, Sitter, Validation } from './port.ts';
import type { TrainingProgress, TrainingRecipe } from './recipe.ts';
import { checkpointName, type RunControl, train } from './trainer.ts';
import { validate } from './validation.ts';

const bestName = 'best.facelatch';
const objective: Objective = { loss: 'bce', margin: 1, l1: 0, l2: 0 };
/** Most pairs of each kind that judge an epoch. */
const judgedBy = 200;

interface Best {
  readonly epoch: number;
  readonly loss: number;
  readonly validation: Validation;
  /** Steps in all; there once the course has ended. */
  readonly ended?: number;
}

/**
 * Trains to the end of the course. Throws Fault `training-failed` where the loss is no longer a number,
 * `bad-argument` where either group has no pairs, `disk-full`, `reader-failed`; and the reason of `signal`, after it
 * has written a checkpoint.
 */
export async function follow(course: Course): Promise<CourseResult> {
  const folder = await ownFolder(course);
  const place = join(folder, bestName);
  const openBest = () => openBestWeights<Best>(place, course.network, ({ validation }) => validation.loss);
  const best = await openBest();
  if (best.found()?.ended === undefined) {
    const given = { split: splitOf(course), pictures: picturesOf(course) };
    const run = (resume: boolean, kept: BestWeights<Best>) =>
      train({ ...recipeOf(course, folder), resume }, controlOf(course, kept), given);
    const { steps, finished } = await run(true, best).catch(async (error: unknown) => {
      if (!isNoCheckpoint(error)) throw error;
      for (const name of await readdir(folder)) await rm(join(folder, name), { force: true });
      return await run(false, await openBest());
    });
    if (!finished) course.signal.throwIfAborted();
    const { network, step, weights, notes } = await readWeights(place);
    await writeWeights(place, { network, step, weights, notes: { ...notes, ended: steps } });
    // Only further training needs the checkpoint, and it takes half a gigabyte.
    for (const end of ['', '.last']) await rm(join(folder, `${checkpointName}${end}`), { force: true });
  }
  const { weights, step, notes } = await readWeights(place);
  const { loss, validation, ended } = notes as unknown as Best;
  return { weights, step, steps: ended ?? step, loss, validation };
}

/** Each course has its own folder; what other courses left there is removed. */
async function ownFolder(course: Course): Promise<string> {
  const own = digestOf(course).slice(0, 16);
  for (const name of await readdir(course.folder)) if (name !== own) await rm(join(course.folder, name), { recursive: true, force: true });
  const folder = join(course.folder, own);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}

function controlOf(course: Course, best: BestWeights<Best>): RunControl {
  const { signal, seed, stepsPerEpoch, patience, network } = course;
  const losses: number[] = [];
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  let validation: Validation | undefined;
  let [took, done, epochLoss] = [0, 0, 0];
  const onProgress = (progress: TrainingProgress) => {
    if (progress.kind === 'epoch') epochLoss = progress.loss;
    if (progress.kind !== 'step') return;
    const { step, steps, loss, tookMs } = progress;
    losses.push(loss);
    if (losses.length > stepsPerEpoch) losses.shift();
    done = step;
    took = took === 0 ? tookMs : 0.9 * took + 0.1 * tookMs;
    course.onStep({ step, steps, loss: mean(losses), stepsPerS: 1000 / took, ...(validation && { validation }) });
  };
  return {
    signal,
    onProgress,
    keepLast: false,
    afterEpoch: async (epoch, { engine, split, pictures }) => {
      const { scored } = await validate({ engine, network, objective, part: split.validation, pictures }, 2 * judgedBy, seed);
      validation = balanced(scored.map(({ score, pair }) => ({ score, same: pair.same })));
      await best.offer({ epoch, loss: epochLoss, validation }, engine, done);
      return epoch - (best.found()?.epoch ?? epoch) < patience;
    },
  };
}

/** Few people have few pairs of one person and many of two: both kinds count alike. */
function balanced(scored: readonly { readonly score: number; readonly same: boolean }[]): Validation {
  const kinds = [true, false].map((kind) => scored.filter(({ same }) => same === kind)).filter((some) => some.length > 0);
  const mean = (value: (one: { readonly score: number; readonly same: boolean }) => number) =>
    kinds.reduce((sum, some) => sum + some.reduce((part, one) => part + value(one) / some.length, 0) / kinds.length, 0);
  // Large logits become a probability of 0 or 1 in float64; the cost must stay finite.
  return {
    loss: mean(({ score, same }) => -Math.log(Math.max(1e-15, same ? score : 1 - score))),
    accuracy: mean(({ score, same }) => Number(score > 0.5 === same)),
  };
}

function recipeOf(course: Course, out: string): Omit<TrainingRecipe, 'resume'> {
  const { network, threads, device = 'cpu', pairs, stepsPerEpoch, epochs, optimiser, augment, seed, checkpointEvery } = course;
  return {
    ...{ network, threads, pairs, epochs, objective, optimiser, augment, seed, checkpointEvery },
    engine: 'onnx',
    device,
    data: 'faces in memory',
    split: { by: 'person', validation: 0, test: 0, seed },
    batchesPerEpoch: stepsPerEpoch,
    // The epochs are judged in `afterEpoch`.
    validationPairs: 0,
    out,
  };
}

const faceName = (group: string, { name }: Sitter, index: number) => `${group}/${name}/${index}`;

function partOf(group: string, sitters: readonly Sitter[]): Part {
  const subjects = sitters.map((sitter) => {
    const faces = sitter.faces.map((_, index) => faceName(group, sitter, index));
    return { name: sitter.name, first: sitter.stranger ? [] : faces, second: faces };
  });
  const part = { name: group, subjects };
  requirePairs(part, `the group to be ${group}`, 'add people, and pictures of them');
  return part;
}

function splitOf({ learnFrom, stopBy }: Course): Split {
  return { train: partOf('learned', learnFrom), validation: partOf('judged', stopBy), test: { name: 'none', subjects: [] } };
}

function picturesOf({ learnFrom, stopBy }: Course): Pictures {
  const faces = new Map<string, Uint8Array>();
  for (const [group, sitters] of [['learned', learnFrom] as const, ['judged', stopBy] as const])
    for (const sitter of sitters) for (const [index, face] of sitter.faces.entries()) faces.set(faceName(group, sitter, index), face);
  return { read: async (name) => toNumbers(faces.get(name) as Uint8Array) };
}

/** All that decides the result of a course, except for how long it runs. */
function digestOf({ network, learnFrom, stopBy, pairs, stepsPerEpoch, optimiser, augment, seed }: Course): string {
  const hash = createHash('sha256').update(JSON.stringify([network, pairs, stepsPerEpoch, optimiser, augment, seed]));
  for (const { name, faces, stranger } of [...learnFrom, ...stopBy]) {
    hash.update(`${name} ${faces.length} ${stranger}`);
    for (const face of faces) hash.update(face);
  }
  return hash.digest('hex');
}
