/**
 * Whether the wall clock can be trusted. In: the clocks at every tick, and what was known before the last restart. Out:
 * each jump, whether the clock is sure, and what the next start has to know.
 *
 * Sure means: a time service has set the clock since the computer started; or it was sure before in this same start,
 * and has gone on since as the time since the start did. It is never sure while it shows an earlier time than a sure
 * clock did before.
 */

import { parseJson } from '../../base/jws.ts';
import { Compile, type Static, Type } from '../../base/schema.ts';
import type { BootTime, Clock } from '../../base/time.ts';
import type { Entry, Journal, JournalNotes } from '../../journal/port.ts';

export interface ClockWatchOptions {
  readonly clock: Pick<Clock, 'wall'>;
  readonly boot: BootTime;
  /** Whether the time service says that the clock is right. */
  readonly synchronised: () => boolean;
  readonly before?: ClockMemory;
  readonly onJump: (byMs: number, sure: boolean) => void;
}

/** What is known from before. */
export interface ClockMemory {
  /** The last moment at which the clock was sure. */
  readonly anchor?: Anchor;
  /** No earlier time than this is sure, wall-clock milliseconds. */
  readonly floorMs: number;
}

interface Anchor {
  readonly bootId: string;
  readonly bootMs: number;
  readonly wallMs: number;
}

export interface ClockWatch {
  /** Call it often; each jump is reported once. */
  tick(): void;
  readonly sure: boolean;
  /** The last moment at which the clock was sure. */
  readonly anchor: Anchor | undefined;
  /**
   * Somebody who knows the time stands by the clock as it is: a synchronised clock is sure, whatever time it showed
   * before.
   */
  accept(): void;
}

/** A time service that slews the clock stays far below this between two ticks. */
const jumpMs = 2000;
/** This program did not exist before this date: a clock that shows an earlier one was never set. */
export const earliestWallMs = Date.UTC(2026, 0, 1);

export function clockWatch({ clock, boot, synchronised, before, onJump }: ClockWatchOptions): ClockWatch {
  const offset = () => clock.wall() - boot.nowMs();
  let last = offset();
  let floorMs = before?.floorMs ?? Number.NEGATIVE_INFINITY;
  let anchor = before?.anchor;
  const tooEarly = () => clock.wall() < Math.max(earliestWallMs, floorMs - jumpMs);
  const goesOn = anchor !== undefined && anchor.bootId === boot.id && Math.abs(anchor.wallMs - anchor.bootMs - last) <= jumpMs;
  let doubtful = tooEarly() || !(goesOn || synchronised());
  const note = () => {
    if (doubtful) return;
    anchor = { bootId: boot.id, bootMs: boot.nowMs(), wallMs: clock.wall() };
    floorMs = Math.max(floorMs, anchor.wallMs);
  };
  note();
  return {
    tick: () => {
      const now = offset();
      const byMs = now - last;
      last = now;
      if (tooEarly() || Math.abs(byMs) > jumpMs) doubtful = true;
      if (doubtful && synchronised()) doubtful = tooEarly();
      note();
      if (Math.abs(byMs) > jumpMs) onJump(Math.round(byMs), !doubtful);
    },
    get sure() {
      return !doubtful;
    },
    get anchor() {
      return anchor;
    },
    accept: () => {
      if (!doubtful || !synchronised()) return;
      floorMs = Number.NEGATIVE_INFINITY;
      doubtful = tooEarly();
      note();
    },
  };
}

const clockName = 'clock';
const clockShape = Type.Object({
  /** Whether entries after `seq` were written by a sure clock. */
  sure: Type.Boolean(),
  seq: Type.Integer({ minimum: 0 }),
  anchor: Type.Optional(Type.Object({ bootId: Type.String(), bootMs: Type.Number(), wallMs: Type.Number() })),
});
const clockCheck = Compile(clockShape);

/** `seq`: the newest entry at the time when the clock became as sure or doubtful as it is now. */
export function clockNote({ sure, anchor }: Pick<ClockWatch, 'sure' | 'anchor'>, seq: number): JournalNotes {
  const note: Static<typeof clockShape> = { sure, seq, ...(anchor && { anchor }) };
  return { [clockName]: JSON.stringify(note) };
}

/**
 * Without a readable note, as an older version left it, every entry counts as written by a sure clock. Throws what the
 * journal throws.
 */
export function clockMemory(journal: Pick<Journal, 'note' | 'query'>): ClockMemory {
  const text = journal.note(clockName);
  const note = text === undefined ? undefined : parseJson(Buffer.from(text));
  const [newest] = journal.query({ limit: 1 });
  if (!clockCheck.Check(note)) return { floorMs: newest ? timeOf(newest) : Number.NEGATIVE_INFINITY };
  const { sure, seq, anchor } = note;
  const entryMs = sure && newest && newest.seq > seq ? timeOf(newest) : Number.NEGATIVE_INFINITY;
  return { ...(anchor && { anchor }), floorMs: Math.max(entryMs, anchor?.wallMs ?? Number.NEGATIVE_INFINITY) };
}

const timeOf = ({ at }: Entry): number => Date.parse(at);
