/**
 * Measures a candidate beside the champion: both embed the same frozen pictures and everyone's templates; the verdict
 * is on the scores.
 */
import { isBadPicture } from '../base/errors.ts';
import type { NetworkPlace } from '../base/model/place.ts';
import type { EmbedderInfo, Embedding, FaceReader, Head } from '../face/port.ts';
import type { CompareRun, EnrolledCohort, LabelledPerson, NetworkComparison, Sample } from './port.ts';
import { probesOf, unmeasuredText } from './probes.ts';
import { mostWorse, type NetworkScores, type NetworkVerdict, verdictOf } from './verdict.ts';

export interface CompareParts {
  /** The rate that one comparison may have, for a rate per attempt over that many templates. */
  readonly fmrPerComparison: (targetFmr: number, templates: number) => number;
  /**
   * The logit that an embedder's calibration gives for a rate per comparison. Throws Fault `model-unfit` where it has
   * none.
   */
  readonly logitAt: (embedder: EmbedderInfo, fmr: number) => number;
  readonly logitOf: (head: Head, a: Embedding, b: Embedding) => number;
  /** The cohort as a network would embed and enrol it; undefined where that is not known. */
  readonly cohortOf: (place: NetworkPlace) => EnrolledCohort | undefined;
}

/** Embeds, scores, decides. Throws Fault `model-unfit`, and what the readers throw. */
export async function compareNetworks(run: CompareRun, parts: CompareParts): Promise<NetworkComparison> {
  const { champion, candidate, frozen, enrolled, targetFmr, seed } = run;
  const samples = new Map<string, Sample>();
  for (const { samples: own } of [...frozen.people, ...enrolled]) for (const sample of own) samples.set(sample.id, sample);
  for (const stranger of frozen.strangers) for (const sample of stranger) samples.set(sample.id, sample);
  const progress = { done: 0, total: 2 * samples.size };
  const [first, second] = [
    await embedAll(champion.reader, samples, run, progress),
    await embedAll(candidate.reader, samples, run, progress),
  ];
  const cohorts = [parts.cohortOf(champion.place), parts.cohortOf(candidate.place)] as const;
  const shared = cohorts[0] !== undefined && cohorts[1] !== undefined;
  const templates = enrolled.reduce((sum, { samples: own }) => sum + own.length, 0);
  const fmr = parts.fmrPerComparison(targetFmr, templates);
  const scored = (reader: FaceReader, embeddings: Embedded, cohort: EnrolledCohort | undefined) =>
    scoresOf({ run, parts, fmr, reader, embeddings, cohort: shared ? cohort : undefined });
  const [one, other] = [await scored(champion.reader, first, cohorts[0]), await scored(candidate.reader, second, cohorts[1])];
  const probes = probesOf(run).map(({ person }) => person.personId);
  const pairsOf = pairsOfPeople(enrolled).map(([a, b]) => [a.personId, b.personId] as const);
  const cohortOf = shared ? (cohorts[0] ?? []).flatMap(({ probes: own }, index) => own.map(() => String(index))) : [];
  const verdict = verdictOf({ champion: one, candidate: other, probes, pairsOf, cohortOf, fmr, seed });
  const { onCohort } = verdict;
  return {
    ok: verdict.ok,
    ...(!verdict.ok && { reason: verdict.why === 'no-gain' ? 'no-gain' : 'worse' }),
    detail: verdictText(verdict, probes.length, new Set(probes).size, one.impostors.length),
    metrics: {
      'champion.fnmr': { value: verdict.champion.fnmr },
      'candidate.fnmr': { value: verdict.candidate.fnmr },
      'candidate.fmr': { value: verdict.candidate.measuredFmr },
      'fnmr.difference': { value: verdict.difference.value, interval: verdict.difference.interval },
      'fnmr.difference.upper': { value: verdict.difference.upper },
      ...(onCohort && {
        'cohort.champion.fnmr': { value: onCohort.champion },
        'cohort.candidate.fnmr': { value: onCohort.candidate },
        'cohort.fnmr.difference': { value: onCohort.value, interval: onCohort.interval },
      }),
      confusable: { value: verdict.confusable.length },
      'frozen.probes': { value: probes.length },
      'impostor.comparisons': { value: one.impostors.length },
    },
  };
}

type Embedded = ReadonlyMap<string, Embedding>;

async function embedAll(
  reader: FaceReader,
  samples: ReadonlyMap<string, Sample>,
  { signal, onProgress }: CompareRun,
  progress: { done: number; readonly total: number },
): Promise<Embedded> {
  const embeddings = new Map<string, Embedding>();
  for (const [id, { picture }] of samples) {
    signal.throwIfAborted();
    const embedding = await dominant(reader, picture);
    if (embedding) embeddings.set(id, embedding);
    progress.done++;
    onProgress({ stage: 'comparing', ...progress });
  }
  return embeddings;
}

/** A picture that can no longer be read counts as one without a face: both networks get the same. */
async function dominant(reader: FaceReader, picture: Uint8Array): Promise<Embedding | undefined> {
  try {
    return (await reader.read(picture, { embed: 'dominant' })).faces[0]?.embedding;
  } catch (error) {
    if (isBadPicture(error)) return undefined;
    throw error;
  }
}

function pairsOfPeople(people: readonly LabelledPerson[]): (readonly [LabelledPerson, LabelledPerson])[] {
  return people.flatMap((a, i) => people.slice(i + 1).map((b) => [a, b] as const));
}

interface Scoring {
  readonly run: CompareRun;
  readonly parts: CompareParts;
  readonly fmr: number;
  readonly reader: FaceReader;
  readonly embeddings: Embedded;
  readonly cohort: EnrolledCohort | undefined;
}

async function scoresOf({ run, parts, fmr, reader, embeddings, cohort }: Scoring): Promise<NetworkScores> {
  const { head } = reader.embedder;
  const { frozen, enrolled, signal } = run;
  const found = (samples: readonly Sample[]) => samples.flatMap(({ id }) => embeddings.get(id) ?? []);
  const best = (probe: Embedding, templates: readonly Embedding[]) =>
    templates.reduce((most, template) => Math.max(most, parts.logitOf(head, probe, template)), Number.NEGATIVE_INFINITY);
  const genuine = Float64Array.from(probesOf(run), ({ probe, own }) => {
    const embedding = embeddings.get(probe.id);
    return embedding ? best(embedding, found(own)) : Number.NEGATIVE_INFINITY;
  });
  const impostors: number[] = [];
  const against = (probes: readonly Embedding[], personId?: string) => {
    for (const probe of probes)
      for (const person of enrolled)
        if (person.personId !== personId)
          for (const template of found(person.samples)) impostors.push(parts.logitOf(head, probe, template));
    signal.throwIfAborted();
  };
  for (const person of frozen.people) against(found(person.samples), person.personId);
  for (const stranger of frozen.strangers) against(found(stranger));
  for (const { all } of cohort ?? []) against(all);
  const pairs = Float64Array.from(pairsOfPeople(enrolled), ([a, b]) =>
    found(a.samples).reduce((most, template) => Math.max(most, best(template, found(b.samples))), Number.NEGATIVE_INFINITY),
  );
  const ofCohort = Float64Array.from((cohort ?? []).flatMap(({ templates, probes }) => probes.map((probe) => best(probe, templates))));
  const threshold = parts.logitAt(reader.embedder, fmr);
  return { threshold, genuine, impostors: Float64Array.from(impostors), pairs, cohort: ofCohort };
}

const percent = (rate: number) => `${(100 * rate).toFixed(2)} %`;
const points = (difference: number) => (100 * difference).toFixed(2);

/** What was found, in one sentence, which the console knows too (pages/learning/outcome.js). */
export function verdictText(verdict: NetworkVerdict, probes: number, people: number, impostors: number): string {
  const { champion, candidate, difference, onCohort, why } = verdict;
  if (why === 'unmeasured') return unmeasuredText(probes, people);
  const [low, high] = difference.interval;
  const figures =
    `FNMR ${percent(candidate.fnmr)} against the champion's ${percent(champion.fnmr)} on ${probes} frozen pictures of ${people} people ` +
    `(difference ${points(difference.value)} points, 95 % interval ${points(low)} to ${points(high)}, upper 95 % bound ${points(difference.upper)}, ` +
    `at most ${100 * mostWorse} allowed; ${impostors.toLocaleString('en')} impostor comparisons)${onCohort ? `; ${cohortText(onCohort)}` : ''}`;
  switch (why) {
    case 'confusable':
      return `it would take ${confusableText(verdict)} for one another, which the champion does not; ${figures}`;
    case 'worse-on-cohort':
      return `it is worse on the cohort; ${figures}`;
    case 'no-gain':
      return `no gain: the network in use stays; ${figures}`;
    default:
      return figures;
  }
}

const cohortText = ({ champion, candidate, interval: [low, high] }: NonNullable<NetworkVerdict['onCohort']>) =>
  `on the cohort ${percent(candidate)} against ${percent(champion)} (95 % interval of the difference ${points(low)} to ${points(high)} points)`;

function confusableText({ confusable }: NetworkVerdict): string {
  const named = confusable.slice(0, 3).map(([a, b]) => `${a} and ${b}`);
  return `${named.join(', ')}${confusable.length > 3 ? ` and ${confusable.length - 3} more pairs` : ''}`;
}
