/** The door of the identity room: people, their verification images and templates, and who a probe could be. */
import type { Embedding } from '../face/port.ts';

export type PersonId = string;

export interface Person {
  readonly id: PersonId;
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly enrolledAt: string;
  readonly pictures: number;
}

/** A verification image with the template made from it. */
export interface NewPicture {
  /** The encoded picture as it was given. */
  readonly picture: Uint8Array;
  readonly template: Embedding;
  /** Where it came from, for people: a file name, `camera`. */
  readonly source: string;
}

export interface NewPerson {
  readonly name: string;
  readonly pictures: readonly NewPicture[];
}

/** One person's likeness to a probe. */
export interface Match {
  readonly personId: PersonId;
  /** The largest logit over the person's templates. */
  readonly logit: number;
  /** The Siamese head's probability of «same person» at that logit, 0…1. */
  readonly probability: number;
  /** Share of the person's templates whose probability exceeds the detection threshold (the paper's verification score), 0…1. */
  readonly share: number;
}

/** The threshold in force and how it was come by. */
export interface Threshold {
  readonly policy: 'target-fmr' | 'paper';
  /** A match at or above this logit is accepted (`target-fmr`). */
  readonly logit: number;
  /** False-match rate per comparison that the logit stands for. */
  readonly fmr: number;
  /** True when the calibration table ended before that rate and a fitted tail was used. */
  readonly extrapolated: boolean;
  /** The paper's pair, 0…1. */
  readonly detection: number;
  readonly verification: number;
}

export interface Gallery extends Disposable {
  list(): readonly Person[];
  /** By id or by exact name; undefined when there is none. */
  find(idOrName: string): Person | undefined;
  /** Adds a person, or pictures to the person of that name; all of it or nothing. */
  enrol(person: NewPerson): Person;
  rename(id: PersonId, name: string): Person;
  /** Removes the person, pictures and templates; false when there was none. */
  forget(id: PersonId): boolean;
  /** The stored pictures of a person. */
  pictures(id: PersonId): readonly { readonly picture: Uint8Array; readonly source: string; readonly addedAt: string }[];
  /** Everyone's likeness to the probe, the most alike first. */
  match(probe: Embedding): readonly Match[];
  /** Whom the matches identify under the threshold in force. */
  readonly threshold: Threshold;
  /** Templates compared with each probe. */
  readonly templates: number;
}

/** A probe's identification under a threshold: nobody, one person, or more than one who could be it. */
export type Identification =
  | { readonly kind: 'person'; readonly match: Match }
  | { readonly kind: 'ambiguous'; readonly matches: readonly Match[] }
  | { readonly kind: 'nobody'; readonly best?: Match };
