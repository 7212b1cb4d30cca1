/**
 * Repeatable random numbers: a seed goes in, an endless series comes out, the same for the same seed on every machine.
 */

export interface Chance {
  /** The next number, 0 ≤ n < 1. */
  next(): number;
  /** The next number, `from` ≤ n < `to`. */
  between(from: number, to: number): number;
  /** The next whole number, 0 ≤ n < `below`. */
  below(below: number): number;
  /** A shuffled copy. */
  shuffled<T>(items: readonly T[]): T[];
}

/**
 * The generator mulberry32 (T. Ettinger, public domain): 32 bits of state, good enough to place people in front of a
 * door.
 */
export function chance(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    next,
    below,
    between: (from, to) => from + next() * (to - from),
    shuffled: (items) => {
      const deck = [...items];
      for (let i = deck.length - 1; i > 0; i--) {
        const j = below(i + 1);
        [deck[i], deck[j]] = [deck[j] as (typeof deck)[number], deck[i] as (typeof deck)[number]];
      }
      return deck;
    },
  };
}
