/**
 * The logit that a match must reach: a policy ("at most one wrong accept in 10,000 attempts"), the embedder's
 * calibration and a stranger's number of chances against the gallery go in; the threshold in force comes out. Also:
 * whom matches identify under it.
 */
import { Fault } from '../base/errors.ts';
import { type ThresholdLayer, type ThresholdNote, thresholdLayers } from '../events.ts';
import type { Calibration, EmbedderInfo, Embedding, Head, MeasuredRates } from '../face/port.ts';
import { type Chances, chancesOf, duplicateBound, type Strangers } from './chances.ts';
import { digestOf } from './evidence/door.ts';
import { doorLevel } from './evidence/weigh.ts';
import type {
  CalibrationCurve,
  DoorEvidence,
  EnrolledPerson,
  Identification,
  Match,
  Threshold,
  ThresholdLayers,
  ThresholdLevel,
} from './port.ts';
import { logitOf, logitOfProbability } from './siamese.ts';
import { fitTail, straightTail } from './tail.ts';

/** How matches are accepted, from the configuration. */
export interface ThresholdPolicy {
  readonly policy: Threshold['policy'];
  /** Wrong accepts per attempt of a stranger against the whole gallery, above 0, below 1. */
  readonly targetFmr: number;
  /** The paper's pair: a template counts when its probability exceeds `detection` (between 0 and 1) … */
  readonly detection: number;
  /** … and a person is accepted when at least this share of their templates count (above 0, up to 1). */
  readonly verification: number;
}

/**
 * Of the strict table: it continues by its last slope where the manifest has a table of strangers (`wild`) beside it,
 * by a fitted tail where it has one table alone. Throws Fault `model-unfit` where the rates of the table do not fall or
 * its logits do not rise.
 */
export function calibrationCurve(calibration: Calibration): CalibrationCurve {
  return curveOf(calibration, calibration.wild ? straightTail : fitTail);
}

export interface Curves {
  readonly strict: CalibrationCurve;
  /** Of the table of strangers, who have nothing in common; absent where the manifest has none. */
  readonly wild: CalibrationCurve | undefined;
}

export const curvesOf = (calibration: Calibration): Curves => ({
  strict: calibrationCurve(calibration),
  wild: calibration.wild && curveOf(calibration.wild, fitTail),
});

function curveOf(calibration: MeasuredRates, tailOf: typeof fitTail): CalibrationCurve {
  const { table } = calibration;
  const [first, second] = table;
  const last = table.at(-1);
  if (!first || !second || !last || !isFalling(table) || !(calibration.impostorPairs > 0)) {
    throw new Fault(
      'model-unfit',
      "The calibration in the embedder's manifest needs at least two rows of falling fmr (below 1, above 0) and rising logit, and impostorPairs above 0.",
    );
  }
  const tail = tailOf(table, calibration.impostorPairs);
  return {
    logitAt: (fmr) => {
      if (fmr < last.fmr) return { logit: tail.logitAt(fmr), extrapolated: true };
      const i = table.findIndex((row) => row.fmr <= fmr);
      const [above, below] = [table[i - 1], table[i] ?? last];
      if (!above || below.fmr === fmr) return { logit: below.logit, extrapolated: false };
      const part = Math.log(above.fmr / fmr) / Math.log(above.fmr / below.fmr);
      return { logit: above.logit + part * (below.logit - above.logit), extrapolated: false };
    },
    fmrAt: (logit) => {
      if (logit > last.logit) return { fmr: tail.fmrAt(logit), extrapolated: true };
      const i = Math.max(
        1,
        table.findIndex((row) => row.logit >= logit),
      );
      const [above, below] = [table[i - 1] ?? first, table[i] ?? second];
      const part = (logit - above.logit) / (below.logit - above.logit);
      return { fmr: Math.min(1, above.fmr * (below.fmr / above.fmr) ** part), extrapolated: logit < first.logit };
    },
  };
}

function isFalling(table: Calibration['table']): boolean {
  return table.every((row, i) => {
    const before = table[i - 1];
    const inRange = row.fmr > 0 && row.fmr < 1 && Number.isFinite(row.logit);
    return inRange && (!before || (row.fmr < before.fmr && row.logit > before.logit));
  });
}

/**
 * The rate for each of so many independent comparisons at which a stranger's attempt has `targetFmr`, as if they were
 * independent.
 */
export function fmrPerComparison(targetFmr: number, comparisons: number): number {
  return -Math.expm1(Math.log1p(-targetFmr) / Math.max(1, comparisons));
}

/** The threshold of a gallery as its people and what is known of this door change. */
export interface GalleryThreshold {
  /** Replaces everybody who is compared with. */
  load(people: readonly EnrolledPerson[]): void;
  /** Goes on measuring where there is much to do; true where the threshold may have changed. Takes milliseconds. */
  continue(): boolean;
  /** Takes the door's own evidence into account from now on; one of another embedder counts for nothing. */
  consider(evidence: DoorEvidence | undefined): void;
  readonly now: Threshold;
  /** What it would be at another rate of wrong accepts. Throws Fault `bad-config` where that is out of reach. */
  at(targetFmr: number): Threshold;
}

interface State {
  readonly policy: ThresholdPolicy;
  readonly embedder: EmbedderInfo;
  /** Absent without a calibration. */
  readonly curves: Curves | undefined;
  readonly chances: Chances;
  templates: number;
  /** Of the people who are loaded. */
  digest: string;
  evidence: DoorEvidence | undefined;
  now: Threshold;
}

/** Throws the Faults of `thresholdsOf`. */
export function galleryThreshold(
  policy: ThresholdPolicy,
  embedder: EmbedderInfo,
  strangers: () => Strangers | undefined = () => undefined,
): GalleryThreshold {
  const alone = thresholdsOf(policy, embedder)(1);
  if (policy.policy === 'paper')
    return { load: () => undefined, continue: () => false, consider: () => undefined, now: alone, at: () => alone };
  const chances = chancesOf(embedder, duplicateBound(alone.logit, highestLogit(embedder.head)), strangers);
  const curves = embedder.calibration && curvesOf(embedder.calibration);
  const state: State = { policy, embedder, curves, chances, templates: 0, digest: '', evidence: undefined, now: alone };
  const measure = () => {
    state.now = thresholdIn(state, policy.targetFmr);
  };
  measure();
  return {
    load: (people) => {
      state.templates = people.reduce((sum, person) => sum + person.templates.length, 0);
      state.digest = digestOf(people);
      chances.load(people);
      measure();
    },
    continue: () => {
      if (!chances.continue()) return false;
      measure();
      return true;
    },
    consider: (evidence) => {
      state.evidence = evidence?.embedder === embedder.sha256 ? evidence : undefined;
      measure();
    },
    get now() {
      return state.now;
    },
    at: (targetFmr) => thresholdIn(state, targetFmr),
  };
}

/** One layer after the other. */
function thresholdIn({ policy, embedder, curves, chances, templates, evidence, digest }: State, targetFmr: number): Threshold {
  const thresholdAt = thresholdsOf({ ...policy, targetFmr }, embedder, curves?.strict);
  const independent = Math.min(Math.max(1, templates), chances.at(fmrPerComparison(targetFmr, templates)));
  const [all, own] = [thresholdAt(templates), thresholdAt(independent)];
  const door = evidence && curves && doorLevel({ ...curves, fmr: own.fmr, digest, highest: highestLogit(embedder.head) }, evidence);
  const layers: ThresholdLayers = {
    table: levelOf(all),
    chances: { ...levelOf(own), templates, independent },
    ...(door && { door }),
  };
  return { ...own, ...(door && levelOf(door)), layers };
}

const levelOf = ({ fmr, logit, extrapolated }: ThresholdLevel): ThresholdLevel => ({ fmr, logit, extrapolated });

/**
 * The threshold as a function of the number of independent comparisons.
 *
 * Throws Fault `bad-config` where the policy cannot be met, and `model-unfit` for `target-fmr` with an embedder without
 * calibration. Under the paper's policy without a calibration the rate is 1, because none is known.
 */
export function thresholdsOf(
  policy: ThresholdPolicy,
  embedder: EmbedderInfo,
  curve = embedder.calibration && calibrationCurve(embedder.calibration),
): (comparisons: number) => Threshold {
  checkPolicy(policy);
  const { detection, verification } = policy;
  if (policy.policy === 'paper') {
    const logit = logitOfProbability(detection);
    const known = curve?.fmrAt(logit) ?? { fmr: 1, extrapolated: true };
    return () => ({ policy: 'paper', logit, ...known, detection, verification });
  }
  if (!curve) {
    throw new Fault(
      'model-unfit',
      `The embedder ${embedder.name} has no calibration, so identity.targetFmr cannot be turned into a threshold: set identity.policy to "paper", or add a calibration to its manifest.`,
    );
  }
  const thresholdAt = (comparisons: number): Threshold => {
    const fmr = fmrPerComparison(policy.targetFmr, comparisons);
    return { policy: 'target-fmr', fmr, ...curve.logitAt(fmr), detection, verification };
  };
  if (!(thresholdAt(1).logit < highestLogit(embedder.head))) {
    throw new Fault(
      'bad-config',
      `identity.targetFmr ${policy.targetFmr} is out of reach of the embedder ${embedder.name}: not even one and the same picture would match; choose a larger rate.`,
    );
  }
  return thresholdAt;
}

function checkPolicy({ targetFmr, detection, verification }: ThresholdPolicy): void {
  const problem =
    (!(targetFmr > 0 && targetFmr < 1) && `identity.targetFmr must lie between 0 and 1 (such as 0.0001), it is ${targetFmr}.`) ||
    (!(detection > 0 && detection < 1) && `identity.detection must lie between 0 and 1, it is ${detection}.`) ||
    (!(verification > 0 && verification <= 1) && `identity.verification must lie above 0 and at most at 1, it is ${verification}.`);
  if (problem) throw new Fault('bad-config', problem);
}

/** The highest logit of two unit vectors. */
function highestLogit(head: Head): number {
  if (head.kind === 'cosine') return head.bias + Math.abs(head.scale);
  return head.weights.reduce((sum, weight) => sum - 2 * Math.min(0, weight), head.bias);
}

/** The threshold as events tell it. */
export function noteOf({ policy, logit, fmr, extrapolated, layers }: Threshold): ThresholdNote {
  const { chances, door } = layers ?? {};
  const moved: Readonly<Record<ThresholdLayer, boolean>> = {
    table: true,
    chances: chances !== undefined && chances.independent < chances.templates,
    door: door !== undefined && door.effect !== 'none',
  };
  return { policy, logit, fmr, extrapolated, ...(layers && { layers: thresholdLayers.filter((layer) => moved[layer]) }) };
}

/** Whether two faces that the camera saw may be one person's, without knowing whose. */
export interface FaceComparison {
  /** For frames of one visit: true for all but a few pairs of one person, and for one in ten of different people. */
  readonly isSameFace: (a: Embedding, b: Embedding) => boolean;
  /** For faces of different visits: true for one in a hundred of different people. */
  readonly resembles: (a: Embedding, b: Embedding) => boolean;
}

/** By the calibration of the embedder; without one, by its head alone. */
export function faceComparison({ head, calibration }: Pick<EmbedderInfo, 'head' | 'calibration'>): FaceComparison {
  const logitAt = (fmr: number) => calibration?.table.find((row) => row.fmr <= fmr)?.logit;
  const [same, alike] = [logitAt(0.1) ?? -2, logitAt(0.01) ?? 0];
  const atLeast = (logit: number) => (a: Embedding, b: Embedding) => a.length === b.length && logitOf(head, a, b) >= logit;
  return { isSameFace: atLeast(same), resembles: atLeast(alike) };
}

/**
 * Whom the matches identify. The most alike comes first, as the gallery gives them.
 *
 * A person is accepted who reaches the threshold's logit (`target-fmr`) or the verification share (`paper`). The best
 * of them is ambiguous where another person comes within `ambiguityMargin` logits (0 or more), because it could be
 * either. Under `target-fmr` the other one need not be accepted: just below the threshold is as likely as just above. A
 * second accepted person beyond the margin does not shut the door: brothers would lock each other out, and the target
 * for the whole gallery already counts every wrong accept.
 */
export function identify(matches: readonly Match[], threshold: Threshold, ambiguityMargin: number): Identification {
  const paper = threshold.policy === 'paper';
  const accepted = (match: Match) => (paper ? match.share >= threshold.verification : match.logit >= threshold.logit);
  const best = matches.find(accepted);
  if (!best) return matches[0] ? { kind: 'nobody', best: matches[0] } : { kind: 'nobody' };
  const rivals = matches.filter((match) => match !== best && best.logit - match.logit <= ambiguityMargin && (!paper || accepted(match)));
  return rivals.length > 0 ? { kind: 'ambiguous', matches: [best, ...rivals] } : { kind: 'person', match: best };
}
