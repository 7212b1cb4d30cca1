/**
 * The backups that a running door takes by itself and when it is asked: time goes in, tasks for another process and
 * events come out. The daemon opens it, calls `tick` every second, and ends it. Nothing here touches the folder of the
 * backups: it may lie on a share that hangs.
 */
import { join } from 'node:path';
import { asFault, Fault, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Clock } from '../../base/time.ts';
import type { Event } from '../../events.ts';
import type { FolderTask } from './folder.ts';
import { backupName } from './kept.ts';
import { type BackupTask, clearCopies, type Taken } from './take.ts';

export interface RoutineParts {
  /** Where the backups lie; empty: nowhere. */
  readonly folder: string;
  /** The most of this door that stay there after one by the schedule. */
  readonly keep: number;
  readonly door: string;
  readonly state: string;
  /** The latest moment at or before now at which one is due, milliseconds since 1970; undefined without a schedule. */
  readonly due: (wallMs: number) => number | undefined;
  /** Whether the wall clock is held to true time: one that jumps would ask again and again. */
  readonly synchronised: () => boolean;
  /** Throws the faults of the vault. */
  readonly taskOf: (to: string, by: string) => Promise<BackupTask>;
  readonly take: (task: FolderTask, signal: AbortSignal) => Promise<Taken>;
  /** When the last one by the schedule was taken, milliseconds since 1970; over restarts too. */
  readonly lastMs: { get(): number | undefined; set(wallMs: number): void };
  readonly record: (event: Event) => void;
  readonly clock: Pick<Clock, 'now' | 'wall'>;
  readonly log: Log;
}

export interface Backups extends AsyncDisposable {
  /** Takes one where it is due. */
  tick(): void;
  /** Begins one: the name of its file. `again`: one was taken in the last minutes, or is under way. */
  take(by: string): { readonly file: string } | 'no-folder' | 'again';
  /** Resolves when none is under way. */
  settled(): Promise<void>;
}

interface State extends RoutineParts {
  readonly over: AbortController;
  under: Promise<void> | undefined;
  lookMs: number;
  /** Not before, after one that failed. */
  tryMs: number;
  /** The due moment whose failure was told. */
  toldOf: number | undefined;
  askedMs: number;
}

const lookEveryMs = 20_000;
const againAfterMs = 3_600_000;
/** A share that is away can make a process wait for ever. */
const mostMs = 3_600_000;
/** An operator's key that was stolen must not fill the disk. */
const askEveryMs = 600_000;

export function backupRoutine(parts: RoutineParts): Backups {
  const { clock } = parts;
  clearCopies(parts.state);
  const state: State = {
    ...parts,
    over: new AbortController(),
    under: undefined,
    lookMs: clock.now(),
    tryMs: clock.now(),
    toldOf: undefined,
    askedMs: Number.NEGATIVE_INFINITY,
  };
  return {
    tick: () => tick(state),
    take: (by) => asked(state, by),
    settled: async () => state.under,
    [Symbol.asyncDispose]: async () => {
      state.over.abort(new Error('the door is closed'));
      await state.under;
    },
  };
}

function tick(state: State): void {
  const { clock, folder } = state;
  if (folder === '' || state.under || clock.now() < Math.max(state.lookMs, state.tryMs)) return;
  state.lookMs = clock.now() + lookEveryMs;
  const due = state.due(clock.wall());
  if (due === undefined || !state.synchronised()) return;
  const lastMs = state.lastMs.get();
  // One of the future was taken while the clock was ahead.
  if (lastMs === undefined || lastMs < due || lastMs > clock.wall()) begin(state, 'schedule', due);
}

function asked(state: State, by: string): ReturnType<Backups['take']> {
  const { clock, folder } = state;
  if (folder === '') return 'no-folder';
  if (state.under || clock.now() < state.askedMs + askEveryMs) return 'again';
  state.askedMs = clock.now();
  return { file: begin(state, by, undefined) };
}

/** `due`: of the schedule. */
function begin(state: State, by: string, due: number | undefined): string {
  const file = backupName(state.door, state.clock.wall());
  state.under = run(state, file, by, due).finally(() => {
    state.under = undefined;
  });
  return file;
}

async function run(state: State, file: string, by: string, due: number | undefined): Promise<void> {
  const { folder, clock, log, record, over } = state;
  const [begunMs, begunAtMs] = [clock.now(), clock.wall()];
  try {
    const task = await state.taskOf(join(folder, file), by);
    const { bytes, files } = await takenInTime(state, { ...task, keep: due === undefined ? undefined : state.keep });
    task.manifestKey.fill(0);
    if (due !== undefined) state.lastMs.set(begunAtMs);
    log.info({ file, bytes, files, ms: Math.round(clock.now() - begunMs) }, 'backup taken');
    record({ kind: 'backup.taken', file, bytes, files, by });
  } catch (error) {
    if (over.signal.aborted) return;
    const fault = asFault(error, 'backup-failed', 'The backup has failed by a mistake in the program');
    state.tryMs = clock.now() + againAfterMs;
    log.error({ code: fault.code, err: messageOf(fault) }, 'the backup could not be taken');
    // One that stays away (a share, a stick) is told once for each time that it was due.
    if (due === undefined || state.toldOf !== due) record({ kind: 'backup.failed', code: fault.code, detail: messageOf(fault), by });
    state.toldOf = due;
  }
}

async function takenInTime({ take, over }: State, task: FolderTask): Promise<Taken> {
  const late = AbortSignal.timeout(mostMs);
  try {
    return await take(task, AbortSignal.any([over.signal, late]));
  } catch (error) {
    if (!late.aborted || over.signal.aborted) throw error;
    throw new Fault('backup-failed', 'The backup took more than an hour: is the share of backup.folder slow, or away?', error);
  }
}
