/** Repeatable random numbers: the same seed gives the same numbers on every machine. */

/** Uniform numbers in 0 ≤ x < 1. */
export type Random = () => number;

/** Generator `sfc32` (C. Doty-Humphrey, PractRand), seeded with one whole number. */
export function newRandom(seed: number): Random {
  let [a, b, c, counter] = [seed | 0, Math.floor(seed / 2 ** 32) | 0, 0x9e3779b9, 1];
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < 12; round++) next();
  return next;
}

/** A whole number in 0 … below − 1. */
export const below = (random: Random, limit: number) => Math.floor(random() * limit);

/** A number of the standard normal distribution (Box, Muller 1958). */
export function normal(random: Random): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** The items in a new, random order (Fisher, Yates). */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const out = [...items];
  for (let last = out.length - 1; last > 0; last--) {
    const other = below(random, last + 1);
    [out[last], out[other]] = [out[other] as T, out[last] as T];
  }
  return out;
}
