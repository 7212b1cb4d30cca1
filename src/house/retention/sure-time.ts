/**
 * The time by which data is past its own: the clocks and the journal go in, the time that it surely is comes out
 * (surely.ts says how). wire.ts makes it; the retention watch looks at the clocks and notes what is known.
 */
import type { Clock } from '../../base/time.ts';
import type { Journal } from '../../journal/port.ts';
import { type KnownTime, knownTime, surelyAfter } from './surely.ts';

export interface SureTime {
  /** Wall-clock milliseconds. */
  readonly nowMs: number;
  /** Looks at the clocks. */
  look(): void;
  /** Notes what is known for the next start. Throws what the journal throws. */
  note(): void;
}

export interface SureTimeParts {
  /** As time passes, not as a replay plays. */
  readonly clock: Pick<Clock, 'now' | 'wall'>;
  readonly journal: Pick<Journal, 'note' | 'keep' | 'query'>;
  /** Whether a time service holds the wall clock. */
  readonly synchronised: () => boolean;
}

const noteName = 'privacy.time';

export function sureTime(parts: SureTimeParts): SureTime {
  const { clock, journal, synchronised } = parts;
  const state = { known: beginning(parts), lookedMs: clock.now(), isFirst: true };
  const look = () => {
    const nowMs = clock.now();
    const { isFirst, lookedMs } = state;
    state.known = surelyAfter(state.known, { wallMs: clock.wall(), passedMs: nowMs - lookedMs, isFirst, synchronised: synchronised() });
    Object.assign(state, { lookedMs: nowMs, isFirst: false });
  };
  return {
    get nowMs() {
      return state.known.surelyMs + clock.now() - state.lookedMs;
    },
    look,
    note: () => journal.keep({ [noteName]: JSON.stringify(state.known) }),
  };
}

/** Where nothing is noted, the newest entry tells it. */
function beginning({ journal, clock }: SureTimeParts): KnownTime {
  const noted = knownTime(journal.note(noteName));
  if (noted) return noted;
  const wallMs = clock.wall();
  const [newest] = journal.query({ limit: 1 });
  return { surelyMs: Math.min(wallMs, newest ? Date.parse(newest.at) : wallMs), wallMs, steadyMs: 0 };
}
