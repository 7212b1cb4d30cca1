/**
 * How well attacks and living faces are told apart, as ISO/IEC 30107-3 reports it. In: what each presentation was
 * judged. Out: for each instrument of attack the share that was taken for a living face (APCER), the share of living
 * faces that were taken for attacks (BPCER), the shares that got no answer, and both errors over the threshold of the
 * score. The worst instrument counts: an attacker chooses.
 */
import { clopperPearson, type Interval } from './binomial.ts';

/** What a presentation was judged. `no-face`: none was found in any of its frames. */
export const presentationVerdicts = ['live', 'unsure', 'spoof', 'not-checked', 'no-face'] as const;
export type PresentationVerdict = (typeof presentationVerdicts)[number];

export interface JudgedPresentation {
  /** `live`, or the name of an instrument of attack. */
  readonly instrument: string;
  readonly verdict: PresentationVerdict;
  /** The higher, the more alive. Absent where no network looked. */
  readonly score?: number;
}

/** A share of presentations with its exact 95 % interval. */
export interface CountedShare {
  readonly hits: number;
  readonly of: number;
  readonly rate: number;
  readonly interval: Interval;
}

export interface InstrumentFigures {
  readonly instrument: string;
  readonly presentations: number;
  readonly verdicts: Readonly<Record<PresentationVerdict, number>>;
  /** Of an attack APCER: taken for a living face. Of living faces BPCER: taken for an attack. */
  readonly error: CountedShare;
  /** Neither: the door asks for a challenge or a PIN. */
  readonly unsure: CountedShare;
  /** Of an attack APNRR, of living faces BPNRR: no face, or nothing was checked. */
  readonly nonResponse: CountedShare;
}

/** Where the score alone decides: live at `threshold` and above. Presentations without a score do not count. */
export interface AtThreshold {
  readonly threshold: number;
  readonly bpcer: CountedShare;
  readonly apcer: Readonly<Record<string, CountedShare>>;
  /** Instrument with the highest APCER. */
  readonly worst: string;
}

export interface CurvePoint {
  /** Null at the end, where everything is taken for an attack. */
  readonly threshold: number | null;
  readonly bpcer: number;
  readonly apcer: Readonly<Record<string, number>>;
}

export interface PresentationFigures {
  readonly live: InstrumentFigures;
  readonly attacks: readonly InstrumentFigures[];
  /** Of `attacks`, that with the highest APCER; null where there is none. */
  readonly worst: string | null;
  /** At the highest threshold that keeps BPCER at `target` on the living faces that set it. Null without scores. */
  readonly atTarget: AtThreshold | null;
  /** By rising threshold. */
  readonly curve: readonly CurvePoint[];
}

export interface PresentationOptions {
  /** BPCER to keep, 0…1. */
  readonly target: number;
  /** Scores of other living faces before the same camera, which set the threshold; else those that are measured do. */
  readonly baseline?: readonly number[];
}

/** Figures of the presentations before one camera. `instrument` of living faces is `live`. */
export function presentationFigures(
  presentations: readonly JudgedPresentation[],
  { target, baseline }: PresentationOptions,
): PresentationFigures {
  const own = (name: string) => presentations.filter(({ instrument }) => instrument === name);
  const names = [...new Set(presentations.map(({ instrument }) => instrument))].filter((name) => name !== 'live').sort();
  const attacks = names.map((name) => instrumentFigures(name, own(name)));
  const living = scoresOf(own('live'));
  const scores = new Map(names.map((name) => [name, scoresOf(own(name))] as const));
  const threshold = thresholdAt(baseline ?? living, target);
  return {
    live: instrumentFigures('live', own('live')),
    attacks,
    worst: worstOf(attacks.map(({ instrument, error }) => [instrument, error.rate])),
    atTarget: threshold === undefined ? null : atThreshold(threshold, living, scores),
    curve: curveOf(living, scores),
  };
}

function instrumentFigures(instrument: string, presentations: readonly JudgedPresentation[]): InstrumentFigures {
  const count = (...of: readonly PresentationVerdict[]) => presentations.filter(({ verdict }) => of.includes(verdict)).length;
  const share = (hits: number) => countedShare(hits, presentations.length);
  return {
    instrument,
    presentations: presentations.length,
    verdicts: Object.fromEntries(presentationVerdicts.map((verdict) => [verdict, count(verdict)])) as InstrumentFigures['verdicts'],
    error: share(count(instrument === 'live' ? 'spoof' : 'live')),
    unsure: share(count('unsure')),
    nonResponse: share(count('no-face', 'not-checked')),
  };
}

/** Of nothing: anything may be true. */
function countedShare(hits: number, of: number): CountedShare {
  return of === 0 ? { hits, of, rate: 0, interval: [0, 1] } : { hits, of, rate: hits / of, interval: clopperPearson(hits, of) };
}

const scoresOf = (presentations: readonly JudgedPresentation[]): number[] =>
  presentations.flatMap(({ score }) => (score === undefined ? [] : [score])).sort((a, b) => a - b);

/** The highest that leaves at most `target` of the living faces below it. */
function thresholdAt(living: readonly number[], target: number): number | undefined {
  return living.toSorted((a, b) => a - b)[Math.floor(target * living.length + 1e-9)];
}

const below = (scores: readonly number[], threshold: number) => scores.filter((score) => score < threshold).length;

function atThreshold(threshold: number, living: readonly number[], attacks: ReadonlyMap<string, readonly number[]>): AtThreshold {
  const apcer = [...attacks].map(
    ([name, scores]) => [name, countedShare(scores.length - below(scores, threshold), scores.length)] as const,
  );
  return {
    threshold,
    bpcer: countedShare(below(living, threshold), living.length),
    apcer: Object.fromEntries(apcer),
    worst: worstOf(apcer.map(([name, { rate }]) => [name, rate])) ?? '',
  };
}

function worstOf(rates: readonly (readonly [string, number])[]): string | null {
  return rates.toSorted(([, a], [, b]) => b - a)[0]?.[0] ?? null;
}

function curveOf(living: readonly number[], attacks: ReadonlyMap<string, readonly number[]>): CurvePoint[] {
  const thresholds = [...new Set([...living, ...[...attacks.values()].flat()])].sort((a, b) => a - b);
  const share = (hits: number, of: number) => (of === 0 ? 0 : hits / of);
  const point = (threshold: number): Omit<CurvePoint, 'threshold'> => ({
    bpcer: share(below(living, threshold), living.length),
    apcer: Object.fromEntries([...attacks].map(([name, scores]) => [name, share(scores.length - below(scores, threshold), scores.length)])),
  });
  if (thresholds.length === 0) return [];
  return [...thresholds.map((threshold) => ({ threshold, ...point(threshold) })), { threshold: null, ...point(Number.POSITIVE_INFINITY) }];
}
