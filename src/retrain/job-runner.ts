/**
 * Carries out jobs, one at a time: a request goes in, its end and how it stands meanwhile come out. What passes by itself is tried again, whoever cancels is heard from any process, and a
 * stop or a kill loses none: the next start goes on.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { asFault, Fault, type FaultCode, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import { jobSteps, type StepsOptions } from './job-steps.ts';
import { endStates, type JobRow, jobsIn, statements } from './jobs.ts';
import type { JobState, JobStatus, RecipeProgress } from './port.ts';
import { Crash } from './process.ts';

export interface RunnerOptions extends StepsOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly onStatus?: (status: JobStatus) => void;
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
  const { store, folder, process, farm, clock, log, record } = options;
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

  const carryOut = jobSteps(options, { enter, onProgress });

  const finish = (job: JobRow, state: 'promoted' | 'refused' | 'cancelled' | 'failed', detail: string) => {
    const seconds = Math.max(0, Math.round((clock.wall() - Date.parse(job.started_at)) / 100) / 10);
    const bundle = (store.read(() => sql.last.get()) as unknown as JobRow).bundle;
    record({ kind: 'training.ended', job: job.id, outcome: state, detail, ...(bundle !== null && { bundle }), seconds });
    store.change(() => void sql.end.run(state, detail, new Date(clock.wall()).toISOString(), job.id));
    // Its pictures are faces: nothing of the job stays but what the registry holds. (Killed here, the next start sweeps.)
    rmSync(join(folder, job.id), { recursive: true, force: true });
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
