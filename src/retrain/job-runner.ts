/**
 * Carries out jobs, one at a time: a request goes in, its state and its end come out. What passes by itself is tried
 * again, a cancellation is heard from any process, and a stop or a kill loses no job: the next start goes on with it.
 * learning/parts.ts puts it together.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { asFault, Fault, type FaultCode, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import { type AtFarm, atFarm } from './held/at-farm.ts';
import { carryOut, type StepsOptions } from './job-steps.ts';
import { endStates, type JobRow, type Jobs, jobSql, jobsIn, jobUnderWay, lastJob } from './jobs.ts';
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
/** What may pass by itself: it is tried again after growing waits. */
const passing: ReadonlySet<FaultCode> = new Set(['disk-full', 'farm-unreachable', 'registry-down', 'journal-down', 'gallery-down']);
const mostCrashes = 3;
/** Between two tries to take a cancelled job back from the farm. */
const farmAgainMs = 60_000;
const retryMinMs = 5000;
const retryMaxMs = 600_000;
/** About a day, with the longest waits. */
const mostRetries = 150;

class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

type EndState = 'promoted' | 'refused' | 'cancelled' | 'failed';

interface State extends RunnerOptions {
  readonly sql: ReturnType<typeof jobSql>;
  readonly jobs: Jobs;
  readonly atFarm: AtFarm;
  /** Somebody stands at the door. */
  still: boolean;
  /** What is under way in this process. */
  live: { readonly id: string; readonly state: JobState; progress?: RecipeProgress; savedMs: number } | undefined;
}

export function jobRunner(options: RunnerOptions): JobRunner {
  const { store, farm, log } = options;
  const state: State = {
    ...options,
    sql: jobSql(options.store),
    jobs: jobsIn(options),
    atFarm: atFarm(store, farm, log),
    still: false,
    live: undefined,
  };
  return {
    run: (signal) => run(state, signal),
    runOne: (signal) => runOne(state, signal),
    hold: (still) => hold(state, still),
  };
}

async function run(state: State, signal: AbortSignal): Promise<void> {
  const { clock, log } = state;
  sweep(state, underWay(state)?.id);
  tell(state);
  let nextFarmMs = clock.now();
  while (!signal.aborted) {
    if (clock.now() >= nextFarmMs) {
      nextFarmMs = clock.now() + farmAgainMs;
      state.atFarm.tryAgain();
    }
    try {
      await runOne(state, signal);
    } catch (error) {
      if (signal.aborted) break;
      // The disk or the database is out of order: the door goes on, and the job when they work again.
      if (!(error instanceof Fault)) throw error;
      log.error({ code: error.code, err: messageOf(error) }, 'training cannot go on now');
      await clock.sleep(retryMinMs, signal).catch(() => undefined);
    }
    await clock.sleep(lookMs, signal).catch(() => undefined);
  }
}

async function runOne(state: State, signal: AbortSignal): Promise<JobStatus | undefined> {
  const { jobs, clock } = state;
  for (let retries = 0; !signal.aborted; retries++) {
    const job = underWay(state);
    if (!job) break;
    const over = new AbortController();
    const cancel = cancellation(state, job, AbortSignal.any([over.signal, signal]));
    const either = AbortSignal.any([signal, cancel]);
    let waitMs: number | undefined;
    try {
      const end = await carryOut(state, { enter: (...of) => enter(state, ...of), onProgress: (at) => onProgress(state, at) }, job, either);
      finish(state, job, end);
      return jobs.status();
    } catch (error) {
      // Stopped: it goes on from here at the next start.
      if (signal.aborted) break;
      waitMs = await takeFault(state, job, cancel.aborted ? cancel.reason : error, retries);
    } finally {
      over.abort();
    }
    if (waitMs === undefined) break;
    await clock.sleep(waitMs, either).catch(() => undefined);
  }
  return jobs.status();
}

function hold(state: State, still: boolean): void {
  if (state.still === still) return;
  state.still = still;
  state.process.hold(still);
  if (state.live) tell(state);
}

const underWay = ({ store, sql }: State): JobRow | undefined => store.read(() => jobUnderWay(store, sql));

function tell({ jobs, live, still, onStatus }: State): void {
  const status = jobs.status();
  if (!status) return;
  const now = live?.id === status.id && !endStates.includes(status.state) ? live : undefined;
  const shown = now && still && now.state !== 'queued' ? 'paused' : status.state;
  onStatus?.({ ...status, state: shown, ...(now?.progress && { progress: now.progress }) });
}

function enter(state: State, id: string, to: JobState, detail: string | null = null): void {
  const { store, sql, clock } = state;
  store.change(() => void sql.set.run(to, detail, id));
  state.live = { id, state: to, savedMs: clock.now() };
  tell(state);
}

function onProgress(state: State, progress: RecipeProgress): void {
  const { store, sql, clock, live } = state;
  if (!live) return;
  live.progress = progress;
  if (clock.now() - live.savedMs < progressMs) return;
  live.savedMs = clock.now();
  store.change(() => void sql.progress.run(JSON.stringify(progress), live.id));
  tell(state);
}

function finish(state: State, job: JobRow, { state: outcome, detail }: { readonly state: EndState; readonly detail: string }): void {
  const { store, sql, clock, record, log } = state;
  const seconds = Math.max(0, Math.round((clock.wall() - Date.parse(job.started_at)) / 100) / 10);
  const bundle = store.read(() => lastJob(store, sql))?.bundle ?? null;
  record({ kind: 'training.ended', job: job.id, outcome, detail, ...(bundle !== null && { bundle }), seconds });
  store.change(() => void sql.end.run(outcome, detail, new Date(clock.wall()).toISOString(), job.id));
  // Its pictures are faces: nothing of the job stays but what the registry holds. (Killed here, the next start sweeps.)
  drop(state, [job.id]);
  state.live = undefined;
  log.info({ job: job.id, outcome, detail }, 'training ended');
  tell(state);
}

/** Watches for a cancellation, also from another process. */
function cancellation(state: State, job: JobRow, over: AbortSignal): AbortSignal {
  const cancelled = new AbortController();
  const watch = async () => {
    while (!over.aborted) {
      if (underWay(state)?.cancelled_by != null) return cancelled.abort(new Cancelled('cancelled'));
      await state.clock.sleep(lookMs, over).catch(() => undefined);
    }
  };
  void watch().catch((error) => state.log.error({ job: job.id, err: messageOf(error) }, 'the job cannot be watched'));
  return cancelled.signal;
}

/** What follows from a failure: how long to wait before the next attempt, or undefined where the job has ended. */
async function takeFault(state: State, job: JobRow, error: unknown, retries: number): Promise<number | undefined> {
  const { store, sql, log } = state;
  if (error instanceof Cancelled) {
    await endCancelled(state, job);
    return undefined;
  }
  const fault = asFault(error, 'training-failed', 'The training failed');
  const crashed = fault.cause instanceof Crash;
  if (crashed) store.change(() => void sql.crashed.run(job.id));
  const again = crashed ? (underWay(state)?.crashes ?? mostCrashes) < mostCrashes : passing.has(fault.code) && retries < mostRetries;
  if (!again) {
    finish(state, job, { state: 'failed', detail: messageOf(fault) });
    return undefined;
  }
  const waitMs = crashed ? lookMs : Math.min(retryMaxMs, retryMinMs * 2 ** retries);
  log.warn({ job: job.id, code: fault.code, err: messageOf(fault), retryInMs: waitMs }, 'training interrupted');
  enter(state, job.id, 'training', `${messageOf(fault)}; next try in ${Math.round(waitMs / 1000)} s`);
  return waitMs;
}

async function endCancelled(state: State, job: JobRow): Promise<void> {
  const by = underWay(state)?.cancelled_by ?? 'somebody';
  if (job.place === 'farm') await state.atFarm.cancel({ id: job.id, recipe: job.recipe });
  finish(state, job, { state: 'cancelled', detail: `cancelled by ${by}` });
}

/** Removes what jobs that ended left, as after a kill between two steps. */
function sweep(state: State, keep: string | undefined): void {
  const { folder } = state;
  drop(state, existsSync(folder) ? readdirSync(folder).filter((name) => name !== keep) : []);
}

/** Their keys first: what is left of them on the disk then opens no more. */
function drop({ store: { vault }, folder, log }: State, jobs: readonly string[]): void {
  const keys = jobs.map((model) => ({ model })).filter((owner) => vault.holds(owner));
  try {
    if (keys.length > 0) vault.destroy(keys);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    log.warn({ code: error.code, err: messageOf(error) }, 'the keys of jobs cannot be destroyed now');
  }
  for (const name of jobs) rmSync(join(folder, name), { recursive: true, force: true });
}
