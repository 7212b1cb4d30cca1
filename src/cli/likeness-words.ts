/**
 * How likeness and error rates are told to people: a match and a threshold in, plain words out. The one place for it,
 * so that
 * a figure never contradicts the verdict beside it. Raw figures (logit, probability) are for programs: --json has them.
 */
import type { Likeness, ThresholdNote } from '../events.ts';
import type { EmbedderInfo } from '../face/port.ts';
import type { Threshold } from '../identity/port.ts';
import { calibrationCurve } from '../identity/threshold.ts';
import { oneIn, percent } from './words.ts';

/** The explanation for --help. */
export const likenessHelp =
  '\nLikeness is shown against the threshold: "1.4 above the threshold" counts as the person, "0.6 below" does not.\n' +
  'The further above, the surer; a point makes a chance match about 3 times rarer. Raw figures are in --json.';

/** As much of a threshold as a likeness is measured against. */
export type Bar = Pick<ThresholdNote, 'policy' | 'logit'> & { readonly verification?: number };

/** `1.4 above the threshold`; under the paper's policy `83.33 % of the pictures agree (80.00 % needed)`. */
export function likenessText({ logit, share }: Pick<Likeness, 'logit' | 'share'>, { policy, logit: least, verification }: Bar): string {
  if (policy !== 'paper') return aboveText(logit, least);
  return `${percent(share)} of the pictures agree${verification === undefined ? '' : ` (${percent(verification)} needed)`}`;
}

/** Never rounded over the threshold to the other side. */
export function aboveText(logit: number, least: number): string {
  const by = logit - least;
  const figure = Math.abs(by).toFixed(1);
  const side = by >= 0 ? 'above' : 'below';
  return figure === '0.0' ? `just ${side} the threshold` : `${figure} ${side} the threshold`;
}

/** The false-match rate of one comparison; `fmr` null without a calibration: then nothing is known. */
export interface MatchRate {
  readonly fmr: number | null;
  readonly extrapolated: boolean;
}

/** The rate that a logit stands for. */
export function matchRateOf({ calibration }: EmbedderInfo): (logit: number) => MatchRate {
  if (!calibration) return () => ({ fmr: null, extrapolated: false });
  return calibrationCurve(calibration).fmrAt;
}

/** A rate beyond the calibration is named as the estimate that it is. */
export function matchRateText({ fmr, extrapolated }: MatchRate, { name, calibration }: EmbedderInfo): string {
  const [first, last] = [calibration?.table[0], calibration?.table.at(-1)];
  if (fmr === null || !first || !last) return `unknown: the embedder ${name} has no calibration`;
  if (!extrapolated) return `${oneIn(fmr)} comparisons of strangers`;
  if (fmr > last.fmr) return `more often than ${oneIn(first.fmr)} comparisons of strangers, where the calibration begins`;
  return `rarer than ${oneIn(last.fmr)} comparisons of strangers, where the calibration ends${fmr < 1e-9 ? '' : ` (estimated: ${oneIn(fmr)})`}`;
}

/** The threshold in force. */
export function thresholdText({ policy, fmr, extrapolated, detection, verification }: Threshold): string {
  if (policy === 'paper') return `the paper's: ${percent(verification)} of a person's pictures above probability ${detection}`;
  return strictness(oneIn(fmr), extrapolated, 'comparisons of strangers passes');
}

/** `1 in 10,000 attempts …`; as an estimate where the calibration ends before. */
export function strictness(rate: string, extrapolated: boolean, what: string): string {
  return extrapolated ? `stricter than the calibration supports; estimated ${rate} ${what}` : `${rate} ${what}`;
}
