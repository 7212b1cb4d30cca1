/**
 * The time by which data is past its own: the clocks and the journal go in, the time that it surely is comes out
 * (access/clock/surely.ts says how). wire.ts makes it; the retention watch looks at the clocks and notes what is known.
 */
import { stampingWall } from '../../access/clock/stamping.ts';
import { type KnownTime, knownTime, knownTimeNote, surelyAfter } from '../../access/clock/surely.ts';
import type { Clock } from '../../base/time.ts';
import type { Entry, Journal } from '../../journal/port.ts';
import { notedStamps, queriesBefore, stampsAfter, stampsFrom, writtenMs } from './stamps.ts';

export interface SureTime {
  /** Wall-clock milliseconds. */
  readonly nowMs: number;
  /** The wall clock, as it stamps what expires: never before that time. */
  wall(): number;
  /** When the entry was written, wall-clock milliseconds: the clock may have been behind. */
  written(entry: Pick<Entry, 'seq' | 'at'>): number;
  /** What to ask the journal for, one after the other, to find the newest entry that was written before this time. */
  before(ms: number): ReturnType<typeof queriesBefore>;
  /** Looks at the clocks. Throws what the journal throws. */
  look(): void;
  /** Notes what is known for the next start. Throws what the journal throws. */
  note(): void;
}

export interface SureTimeParts {
  /** As time passes, not as a replay plays. */
  readonly clock: Pick<Clock, 'now' | 'wall'>;
  readonly journal: Pick<Journal, 'note' | 'keep' | 'query' | 'head' | 'begins'>;
  /** Whether a time service holds the wall clock. */
  readonly synchronised: () => boolean;
}

const stampsName = 'privacy.stamps';

export function sureTime(parts: SureTimeParts): SureTime {
  const { clock, journal, synchronised } = parts;
  const wall = stampingWall(clock, () => journal);
  const stamps = notedStamps(journal.note(stampsName)) ?? stampsFrom(journal.head);
  const state = { known: beginning(parts), stamps, lookedMs: clock.now(), isFirst: true };
  const look = () => {
    const nowMs = clock.now();
    const { isFirst, lookedMs } = state;
    const wallMs = clock.wall();
    state.known = surelyAfter(state.known, { wallMs, passedMs: nowMs - lookedMs, isFirst, synchronised: synchronised() });
    Object.assign(state, { lookedMs: nowMs, isFirst: false });
    const { surelyMs } = state.known;
    // As entries are stamped.
    state.stamps = stampsAfter(state.stamps, { head: journal.head, begins: journal.begins?.seq ?? 0, wallMs: wall(), surelyMs });
  };
  return {
    get nowMs() {
      return state.known.surelyMs + clock.now() - state.lookedMs;
    },
    wall,
    written: (entry) => writtenMs(state.stamps, entry),
    before: (ms) => queriesBefore(state.stamps, ms),
    look,
    note: () => journal.keep({ [knownTimeNote]: JSON.stringify(state.known), [stampsName]: JSON.stringify(state.stamps) }),
  };
}

/** Where nothing is noted, the newest entry tells it. */
function beginning({ journal, clock }: SureTimeParts): KnownTime {
  const noted = knownTime(journal.note(knownTimeNote));
  if (noted) return noted;
  const wallMs = clock.wall();
  const [newest] = journal.query({ limit: 1 });
  return { surelyMs: Math.min(wallMs, newest ? Date.parse(newest.at) : wallMs), wallMs, steadyMs: 0 };
}
