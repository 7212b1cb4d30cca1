/**
 * The third layer of the threshold: the door's own evidence, and the rate per comparison that is to be kept, go in; the
 * logit that keeps it at this door comes out. Pure.
 *
 * Method: beyond a level the scores of different people are taken as an exponential tail, counted in the calibration's
 * own rates, so that without evidence the tail is the calibration itself. Its two numbers, the share beyond the level
 * and the scale of what lies beyond, are fitted by maximum likelihood to the door's scores and to `priorPeople` people
 * of the calibration's population (a conjugate prior: Gelman et al., Bayesian Data Analysis, third edition, section
 * 2.6). People are the weight, not pairs: 20 people make 190 pairs and are still 20 draws from mankind.
 *
 * What bounds it, because some of the evidence comes from whoever stands before the door:
 * - The tail is never lighter than the calibration's. So the threshold is loosened only by how few comparisons reach
 *   the level, at most by the factor 1 + people / priorPeople in the rate.
 * - Fewer than `leastPeople` people only tighten.
 * - Unknown visitors only tighten, by half a power of ten in the rate at the most; all together by a whole one.
 * - It is never looser than the table of strangers, nor than the cohort as this camera sees it.
 * - Evidence of other people than those enrolled now only tightens.
 */
import type { CalibrationCurve, DoorEvidence, DoorLevel, DoorLimit, Exceedances } from '../port.ts';
import { countedFrom, visitorsFrom } from './door.ts';

/** As much as this many people of the calibration's population: docs/research/log.md. */
const priorPeople = 4;
/** From so many people on the evidence may loosen the threshold. */
const leastPeople = 8;
/** The rate that is kept is at least this part of the one asked for. */
const mostTightened = 0.1;
const mostByVisitors = Math.sqrt(10);
/** Visitors beyond this number weigh no more. */
const mostVisits = 20;

export interface ToWeigh {
  readonly strict: CalibrationCurve;
  /** Absent where the manifest has no table of strangers: then nothing loosens. */
  readonly wild: CalibrationCurve | undefined;
  /** The rate per comparison to be kept. */
  readonly fmr: number;
  /** Of the people who are enrolled now. */
  readonly digest: string;
  /** What two equal pictures reach. */
  readonly highest: number;
}

export function doorLevel({ strict, wild, fmr, digest, highest }: ToWeigh, evidence: DoorEvidence): DoorLevel {
  const { residents, visitors, cohort } = evidence;
  const plain = strict.logitAt(fmr).logit;
  const most = strict.logitAt(mostTightened * fmr).logit;
  const wanted = rateAt(residents, fmr) / timesByVisitors(visitors);
  const held = wanted > fmr ? whatHolds(evidence, digest, wild) : undefined;
  const own = strict.logitAt(held ? fmr : Math.max(wanted, mostTightened * fmr));
  const byStrangers = wild?.logitAt(fmr).logit ?? Number.NEGATIVE_INFINITY;
  const byCohort = wild && cohort ? Math.min(most, wild.logitAt(rateAt(cohort, fmr)).logit) : Number.NEGATIVE_INFINITY;
  const logit = Math.min(highest, Math.max(own.logit, byStrangers, byCohort));
  const limit: DoorLimit | undefined =
    logit > own.logit ? (byCohort > byStrangers ? 'cohort' : 'wild') : (held ?? (wanted < mostTightened * fmr ? 'bound' : undefined));
  return {
    ...{ fmr, logit, extrapolated: own.extrapolated },
    people: residents.people,
    visits: visitors.visits,
    effect: logit > plain + unmoved ? 'tightened' : logit < plain - unmoved ? 'loosened' : 'none',
    ...(limit !== undefined && { limit }),
  };
}

/** Logits. */
const unmoved = 1e-6;

function whatHolds(
  { residents, digest: measured }: DoorEvidence,
  digest: string,
  wild: CalibrationCurve | undefined,
): DoorLimit | undefined {
  if (residents.people < leastPeople) return 'few-people';
  if (measured !== digest) return 'outdated';
  return wild ? undefined : 'wild';
}

/** The rate of the calibration at which this tail has the rate `fmr`. */
function rateAt({ people, share, excess }: Exceedances, fmr: number): number {
  const beyond = (priorPeople * countedFrom + people * share) / (priorPeople + people);
  // Of the calibration's people, too, only this share lies beyond; their scale is 1 in these units.
  const prior = priorPeople * countedFrom;
  const scale = Math.max(1, (prior + people * excess) / (prior + people * share));
  return Math.min(1, countedFrom * (fmr / beyond) ** scale);
}

/** How many times stricter the visitors make it; 1 where there are none. */
function timesByVisitors({ visits, share }: DoorEvidence['visitors']): number {
  const weight = Math.min(visits, mostVisits);
  const beyond = (priorPeople * visitorsFrom + weight * share) / (priorPeople + weight);
  return Math.min(mostByVisitors, Math.max(1, beyond / visitorsFrom));
}
