/**
 * The steps of a job: its pictures are fixed, their labels checked, something is learned from them, measured, signed and kept, and promoted or refused. Every step leaves its result on
 * the disk before the next begins, so that a job goes on where a stop or a kill ended it.
 */
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Fault } from '../base/errors.ts';
import type { Signer } from '../base/jws.ts';
import type { Clock } from '../base/time.ts';
import type { Event } from '../events.ts';
import { type JobRow, statements } from './jobs.ts';
import { writeKeptFolder } from './kept-folder.ts';
import type { Farm, NetworkComparison, RecipeProgress, RecipeResult } from './port.ts';
import { tooFewProbes } from './probes.ts';
import type { TrainingProcess } from './process.ts';
import type { Registry } from './registry.ts';
import { enrolledOf, type Samples, summary } from './samples.ts';
import type { RetrainStore } from './store.ts';
import { type Checked, type JobPictures, type Networks, readPictures, writePictures } from './task.ts';

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
  /** The embedder of the configuration; the champion's folder is asked for at each comparison. */
  readonly base: string;
  readonly champion: () => string;
  readonly targetFmr: number;
  /** Whether people who look like one are refused. */
  readonly checkLabels: boolean;
  readonly process: TrainingProcess;
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

/** Carries a job from where it stands to its end. Throws what ended it early: a Fault, or what `signal` carries. */
export function jobSteps(options: StepsOptions, { enter, onProgress }: StepHooks): (job: JobRow, signal: AbortSignal) => Promise<JobEnd> {
  const { store, registry, samples, folder, process, farm, clock, record } = options;
  const sql = statements(store);
  const place = (id: string) => join(folder, id);
  /** A step's result from the disk, or made and put there. */
  const once = async <T>(id: string, name: string, make: () => Promise<T>): Promise<T> => {
    const at = join(place(id), name);
    if (existsSync(at)) return JSON.parse(readFileSync(join(at, 'result.json'), 'utf8')) as T;
    const result = await make();
    writeKeptFolder(at, new Map([['result.json', Buffer.from(JSON.stringify(result))]]));
    return result;
  };

  const pictures = (id: string): JobPictures => {
    const at = join(place(id), 'pictures');
    if (existsSync(at)) {
      const before = readPictures(at);
      const people = samples.people();
      if ([...before.training.people, ...before.frozen.people].some(({ personId }) => !people.has(personId)))
        throw new Fault(
          'training-failed',
          'Somebody was removed from the people since this training began: start it anew, without their pictures',
        );
      return before;
    }
    samples.purge();
    const { training, frozen } = samples.dataset();
    const all = { training, frozen, enrolled: enrolledOf([training, frozen]) };
    writePictures(at, all);
    return all;
  };

  /** Of every recipe, wherever it runs, and of what it is measured on too. */
  const check = (job: JobRow, signal: AbortSignal): Promise<Checked> => {
    const { networks, base, checkLabels } = options;
    const task = { kind: 'check', pictures: join(place(job.id), 'pictures'), base: checkLabels ? base : undefined, networks } as const;
    return process.run(task, { signal, onProgress, onLog: (line) => options.onLine?.(job.id, line) });
  };

  const train = async (job: JobRow, data: JobPictures, signal: AbortSignal): Promise<RecipeResult> => {
    const at = place(job.id);
    const out = join(at, 'out');
    const checkpoint = join(at, 'checkpoint');
    rmSync(out, { recursive: true, force: true });
    for (const made of [out, checkpoint]) mkdirSync(made, { recursive: true, mode: 0o700 });
    if (job.place === 'farm') {
      if (!farm)
        throw new Fault(
          'bad-config',
          'This door has no farm: set retrain.where to door, or describe the farm (docs/reference/settings.md)',
        );
      const { id, recipe, seed } = job;
      return farm.train({ id, recipe, seed }, { data: data.training, base: options.base, out, seed, signal, onProgress });
    }
    const { recipe, seed } = job;
    const task = {
      kind: 'train',
      recipe,
      pictures: join(at, 'pictures'),
      base: options.base,
      out,
      checkpoint,
      seed,
      networks: options.networks,
    } as const;
    return process.run(task, { signal, onProgress, onLog: (line) => options.onLine?.(job.id, line) });
  };

  const compare = (job: JobRow, { folder: candidate }: RecipeResult, signal: AbortSignal): Promise<NetworkComparison> => {
    const { targetFmr, networks } = options;
    const task = {
      kind: 'compare',
      pictures: join(place(job.id), 'pictures'),
      champion: options.champion(),
      candidate,
      targetFmr,
      seed: job.seed,
      networks,
    } as const;
    return process.run(task, { signal, onProgress, onLog: (line) => options.onLine?.(job.id, line) });
  };

  const carryOut = async (job: JobRow, signal: AbortSignal): Promise<JobEnd> => {
    const data = pictures(job.id);
    if (job.state === 'queued') {
      const { id, recipe, place: where, asked_by: by } = job;
      record({ kind: 'training.started', job: id, recipe, where, by });
    }
    const tooFew = tooFewProbes(data);
    if (tooFew !== undefined) return { state: 'refused', detail: `${tooFew}. Enrol more people with two or more pictures each` };
    enter(job.id, 'training');
    await once(job.id, 'checked', () => check(job, signal));
    const result = await once(job.id, 'trained', () => train(job, data, signal));
    enter(job.id, 'comparing');
    const comparison = await once(job.id, 'compared', () => compare(job, result, signal));
    signal.throwIfAborted();
    const bundle = job.bundle ?? (await keep(job, data, result, comparison));
    if (!comparison.ok) {
      registry.note(bundle, `refused: ${comparison.detail}`);
      record({ kind: 'model.refused', bundle, reason: 'worse', detail: comparison.detail });
      return { state: 'refused', detail: comparison.detail };
    }
    const promoted = await options.promote(bundle, job.asked_by, comparison);
    return { state: promoted.ok ? 'promoted' : 'refused', detail: promoted.detail };
  };

  const keep = async (job: JobRow, data: JobPictures, result: RecipeResult, comparison: NetworkComparison): Promise<string> => {
    const figures = Object.entries(result.figures).map(([name, value]) => [name, { value }] as const);
    const { id } = await registry.make(
      result.folder,
      {
        createdAt: new Date(clock.wall()).toISOString(),
        recipe: job.recipe,
        engine: options.engine,
        data: summary(data.training),
        metrics: { ...Object.fromEntries(figures.filter(([, { value }]) => Number.isFinite(value))), ...comparison.metrics },
        calibration: result.calibration,
      },
      options.signer,
    );
    store.change(() => void sql.bundle.run(id, job.id));
    return id;
  };
  return carryOut;
}
