/**
 * The steps of a job: its pictures are fixed, their labels checked, a network is learned from them, measured, signed
 * and kept, and promoted or refused. Each step leaves its result on the disk before the next begins, so that a job
 * goes on where a stop or a kill ended it.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../base/errors.ts';
import type { Signer } from '../base/jws.ts';
import type { NetworkPlace } from '../base/model/place.ts';
import { type FileSeal, type Shelf, shelfIn, shelved } from '../base/model/shelf.ts';
import type { Clock } from '../base/time.ts';
import type { Event } from '../events.ts';
import type { Vault } from '../vault/port.ts';
import { enrolledOf, summary } from './data/dataset.ts';
import { learnerName } from './held/of-person.ts';
import { type JobRow, jobSql } from './jobs.ts';
import { writeKeptFolder } from './kept-folder.ts';
import type { Farm, NetworkComparison, RecipeProgress, RecipeResult } from './port.ts';
import { tooFewProbes } from './probes.ts';
import type { TrainingProcess } from './process.ts';
import type { Registry } from './registry/registry.ts';
import type { Samples } from './samples.ts';
import type { RetrainStore } from './store.ts';
import {
  type Checked,
  indexFile,
  type JobKey,
  type JobPictures,
  type Networks,
  readPictures,
  type TaskResult,
  type TrainingTask,
  writePictures,
} from './task.ts';

export interface StepsOptions {
  readonly store: RetrainStore;
  readonly clock: Pick<Clock, 'wall'>;
  readonly registry: Registry;
  readonly samples: Samples;
  /** Where jobs keep their pictures, checkpoints and results until they end. */
  readonly folder: string;
  /** Of facelatch. */
  readonly engine: string;
  readonly signer: Signer;
  readonly networks: Networks;
  /** The embedder of the configuration; the champion is asked for at each comparison. */
  readonly base: string;
  readonly champion: () => NetworkPlace;
  readonly targetFmr: number;
  /** Whether people who look like one are refused. */
  readonly checkLabels: boolean;
  readonly process: TrainingProcess;
  /** The key of a job, which seals its files, and the seal of a key. */
  readonly keyOf: (job: string) => JobKey;
  readonly sealOf: (key: JobKey) => FileSeal;
  readonly farm?: Farm | undefined;
  /** Makes a measured candidate the champion, or says why not. */
  readonly promote: (id: string, by: string, comparison: NetworkComparison) => Promise<{ readonly ok: boolean; readonly detail: string }>;
  readonly record: (event: Event) => void;
  readonly onLine?: (job: string, line: string) => void;
}

export interface StepHooks {
  readonly enter: (id: string, state: 'training' | 'comparing') => void;
  readonly onProgress: (progress: RecipeProgress) => void;
}

export interface JobEnd {
  readonly state: 'promoted' | 'refused';
  readonly detail: string;
}

interface Run {
  readonly options: StepsOptions;
  readonly hooks: StepHooks;
  readonly job: JobRow;
  readonly signal: AbortSignal;
  /** The job's folder. */
  readonly at: string;
  readonly key: JobKey;
  readonly seal: FileSeal;
}

/** Carries a job from where it stands to its end. Throws what ended it early: a Fault, or what `signal` carries. */
export async function carryOut(options: StepsOptions, hooks: StepHooks, job: JobRow, signal: AbortSignal): Promise<JobEnd> {
  const { registry, record, promote } = options;
  const key = options.keyOf(job.id);
  const run: Run = { options, hooks, job, signal, at: join(options.folder, job.id), key, seal: options.sealOf(key) };
  const data = picturesOf(run);
  if (job.state === 'queued') {
    const { id, recipe, place: where, asked_by: by } = job;
    record({ kind: 'training.started', job: id, recipe, where, by });
  }
  hooks.enter(job.id, 'training');
  await once(run, 'checked', () => check(run));
  const result = await once(run, 'trained', () => train(run, data));
  hooks.enter(job.id, 'comparing');
  const comparison = await once(run, 'compared', () => compare(run));
  signal.throwIfAborted();
  const bundle = job.bundle ?? (await keep(run, data, result, comparison));
  if (!comparison.ok) {
    registry.note(bundle, `refused: ${comparison.detail}`);
    record({ kind: 'model.refused', bundle, reason: comparison.reason ?? 'worse', detail: comparison.detail });
    return { state: 'refused', detail: comparison.detail };
  }
  const promoted = await promote(bundle, job.asked_by, comparison);
  return { state: promoted.ok ? 'promoted' : 'refused', detail: promoted.detail };
}

/** A step's result from the disk, or made and put there. */
async function once<T>({ at }: Run, name: string, make: () => Promise<T>): Promise<T> {
  const folder = join(at, name);
  if (existsSync(folder)) return JSON.parse(readFileSync(join(folder, 'result.json'), 'utf8')) as T;
  const result = await make();
  writeKeptFolder(folder, new Map([['result.json', Buffer.from(JSON.stringify(result))]]));
  return result;
}

function picturesOf({ options: { samples }, at, seal }: Run): JobPictures {
  const folder = join(at, 'pictures');
  // Of a version that did not seal them: the job begins again.
  if (existsSync(join(folder, indexFile))) rmSync(at, { recursive: true, force: true });
  if (existsSync(folder)) {
    const before = readPictures(folder, seal);
    const people = samples.people();
    if ([...before.training.people, ...before.frozen.people].some(({ personId }) => !people.has(personId)))
      throw new Fault(
        'training-failed',
        'Somebody was removed from the people since this training began: start it again, without their pictures',
      );
    return before;
  }
  samples.purge();
  const { training, frozen } = samples.dataset();
  const all = { training, frozen, enrolled: enrolledOf([training, frozen]) };
  if (all.enrolled.length === 0 && samples.people().size > 0)
    throw new Fault(
      'training-failed',
      'Too few pictures: no enrolment picture is kept of anybody (privacy.templatesOnly), and nothing can be learned from templates. Enrol people with pictures, or do without training',
    );
  writePictures(folder, all, seal);
  return all;
}

/** Runs a task in the training process. */
function inProcess<T extends TrainingTask>({ options, hooks, job, signal }: Run, task: T): Promise<TaskResult<T>> {
  const { process, onLine } = options;
  return process.run(task, { signal, onProgress: hooks.onProgress, onLog: (line) => onLine?.(job.id, line) });
}

/** For every recipe, wherever it runs, and for the pictures it is measured on too. */
function check(run: Run): Promise<Checked> {
  const { networks, base, checkLabels } = run.options;
  return inProcess(run, {
    kind: 'check',
    key: run.key,
    pictures: join(run.at, 'pictures'),
    base: checkLabels ? base : undefined,
    networks,
  });
}

async function train(run: Run, data: JobPictures): Promise<RecipeResult> {
  const { options, hooks, job, signal, at, key } = run;
  const { farm, base, networks } = options;
  const { id, recipe, seed } = job;
  const out = join(at, 'out');
  const checkpoint = join(at, 'checkpoint');
  rmSync(out, { recursive: true, force: true });
  for (const made of [out, checkpoint]) mkdirSync(made, { recursive: true, mode: 0o700 });
  if (job.place === 'door')
    return inProcess(run, { kind: 'train', key, recipe, pictures: join(at, 'pictures'), base, out, checkpoint, seed, networks });
  if (!farm)
    throw new Fault('bad-config', 'This door has no farm: set retrain.where to door, or describe the farm (docs/reference/settings.md)');
  // At the door the process counts, after it has asked the recipe what it lacks.
  const tooFew = tooFewProbes(data);
  if (tooFew !== undefined) throw new Fault('bad-argument', tooFew);
  return farm.train({ id, recipe, seed }, { data: data.training, base, out: outOf(run), seed, signal, onProgress: hooks.onProgress });
}

/** What was learned. */
const outOf = ({ at, seal }: Run): Shelf => shelfIn(join(at, 'out'), seal);

function compare(run: Run): Promise<NetworkComparison> {
  const { targetFmr, networks, champion } = run.options;
  const candidate = shelved(outOf(run));
  const { seed } = run.job;
  const pictures = join(run.at, 'pictures');
  return inProcess(run, { kind: 'compare', key: run.key, pictures, champion: champion(), candidate, targetFmr, seed, networks });
}

async function keep(run: Run, data: JobPictures, result: RecipeResult, comparison: NetworkComparison): Promise<string> {
  const { options, job } = run;
  const { registry, store, clock, engine, signer } = options;
  const about = summary(data.training);
  const figures = Object.entries(result.figures).map(([name, value]) => [name, { value }] as const);
  const { id } = await registry.make(
    shelved(outOf(run)),
    {
      createdAt: new Date(clock.wall()).toISOString(),
      recipe: job.recipe,
      engine,
      data: { ...about, from: learners(store.vault, data, about.digest) },
      metrics: { ...Object.fromEntries(figures.filter(([, { value }]) => Number.isFinite(value))), ...comparison.metrics },
      calibration: result.calibration,
    },
    signer,
  );
  store.change(() => void jobSql(store).bundle.run(id, job.id));
  return id;
}

/** Everybody whose pictures the job had: a network is chosen by the frozen ones, too. */
function learners(vault: Vault, { training, frozen, enrolled }: JobPictures, digest: string): readonly string[] {
  const people = new Set([...training.people, ...frozen.people, ...enrolled].map(({ personId }) => personId));
  return [...people].flatMap((personId) => learnerName(vault, personId, digest) ?? []).toSorted();
}
