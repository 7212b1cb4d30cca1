/** What `facelatch evaluate` found, for programs (JSON) and for people (tables). */
import { relative } from 'node:path';
import type { StatedFigures } from '../../learning/networks.ts';
import { type Assessment, failureToAcquire } from '../../train/figures/assessment.ts';
import { clopperPearson } from '../../train/figures/binomial.ts';
import type { Share } from '../../train/figures/confusion.ts';
import type { ErrorRate, RateAtFmr } from '../../train/figures/evaluate.ts';
import type { PairOfPeople } from '../../train/figures/people-bootstrap.ts';
import { type VerificationRates, verificationThresholds } from '../../train/figures/verification.ts';
import { counted, percent, table } from '../words.ts';
import type { EvaluatedModel } from './evaluated-model.ts';
import type { EvaluationData } from './evaluation-data.ts';
import type { KeptPromise } from './promise.ts';
import { promiseNote, promiseRows } from './promised-rates.ts';

type Kind = 'head' | 'cosine';

export interface Measured {
  readonly data: EvaluationData;
  readonly model: Pick<EvaluatedModel, 'name' | 'version'>;
  readonly pictures: number;
  /** Relative to the data's folder. */
  readonly withoutFace: readonly string[];
  readonly unreadable: readonly string[];
  /** Files with the same content, together. */
  readonly repeated: readonly (readonly string[])[];
  readonly seconds: number;
  readonly figures: Readonly<Partial<Record<Kind, Assessment>>>;
  /** Pairs with their scores, in the order of the data's. */
  readonly comparisons: ReadonlyMap<Kind, readonly PairOfPeople[]>;
  /** What a door promises and keeps; empty where there is no rate to keep. */
  readonly promise: readonly KeptPromise[];
  /** The paper's verification; empty for a list of pairs. */
  readonly verification: readonly VerificationRates[];
  readonly stated: Readonly<Record<string, StatedFigures>>;
}

/** The probabilities at which pairs are taken as one person, rising, as the assessment has them. */
const detections: readonly number[] = verificationThresholds.map(({ detection }) => detection).sort((a, b) => a - b);

export interface WorstPair {
  readonly a: string;
  readonly b: string;
  readonly score: number;
}

/** The worst pairs of a kind with their pictures' paths. */
export function worstPairs({ data, figures, comparisons }: Measured, kind: Kind): { impostors: WorstPair[]; mates: WorstPair[] } {
  const pair = (index: number): WorstPair => {
    return {
      a: data.pairs[index]?.first ?? '',
      b: data.pairs[index]?.second ?? '',
      score: comparisons.get(kind)?.[index]?.score ?? Number.NaN,
    };
  };
  const { impostors = [], mates = [] } = figures[kind]?.worst ?? {};
  return { impostors: impostors.map(pair), mates: mates.map(pair) };
}

/**
 * At the top the figures of the head, which the door uses (of the cosine if only that was asked for); then those of
 * each score.
 */
export function measuredJson(measured: Measured): object {
  const { data, model, pictures, withoutFace, unreadable, seconds, figures, stated, verification } = measured;
  const main = figures.head ?? figures.cosine;
  const named = (pairs: readonly WorstPair[]) =>
    pairs.map(({ a, b, score }) => ({ a: relative(data.folder, a), b: relative(data.folder, b), score }));
  const own = (Object.entries(figures) as [Kind, Assessment][]).map(([kind, assessment]) => {
    const { impostors, mates } = worstPairs(measured, kind);
    const atThresholds = assessment.atThresholds.map((at, index) => ({ detection: detections[index], ...at }));
    return [kind, { ...assessment, atThresholds, worst: { impostors: named(impostors), mates: named(mates) } }];
  });
  const noFace = withoutFace.length + unreadable.length;
  return {
    score: figures.head ? 'head' : 'cosine',
    accuracy: main?.accuracy ?? null,
    standardError: main?.standardError ?? null,
    noFace,
    rates: main?.rates ?? [],
    pairs: data.pairs.length,
    view: data.view,
    pictures,
    withoutFace,
    unreadable,
    repeated: measured.repeated,
    failureToAcquire: failureToAcquire(noFace, pictures),
    ...Object.fromEntries(own),
    promise: measured.promise.map(({ target, threshold, fmr, fnmr }) => ({ target, threshold, fmr, fnmr })),
    verification,
    stated,
    embedder: { name: model.name, version: model.version },
    seconds,
  };
}

/** The rows of the main table, the first of them its heading. */
export function figureRows({ figures, stated }: Measured): string[][] {
  const columns = Object.entries(figures);
  return [
    ['', ...columns.map(([kind]) => kind)],
    ['accuracy', ...columns.map(([, figure]) => accuracyText(figure.accuracy, figure.standardError))],
    ...(Object.keys(stated).length > 0
      ? [['  stated by the manifest', ...columns.map(([kind]) => accuracyText(stated[kind]?.accuracy, stated[kind]?.se))]]
      : []),
    ['equal error rate', ...columns.map(([, { eer, eerInterval }]) => (eer === null ? '–' : `${percent(eer)}${between(eerInterval)}`))],
    ...(columns[0]?.[1].rates ?? []).map(({ fmr }, i) => [`FNMR at FMR ${fmr}`, ...columns.map(([, { rates }]) => rateText(rates[i]))]),
  ];
}

/**
 * Accuracy, precision, recall and F1 at each probability; the first row is the heading. Empty where the score has
 * none.
 */
export function thresholdRows({ figures }: Measured): string[][] {
  const rows = (figures.head?.atThresholds ?? []).map((at, index) => [
    String(detections[index]),
    ...[at.accuracy, at.precision, at.recall, at.f1].map(shareText),
  ]);
  return rows.length > 0 ? [['probability above', 'accuracy', 'precision', 'recall', 'F1'], ...rows] : [];
}

export function verificationRows({ verification }: Measured): string[][] {
  const share = (hits: number, tries: number) => {
    if (tries === 0) return '–';
    return `${percent(hits / tries)}${between(clopperPearson(hits, tries))}, ${hits.toLocaleString('en')} of ${tries.toLocaleString('en')}`;
  };
  const rows = verification.map(({ detection, verification: least, verified, people, strangersVerified, strangers }) => [
    `${detection} / ${least}`,
    share(verified, people),
    share(strangersVerified, strangers),
  ]);
  return rows.length > 0 ? [['detection / verification', 'own probe verified', "another's probe verified"], ...rows] : [];
}

/** What the figures do not say: why some are missing, and where the intervals come from. */
export function notesOf({ data, figures, repeated }: Measured): string[] {
  const all = Object.values(figures);
  const reasons = all.flatMap(({ reason, rates }) => [
    ...(reason ? [`accuracy: ${reason}`] : []),
    ...rates.flatMap((rate) => (rate.fnmr === null ? [`FMR ${rate.fmr}: ${rate.reason}`] : [])),
  ]);
  const [first] = all;
  const people = counted(first?.people ?? 0, 'person', 'people');
  const intervals =
    first?.intervals === 'people'
      ? `intervals are 95 %, from drawing the ${people} again 1,000 times; where no error was seen, 3 / people (rule of three). As if there were as many pairs of one person as of two`
      : `intervals are 95 %, exact (Clopper and Pearson) for pairs taken as independent${data.shared ? `; pairs of ${people}, of whom too few have two pictures, are not, so the truth may lie further off; at a probability, pairs count as they are` : ''}; of the equal error rate and F1 by bootstrap`;
  return [...new Set(reasons), intervals, ...repeatedNotes(repeated)];
}

const mostNamed = 20;

function repeatedNotes(repeated: Measured['repeated']): string[] {
  if (repeated.length === 0) return [];
  const named = repeated.slice(0, mostNamed).map((files) => files.join(' = '));
  const more = repeated.length > mostNamed ? [`and ${repeated.length - mostNamed} more (--json names all)`] : [];
  return [
    `${counted(repeated.length, 'picture lies', 'pictures lie')} here more than once. Two copies in one person's folder make the figures look better, in two people's folders they count as an error. Keep one: ${[...named, ...more].join('; ')}`,
  ];
}

export function measuredText(measured: Measured): string {
  const { data, model, pictures, withoutFace, unreadable, seconds } = measured;
  const acquired = failureToAcquire(withoutFace.length + unreadable.length, pictures);
  const [thresholds, verified, promised] = [thresholdRows(measured), verificationRows(measured), promiseRows(measured.promise)];
  const listed = (what: string, files: readonly string[]) => [
    `${counted(files.length, 'picture')} ${what}${files.length > 0 ? ':' : ''}`,
    ...files.map((file) => `  ${file}`),
  ];
  return [
    `${data.about}, ${counted(pictures, 'picture')} read in ${seconds.toFixed(0)} s by ${model.name} ${model.version}`,
    table(figureRows(measured), '  '),
    ...(thresholds.length > 0 ? ['taken as one person:', table(thresholds, '  ')] : []),
    ...(promised.length > 0 ? [`${promiseNote}:`, table(promised, '  ')] : []),
    ...(verified.length > 0
      ? [
          'the paper’s verification, one probe against up to 50 pictures of a person (intervals take tries as independent):',
          table(verified, '  '),
        ]
      : []),
    ...listed('without a face', withoutFace),
    ...(unreadable.length > 0 ? listed('that cannot be read', unreadable) : []),
    `failure to acquire ${acquired ? rateWords(acquired) : '–'}`,
    ...notesOf(measured),
  ].join('\n');
}

/** Both in percent. */
function accuracyText(accuracy: number | null | undefined, error: number | null | undefined): string {
  if (accuracy === null || accuracy === undefined) return '–';
  return `${accuracy.toFixed(2)} %${typeof error === 'number' ? ` ± ${error.toFixed(2)}` : ''}`;
}

const between = (interval: readonly [number, number] | null) => (interval ? ` (${percent(interval[0])} to ${percent(interval[1])})` : '');

/** `6.80 % (4.76 % to 9.38 %)`: the interval is 95 %. */
const rateText = (rate: RateAtFmr | undefined): string => (rate?.fnmr ? rateWords(rate.fnmr) : '–');

export const rateWords = ({ rate, interval, below }: ErrorRate): string =>
  below === undefined ? `${percent(rate)}${between(interval)}` : `none seen (below ${percent(below)})`;

const shareText = (share: Share): string => (share ? `${percent(share.value)}${between(share.interval)}` : '– (none accepted)');
