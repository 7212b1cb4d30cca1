/**
 * When entries were really written, where the wall clock was behind: what the clocks showed from look to look goes in;
 * the time of an entry comes out. A door without a battery starts years behind after a power cut, and what is stamped
 * then looks old from its first day. Every doubt makes an entry younger, which keeps what hangs on it. Pure.
 */

import { parseJson } from '../../base/jws.ts';
import { Compile, type Static, Type } from '../../base/schema.ts';
import type { Entry, Seq } from '../../journal/port.ts';

/** Entries after `after`, up to `upTo`, were stamped up to this much too early, and written before `beforeMs`. */
const stretchForm = Type.Object({ after: Type.Number(), upTo: Type.Number(), byMs: Type.Number(), beforeMs: Type.Number() });
type Stretch = Readonly<Static<typeof stretchForm>>;

const form = Type.Object({
  /** The last entry at the last look. */
  head: Type.Number(),
  /** How far the clock was behind at the last look; 0 where it was not. */
  byMs: Type.Number(),
  /** In order, without overlap. */
  behind: Type.Array(stretchForm),
});
export type Stamps = Readonly<Static<typeof form>>;
const check = Compile(form);

/** A clock that is set by hand is seldom nearer. */
const slackMs = 3_600_000;
/** More become one: a door whose power fails every day, for months. */
const mostStretches = 64;

export const stampsFrom = (head: Seq): Stamps => ({ head, byMs: 0, behind: [] });

/** As it was noted; undefined where it was not. */
export function notedStamps(note: string | undefined): Stamps | undefined {
  const found = note === undefined ? undefined : parseJson(Buffer.from(note));
  return check.Check(found) ? found : undefined;
}

/** `surelyMs`: the time that it surely is. `begins`: where the journal begins, if its oldest entries were removed. */
export function stampsAfter(
  before: Stamps,
  { head, begins, wallMs, surelyMs }: { readonly head: Seq; readonly begins: Seq; readonly wallMs: number; readonly surelyMs: number },
): Stamps {
  const now = surelyMs - wallMs > slackMs ? surelyMs - wallMs : 0;
  // Nobody knows when between two looks the clock was set.
  const byMs = Math.max(before.byMs, now);
  const stretch = { after: Math.min(before.head, head), upTo: head, byMs, beforeMs: surelyMs };
  const behind = byMs > 0 && head > stretch.after ? joined(before.behind, stretch) : before.behind;
  return { head, byMs: now, behind: behind.filter(({ upTo }) => upTo > begins) };
}

function joined(behind: readonly Stretch[], next: Stretch): Stretch[] {
  const last = behind.at(-1);
  if (last && last.upTo >= next.after && Math.abs(last.byMs - next.byMs) < slackMs) return [...behind.slice(0, -1), both(last, next)];
  const [first, second, ...others] = [...behind, next];
  return behind.length >= mostStretches && first && second ? [both(first, second), ...others] : [...behind, next];
}

const both = (a: Stretch, b: Stretch): Stretch => ({ ...b, after: a.after, byMs: Math.max(a.byMs, b.byMs) });

/** When the entry was written, wall-clock milliseconds. */
export function writtenMs({ behind }: Stamps, { seq, at }: Pick<Entry, 'seq' | 'at'>): number {
  const stretch = behind.find(({ after, upTo }) => seq > after && seq <= upTo);
  const stampedMs = Date.parse(at);
  return stretch ? Math.max(stampedMs, Math.min(stampedMs + stretch.byMs, stretch.beforeMs)) : stampedMs;
}

/** What to ask the journal for to find the newest entry that was written before this time: one after the other. */
export function queriesBefore({ behind }: Stamps, ms: number): { readonly after: Seq; readonly upTo?: Seq; readonly untilMs: number }[] {
  const newestFirst = behind.toReversed();
  return [...newestFirst, undefined].flatMap((stretch, n) => {
    const later = newestFirst[n - 1];
    const between = { after: stretch?.upTo ?? 0, ...(later && { upTo: later.after }), untilMs: ms };
    if (!stretch) return [between];
    // All of it may have been written right before it ended.
    const { after, upTo, byMs, beforeMs } = stretch;
    return [between, { after, upTo, untilMs: beforeMs <= ms ? ms : ms - byMs }];
  });
}
