/**
 * Requests for training, and how each stands: who asks (an operator, the schedule, the command line beside the daemon) writes a row, `job-runner.ts` carries it out, one at a time. The
 * row says all that a next start needs to know.
 */
import { randomInt, randomUUID } from 'node:crypto';
import { Fault } from '../base/errors.ts';
import type { Clock } from '../base/time.ts';
import type { JobPlace, JobState, JobStatus, RecipeName, RecipeProgress } from './port.ts';
import type { RetrainStore } from './store.ts';

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
  readonly store: RetrainStore;
  readonly clock: Pick<Clock, 'wall'>;
}

export interface JobRow {
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

export function statements({ db }: RetrainStore) {
  return {
    last: db.prepare('SELECT * FROM jobs ORDER BY n DESC LIMIT 1'),
    add: db.prepare(
      `INSERT INTO jobs (id, recipe, place, asked_by, seed, state, started_at, n) VALUES (?, ?, ?, ?, ?, 'queued', ?, (SELECT coalesce(max(n), 0) + 1 FROM jobs))`,
    ),
    forget: db.prepare('DELETE FROM jobs WHERE n <= (SELECT max(n) FROM jobs) - 50'),
    cancel: db.prepare('UPDATE jobs SET cancelled_by = ? WHERE id = ?'),
    set: db.prepare('UPDATE jobs SET state = ?, detail = ?, progress = NULL WHERE id = ?'),
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
