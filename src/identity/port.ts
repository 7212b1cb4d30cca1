/** The door of the identity room: people, their verification images and templates, and who a probe could be. */

import type { Fault } from '../base/errors.ts';
import type { ConsentWay, Event, PersonId } from '../events.ts';
import { type Embedding, qualityReasons } from '../face/port.ts';

export interface Person {
  readonly id: PersonId;
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly enrolledAt: string;
  readonly pictures: number;
}

/**
 * What one person may do, beyond being enrolled. The access room gives it its meaning. An absent field sets no limit.
 */
export interface PersonRules {
  /** False: recognised but not let in. */
  readonly enabled?: boolean;
  /** Name of one of the door's schedules. */
  readonly schedule?: string;
  /** ISO 8601 with an offset or Z; from (inclusive) and until (exclusive). */
  readonly validFrom?: string;
  readonly validUntil?: string;
  /** Grants in all, counted after the journal entry `usesAfter`, which set the number. */
  readonly uses?: number;
  readonly usesAfter?: number;
  /** In place of `usesAfter`, as older versions stored it: ISO 8601. */
  readonly usesSince?: string;
  readonly groups?: readonly string[];
  /** A PIN's hash (access/pin.ts); never the PIN itself. */
  readonly pin?: string;
  /** The PIN alone opens (for a camera that is down, a face in a helmet). */
  readonly pinOpens?: boolean;
  /** The face opens only together with the PIN. */
  readonly pinNeeded?: boolean;
}

/** A verification image with the template made from it. */
export interface NewPicture {
  /** The encoded picture as it was given. */
  readonly picture: Uint8Array;
  readonly template: Embedding;
  /** Where it came from, for people to read: a file name, `camera`. */
  readonly source: string;
}

export interface NewPerson {
  readonly name: string;
  /** Of somebody who comes from another door; absent: a new one. */
  readonly id?: PersonId;
  /** Of a new person; absent: no limits. */
  readonly rules?: PersonRules;
  readonly pictures: readonly NewPicture[];
}

/** `version`: of the text that they agreed to. */
export interface Consent {
  readonly version: string;
  readonly how: ConsentWay;
}

/** The record of a consent. It outlives the person's removal, as proof, without their name. Times: ISO 8601, UTC. */
export interface ConsentRecord extends Consent {
  /** Who asked for it: an operator's name, or `cli`. */
  readonly by: string;
  readonly givenAt: string;
  readonly withdrawnAt?: string;
  /** When the person was removed, withdrawn or not. */
  readonly endedAt?: string;
}

/** Methods throw the Faults of the vault and of its own file (`consent-damaged`, `disk-full`). */
export interface Consents extends Disposable {
  /** Of a person, the oldest first. */
  of(personId: PersonId): readonly ConsentRecord[];
  /** Of everybody who had this name when they gave it, also of those who were removed since. */
  named(name: string): readonly ConsentRecord[];
  /** The latest one that is neither withdrawn nor ended. */
  inForce(personId: PersonId): ConsentRecord | undefined;
  /** Writes a record; returns its id. */
  give(person: Pick<Person, 'id' | 'name'>, consent: Consent, by: string): string;
  /** Deletes a record: what it was given for has failed. */
  takeBack(record: string): void;
  /** False where the person has none in force. */
  withdraw(personId: PersonId): boolean;
  /** The person was removed. */
  end(personId: PersonId): void;
  /**
   * Of these people, those whose consent is withdrawn and who are still to be removed. `unfit`: those of whom a record
   * is damaged, or was changed or moved by somebody without the key; they stay.
   */
  withdrawnOf(people: readonly PersonId[]): { readonly withdrawn: readonly PersonId[]; readonly unfit: readonly PersonId[] };
  /** Deletes records that ended before this time; how many. */
  purge(before: string): number;
  /** How many there are. `ended`: of people who were removed. */
  readonly counts: { readonly all: number; readonly ended: number };
}

/** Opens the consents for one piece of work. */
export type ConsentBook = <T>(work: (consents: Consents) => T) => T;

/** One person's likeness to a probe. */
export interface Match {
  readonly personId: PersonId;
  /** The largest logit over the person's templates. */
  readonly logit: number;
  /** The Siamese head's probability of "same person" at that logit, 0…1. */
  readonly probability: number;
  /**
   * Share of the person's templates whose probability exceeds the detection threshold (the paper's verification score),
   * 0…1.
   */
  readonly share: number;
}

/** The threshold in force and where it comes from. */
export interface Threshold {
  readonly policy: 'target-fmr' | 'paper';
  /** A match at or above this logit is accepted (`target-fmr`). */
  readonly logit: number;
  /**
   * False-match rate per comparison that the logit stands for; 1 where the embedder has no calibration (policy
   * `paper`).
   */
  readonly fmr: number;
  /** True where the calibration table ends before that rate and was continued. */
  readonly extrapolated: boolean;
  /** The paper's pair, 0…1. */
  readonly detection: number;
  readonly verification: number;
  /** How it came to be; absent for the policy `paper`. */
  readonly layers?: ThresholdLayers;
}

/** False-match rate against logit, read from a calibration table and continued beyond its end. */
export interface CalibrationCurve {
  /**
   * The logit for a rate per comparison. A rate above the table's first row gets that row's logit, which is stricter
   * than asked.
   */
  logitAt(fmr: number): { readonly logit: number; readonly extrapolated: boolean };
  /** The rate per comparison that a logit stands for, at most 1. */
  fmrAt(logit: number): { readonly fmr: number; readonly extrapolated: boolean };
}

/** A rate per comparison, the logit that keeps it, and whether the calibration table ends before that rate. */
export interface ThresholdLevel {
  readonly fmr: number;
  readonly logit: number;
  readonly extrapolated: boolean;
}

/** Each layer is what would be in force without those after it. */
export interface ThresholdLayers {
  /** The calibration table alone, as if each template were a chance of its own. */
  readonly table: ThresholdLevel;
  /** With the number of independent chances that the templates are. */
  readonly chances: ThresholdLevel & { readonly templates: number; readonly independent: number };
  /** With the door's own evidence; absent where there is none. */
  readonly door?: DoorLevel;
}

/** What the door's own evidence makes of the threshold. */
export interface DoorLevel extends ThresholdLevel {
  /** Enrolled people and unknown visitors behind it. */
  readonly people: number;
  readonly visits: number;
  readonly effect: 'tightened' | 'loosened' | 'none';
  /**
   * What kept it from going further: too few people to loosen it (`few-people`), an evidence of other people than those
   * enrolled now (`outdated`), a tenth of the rate (`bound`), the calibration of strangers (`wild`), the cohort as this
   * camera sees it (`cohort`).
   */
  readonly limit?: DoorLimit;
}

export type DoorLimit = 'few-people' | 'outdated' | 'bound' | 'wild' | 'cohort';

/** A person as the network in use sees them; at least one template. */
export interface EnrolledPerson {
  readonly id: PersonId;
  readonly templates: readonly Embedding[];
}

/**
 * How many comparisons reach a level, and how far beyond it they go: all that an exponential tail needs. Rates are
 * those of a calibration table; `excess` is the mean over all comparisons, in natural logarithms of the rate.
 */
export interface Exceedances {
  /** People behind the comparisons; the weight of what follows. */
  readonly people: number;
  /** Of the comparisons, 0…1; the mean over pairs of people. */
  readonly share: number;
  readonly excess: number;
}

/** What a door knows about its own strangers. Counts and shares only, no embedding: it lies on the disk. */
export interface DoorEvidence {
  /** SHA-256. Scores of another embedder mean something else. */
  readonly embedder: string;
  /** Of the people who were enrolled. */
  readonly digest: string;
  /** Between different enrolled people, beyond its level of the strict table. */
  readonly residents: Exceedances;
  /**
   * The cohort as this camera sees it against the people, beyond its level of the table of strangers; absent
   * without a cohort of the embedder.
   */
  readonly cohort?: Exceedances;
  /** Unknown visitors, and the share of them that one in ten strangers should reach. */
  readonly visitors: { readonly visits: number; readonly share: number };
}

/** What somebody else did to the file. */
export type GalleryFinding = Extract<Event, { kind: 'gallery.lost' | 'gallery.replaced' | 'gallery.row-refused' }>;

/**
 * Every method may throw the Faults `gallery-down` (locked, no permission, failing disk), `gallery-damaged` and, where
 * it writes, `disk-full`; after a fault nothing is half-written.
 */
export interface Gallery extends Disposable {
  /** By name. From memory, but for the moment after another process has changed something. */
  list(): readonly Person[];
  /** Everyone who is enrolled, as last read; this reads no file. */
  ids(): readonly PersonId[];
  /** By id or by exact name; undefined when there is none. */
  find(idOrName: string): Person | undefined;
  /**
   * Adds a person, or pictures to the person of that name; all of it or nothing. A picture that the person has already
   * is not stored twice. Throws `bad-argument` (the name does not fit, there are no pictures, a picture belongs to
   * someone else, the name is that of another `id`), `key-destroyed` (who has this `id` was removed here) and
   * `model-unfit` (a template is not of the embedder). `beforeStored` hears the person as they will
   * be and how many pictures they had; what it throws undoes all of it.
   */
  enrol(person: NewPerson, beforeStored?: (person: Person, picturesBefore: number) => void): Person;
  /**
   * Throws `not-found`, or `bad-argument` where the name is taken or does not fit. What `beforeStored` throws undoes
   * it.
   */
  rename(id: PersonId, name: string, beforeStored?: () => void): Person;
  /**
   * The person's rules as last read; none for an unknown id. They are kept in memory: every decision asks, so this
   * reads no file and never throws.
   */
  rules(id: PersonId): PersonRules;
  /** Replaces the person's rules. Throws `not-found`. */
  setRules(id: PersonId, rules: PersonRules): void;
  /** Removes the person, pictures and templates; false when there was none. */
  forget(id: PersonId): boolean;
  /**
   * Removes one picture and its templates; returns the person as they are then. `picture`: its SHA-256 (hexadecimal) or
   * the beginning of it. Throws `not-found` where the person has no such picture, or several; `bad-argument` where it
   * is their last one, because nobody is enrolled without a picture.
   */
  forgetPicture(id: PersonId, picture: string): Person;
  /**
   * The pictures that a person was enrolled with, oldest first; none for an unknown id. `id`: SHA-256, hexadecimal.
   * `picture`: absent where only its template is kept.
   */
  pictures(
    id: PersonId,
  ): readonly { readonly id: string; readonly picture?: Uint8Array; readonly source: string; readonly addedAt: string }[];
  /** The same without their bytes, none of which is opened. */
  picturesAbout(id: PersonId): readonly { readonly id: string; readonly source: string; readonly addedAt: string }[];
  /** One of them; undefined where there is none, or only its template is kept. */
  picture(id: PersonId, picture: string): Uint8Array | undefined;
  /** Forgets the pictures that have a template of the embedder in use, and keeps the templates; how many those were. */
  dropPictures(): number;
  /**
   * How alike the probe is to everyone who has a template of the embedder in use, the most alike first; at most
   * `atMost` people (a door needs few: 10,000 results take longer to make than to compute). Throws `model-unfit` where
   * the probe does not fit the embedder.
   */
  match(probe: Embedding, atMost?: number): readonly Match[];
  /** Whom the matches identify under the threshold in force. */
  readonly threshold: Threshold;
  /** Takes the door's own evidence into account from now on; none, or one of another embedder, counts for nothing. */
  consider(evidence: DoorEvidence | undefined): void;
  /** Everyone with a template of the embedder in use. */
  enrolled(): readonly EnrolledPerson[];
  /** Everyone who is enrolled, as last read. */
  readonly people: number;
  /** Templates compared with each probe. */
  readonly templates: number;
  /** People who have pictures without a template of the embedder in use: never compared with those until `reembed`. */
  readonly stale: number;
  /** People who have no template of the embedder in use at all: they are not recognised. */
  readonly unrecognised: readonly PersonId[];
  /**
   * Why nobody can be recognised now: the file is gone, or another stands in its place that cannot be opened. Undefined
   * while the gallery works.
   */
  readonly down: string | undefined;
  /** Whether people are still to be read, because much was changed: then `refresh` is called again soon. */
  readonly unread: boolean;
  /** What was found about the file since this was last asked; each finding is told once. */
  findings(): readonly GalleryFinding[];
  /**
   * Reads what another process has changed, a part of it where it is much (`unread`); true where somebody is another
   * than before. Takes milliseconds, cheap enough for every second. Also looks
   * whether the file is still the one that is open: another in its place is opened, and while there is none, `down` is
   * set and this throws `gallery-down`.
   */
  refresh(): boolean;
  /**
   * Makes the missing templates from the stored pictures. A picture for which `embed` throws a Fault stays as it is and
   * is named in `failed`.
   */
  reembed(embed: (picture: Uint8Array) => Promise<Embedding>, options?: ReembedOptions): Promise<Reembedded>;
  /** Removes the templates of all embedders but these (by SHA-256) and the one in use; returns how many. */
  keepTemplates(embedders: readonly string[]): number;
}

/**
 * Changes to who is enrolled, each with its entry in the journal (`roster.ts` says in which order). Throws what the
 * gallery throws, and `journal-down`: after `enrol` and `rename` nothing is changed then, after `remove` and
 * `removePicture` the change is done and has no record.
 */
export interface Roster {
  /**
   * `by`: the operator's name; absent for the shell of the door itself. Throws `consent-missing` where consents are
   * required and neither one is given nor the person has one in force.
   */
  enrol(person: NewPerson, by?: string, consent?: Consent): Person;
  /** Whether somebody of that name can be enrolled without giving a consent now. Throws `consent-missing`. */
  requireConsent(name: string, consent: Consent | undefined): void;
  /** Records the consent of somebody who is enrolled. */
  consent(id: PersonId, consent: Consent, by: string): void;
  /** The person takes their consent back: they are removed. False where there was no such person. */
  withdraw(id: PersonId, by: string): boolean;
  rename(id: PersonId, name: string, by?: string): Person;
  /** False when there was no such person. */
  remove(id: PersonId, by?: string): boolean;
  /** The person as they are then. */
  removePicture(id: PersonId, picture: string, by: string): Person;
}

export interface ReembedOptions {
  /**
   * People are compared with as soon as their templates are made, read this often (milliseconds). Absent: once all are
   * made, which takes less time.
   */
  readonly readEveryMs?: number;
  /** How many are made at a time; 1 by default. */
  readonly atOnce?: number;
}

export interface Reembedded {
  readonly pictures: number;
  readonly failed: readonly { readonly personId: PersonId; readonly source: string; readonly fault: Fault }[];
}

/** A probe's identification under a threshold: nobody, one person, or more than one who could be it. */
export type Identification =
  | { readonly kind: 'person'; readonly match: Match }
  | { readonly kind: 'ambiguous'; readonly matches: readonly Match[] }
  | { readonly kind: 'nobody'; readonly best?: Match };

/** Names one enrolment session; random, valid until it ends. */
export type SessionId = string;

/** Why an enrolment does not take a picture: the quality limits, and those of enrolment. A closed list. */
export const pictureRefusals = [
  ...qualityReasons,
  'not-a-picture',
  'too-large',
  'no-face',
  'repeated',
  'another-person',
  'already-enrolled',
  'too-alike',
] as const;
export type PictureRefusal = (typeof pictureRefusals)[number];

/** Why a session cannot do what it was asked to. A closed list. */
export const enrolmentRefusals = [
  'bad-name',
  'no-such-session',
  'too-many-sessions',
  'too-many-pictures',
  'no-pictures',
  'another-person',
  'already-enrolled',
  'consent-missing',
  'camera-busy',
  'camera-failed',
  'expired',
  'failed',
] as const;
export type EnrolmentRefusal = (typeof enrolmentRefusals)[number];

/** The outcome of one picture, told at once. */
export type PictureOutcome = (
  | { readonly accepted: true; readonly source: string; readonly detail: string }
  | {
      readonly accepted: false;
      readonly source: string;
      readonly reasons: readonly PictureRefusal[];
      /** The reasons in plain words. */
      readonly detail: string;
      /** The person whom the picture shows or is too alike to, for `already-enrolled` and `too-alike`. */
      readonly personId?: PersonId;
    }
) & {
  /** Of a picture that was sent: its id where it is stored, the SHA-256 of its cleaned bytes (hexadecimal). */
  readonly picture?: string;
};

/** A session as it stands. */
export interface EnrolmentStatus {
  readonly session: SessionId;
  readonly state: 'collecting' | 'taking' | 'committed' | 'aborted' | 'expired';
  readonly name: string;
  /** Accepted pictures so far. */
  readonly pictures: number;
  /** While `taking`: what the person before the camera should do now, and how many pictures are wanted in all. */
  readonly prompt?: string;
  readonly wanted?: number;
  /** The newest picture's outcome; from the camera also while no picture is good. */
  readonly last?: PictureOutcome;
  /** Why the door's camera took fewer pictures than were wanted. */
  readonly problem?: string;
  /** When the session is given up if nothing happens, ISO 8601, UTC. */
  readonly expiresAt: string;
}

export type EnrolmentAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: EnrolmentRefusal; readonly detail: string; readonly personId?: PersonId };

/** Who enrols from afar: an operator's name, and the thumbprint of the key that signed the request. */
export interface Enroller {
  readonly name: string;
  readonly key: string;
}

/** A person with what was stored. */
export interface Enrolled {
  readonly person: Person;
  /** The pictures of this session by id (SHA-256, hexadecimal). */
  readonly added: readonly string[];
  /** Good pictures of this session that were not stored, by id: too many, and too like the others. */
  readonly leftOut: readonly string[];
  /** SHA-256 of the ids of all pictures that the person has now, sorted, each with a line feed. */
  readonly digest: string;
}

/**
 * Enrolment in several steps, for somebody who is not at the door's own terminal. Nothing is stored before `commit`,
 * which journals `person.enrolled` and stores all accepted pictures in one transaction. A session that is aborted, or
 * that nobody touches for a set time, leaves nothing but its steps in the journal.
 */
export interface EnrolmentSessions extends AsyncDisposable {
  /** What one key may do. A session of another key does not exist for it. */
  of(enroller: Enroller): Enrolment;
  /** Every change of every session from now on (a picture taken, a new prompt, the end), until `signal` is aborted. */
  changes(signal: AbortSignal): AsyncIterable<EnrolmentStatus>;
}

/** Each step is journalled with the key. A step that cannot be journalled is refused, but for `abort`. */
export interface Enrolment {
  /** Begins a session for a new person, or for more pictures of the person of that name. `consent`: theirs. */
  start(name: string, consent?: Consent): Promise<EnrolmentAnswer<EnrolmentStatus>>;
  /**
   * Judges one encoded picture and keeps it if it is good. A refused picture is an outcome, not a refusal of the
   * session.
   */
  addPicture(id: SessionId, picture: { readonly picture: Uint8Array; readonly source: string }): Promise<EnrolmentAnswer<PictureOutcome>>;
  /**
   * Begins to take `count` pictures with the door's own camera and returns at once; `status` and `changes` tell how it
   * goes.
   */
  takeFromCamera(id: SessionId, request: { readonly count: number }): Promise<EnrolmentAnswer<EnrolmentStatus>>;
  status(id: SessionId): Promise<EnrolmentAnswer<EnrolmentStatus>>;
  /** Stores the person: all accepted pictures, or nothing. */
  commit(id: SessionId): Promise<EnrolmentAnswer<Enrolled>>;
  /** Ends the session and forgets its pictures. */
  abort(id: SessionId): Promise<EnrolmentAnswer<EnrolmentStatus>>;
}
