/**
 * What lies beyond the end of a calibration table: a generalised Pareto tail, fitted to its last rows. False-match
 * rates and logits go in; a function from rate to logit and its inverse come out.
 *
 * Method: exceedances over a high level follow a generalised Pareto distribution (Pickands 1975; Balkema and de Haan
 * 1974); fitted by maximum likelihood (Coles, An Introduction to Statistical Modeling of Extreme Values, 2001, section
 * 4.3), here on counts between rows, because a table gives no single scores. The fit gives the tail its form; the tail
 * starts in the table's last row, so there is no step.
 *
 * Two limits keep it on the safe side.
 * - The shape stays within 0…0.5. Tables of impostor logits bend down (a shape below 0), which would promise a logit
 *   that no impostor ever passes. People photographed under the same conditions resemble each other more than those of
 *   the table, so that promise is not made: 0 is the lightest tail allowed (log-linear), 0.5 the heaviest (finite
 *   variance).
 * - The scale is never below that of the table's last two rows. So the threshold is never lower than the straight
 *   continuation of log rate against logit.
 */

export interface TailRow {
  /** False-match rate per comparison, 0…1. */
  readonly fmr: number;
  readonly logit: number;
}

export interface Tail {
  /** Shape ξ of the generalised Pareto distribution, 0…0.5. */
  readonly shape: number;
  /** Its scale at the last row, in logits, above 0. */
  readonly scale: number;
  /** The logit for a rate at or below the last row's. */
  logitAt(fmr: number): number;
  /** The rate for a logit at or above the last row's. */
  fmrAt(logit: number): number;
}

/**
 * The straight continuation of the last two rows, log rate against logit: for a table that is the strictest of several
 * populations, whose last rows are no counts of one of them.
 */
export function straightTail(rows: readonly TailRow[]): Tail {
  const [last, before] = [rows.at(-1), rows.at(-2)];
  if (!last || !before) throw new RangeError('a tail needs two rows');
  return tailFrom(last, 0, straightScale(last, before));
}

const shapes = { min: 0, max: 0.5, step: 0.01 };
// Rows at or below this rate are the tail, if there are three; higher rates would bring the form of the body into the
// fit.
const tailStartsAtFmr = 1e-3;

/**
 * The tail of a table of at least two rows of falling rate and rising logit. `impostorPairs`: how many it was measured
 * on.
 */
export function fitTail(rows: readonly TailRow[], impostorPairs: number): Tail {
  const [last, before] = [rows.at(-1), rows.at(-2)];
  if (!last || !before) throw new RangeError('a tail needs two rows');
  const deep = rows.filter((row) => row.fmr <= tailStartsAtFmr);
  const fit = mostLikely(deep.length >= 3 ? deep : rows.slice(-3), impostorPairs);
  return tailFrom(last, fit.shape, Math.max(fit.scale, straightScale(last, before)));
}

const straightScale = (last: TailRow, before: TailRow): number => (last.logit - before.logit) / Math.log(before.fmr / last.fmr);

function tailFrom(last: TailRow, shape: number, scale: number): Tail {
  return {
    shape,
    scale,
    logitAt: (fmr) => {
      const logRatio = Math.log(last.fmr) - Math.log(fmr);
      return last.logit + scale * (shape === 0 ? logRatio : Math.expm1(shape * logRatio) / shape);
    },
    fmrAt: (logit) => last.fmr * survival(logit - last.logit, shape, scale),
  };
}

/** Share of exceedances larger than `excess` logits. */
function survival(excess: number, shape: number, scale: number): number {
  return shape === 0 ? Math.exp(-excess / scale) : (1 + (shape * excess) / scale) ** (-1 / shape);
}

/** The shape, and the scale at the last row (it grows with the shape: the tail of a Pareto tail is one too). */
function mostLikely(rows: readonly TailRow[], pairs: number): { shape: number; scale: number } {
  const first = rows[0]?.logit ?? 0;
  const span = (rows.at(-1)?.logit ?? 0) - first;
  let best = { shape: 0, scale: span, likelihood: Number.NEGATIVE_INFINITY };
  for (let step = 0; step * shapes.step <= shapes.max - shapes.min; step++) {
    const shape = shapes.min + step * shapes.step;
    const found = maximise((logScale) => logLikelihood(rows, pairs, shape, Math.exp(logScale)), Math.log(span / 50), Math.log(span * 50));
    if (found.value > best.likelihood) best = { shape, scale: Math.exp(found.at), likelihood: found.value };
  }
  return { shape: best.shape, scale: best.scale + best.shape * span };
}

/** Of the counts of impostor pairs between each row and the next, and beyond the last. */
function logLikelihood(rows: readonly TailRow[], pairs: number, shape: number, scale: number): number {
  const beyond = rows.map((row) => survival(row.logit - (rows[0]?.logit ?? 0), shape, scale));
  return rows.reduce((sum, row, i) => {
    const counted = pairs * (row.fmr - (rows[i + 1]?.fmr ?? 0));
    return sum + counted * Math.log((beyond[i] ?? 0) - (beyond[i + 1] ?? 0));
  }, 0);
}

/** The maximum of a function with one peak between `low` and `high`: golden-section search. */
function maximise(f: (x: number) => number, low: number, high: number): { at: number; value: number } {
  const golden = (Math.sqrt(5) - 1) / 2;
  let [a, b] = [low, high];
  for (let turn = 0; turn < 60; turn++) {
    const [left, right] = [b - golden * (b - a), a + golden * (b - a)];
    if (f(left) < f(right)) a = left;
    else b = right;
  }
  return { at: (a + b) / 2, value: f((a + b) / 2) };
}
