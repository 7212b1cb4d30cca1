/**
 * What the system view asks that takes long: the disk, the backups, the checks of doctor. Each runs in a process of its
 * own, once at a time, and its answer serves everybody who asks within the next seconds. The console of a house opens
 * it and ends it.
 */
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stateFolder } from '../../adapters/basics.ts';
import { Fault } from '../../base/errors.ts';
import { askApart } from '../../base/process/apart.ts';
import type { Clock } from '../../base/time.ts';
import type { Config } from '../../settings/load.ts';
import type { KeptBackup } from '../../vault/backup/kept.ts';
import type { ExaminedPart, Listeners } from '../rooms.ts';

export type DiskAsked =
  | { readonly kind: 'disk'; readonly folder: string }
  | { readonly kind: 'backups'; readonly folder: string; readonly door: string };

export type DiskAnswer = { readonly found: DiskFound | readonly KeptBackup[] } | { readonly failed: string };

export interface DiskFound {
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** Of the state folder, the largest first. */
  readonly parts: readonly { readonly name: string; readonly bytes: number }[];
}

/** Each throws Fault `tool-missing` with the reason where there is no answer. */
export interface SystemBeside extends Disposable {
  disk(): Promise<DiskFound>;
  backups(): Promise<readonly KeptBackup[]>;
  /** Undefined where whoever runs the house gave no checks. */
  readonly doctor: (() => Promise<readonly ExaminedPart[]>) | undefined;
}

const apart = {
  program: fileURLToPath(new URL('./system-look-entry.ts', import.meta.url)),
  priority: 'low',
  code: 'tool-missing',
  title: 'The process that looks at the disk',
} as const;

/** An answer serves for so long; a look may take so long. Milliseconds. */
const freshMs = 20_000;
const lookMs = 60_000;
const examineMs = 55_000;

export function systemBeside(config: Config, { examine }: Pick<Listeners, 'examine'>, clock: Pick<Clock, 'now'>): SystemBeside {
  const over = new AbortController();
  const look = (asked: DiskAsked, setting: string) =>
    within(over.signal, { ms: lookMs, what: `${asked.folder} (${setting})` }, (signal) => askApart(apart, asked, signal));
  return {
    disk: once(clock, async () => foundBy(await look({ kind: 'disk', folder: stateFolder(config) }, 'state.folder')) as DiskFound),
    backups: once(clock, async () => {
      const folder = resolve(config.backup.folder);
      return foundBy(await look({ kind: 'backups', folder, door: config.door.id }, 'backup.folder')) as readonly KeptBackup[];
    }),
    doctor: examine && once(clock, () => within(over.signal, { ms: examineMs, what: 'A part of the door' }, examine)),
    [Symbol.dispose]: () => over.abort(new Error('the door is closed')),
  };
}

function foundBy(answer: unknown): DiskFound | readonly KeptBackup[] {
  const looked = answer as DiskAnswer;
  if ('failed' in looked) throw new Fault('tool-missing', looked.failed);
  return looked.found;
}

async function within<T>(
  over: AbortSignal,
  { ms, what }: { readonly ms: number; readonly what: string },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = AbortSignal.timeout(ms);
  try {
    return await work(AbortSignal.any([over, late]));
  } catch (error) {
    if (late.aborted) throw new Fault('tool-missing', `${what} does not answer within ${ms / 1000} s`, error);
    if (over.aborted) throw new Fault('tool-missing', 'The door ends', error);
    throw error;
  }
}

/** Whoever asks while it runs, or shortly after, gets the same answer; a failure is tried again. */
function once<T>(clock: Pick<Clock, 'now'>, work: () => Promise<T>): () => Promise<T> {
  const state: { answer: Promise<T> | undefined; untilMs: number } = { answer: undefined, untilMs: 0 };
  return () => {
    if (state.answer && clock.now() < state.untilMs) return state.answer;
    state.untilMs = Number.POSITIVE_INFINITY;
    const answer = work();
    state.answer = answer;
    answer.then(
      () => {
        state.untilMs = clock.now() + freshMs;
      },
      () => {
        state.answer = undefined;
      },
    );
    return answer;
  };
}
