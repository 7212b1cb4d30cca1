/** How far a face was from the threshold, in words that may leave the door. In: what was seen. Out: a band. Pure. */
import type { LikenessBand, ThresholdNote } from '../events.ts';
import type { Sighting } from './port.ts';

/** About one false match in ten of those at the threshold reaches this much more. Logits. */
const wellAboveBy = 2;
const nearWithin = 2;
const belowWithin = 6;

export function bandOf({ finding, likeness }: Sighting, { logit }: Pick<ThresholdNote, 'logit'>): LikenessBand {
  if (finding.kind === 'person' || finding.kind === 'ambiguous') return 'at-or-above';
  // The paper's policy counts templates: nobody is found though the best logit is above.
  return belowBand(logit - (likeness?.logit ?? Number.NEGATIVE_INFINITY));
}

/** Of a score of liveness, less its threshold. */
export const scoreBand = (score: number): LikenessBand => (score >= 0 ? 'at-or-above' : belowBand(-score));

function belowBand(missing: number): LikenessBand {
  if (missing <= nearWithin) return 'near';
  return missing <= belowWithin ? 'below' : 'far-below';
}

/** Whether somebody was recognised so clearly that a lock-out which others have caused does not matter. */
export const isWellAbove = ({ finding, likeness }: Sighting, { logit }: Pick<ThresholdNote, 'logit'>): boolean =>
  finding.kind === 'person' && likeness !== undefined && likeness.logit >= logit + wellAboveBy;
