/**
 * Measures what a door knows about its strangers: the enrolled people, the cohort and the scores of unknown visitors go
 * in, counts and shares come out. Takes about a second for a thousand templates, so it runs beside the deciding thread.
 */
import type { EmbedderInfo, Embedding } from '../../face/port.ts';
import type { CalibrationCurve, DoorEvidence, EnrolledPerson, Exceedances } from '../port.ts';
import { type TemplateMatrix, templateMatrix } from '../siamese.ts';
import { curvesOf, fmrPerComparison } from '../threshold.ts';
import { countedFrom, countedTo, visitorsFrom } from './door.ts';

export interface ToMeasure {
  /** With a calibration. */
  readonly embedder: EmbedderInfo;
  /** Of everyone who is enrolled. */
  readonly digest: string;
  /** Those who are looked at. */
  readonly sample: PeopleSample;
  /** One list for each person of the cohort, as this camera sees them; none where the embedder has no cohort. */
  readonly cohort: readonly (readonly Embedding[])[];
  /** The best logit of each unknown visitor against the gallery. */
  readonly visitors: readonly number[];
  /** Independent chances of a stranger against the gallery. */
  readonly chances: number;
}

/** Templates in one piece, so that they travel to another thread in no time. */
export interface PeopleSample {
  /** Templates of each person, in their order. */
  readonly counts: readonly number[];
  readonly vectors: Float32Array;
}

/** More people and templates add time and no certainty. */
const [mostPeople, mostTemplates] = [400, 5];

/** Evenly from all of them. */
export function sampleOf(people: readonly EnrolledPerson[], dimension: number): PeopleSample {
  const step = Math.max(1, people.length / mostPeople);
  const some = Array.from({ length: Math.min(people.length, mostPeople) }, (_, i) => people[Math.floor(i * step)] as EnrolledPerson);
  const templates = some.map((person) => person.templates.slice(0, mostTemplates));
  const vectors = new Float32Array(templates.reduce((sum, own) => sum + own.length, 0) * dimension);
  for (const [row, template] of templates.flat().entries()) vectors.set(template, row * dimension);
  return { counts: templates.map((own) => own.length), vectors };
}

/** Undefined where the embedder has no calibration. */
export function measureEvidence({ embedder, digest, sample, cohort, visitors, chances }: ToMeasure): DoorEvidence | undefined {
  if (!embedder.calibration) return undefined;
  const { strict, wild } = curvesOf(embedder.calibration);
  const templates = templatesIn(sample, embedder.dimension);
  const matrix = templateMatrix(embedder.head, embedder.dimension);
  matrix.load(templates);
  const from = strict.logitAt(fmrPerComparison(visitorsFrom, chances)).logit;
  const reached = visitors.filter((logit) => logit >= from).length;
  const common = {
    ...{ embedder: embedder.sha256, digest },
    residents: amongResidents(sample.counts, templates, matrix, tailCount(strict)),
    visitors: { visits: visitors.length, share: visitors.length === 0 ? 0 : reached / visitors.length },
  };
  if (!wild || cohort.length === 0 || templates.length === 0) return common;
  return { ...common, cohort: againstCohort(cohort, matrix, tailCount(wild)) };
}

const templatesIn = ({ vectors }: PeopleSample, dimension: number): readonly Embedding[] =>
  Array.from({ length: vectors.length / dimension }, (_, row) => vectors.subarray(row * dimension, (row + 1) * dimension));

/** How far a score lies beyond the level where the tail begins, in natural logarithms of the rate; 0 below it. */
type TailCount = { readonly from: number; readonly beyond: (logit: number) => number };

function tailCount(curve: CalibrationCurve): TailCount {
  const from = curve.logitAt(countedFrom).logit;
  return {
    from,
    beyond: (logit) => (logit < from ? 0 : Math.log(countedFrom / Math.max(countedTo, curve.fmrAt(logit).fmr))),
  };
}

/** Every pair of people counts the same, however many templates they have. */
function amongResidents(
  counts: readonly number[],
  templates: readonly Embedding[],
  matrix: TemplateMatrix,
  { from, beyond }: TailCount,
): Exceedances {
  const owners = counts.flatMap((count, owner) => new Array<number>(count).fill(owner));
  let [share, excess] = [0, 0];
  for (const [row, template] of templates.entries()) {
    const owner = owners[row] as number;
    const logits = matrix.score(template);
    for (let other = row + 1; other < logits.length; other++) {
      const logit = logits[other] as number;
      if (logit < from || owners[other] === owner) continue;
      const weight = 1 / ((counts[owner] as number) * (counts[owners[other] as number] as number));
      share += weight;
      excess += weight * beyond(logit);
    }
  }
  const pairs = (counts.length * (counts.length - 1)) / 2;
  // One person alone is compared with nobody.
  return pairs === 0 ? { people: 0, share: 0, excess: 0 } : { people: counts.length, share: share / pairs, excess: excess / pairs };
}

function againstCohort(cohort: readonly (readonly Embedding[])[], matrix: TemplateMatrix, { from, beyond }: TailCount): Exceedances {
  let [share, excess] = [0, 0];
  for (const own of cohort) {
    const weight = 1 / (own.length * matrix.count);
    for (const stranger of own)
      for (const logit of matrix.score(stranger)) {
        if (logit < from) continue;
        share += weight;
        excess += weight * beyond(logit);
      }
  }
  return { people: cohort.length, share: share / cohort.length, excess: excess / cohort.length };
}
