/**
 * The backups that a running door takes by itself and when it is asked: time goes in, backups in a folder and events
 * come out. The daemon opens it, calls `tick` every second, and ends it.
 */
import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { asFault, Fault, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Clock } from '../../base/time.ts';
import type { Event } from '../../events.ts';
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
  readonly take: (task: BackupTask, signal: AbortSignal) => Promise<Taken>;
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
  const newest = backupsIn(state).at(-1)?.atMs;
  if (newest === undefined || newest < due) begin(state, 'schedule', due);
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
  const file = nameOf(state.door, state.clock.wall());
  state.under = run(state, file, by, due).finally(() => {
    state.under = undefined;
  });
  return file;
}

async function run(state: State, file: string, by: string, due: number | undefined): Promise<void> {
  const { folder, clock, log, record, over } = state;
  const begunMs = clock.now();
  try {
    requireFolder(folder);
    clearUnfinishedOf(state);
    const task = await state.taskOf(join(folder, file), by);
    const { bytes, files } = await state.take(task, over.signal);
    task.manifestKey.fill(0);
    log.info({ file, bytes, files, ms: Math.round(clock.now() - begunMs) }, 'backup taken');
    record({ kind: 'backup.taken', file, bytes, files, by });
    if (due !== undefined) prune(state);
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

/** It is never made: a share that is not mounted must not become a folder of the disk that is backed up. */
function requireFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new Fault('backup-failed', `There is no folder ${folder} (backup.folder): mount the disk or share, or make the folder`);
}

const nameOf = (door: string, wallMs: number): string =>
  `facelatch-${door}-${new Date(wallMs).toISOString().slice(0, 19).replaceAll(':', '-')}Z.age`;

/** Of this door, the oldest first. None where the folder cannot be read: then taking one says why. */
function backupsIn({ folder, door }: RoutineParts): readonly { readonly name: string; readonly atMs: number }[] {
  return namesIn(folder)
    .flatMap((name) => {
      const [, day, h, m, s] = /^facelatch-.+-(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)Z\.age$/.exec(name) ?? [];
      const atMs = Date.parse(`${day}T${h}:${m}:${s}Z`);
      return name === nameOf(door, Number.isFinite(atMs) ? atMs : 0) ? [{ name, atMs }] : [];
    })
    .toSorted((a, b) => a.atMs - b.atMs);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function prune(state: State): void {
  const all = backupsIn(state);
  for (const { name } of all.slice(0, Math.max(0, all.length - state.keep))) rmSync(join(state.folder, name), { force: true });
}

/** What killed processes left: only of this door, because others may write to the folder too. */
function clearUnfinishedOf({ folder, door }: RoutineParts): void {
  for (const name of namesIn(folder)) if (name.startsWith(`.new-facelatch-${door}-2`)) rmSync(join(folder, name), { force: true });
}
