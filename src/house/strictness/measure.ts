/**
 * How a door's people and strangers score, and what each rate of wrong accepts asks for: templates, policy and evidence
 * go in, counts and logits come out. Takes seconds for a thousand templates, so it runs beside the deciding thread.
 */

import { shippedStrangers } from '../../adapters/basics.ts';
import { cohortAsSeen } from '../../adapters/evidence.ts';
import { Fault } from '../../base/errors.ts';
import type { EmbedderInfo, Embedding } from '../../face/port.ts';
import type { DoorEvidence, EnrolledPerson } from '../../identity/port.ts';
import { logitOf, templateMatrix } from '../../identity/siamese.ts';
import { galleryThreshold, type ThresholdPolicy } from '../../identity/threshold.ts';

/** Plain, for a thread. */
export interface ToScore {
  readonly embedder: EmbedderInfo;
  readonly policy: ThresholdPolicy;
  readonly people: readonly { readonly id: string; readonly templates: number }[];
  /** Of all of them, one after the other. */
  readonly vectors: Float32Array;
  readonly evidence?: DoorEvidence;
  /** The cohort's folder, and how well the door's camera shows people. */
  readonly cohort: string;
  readonly fitness?: number;
}

export interface MeasuredScores {
  /** Each enrolled picture against the other pictures of the same person: the best logit. */
  readonly genuine: Float32Array;
  /** Each stranger of the cohort, as this camera would see them, against everybody enrolled: the best logit. */
  readonly strangers: Float32Array;
  /** What a face must reach for each rate of wrong accepts, from the loosest on; empty for the policy `paper`. */
  readonly rates: readonly { readonly targetFmr: number; readonly logit: number; readonly extrapolated: boolean }[];
}

/** Ten to a power of ten, from one in 10 to one in 1,000,000. */
const targets = Array.from({ length: 51 }, (_, n) => 10 ** (-1 - n / 10));
/** Of one person: more say the same. */
const mostOfPerson = 20;

export function scoreDoor(request: ToScore): MeasuredScores {
  const people = peopleIn(request);
  return { genuine: genuineOf(request, people), strangers: strangersOf(request, people), rates: ratesOf(request, people) };
}

function peopleIn({ people, vectors, embedder: { dimension } }: ToScore): readonly EnrolledPerson[] {
  let row = 0;
  const next = (): Embedding => vectors.subarray(row * dimension, ++row * dimension);
  return people.map(({ id, templates }) => ({ id, templates: Array.from({ length: templates }, next) }));
}

function genuineOf({ embedder: { head } }: ToScore, people: readonly EnrolledPerson[]): Float32Array {
  return Float32Array.from(
    people.flatMap(({ templates }) => {
      const some = templates.slice(0, mostOfPerson);
      if (some.length < 2) return [];
      return some.map((one) => Math.max(...some.flatMap((other) => (other === one ? [] : [logitOf(head, one, other)]))));
    }),
  );
}

function strangersOf({ embedder, cohort, fitness }: ToScore, people: readonly EnrolledPerson[]): Float32Array {
  const templates = people.flatMap((person) => person.templates);
  if (templates.length === 0) return new Float32Array();
  const matrix = templateMatrix(embedder.head, embedder.dimension);
  matrix.load(templates);
  const best = (probe: Embedding) => matrix.score(probe).reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);
  return Float32Array.from(cohortAsSeen(cohort, embedder, fitness).flatMap(([first]) => (first ? [best(first)] : [])));
}

function ratesOf({ policy, embedder, evidence }: ToScore, people: readonly EnrolledPerson[]): MeasuredScores['rates'] {
  if (policy.policy === 'paper') return [];
  const threshold = galleryThreshold(policy, embedder, () => shippedStrangers(embedder));
  threshold.consider(evidence);
  threshold.load(people);
  while (threshold.continue());
  return targets.flatMap((targetFmr) => {
    try {
      const { logit, extrapolated } = threshold.at(targetFmr);
      return [{ targetFmr, logit, extrapolated }];
    } catch (error) {
      if (error instanceof Fault && error.code === 'bad-config') return []; // out of reach of this network
      throw error;
    }
  });
}
