/**
 * The port of the retraining room: what this door learns from, the recipes that learn, the bundles they make, the
 * jobs that run them.
 */

import type { NetworkPlace } from '../base/model/place.ts';
import type { Shelf } from '../base/model/shelf.ts';
import type { PersonId } from '../events.ts';
import type { Calibration, Embedding, FaceReader } from '../face/port.ts';

/**
 * `adapt`: the embedder stays; a residual projection of its embeddings and the Siamese head are learned from this
 * door's pairs and a cohort of strangers; seconds on the door's processor. `finetune`: the whole embedder. `paper`:
 * the paper's network from its first weights.
 */
export const recipeNames = ['adapt', 'finetune', 'paper'] as const;
export type RecipeName = (typeof recipeNames)[number];

/**
 * Where a picture came from: enrolment, a grant that a person confirmed, or somebody turned away whom a person named
 * or marked.
 */
export const sampleOrigins = ['enrolment', 'confirmed', 'marked'] as const;
export type SampleOrigin = (typeof sampleOrigins)[number];

/** One picture with one face, as training takes it. */
export interface Sample {
  /** SHA-256 of the encoded picture, hexadecimal. */
  readonly id: string;
  /** Encoded (JPEG, PNG …), as it was stored. */
  readonly picture: Uint8Array;
  readonly origin: SampleOrigin;
  /** ISO 8601, UTC: the frozen set is split by person and by day. */
  readonly takenAt: string;
}

export interface LabelledPerson {
  readonly personId: PersonId;
  readonly samples: readonly Sample[];
}

/** What a recipe may look at: never a sample of the frozen set. */
export interface TrainingData {
  readonly people: readonly LabelledPerson[];
  /**
   * People who are not enrolled: those turned away, where the owner keeps their pictures; each entry is one stranger.
   */
  readonly strangers: readonly (readonly Sample[])[];
}

/** Embeddings of people unknown at this door, by the base embedder: the impostors that a door with few people lacks. */
export interface Cohort {
  /** SHA-256 of the embedder that made them. */
  readonly embedder: string;
  readonly dimension: number;
  /** Each person's embeddings: unit vectors. */
  readonly people: readonly (readonly Embedding[])[];
}

/** What a recipe reports while it runs. `done` and `total` count steps of any size. */
export interface RecipeProgress {
  readonly stage: string;
  readonly done: number;
  readonly total: number;
  /** Figures to show, such as the loss. */
  readonly figures?: Readonly<Record<string, number>>;
}

export interface RecipeRun {
  readonly data: TrainingData;
  /** Folder of the embedder to begin from: `manifest.json` and its ONNX file. */
  readonly base: string;
  /** Empty shelf for the result. */
  readonly out: Shelf;
  /**
   * Where a recipe keeps what the same call needs to go on where it was ended, by a kill too. What is too large to be
   * sealed goes into its folder as it is. On a farm it travels, encrypted, to the trainer that takes over.
   */
  readonly checkpoint: Shelf;
  readonly seed: number;
  readonly threads: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: RecipeProgress) => void;
}

/**
 * The result of a recipe: an embedder's folder (the face room opens it as it is), calibrated on people it was not
 * trained on.
 */
export interface RecipeResult {
  readonly folder: string;
  readonly calibration: Calibration;
  readonly seconds: number;
  readonly figures: Readonly<Record<string, number>>;
}

/** Learns. */
export interface Recipe {
  readonly name: RecipeName;
  /** Undefined where the data is enough, else one sentence that says how much is missing of what. */
  lacks(data: TrainingData): string | undefined;
  /**
   * Never holds the event loop for more than a few seconds: a trainer renews its lease beside it.
   * Throws Fault `training-failed`, `bad-picture`, `disk-full`; what `signal` carries where it was aborted.
   */
  run(run: RecipeRun): Promise<RecipeResult>;
}

/** What candidate and champion are measured on: never anything that the candidate was trained on. */
export interface CompareRun {
  /** The two networks, opened with the door's own detector; `place` holds the embedder. */
  readonly champion: { readonly reader: FaceReader; readonly place: NetworkPlace };
  readonly candidate: { readonly reader: FaceReader; readonly place: NetworkPlace };
  /** The frozen set: pictures of enrolled people and of strangers that no recipe sees. */
  readonly frozen: TrainingData;
  /** Everyone enrolled, with the pictures their templates are made of (those of the frozen set too). */
  readonly enrolled: readonly LabelledPerson[];
  /** Wrong accepts per attempt over the whole gallery, as the door is set (`identity.targetFmr`). */
  readonly targetFmr: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: RecipeProgress) => void;
}

/** A stranger of the cohort, enrolled for the comparison as a network would enrol them. */
export interface EnrolledStranger {
  /** Of half of their pictures; the others are the probes. */
  readonly templates: readonly Embedding[];
  readonly probes: readonly Embedding[];
  readonly all: readonly Embedding[];
}
export type EnrolledCohort = readonly EnrolledStranger[];

/** Whether the candidate may take the champion's place. */
export interface NetworkComparison {
  readonly ok: boolean;
  /** Why not; `worse` where it is not said. */
  readonly reason?: 'worse' | 'no-gain';
  /** One sentence: what the verdict rests on, with its figures. */
  readonly detail: string;
  readonly metrics: BundleManifest['metrics'];
}

/** Everything that learns and measures, as the training process opens it. */
export interface Workshop {
  readonly recipes: Readonly<Partial<Record<RecipeName, Recipe>>>;
  /**
   * FNMR at the door's target FMR. It must fall on the frozen set (upper 95 % bound of the paired difference ≤ 0), and
   * may not rise on the cohort (≤ 0.5 points); and no pair of enrolled people may become confusable.
   */
  compare(run: CompareRun): Promise<NetworkComparison>;
}

/** The state of a bundle in the registry. */
export const bundleStates = ['candidate', 'champion', 'retired'] as const;
export type BundleState = (typeof bundleStates)[number];

/** A bundle's signed statement (`bundle.json`, signed as `bundle.jws`). Counts and hashes, never pictures. */
export interface BundleManifest {
  readonly schema: 1;
  /** The door it was trained for. */
  readonly door: string;
  /** Rises by one with each bundle of this door; one below the lowest allowed is refused. */
  readonly version: number;
  readonly createdAt: string;
  /** The bundle, or the shipped embedder (its SHA-256), that training began from. */
  readonly parent: string;
  readonly recipe: RecipeName;
  /** Of facelatch. */
  readonly engine: string;
  /** Name → SHA-256 and bytes of every file beside the manifest. */
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly bytes: number }>>;
  readonly data: {
    readonly people: number;
    readonly samples: number;
    readonly strangers: number;
    /** SHA-256 over the sorted ids of the samples. */
    readonly digest: string;
    /** The people, by names that only the vault of this door knows, in no order. Absent: nobody knows who they were. */
    readonly from?: readonly string[];
  };
  /** As the recipe and the comparison measured them, with 95 % intervals where they have one. */
  readonly metrics: Readonly<Record<string, { readonly value: number; readonly interval?: readonly [number, number] }>>;
  readonly calibration: Calibration;
}

/** Why a bundle does not become the champion. A closed list. */
export const bundleRefusals = [
  'not-found',
  'damaged',
  'wrong-hash',
  'unknown-signer',
  'bad-signature',
  'wrong-door',
  'wrong-base',
  'wrong-shape',
  'unfit',
  'old-version',
  'worse',
  'no-gain',
  'unmeasured',
  'no-templates',
] as const;
export type BundleRefusal = (typeof bundleRefusals)[number];

/**
 * What a person says of an entry: the grant was right; it was somebody else; who was turned away was this person, or
 * a stranger.
 */
export const marks = ['right', 'not-them', 'person', 'stranger'] as const;
export type Mark = (typeof marks)[number];

/** Where a job runs. */
export const jobPlaces = ['door', 'farm'] as const;
export type JobPlace = (typeof jobPlaces)[number];

export const jobStates = ['queued', 'training', 'paused', 'comparing', 'promoted', 'refused', 'cancelled', 'failed'] as const;
export type JobState = (typeof jobStates)[number];

/** The state of a job: what is published as retained state and what `facelatch retrain status` shows. */
export interface JobStatus {
  readonly id: string;
  readonly recipe: RecipeName;
  readonly where: JobPlace;
  /** Who asked: an operator's name, `schedule`. */
  readonly by: string;
  readonly state: JobState;
  readonly progress?: RecipeProgress;
  readonly startedAt: string;
  readonly endedAt?: string;
  /** The candidate it made. */
  readonly bundle?: string;
  /** Why it was refused, cancelled or failed; what the promotion rests on. One sentence. */
  readonly detail?: string;
}

/** What operators may ask of training, by any way in. */
export interface Training {
  /** `recipe` and `where` as the settings say where they are not given. Throws Fault `training-busy`. */
  start(request: { readonly recipe?: RecipeName; readonly where?: JobPlace; readonly by: string }): JobStatus;
  /** The job under way, else the last one. */
  status(): JobStatus | undefined;
  /** False where none is under way. */
  cancel(by: string): boolean;
  /** The trained networks of this door, the champion among them. */
  bundles(): readonly {
    readonly id: string;
    readonly state: BundleState;
    readonly version: number;
    readonly recipe: string;
    readonly createdAt: string;
    readonly note: string;
  }[];
  /**
   * Begins to measure it against the champion; what comes of it is journalled: `model.promoted` or `model.refused`.
   * The whole id. Throws Faults `not-found`, `training-busy`.
   */
  promote(idOrBeginning: string, by: string): string;
  /** Undefined where there is nothing to go back to. */
  rollback(by: string): Promise<{ readonly to: string; readonly from: string } | undefined>;
  /** The kept pictures of a journal entry; empty where none are kept. */
  pictures(seq: number): readonly Uint8Array[];
  /** How many kept pictures the mark concerns. Throws Faults `not-found`, `bad-argument`. */
  mark(mark: { readonly seq: number; readonly as: Mark; readonly person?: string; readonly by: string }): {
    readonly pictures: number;
    readonly personId?: PersonId;
  };
}

/** What a farm does with one job. One call at a time for a job; a repeated call for the same id goes on with it. */
export interface Farm {
  /**
   * Hands the job to the trainers and resolves with the result's folder (verified: signed by a trainer this door
   * trusts, whole, of this job and of the newest fencing token). Throws Fault `farm-unreachable`, `training-failed`,
   * `not-permitted`, or what `signal` carries: the job then stays with the trainers until its time to live is over,
   * so that the same call goes on with it after a restart.
   */
  train(
    job: { readonly id: string; readonly recipe: RecipeName; readonly seed: number },
    run: Omit<RecipeRun, 'threads' | 'checkpoint'>,
  ): Promise<RecipeResult>;
  /**
   * Takes a job back from the trainers and deletes it from the farm, where it is there. Throws Fault
   * `farm-unreachable`.
   */
  cancel(job: { readonly id: string; readonly recipe: RecipeName }): Promise<void>;
}
