/**
 * What a threshold means: counts of scores and the rates that the door knows go in; "one stranger in so many", with its
 * interval, and what it would have done to people, come out. Pure.
 */

/**
 * @typedef {{ from: number, step: number, genuine: number[], strangers: number[], granted: number[], turnedAway: number[],
 *   rates: { targetFmr: number, logit: number, extrapolated: boolean }[] }} Scores
 */

/** @param {readonly number[]} counts */
export const sumOf = (counts) => counts.reduce((sum, count) => sum + count, 0);

/** How many of them reach a logit. @param {Pick<Scores, 'from' | 'step'>} scores @param {readonly number[]} counts @param {number} logit */
export function reaching({ from, step }, counts, logit) {
  const first = Math.round((logit - from) / step);
  return sumOf(counts.slice(Math.max(0, first)));
}

/**
 * The rate of wrong accepts that a logit stands for at this door. Beyond the ends of what is known: the rate at the end.
 * @param {Scores['rates']} rates the loosest first @param {number} logit
 * @returns {{ rate: number, end?: 'loosest' | 'strictest', extrapolated: boolean } | undefined}
 */
export function rateAt(rates, logit) {
  const [first, last] = [rates[0], rates.at(-1)];
  if (!first || !last) return undefined;
  if (logit < first.logit) return { rate: first.targetFmr, end: 'loosest', extrapolated: first.extrapolated };
  if (logit >= last.logit) return { rate: last.targetFmr, end: 'strictest', extrapolated: last.extrapolated };
  const n = rates.findIndex((each) => each.logit > logit);
  const [above, below] = [rates[n - 1] ?? first, rates[n] ?? last];
  const part = (logit - above.logit) / (below.logit - above.logit || 1);
  return { rate: above.targetFmr * (below.targetFmr / above.targetFmr) ** part, extrapolated: below.extrapolated };
}

/** Of 95 %: two-sided. */
const z = 1.959964;

/** The share of all strangers, when `hits` of `tries` were seen: 95 % interval (Wilson, 1927). @param {number} hits @param {number} tries */
export function shareInterval(hits, tries) {
  if (tries === 0) return { low: 0, high: 1 };
  const share = hits / tries;
  const middle = share + z ** 2 / (2 * tries);
  const spread = z * Math.sqrt((share * (1 - share)) / tries + z ** 2 / (4 * tries ** 2));
  const whole = 1 + z ** 2 / tries;
  return { low: hits === 0 ? 0 : Math.max(0, (middle - spread) / whole), high: Math.min(1, (middle + spread) / whole) };
}

/** A rate as a setting: one digit says enough. @param {number} rate */
export const settingOf = (rate) => Number(rate.toPrecision(1));

/** Counts of wider bins, as shares of all, for the picture. @param {readonly number[]} counts @param {number} times */
export function sharesOf(counts, times) {
  const all = sumOf(counts) || 1;
  return Array.from({ length: Math.ceil(counts.length / times) }, (_, n) => sumOf(counts.slice(n * times, (n + 1) * times)) / all);
}
