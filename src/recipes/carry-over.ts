/**
 * A calibration of the network as it was goes in, with scores of the same strangers under both networks; the
 * calibration of the changed network comes out.
 *
 * The shipped calibration is stricter than any cohort of photographs can show: people at one door resemble each other
 * more than strangers do. A recipe that measured its table on the cohort alone would lower the threshold, and let them
 * in. So each row is carried over: distances of impostors under the two networks lie on a line, which the cohort gives
 * (measured on people of one origin, whom the cohort has not: docs/research/log.md).
 */
import type { Calibration, Head, MeasuredRates } from '../face/port.ts';
import { type Cosines, calibrationTable, largest, rates } from './calibrate.ts';

/** What is known of the network before it was changed. */
export interface Before {
  readonly head: Head;
  readonly calibration?: Calibration;
  /** Logits of strangers who are compared with each other. */
  readonly impostors: Float64Array;
}

export interface After {
  readonly head: Extract<Head, { kind: 'cosine' }>;
  /** Cosines of the same strangers in the same comparisons. */
  readonly impostors: Float64Array;
}

/** The distance that a head measures, from its logit: of the L1 head its weighted sum, of the cosine the Euclidean. */
const distanceOf = (head: Head, logit: number): number =>
  head.kind === 'l1-logistic' ? head.bias - logit : Math.sqrt(Math.max(0, 2 - (2 * (logit - head.bias)) / head.scale));

/** Rates at which the two networks are laid side by side, where so many comparisons at least reach them. */
const besideFrom = 30;
/** Fewer rates give no line, only a ratio. */
const fewestPoints = 3;

/** From a distance under the network before to the one under the network after, at the same rate among strangers. */
function lineBetween(before: Before, after: After): (distance: number) => number {
  const { length } = before.impostors;
  const reached = Math.ceil((rates[0] as number) * length) + 1;
  const [old, now] = [largest(before.impostors, reached), largest(after.impostors, reached)];
  const points = rates.flatMap((rate) => {
    const at = Math.floor(rate * length);
    if (at < besideFrom) return [];
    return [[distanceOf(before.head, old[at] as number), Math.sqrt(Math.max(0, 2 - 2 * (now[at] as number)))] as const];
  });
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis] / points.length, 0);
  const [x, y] = [mean(0), mean(1)];
  const spread = points.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
  const slope = points.length < fewestPoints ? y / x : points.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0) / spread;
  return (distance) => y + slope * (distance - x);
}

/**
 * The calibration of the changed network: each row of the one before it carried over, raised where the measured
 * impostors need it; measured alone where there was none before. `population`: whom it was measured on.
 */
export function carriedOver(before: Before, after: After, measured: Cosines, population: string): Calibration {
  const { head } = after;
  const shown = calibrationTable(measured, head, population);
  if (!before.calibration) return shown;
  const line = lineBetween(before, after);
  const missedAt = (logit: number) => {
    const cosine = (logit - head.bias) / head.scale;
    const missed = measured.genuine.reduce((count, value) => count + Number(value < cosine), 0);
    return Number((missed / Math.max(1, measured.genuine.length)).toFixed(4));
  };
  const carry = ({ population: whose, impostorPairs, table }: MeasuredRates): MeasuredRates => ({
    population: `${whose}; carried over to this network by ${population}`,
    impostorPairs,
    genuinePairs: measured.genuine.length,
    table: rising(
      table.map(({ fmr, logit }) => {
        const carried = head.scale * (1 - line(distanceOf(before.head, logit)) ** 2 / 2) + head.bias;
        const least = shown.table.find((row) => row.fmr === fmr)?.logit ?? Number.NEGATIVE_INFINITY;
        const stricter = Number(Math.max(carried, least).toFixed(6));
        return { fmr, logit: stricter, fnmr: missedAt(stricter) };
      }),
    ),
  });
  const { wild } = before.calibration;
  return { ...carry(before.calibration), ...(wild && { wild: carry(wild) }) };
}

/** Without rows that are no stricter than the one before them. */
function rising(table: MeasuredRates['table']): MeasuredRates['table'] {
  const kept: MeasuredRates['table'][number][] = [];
  for (const row of table) if (row.logit > (kept.at(-1)?.logit ?? Number.NEGATIVE_INFINITY)) kept.push(row);
  return kept;
}
