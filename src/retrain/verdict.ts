/**
 * Champion or challenger: what both networks scored on the same frozen pictures goes in, the verdict with its figures
 * comes out. Pure.
 *
 * Each is held to the door's target: its own calibrated threshold, raised where the measured impostors show that it
 * would let in more than the target allows. A challenger that only claims a lower threshold gains nothing.
 */

import { newRandom } from '../base/random.ts';
import type { PersonId } from '../events.ts';

/** What one network scored. Genuine scores of both networks are of the same probes in the same order. */
export interface NetworkScores {
  /** The logit that its calibration gives for the rate per comparison. */
  readonly threshold: number;
  /**
   * For each frozen probe of an enrolled person the largest logit over that person's other templates; −∞ where no
   * face was found.
   */
  readonly genuine: Float64Array;
  /**
   * Logits of people who are not one, one for each comparison of a probe (or someone of the cohort) with a template.
   */
  readonly impostors: Float64Array;
  /**
   * For each pair of enrolled people, in the same order for both networks, the largest logit between their templates.
   */
  readonly pairs: Float64Array;
  /**
   * As `genuine`, of strangers of the cohort who are enrolled for the comparison; in the same order for both networks,
   * empty where the cohort is not known to both.
   */
  readonly cohort: Float64Array;
}

export interface NetworkTrial {
  readonly champion: NetworkScores;
  readonly candidate: NetworkScores;
  /** Whose probe each genuine score is of. */
  readonly probes: readonly PersonId[];
  readonly pairsOf: readonly (readonly [PersonId, PersonId])[];
  /** Which stranger of the cohort each of its scores is of. */
  readonly cohortOf: readonly string[];
  /** False-match rate that one comparison may have. */
  readonly fmr: number;
  readonly seed: number;
}

export interface Standing {
  /** The logit in force: calibrated, or raised to keep the impostors out. */
  readonly threshold: number;
  readonly raised: boolean;
  readonly fnmr: number;
  /** Share of the impostors at or above the calibrated threshold. */
  readonly measuredFmr: number;
}

/** FNMR of the candidate less that of the champion. */
export interface Difference {
  readonly value: number;
  /** Paired, by people, 95 %. */
  readonly interval: readonly [number, number];
  /** The upper 95 % bound, which decides. */
  readonly upper: number;
}

export interface NetworkVerdict {
  readonly ok: boolean;
  readonly why: 'better' | 'no-gain' | 'worse' | 'worse-on-cohort' | 'confusable' | 'unmeasured';
  readonly champion: Standing;
  readonly candidate: Standing;
  /** On the door's own pictures. */
  readonly difference: Difference;
  /** On the cohort; undefined where it was not measured on it. */
  readonly onCohort?: Difference & { readonly champion: number; readonly candidate: number };
  /** Pairs of enrolled people that the candidate would take for one another and the champion would not. */
  readonly confusable: readonly (readonly [PersonId, PersonId])[];
}

/** How much worse the candidate may be, at the upper 95 % bound. */
export const mostWorse = 0.005;
/** Fewer people or probes than these measure nothing. */
export const leastMeasured = { people: 2, probes: 6 } as const;
const draws = 2000;

/**
 * A candidate takes the champion's place where it is better: fewer of the door's own probes are missed, and the upper
 * bound of the difference is not above 0. One that is merely not worse gains nothing, and every change has its risk.
 */
export function verdictOf(trial: NetworkTrial): NetworkVerdict {
  const { champion, candidate, probes, pairsOf, fmr, seed } = trial;
  const [first, second] = [standingOf(champion, fmr), standingOf(candidate, fmr)];
  const worse = Float64Array.from(probes, (_, i) => Number(isMissed(candidate, second, i)) - Number(isMissed(champion, first, i)));
  const difference = pairedDifference(worse, probes, seed);
  const onCohort = cohortDifference(trial, first, second);
  const confusable = pairsOf.filter(
    (_, i) => (candidate.pairs[i] as number) >= second.threshold && (champion.pairs[i] as number) < first.threshold,
  );
  const measured = new Set(probes).size >= leastMeasured.people && probes.length >= leastMeasured.probes;
  const why = !measured
    ? 'unmeasured'
    : confusable.length > 0
      ? 'confusable'
      : difference.upper > mostWorse
        ? 'worse'
        : onCohort && onCohort.upper > mostWorse
          ? 'worse-on-cohort'
          : difference.value < 0 && difference.upper <= 0
            ? 'better'
            : 'no-gain';
  return { ok: why === 'better', why, champion: first, candidate: second, difference, ...(onCohort && { onCohort }), confusable };
}

function cohortDifference({ champion, candidate, cohortOf, seed }: NetworkTrial, first: Standing, second: Standing) {
  if (cohortOf.length === 0) return undefined;
  const missed = ({ cohort }: NetworkScores, { threshold }: Standing) => cohort.map((score) => Number(score < threshold));
  const [before, after] = [missed(champion, first), missed(candidate, second)];
  const rate = (all: Float64Array) => all.reduce((sum, value) => sum + value, 0) / all.length;
  const difference = pairedDifference(
    after.map((value, i) => value - (before[i] as number)),
    cohortOf,
    seed,
  );
  return { ...difference, champion: rate(before), candidate: rate(after) };
}

const isMissed = (network: NetworkScores, { threshold }: Standing, probe: number) => (network.genuine[probe] as number) < threshold;

function standingOf({ threshold, genuine, impostors }: NetworkScores, fmr: number): Standing {
  const falling = impostors.toSorted().reverse();
  const reach = falling.findIndex((score) => score < threshold);
  const accepted = reach < 0 ? falling.length : reach;
  const allowed = Math.floor(fmr * impostors.length);
  // The first impostor that the target has no room for stays out.
  const raised = accepted > allowed;
  const inForce = raised ? nextAbove(falling[allowed] as number) : threshold;
  const missed = genuine.reduce((count, score) => count + Number(score < inForce), 0);
  return {
    threshold: inForce,
    raised,
    fnmr: genuine.length > 0 ? missed / genuine.length : 0,
    measuredFmr: impostors.length > 0 ? accepted / impostors.length : 0,
  };
}

const nextAbove = (value: number) => value + Math.max(1e-9, Math.abs(value) * 1e-12);

/** Bootstrap by people: all probes of a person together, for both networks at once. */
function pairedDifference(worse: Float64Array, probes: readonly string[], seed: number): Difference {
  const people = [...Map.groupBy(worse.keys(), (i) => probes[i] as string).values()];
  const sums = people.map((own) => own.reduce((sum, i) => sum + (worse[i] as number), 0));
  const counts = people.map((own) => own.length);
  const random = newRandom(seed);
  const drawn = Float64Array.from({ length: people.length > 0 ? draws : 0 }, () => {
    let [sum, count] = [0, 0];
    for (let i = 0; i < people.length; i++) {
      const person = Math.floor(random() * people.length);
      sum += sums[person] as number;
      count += counts[person] as number;
    }
    return sum / count;
  }).sort();
  const at = (share: number) => drawn[Math.min(drawn.length - 1, Math.floor(share * drawn.length))] ?? 0;
  const total = worse.reduce((sum, value) => sum + value, 0);
  return { value: worse.length > 0 ? total / worse.length : 0, interval: [at(0.025), at(0.975)], upper: at(0.95) };
}
