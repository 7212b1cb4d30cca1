/**
 * Requests for training, and the state of each. Whoever asks (an operator, the schedule, the command line beside the
 * daemon) writes a row; job-runner.ts carries out one at a time. The row says all that the next start needs to know.
 */
import { randomInt, randomUUID } from 'node:crypto';
import { Fault } from '../base/errors.ts';
import { Compile, type Static, Type } from '../base/schema.ts';
import type { Clock } from '../base/time.ts';
import { type JobPlace, type JobState, type JobStatus, jobPlaces, jobStates, type RecipeName, recipeNames } from './port.ts';
import type { RetrainStore } from './store.ts';

export interface JobRequest {
  readonly recipe: RecipeName;
  readonly where: JobPlace;
  readonly by: string;
  /** Decides whatever the recipe leaves to chance: a whole number from 0, below 2³¹; by default a random one. */
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

const text = Type.String();
const textOrNull = Type.Union([text, Type.Null()]);
const jobRowSchema = Type.Object({
  id: text,
  recipe: Type.Enum([...recipeNames]),
  place: Type.Enum([...jobPlaces]),
  asked_by: text,
  seed: Type.Integer(),
  state: Type.Enum([...jobStates]),
  progress: textOrNull,
  started_at: text,
  ended_at: textOrNull,
  bundle: textOrNull,
  detail: textOrNull,
  cancelled_by: textOrNull,
  crashes: Type.Integer(),
});
const jobRow = Compile(jobRowSchema);
const progressForm = Compile(
  Type.Object({
    stage: text,
    done: Type.Number(),
    total: Type.Number(),
    figures: Type.Optional(Type.Record(text, Type.Number())),
  }),
);
export type JobRow = Static<typeof jobRowSchema>;

export const endStates: readonly JobState[] = ['promoted', 'refused', 'cancelled', 'failed'];

export function jobSql({ db }: RetrainStore) {
  return {
    last: db.prepare('SELECT * FROM jobs ORDER BY n DESC LIMIT 1'),
    add: db.prepare(
      `INSERT INTO jobs (id, recipe, place, asked_by, seed, state, started_at, n)
       VALUES (?, ?, ?, ?, ?, 'queued', ?, (SELECT coalesce(max(n), 0) + 1 FROM jobs))`,
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

/** The job under way, else the last one. */
export function lastJob(store: RetrainStore, sql: ReturnType<typeof jobSql>): JobRow | undefined {
  const row = sql.last.get();
  return row && store.row(jobRow, row);
}

export function jobUnderWay(store: RetrainStore, sql: ReturnType<typeof jobSql>): JobRow | undefined {
  const row = lastJob(store, sql);
  return row && !endStates.includes(row.state) ? row : undefined;
}

const jobStatusOf = (store: RetrainStore, row: JobRow): JobStatus => ({
  id: row.id,
  recipe: row.recipe,
  where: row.place,
  by: row.asked_by,
  state: row.state,
  ...(row.progress !== null && { progress: store.json(progressForm, row.progress) }),
  startedAt: row.started_at,
  ...(row.ended_at !== null && { endedAt: row.ended_at }),
  ...(row.bundle !== null && { bundle: row.bundle }),
  ...(row.detail !== null && { detail: row.detail }),
});

/** For whoever asks: the daemon, and the command line beside it. */
export function jobsIn({ store, clock }: JobsOptions): Jobs {
  const sql = jobSql(store);
  return {
    start: ({ recipe, where, by, seed = randomInt(2 ** 31) }) =>
      store.change(() => {
        const busy = jobUnderWay(store, sql);
        if (busy)
          throw new Fault(
            'training-busy',
            `A training is under way (${busy.recipe}, ${busy.state}, since ${busy.started_at}): ` +
              'wait for its end, or cancel it ("facelatch retrain cancel")',
          );
        sql.add.run(randomUUID(), recipe, where, by, seed, new Date(clock.wall()).toISOString());
        sql.forget.run();
        return jobStatusOf(store, lastJob(store, sql) as JobRow);
      }),
    status: () => {
      const row = store.read(() => lastJob(store, sql));
      return row && jobStatusOf(store, row);
    },
    cancel: (by) =>
      store.change(() => {
        const row = jobUnderWay(store, sql);
        if (row) sql.cancel.run(by, row.id);
        return row !== undefined;
      }),
  };
}
