/**
 * What the training process gets and gives back. A task (check the labels, learn, or compare) refers to a folder with
 * its pictures, for its owner alone, which the process reads. A folder that is there is whole, and a task that goes
 * on after a restart finds the same pictures that it began with.
 */
import { createHash } from 'node:crypto';
import { Fault, type FaultCode } from '../base/errors.ts';
import { parseJson } from '../base/jws.ts';
import type { NetworkPlace } from '../base/model/place.ts';
import { type FileSeal, sealedEnding, shelfIn } from '../base/model/shelf.ts';
import { Compile, type Static, Type } from '../base/schema.ts';
import type { QualityLimits } from '../face/port.ts';
import { writeKeptFolder } from './kept-folder.ts';
import {
  type LabelledPerson,
  type NetworkComparison,
  type RecipeName,
  type RecipeProgress,
  type RecipeResult,
  type Sample,
  sampleOrigins,
  type TrainingData,
} from './port.ts';

/** What the files of a job are sealed with. */
export interface JobKey {
  readonly job: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** How the process opens networks. */
export interface Networks {
  readonly detector: string;
  readonly threads: number;
  readonly provider: 'cpu' | 'cuda' | 'tensorrt';
  readonly limits: QualityLimits;
  /** Folder of pictures of people who have nothing to do with this door; empty: there is none. */
  readonly others: string;
}

export type TrainingTask = { readonly key: JobKey } & (
  | {
      readonly kind: 'train';
      readonly recipe: RecipeName;
      readonly pictures: string;
      readonly base: string;
      readonly out: string;
      readonly checkpoint: string;
      readonly seed: number;
      readonly networks: Networks;
    }
  | {
      readonly kind: 'compare';
      readonly pictures: string;
      /** The two embedders. */
      readonly champion: NetworkPlace;
      readonly candidate: NetworkPlace;
      readonly targetFmr: number;
      readonly seed: number;
      readonly networks: Networks;
    }
  | {
      readonly kind: 'check';
      readonly pictures: string;
      /** Folder of the embedder that tells whether two pictures show one face; undefined: this is not checked. */
      readonly base: string | undefined;
      readonly networks: Networks;
    }
);

/** The result of `check`: nothing is wrong with the labels. */
export interface Checked {
  /** Pictures in which a face was found. */
  readonly pictures: number;
}

export type TaskResult<T extends TrainingTask = TrainingTask> = T extends { readonly kind: 'train' }
  ? RecipeResult
  : T extends { readonly kind: 'compare' }
    ? NetworkComparison
    : Checked;

/** What the process says, one message each. */
export type TaskMessage =
  | { readonly kind: 'progress'; readonly progress: RecipeProgress }
  | { readonly kind: 'done'; readonly result: TaskResult }
  | { readonly kind: 'fault'; readonly code: FaultCode; readonly message: string };

/** All pictures of a job, fixed when it begins. */
export interface JobPictures {
  readonly training: TrainingData;
  readonly frozen: TrainingData;
  readonly enrolled: readonly LabelledPerson[];
}

const listed = Type.Object({ id: Type.String(), origin: Type.Enum([...sampleOrigins]), takenAt: Type.String() });
const listedPeople = Type.Array(Type.Object({ personId: Type.String(), samples: Type.Array(listed) }));
const listedData = Type.Object({ people: listedPeople, strangers: Type.Array(Type.Array(listed)) });
const index = Type.Object({ training: listedData, frozen: listedData, enrolled: listedPeople });
const indexForm = Compile(index);
type Listed = Static<typeof listed>;
type ListedData = Static<typeof listedData>;

export const indexFile = 'index.json';

/** Writes the pictures, sealed, as the folder `to`, whole or not at all. Throws Fault `disk-full`, `registry-down`. */
export function writePictures(to: string, { training, frozen, enrolled }: JobPictures, seal: FileSeal): void {
  const files = new Map<string, Uint8Array>();
  const list = ({ picture, ...sample }: Sample): Listed => {
    files.set(sample.id, picture);
    return sample;
  };
  const people = (all: readonly LabelledPerson[]) => all.map(({ personId, samples }) => ({ personId, samples: samples.map(list) }));
  const data = (of: TrainingData): ListedData => ({ people: people(of.people), strangers: of.strangers.map((each) => each.map(list)) });
  const written: Static<typeof index> = { training: data(training), frozen: data(frozen), enrolled: people(enrolled) };
  files.set(indexFile, Buffer.from(JSON.stringify(written)));
  writeKeptFolder(to, new Map([...files].map(([name, bytes]) => [`${name}${sealedEnding}`, seal.seal(name, bytes)])));
}

/** Reads them back. Throws Fault `training-failed`, also for a picture that was changed. */
export function readPictures(from: string, seal: FileSeal): JobPictures {
  const shelf = shelfIn(from, seal);
  const cache = new Map<string, Uint8Array>();
  const sample = (known: Listed): Sample => {
    const picture = cache.get(known.id) ?? shelf.get(known.id);
    if (!picture || (!cache.has(known.id) && createHash('sha256').update(picture).digest('hex') !== known.id))
      throw new Fault('training-failed', 'A picture of this job was changed on the disk: start the training again');
    cache.set(known.id, picture);
    return { ...known, picture };
  };
  const people = (all: ListedData['people']) => all.map(({ personId, samples }) => ({ personId, samples: samples.map(sample) }));
  const data = (of: ListedData): TrainingData => ({ people: people(of.people), strangers: of.strangers.map((each) => each.map(sample)) });
  try {
    const found = parseJson(shelf.get(indexFile) ?? new Uint8Array());
    if (!indexForm.Check(found)) throw new Error('its index is not one of ours');
    const { training, frozen, enrolled } = found;
    return { training: data(training), frozen: data(frozen), enrolled: people(enrolled) };
  } catch (error) {
    if (error instanceof Fault && error.code === 'training-failed') throw error;
    throw new Fault('training-failed', 'The pictures of this job cannot be read any more: start the training again', error);
  }
}

/** Everyone labelled, with the pictures of both parts. */
export function allPeople(parts: readonly TrainingData[]): readonly LabelledPerson[] {
  const all = Map.groupBy(
    parts.flatMap(({ people }) => people),
    ({ personId }) => personId,
  );
  return [...all].map(([personId, people]) => ({ personId, samples: people.flatMap(({ samples }) => samples) }));
}
