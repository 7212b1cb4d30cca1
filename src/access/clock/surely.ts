/**
 * The time that it surely is, for whatever is deleted by its age: what was known before and what the clocks show go in,
 * what is known now comes out. It never runs ahead of the true time by more than a clock that is believed does. Pure.
 *
 * A clock may jump into the future (a time server that is wrong, a battery that is empty), and everything would be old
 * at once. So time goes on as it passes here, and the wall clock is believed only while a time service holds it. Where
 * it is ahead of the time that passed, it is believed after a day in which it went on steadily: a day in which somebody
 * can notice. A door that was switched off for a week therefore keeps its data a day longer.
 */

import { parseJson } from '../../base/jws.ts';
import { Compile, type Static, Type } from '../../base/schema.ts';

const form = Type.Object({
  /** The time that it surely is. Wall-clock milliseconds since 1970, as the two that follow. */
  surelyMs: Type.Number(),
  /** What the wall clock showed. */
  wallMs: Type.Number(),
  /** For how long a clock that is ahead has gone on steadily, milliseconds. */
  steadyMs: Type.Number({ minimum: 0 }),
});
export type KnownTime = Readonly<Static<typeof form>>;
const check = Compile(form);

export interface SeenTime {
  readonly wallMs: number;
  /** Since the last look, by a clock that nobody sets; since the start where this is the first one. */
  readonly passedMs: number;
  /** The first look since the program started: nobody knows for how long it did not run. */
  readonly isFirst: boolean;
  /** Whether a time service holds the wall clock. */
  readonly synchronised: boolean;
}

/** Between two looks the clock may be set by this much; a time service that slews it stays far below. */
const slackMs = 60_000;
/** A clock that was ahead goes on with its proof after a night without power. */
const downMs = 86_400_000;
const proofMs = 86_400_000;

export function surelyAfter(before: KnownTime, { wallMs, passedMs, isFirst, synchronised }: SeenTime): KnownTime {
  const passed = before.surelyMs + passedMs;
  if (!synchronised) return { surelyMs: passed, wallMs, steadyMs: 0 };
  // Behind: what is deleted too late can still be deleted.
  if (wallMs <= passed + slackMs) return { surelyMs: wallMs, wallMs, steadyMs: 0 };
  const steady = Math.abs(wallMs - before.wallMs - passedMs) <= (isFirst ? downMs : slackMs);
  const steadyMs = steady ? before.steadyMs + passedMs : 0;
  return steadyMs >= proofMs ? { surelyMs: wallMs, wallMs, steadyMs: 0 } : { surelyMs: passed, wallMs, steadyMs };
}

/** The note beside the journal in which it is kept. */
export const knownTimeNote = 'privacy.time';

/** As it was noted; undefined where it was not. */
export function knownTime(note: string | undefined): KnownTime | undefined {
  const found = note === undefined ? undefined : parseJson(Buffer.from(note));
  return check.Check(found) ? found : undefined;
}
