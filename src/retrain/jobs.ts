/**
 * Training jobs: requests (an operator's, the schedule's) go in, one at a time is carried out from its pictures to the door or to a refusal, and how it stands comes
 * out. Every step leaves its result on the disk before the next begins, so that a job goes on where a stop or a kill ended it; none is lost.
 */
import { randomInt, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Event } from '../access/port.ts';
import { asFault, Fault, type FaultCode, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Clock } from '../time.ts';
import type { Signer } from './bundle.ts';
import type { Comparison, Farm, JobPlace, JobState, JobStatus, RecipeName, RecipeProgress, RecipeResult } from './port.ts';
import { Crash, type TrainingProcess } from './process.ts';
import type { Registry } from './registry.ts';
import { enrolledOf, type Samples, summary } from './samples.ts';
import type { Store } from './store.ts';
import { type Checked, type JobPictures, type Networks, readPictures, writePictures } from './task.ts';
import { writeFolder } from './whole.ts';

export interface JobRequest {
  readonly recipe: RecipeName;
  readonly where: JobPlace;
  readonly by: string;
  /** Decides whatever the recipe leaves to chance: a whole number from 0, below 2³¹; by default one of chance. */
  readonly seed?: number | undefined;
}

export interface Jobs {
  /** Throws Fault `training-busy`. */
  start(request: JobRequest): JobStatus;
  /** The job under way, else the last one; undefined where there was none. */
  status(): JobStatus | undefined;
  /** False where none is under way. */
  cancel(by: string): boolean;
}

export interface JobsOptions {
  readonly store: Store;
  readonly clock: Pick<Clock, 'wall'>;
}

interface JobRow {
  readonly id: string;
  readonly recipe: RecipeName;
  readonly place: JobPlace;
  readonly asked_by: string;
  readonly seed: number;
  readonly state: JobState;
  readonly progress: string | null;
  readonly started_at: string;
  readonly ended_at: string | null;
  readonly bundle: string | null;
  readonly detail: string | null;
  readonly cancelled_by: string | null;
  readonly crashes: number;
}

export const endStates: readonly JobState[] = ['promoted', 'refused', 'cancelled', 'failed'];

function statements({ db }: Store) {
  return {
    last: db.prepare('SELECT * FROM jobs ORDER BY n DESC LIMIT 1'),
    add: db.prepare(
      `INSERT INTO jobs (id, recipe, place, asked_by, seed, state, started_at, n) VALUES (?, ?, ?, ?, ?, 'queued', ?, (SELECT coalesce(max(n), 0) + 1 FROM jobs))`,
    ),
    forget: db.prepare('DELETE FROM jobs WHERE n <= (SELECT max(n) FROM jobs) - 50'),
    cancel: db.prepare('UPDATE jobs SET cancelled_by = ? WHERE id = ?'),
    set: db.prepare('UPDATE jobs SET state = ?, detail = ? WHERE id = ?'),
    progress: db.prepare('UPDATE jobs SET progress = ? WHERE id = ?'),
    bundle: db.prepare('UPDATE jobs SET bundle = ? WHERE id = ?'),
    crashed: db.prepare('UPDATE jobs SET crashes = crashes + 1 WHERE id = ?'),
    end: db.prepare('UPDATE jobs SET state = ?, detail = ?, ended_at = ? WHERE id = ?'),
  };
}

const statusOf = (row: JobRow): JobStatus => ({
  id: row.id,
  recipe: row.recipe,
  where: row.place,
  by: row.asked_by,
  state: row.state,
  ...(row.progress !== null && { progress: JSON.parse(row.progress) as RecipeProgress }),
  startedAt: row.started_at,
  ...(row.ended_at !== null && { endedAt: row.ended_at }),
  ...(row.bundle !== null && { bundle: row.bundle }),
  ...(row.detail !== null && { detail: row.detail }),
});

/** Whoever asks: the daemon, and the command line beside it. What is asked for is carried out by `jobRunner`. */
export function jobsIn({ store, clock }: JobsOptions): Jobs {
  const sql = statements(store);
  const last = () => sql.last.get() as unknown as JobRow | undefined;
  const underWay = () => {
    const row = last();
    return row && !endStates.includes(row.state) ? row : undefined;
  };
  return {
    start: ({ recipe, where, by, seed = randomInt(2 ** 31) }) =>
      store.change(() => {
        const busy = underWay();
        if (busy)
          throw new Fault(
            'training-busy',
            `A training is under way (${busy.recipe}, ${busy.state}, since ${busy.started_at}): wait for its end, or cancel it ("facelatch retrain cancel")`,
          );
        sql.add.run(randomUUID(), recipe, where, by, seed, new Date(clock.wall()).toISOString());
        sql.forget.run();
        return statusOf(last() as JobRow);
      }),
    status: () => {
      const row = store.read(last);
      return row && statusOf(row);
    },
    cancel: (by) =>
      store.change(() => {
        const row = underWay();
        if (row) sql.cancel.run(by, row.id);
        return row !== undefined;
      }),
  };
}

export interface RunnerOptions extends JobsOptions {
  readonly clock: Clock;
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
  readonly promote: (id: string, by: string, comparison: Comparison) => Promise<{ readonly ok: boolean; readonly detail: string }>;
  readonly record: (event: Event) => void;
  readonly log: Log;
  readonly onStatus?: (status: JobStatus) => void;
  readonly onLine?: (job: string, line: string) => void;
}

export interface JobRunner {
  /** Carries out what is asked for, until `signal` is aborted; what is under way then goes on at the next start. */
  run(signal: AbortSignal): Promise<void>;
  /** Carries out the job under way to its end, if there is one. */
  runOne(signal: AbortSignal): Promise<JobStatus | undefined>;
  /** Somebody stands at the door, or has left. */
  hold(still: boolean): void;
}

const lookMs = 500;
const progressMs = 1000;
/** What may pass by itself: tried again after growing waits. */
const passing: ReadonlySet<FaultCode> = new Set(['disk-full', 'farm-unreachable', 'registry-down', 'journal-down', 'gallery-down']);
const mostCrashes = 3;
const retryMinMs = 5000;
const retryMaxMs = 600_000;
/** A day, with the longest waits. */
const mostRetries = 150;

class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

export function jobRunner(options: RunnerOptions): JobRunner {
  const { store, registry, samples, folder, process, farm, clock, log, record } = options;
  const sql = statements(store);
  const jobs = jobsIn(options);
  let still = false;
  let live: { readonly id: string; state: JobState; progress?: RecipeProgress; savedMs: number } | undefined;

  const row = (): JobRow | undefined => {
    const found = store.read(() => sql.last.get()) as unknown as JobRow | undefined;
    return found && !endStates.includes(found.state) ? found : undefined;
  };
  const tell = () => {
    const status = jobs.status();
    if (!status) return;
    const now = live?.id === status.id && !endStates.includes(status.state) ? live : undefined;
    const state = now && still && now.state !== 'queued' ? 'paused' : status.state;
    options.onStatus?.({ ...status, state, ...(now?.progress && { progress: now.progress }) });
  };
  const enter = (id: string, state: JobState, detail: string | null = null) => {
    store.change(() => void sql.set.run(state, detail, id));
    live = { id, state, savedMs: clock.now() };
    tell();
  };
  const onProgress = (progress: RecipeProgress) => {
    if (!live) return;
    live.progress = progress;
    if (clock.now() - live.savedMs < progressMs) return;
    live.savedMs = clock.now();
    const { id } = live;
    store.change(() => void sql.progress.run(JSON.stringify(progress), id));
    tell();
  };

  const place = (id: string) => join(folder, id);
  /** A step's result from the disk, or made and put there. */
  const once = async <T>(id: string, name: string, make: () => Promise<T>): Promise<T> => {
    const at = join(place(id), name);
    if (existsSync(at)) return JSON.parse(readFileSync(join(at, 'result.json'), 'utf8')) as T;
    const result = await make();
    writeFolder(at, new Map([['result.json', Buffer.from(JSON.stringify(result))]]));
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
      if (!farm) throw new Fault('bad-config', 'This door has no farm: set retrain.where to door, or describe the farm (config/README.md)');
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

  const compare = (job: JobRow, { folder: candidate }: RecipeResult, signal: AbortSignal): Promise<Comparison> => {
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

  /** From where the job stands to its end. */
  const carryOut = async (
    job: JobRow,
    signal: AbortSignal,
  ): Promise<{ readonly state: 'promoted' | 'refused'; readonly detail: string }> => {
    const data = pictures(job.id);
    if (job.state === 'queued') {
      const { id, recipe, place: where, asked_by: by } = job;
      record({ kind: 'training.started', job: id, recipe, where, by });
    }
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

  const keep = async (job: JobRow, data: JobPictures, result: RecipeResult, comparison: Comparison): Promise<string> => {
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

  const finish = (job: JobRow, state: 'promoted' | 'refused' | 'cancelled' | 'failed', detail: string) => {
    const seconds = Math.max(0, Math.round((clock.wall() - Date.parse(job.started_at)) / 100) / 10);
    const bundle = (store.read(() => sql.last.get()) as unknown as JobRow).bundle;
    record({ kind: 'training.ended', job: job.id, outcome: state, detail, ...(bundle !== null && { bundle }), seconds });
    store.change(() => void sql.end.run(state, detail, new Date(clock.wall()).toISOString(), job.id));
    // Its pictures are faces: nothing of the job stays but what the registry holds. (Killed here, the next start sweeps.)
    rmSync(place(job.id), { recursive: true, force: true });
    live = undefined;
    log.info({ job: job.id, outcome: state, detail }, 'training ended');
    tell();
  };

  /** Watches for a cancellation, also from another process. */
  const cancellation = (job: JobRow, over: AbortSignal): AbortSignal => {
    const cancelled = new AbortController();
    const watch = async () => {
      while (!over.aborted) {
        if (row()?.cancelled_by != null) return cancelled.abort(new Cancelled('cancelled'));
        await clock.sleep(lookMs, over).catch(() => undefined);
      }
    };
    void watch().catch((error) => log.error({ job: job.id, err: messageOf(error) }, 'the job cannot be watched'));
    return cancelled.signal;
  };

  /** What follows from something that went wrong: how long to wait before the next try, or undefined where the job has ended. */
  const takeFault = async (job: JobRow, error: unknown, retries: number): Promise<number | undefined> => {
    if (error instanceof Cancelled) {
      const by = row()?.cancelled_by ?? 'somebody';
      if (job.place === 'farm')
        await farm
          ?.cancel({ id: job.id, recipe: job.recipe })
          .catch((fault) => log.warn({ err: messageOf(fault) }, 'the farm keeps a cancelled job until its time is over'));
      finish(job, 'cancelled', `cancelled by ${by}`);
      return undefined;
    }
    const fault = asFault(error, 'training-failed', 'The training failed');
    const crashed = fault.cause instanceof Crash;
    if (crashed) store.change(() => void sql.crashed.run(job.id));
    const again = crashed ? (row()?.crashes ?? mostCrashes) < mostCrashes : passing.has(fault.code) && retries < mostRetries;
    if (again) {
      const waitMs = crashed ? lookMs : Math.min(retryMaxMs, retryMinMs * 2 ** retries);
      log.warn({ job: job.id, code: fault.code, err: fault.message, retryInMs: waitMs }, 'training interrupted');
      enter(job.id, 'training', `${fault.message}; next try in ${Math.round(waitMs / 1000)} s`);
      return waitMs;
    }
    finish(job, 'failed', fault.message);
    return undefined;
  };

  const runOne = async (signal: AbortSignal): Promise<JobStatus | undefined> => {
    for (let retries = 0; !signal.aborted; retries++) {
      const job = row();
      if (!job) break;
      const over = new AbortController();
      const cancel = cancellation(job, AbortSignal.any([over.signal, signal]));
      const either = AbortSignal.any([signal, cancel]);
      let waitMs: number | undefined;
      try {
        const { state, detail } = await carryOut(job, either);
        finish(job, state, detail);
        return jobs.status();
      } catch (error) {
        // Stopped: it goes on from here at the next start.
        if (signal.aborted) break;
        waitMs = await takeFault(job, cancel.aborted ? cancel.reason : error, retries);
      } finally {
        over.abort();
      }
      if (waitMs === undefined) break;
      await clock.sleep(waitMs, either).catch(() => undefined);
    }
    return jobs.status();
  };

  return {
    runOne,
    run: async (signal) => {
      sweep(folder, row()?.id);
      tell();
      while (!signal.aborted) {
        try {
          await runOne(signal);
        } catch (error) {
          if (signal.aborted) break;
          // The disk or the database is out of order: the door goes on, and the job when they are well again.
          if (!(error instanceof Fault)) throw error;
          log.error({ code: error.code, err: error.message }, 'training cannot go on now');
          await clock.sleep(retryMinMs, signal).catch(() => undefined);
        }
        await clock.sleep(lookMs, signal).catch(() => undefined);
      }
    },
    hold: (now) => {
      if (still === now) return;
      still = now;
      process.hold(now);
      if (live) tell();
    },
  };
}

/** Removes what jobs that ended left, as after a kill between two steps. */
function sweep(folder: string, keep: string | undefined): void {
  for (const name of existsSync(folder) ? readdirSync(folder) : [])
    if (name !== keep) rmSync(join(folder, name), { recursive: true, force: true });
}
