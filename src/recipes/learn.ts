/**
 * What `adapt` learns from embeddings. A cohort of strangers and a door's people go in. Out come a projection under
 * which pictures of one person differ least, the person each learned picture stands for, and the scores of people from
 * whom nothing was learned.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Fault } from '../base/errors.ts';
import { newRandom, shuffled } from '../base/random.ts';
import type { Embedding, Head } from '../face/port.ts';
import type { Cohort, RecipeRun } from '../retrain/port.ts';
import { type Cosines, fitHead } from './calibrate.ts';
import { versions } from './cohort.ts';
import type { DoorEmbeddings } from './door-embeddings.ts';
import { awayFromStrangers, centreOf, cosine, learnProjection, type People, type Projection, project } from './projection.ts';

/** Parts of the cohort that are held out in turn. */
const folds = 3;

export interface Learned {
  readonly projection: Projection;
  readonly keys: readonly Embedding[];
  readonly values: readonly Embedding[];
  readonly head: Extract<Head, { kind: 'cosine' }>;
  readonly cosines: Cosines;
}

export async function learn(
  cohort: Cohort,
  { people, strangers }: Pick<DoorEmbeddings, 'people' | 'strangers'>,
  size: number,
  run: Pick<RecipeRun, 'onProgress' | 'signal' | 'seed'>,
): Promise<Learned> {
  const { onProgress, signal, seed } = run;
  const door: People = people.map((pictures) => pictures.flat());
  const order = shuffled([...cohort.people.keys()], newRandom(seed));
  const genuine: number[] = [];
  const amongCohort: number[] = [];
  const atDoor: number[] = [];
  const step = async (done: number) => {
    await nextTurn();
    signal.throwIfAborted();
    onProgress({ stage: 'learning', done, total: folds + 1 });
  };
  for (let fold = 0; fold < folds; fold++) {
    await step(fold);
    const aside = new Set(order.filter((_, index) => index % folds === fold));
    const known = cohort.people.filter((_, index) => !aside.has(index));
    const projection = learned(known, door, size);
    const z = (embeddings: readonly Embedding[]) => embeddings.map((embedding) => project(projection, embedding));
    // Genuine: half of a person's embeddings are enrolled, the other half are probes. Impostors: all embeddings are
    // probes, against three enrolments of each other person, because a strict door needs rates that only a million
    // comparisons can show.
    const unknown = cohort.people.flatMap((own, index) => (aside.has(index) && own.length >= 2 * versions ? [z(own)] : []));
    const nobody = z(known.flat());
    const enrolledAs = (own: readonly Embedding[]) => awayFromStrangers(centreOf([own]), nobody);
    const enrolled = unknown.map((own) => [own.slice(0, halfOf(own)), own.slice(halfOf(own)), own].map(enrolledAs));
    const residents = people.map((pictures) => prototypeOf(pictures, projection, nobody));
    for (const [index, own] of unknown.entries()) {
      for (const probe of own.slice(halfOf(own))) genuine.push(cosine(probe, enrolled[index]?.[0] as Embedding));
      for (const probe of own) {
        for (const [other, templates] of enrolled.entries())
          if (other !== index) for (const template of templates) amongCohort.push(cosine(probe, template));
        for (const template of residents) atDoor.push(cosine(probe, template));
      }
    }
    for (const probe of z(strangers.flat())) for (const template of residents) atDoor.push(cosine(probe, template));
  }
  await step(folds);
  if (genuine.length === 0)
    throw new Fault('model-unfit', 'Nobody in the cohort has two pictures: make another with facelatch models cohort');
  const projection = learned(cohort.people, door, size);
  const cosines = { genuine: Float64Array.from(genuine), impostors: [Float64Array.from(amongCohort), Float64Array.from(atDoor)] };
  return { projection, ...standFor(people, projection, cohort), head: fitHead(cosines), cosines };
}

/** The keys are the plain pictures; the value of each is the prototype of its person. */
function standFor(people: DoorEmbeddings['people'], projection: Projection, cohort: Cohort): Pick<Learned, 'keys' | 'values'> {
  const nobody = cohort.people.flatMap((own) => own.map((embedding) => project(projection, embedding)));
  const values = people.map((pictures) => prototypeOf(pictures, projection, nobody));
  return {
    keys: people.flatMap((pictures) => pictures.map(([plain]) => project(projection, plain as Embedding))),
    values: people.flatMap((pictures, person) => pictures.map(() => values[person] as Embedding)),
  };
}

function learned(cohort: People, door: People, size: number): Projection {
  const projection = learnProjection(cohort, door, size);
  if (projection) return projection;
  throw new Fault('training-failed', 'The pictures of each person are all the same: nothing can be learned from copies of one picture');
}

/** Embeddings of half of the pictures, each with all its versions. */
const halfOf = (own: readonly Embedding[]) => versions * Math.floor(own.length / versions / 2);

/** The centre of a person's pictures, moved away from strangers. Plain and degraded pictures have equal weight. */
function prototypeOf(pictures: readonly (readonly Embedding[])[], projection: Projection, nobody: readonly Embedding[]): Embedding {
  const z = (embeddings: readonly Embedding[]) => embeddings.map((embedding) => project(projection, embedding));
  const centre = centreOf([z(pictures.flatMap(([plain]) => plain ?? [])), z(pictures.flatMap(([, ...worse]) => worse))]);
  return awayFromStrangers(centre, nobody);
}
