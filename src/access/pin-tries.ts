/**
 * Wrong PINs, counted for each person. In: the counts before and a try. Out: whether a try is allowed, and the counts
 * after it. Wrong tries against one person keep nobody else away. Pure.
 */
import type { PersonId } from '../events.ts';

interface Tries {
  /** Wrong tries in a row. */
  readonly wrong: number;
  /** Which PIN they were against: a new PIN begins at none. */
  readonly of: string;
  /** Monotonic milliseconds: no try before then. */
  readonly untilMs: number;
}

/** By person; `nobody` for PINs that come without a person, `emergency` for those against that PIN. */
export type PinTries = ReadonlyMap<PersonId, Tries>;

export const noTries: PinTries = new Map();

/** In place of a person where none was named, or an unknown one. */
export const nobody = '';

/** In place of a person: the PIN that opens while the vault is locked. */
export const emergency = '!emergency';

/** This many wrong PINs in a row cost nothing. After them each costs a wait, twice as long each time. */
const freeTries = 3;
const firstWaitMs = 30_000;
const mostWaitMs = 3_600_000;
const forgottenMs = 86_400_000;
/**
 * After as many the PIN of this person opens nothing until an operator ends it or the PIN is a new one. What is
 * nobody's own only waits: anybody at the keypad could close it.
 */
const mostTries = 10;
const ofNobody: ReadonlySet<PersonId> = new Set([nobody, emergency]);

/** Why this person's PIN may not be tried now; undefined where it may. */
export function barred(tries: PinTries, who: PersonId, of: string, atMs: number): string | undefined {
  const before = tries.get(who);
  if (before?.of !== of) return undefined;
  if (!ofNobody.has(who) && before.wrong >= mostTries)
    return `${mostTries} wrong PINs: an operator ends this (lockout.reset), or a new PIN (facelatch people pin)`;
  return before.untilMs > atMs ? `too many wrong PINs: wait ${Math.ceil((before.untilMs - atMs) / 1000)} s` : undefined;
}

export function withWrong(tries: PinTries, who: PersonId, of: string, atMs: number): PinTries {
  const before = tries.get(who);
  // Nobody's own are not ended by every right PIN: they are forgotten after a day without a wrong one.
  const isOver = before !== undefined && ofNobody.has(who) && atMs - before.untilMs > forgottenMs;
  const wrong = (before?.of === of && !isOver ? before.wrong : 0) + 1;
  const waitMs = wrong < freeTries ? 0 : Math.min(mostWaitMs, firstWaitMs * 2 ** (wrong - freeTries));
  return new Map(tries).set(who, { wrong, of, untilMs: atMs + waitMs });
}

export function withRight(tries: PinTries, who: PersonId): PinTries {
  const after = new Map(tries);
  after.delete(who);
  return after;
}

/** The counts with waits as what is left of them. */
export function triesText(tries: PinTries, nowMs: number): Record<string, { wrong: number; of: string; leftMs: number }> {
  return Object.fromEntries([...tries].map(([who, { wrong, of, untilMs }]) => [who, { wrong, of, leftMs: Math.max(0, untilMs - nowMs) }]));
}

export function triesFrom(
  text: Readonly<Record<string, { readonly wrong: number; readonly of: string; readonly leftMs: number }>>,
  untilMs: (leftMs: number) => number,
): PinTries {
  return new Map(Object.entries(text).map(([who, { wrong, of, leftMs }]) => [who, { wrong, of, untilMs: untilMs(leftMs) }]));
}
