/**
 * What a door promises, and what it keeps with the people of a folder. In: people with their faces. Out: for each rate
 * of wrong accepts the threshold that such a door would have, and how often strangers and its own people pass it.
 *
 * Method: doors are drawn. Some people are enrolled with up to five pictures each, as the rules of enrolment allow, and
 * the others are strangers. Each frame of a stranger is one attempt. Frames of an enrolled person that are not enrolled
 * make presentations of three frames, all of which must pass, as three agreeing frames open the door. Intervals come
 * from drawing the people again (subsets bootstrap: train/figures/people-bootstrap.ts); where nothing was seen, from
 * the rule of three over people.
 */
import { below, newRandom, type Random, shuffled } from '../../base/random.ts';
import type { EmbedderInfo, Embedding } from '../../face/port.ts';
import type { Strangers } from '../../identity/chances.ts';
import { digestOf } from '../../identity/evidence/door.ts';
import { measureEvidence, sampleOf } from '../../identity/evidence/measure.ts';
import type { EnrolledPerson, ThresholdLayers } from '../../identity/port.ts';
import { templateMatrix } from '../../identity/siamese.ts';
import { galleryThreshold, type ThresholdPolicy } from '../../identity/threshold.ts';
import type { Interval } from '../../train/figures/binomial.ts';

export interface SeenFace {
  readonly embedding: Embedding;
  /** Whether the door would compare it, and whether enrolment would take it. */
  readonly usable: boolean;
  readonly enrolable: boolean;
}

/** By the bounds of the embedder; `usable`: by the other measures of the picture. */
export function seenFace(
  { embedding, usable = true, fitness = 1 }: { readonly embedding: Embedding; readonly usable?: boolean; readonly fitness?: number },
  { door, enrolment }: NonNullable<EmbedderInfo['quality']> = { door: 0, enrolment: 0 },
): SeenFace {
  return { embedding, usable: usable && fitness >= door, enrolable: usable && fitness >= enrolment };
}

export interface KnownPerson {
  readonly name: string;
  readonly faces: readonly SeenFace[];
}

export interface PromiseOptions {
  readonly embedder: EmbedderInfo;
  readonly policy: ThresholdPolicy;
  readonly sitters: readonly KnownPerson[];
  /** Wrong accepts per attempt. */
  readonly targets: readonly number[];
  /** Enrolled people; the others are strangers. */
  readonly enrolled: number;
  /** Doors to draw. */
  readonly doors: number;
  readonly seed: number;
  /** For the chances, and a list for each person for the door's evidence; none where there is no cohort. */
  readonly strangers: Strangers | undefined;
  readonly cohort: readonly (readonly Embedding[])[];
  /** Each up to this layer of the threshold. Default: all layers. */
  readonly layers?: readonly (keyof ThresholdLayers)[];
}

export interface MeasuredShare {
  readonly rate: number;
  readonly interval: Interval;
}

/** A target and what came of it; null where there is nobody to measure it on. */
export interface KeptPromise {
  readonly target: number;
  readonly layer: keyof ThresholdLayers;
  /** The mean over the doors that were drawn, logits. */
  readonly threshold: number;
  /** Of strangers' frames against the whole gallery. */
  readonly fmr: MeasuredShare | null;
  /** Of presentations. */
  readonly fnmr: MeasuredShare | null;
}

/** As many as the guided enrolment takes. */
const templatesEach = 5;
const framesEach = 3;
const mostPresentations = 20;

interface DrawnDoor {
  readonly people: readonly (EnrolledPerson & { readonly frames: readonly Embedding[] })[];
  readonly strangers: readonly { readonly name: string; readonly frames: readonly Embedding[] }[];
}

/** Of one person over all doors. */
interface Count {
  tries: number;
  hits: number;
}

/** One for each target and layer. */
export function keptPromises(options: PromiseOptions): readonly KeptPromise[] {
  const { sitters, targets, layers = ['door'], doors, enrolled, seed } = options;
  const random = newRandom(seed);
  const cases = targets.flatMap((target) =>
    layers.map((layer) => ({ target, layer, logits: 0, strangers: new Map<string, Count>(), people: new Map<string, Count>() })),
  );
  for (let door = 0; door < doors; door++) {
    const drawn = drawDoor(sitters, enrolled, random);
    const levelOf = levelsOf(options, drawn);
    const { strangers, people } = scoresOf(options.embedder, drawn);
    for (const each of cases) {
      const least = levelOf(each);
      each.logits += least / doors;
      for (const [name, scores] of strangers) add(each.strangers, name, scores, (logit) => logit >= least);
      for (const [name, scores] of people) add(each.people, name, scores, (logit) => logit < least);
    }
  }
  return cases.map(({ target, layer, logits, strangers, people }) => ({
    ...{ target, layer, threshold: logits },
    fmr: shareOf(strangers, random),
    fnmr: shareOf(people, random),
  }));
}

function drawDoor(sitters: readonly KnownPerson[], enrolled: number, random: Random): DrawnDoor {
  const people: DrawnDoor['people'][number][] = [];
  const strangers: DrawnDoor['strangers'][number][] = [];
  for (const { name, faces } of shuffled(sitters, random)) {
    // One picture at least is left to come with.
    const templates = shuffled(
      faces.filter(({ enrolable }) => enrolable),
      random,
    ).slice(0, Math.min(templatesEach, faces.length - 1));
    const framesOf = (some: readonly SeenFace[]) => some.filter(({ usable }) => usable).map(({ embedding }) => embedding);
    if (people.length < enrolled && templates.length > 0)
      people.push({
        id: name,
        templates: templates.map(({ embedding }) => embedding),
        frames: framesOf(faces.filter((face) => !templates.includes(face))),
      });
    else strangers.push({ name, frames: framesOf(faces) });
  }
  return { people, strangers };
}

/** The logit of a target and layer at this door. */
function levelsOf(
  { embedder, policy, strangers, cohort }: PromiseOptions,
  { people }: DrawnDoor,
): (of: { readonly target: number; readonly layer: keyof ThresholdLayers }) => number {
  const threshold = galleryThreshold(policy, embedder, () => strangers);
  threshold.load(people);
  while (threshold.continue());
  const chances = threshold.now.layers?.chances.independent ?? 1;
  const sample = sampleOf(people, embedder.dimension);
  threshold.consider(measureEvidence({ embedder, digest: digestOf(people), sample, cohort, visitors: [], chances }));
  return ({ target, layer }) => {
    const { logit, layers } = threshold.at(target);
    return layers?.[layer]?.logit ?? logit;
  };
}

type Scores = readonly (readonly [name: string, logits: readonly number[]])[];

/** The best logit of each stranger's frame, and the worst of each presentation. */
function scoresOf(
  { head, dimension }: EmbedderInfo,
  { people, strangers }: DrawnDoor,
): { readonly strangers: Scores; readonly people: Scores } {
  const matrix = templateMatrix(head, dimension);
  matrix.load(people.flatMap(({ templates }) => templates));
  const best = (probe: Embedding, from = 0, to = matrix.count) =>
    matrix
      .score(probe)
      .subarray(from, to)
      .reduce((a, b) => Math.max(a, b), -Infinity);
  let row = 0;
  return {
    strangers: matrix.count === 0 ? [] : strangers.map(({ name, frames }) => [name, frames.map((frame) => best(frame))] as const),
    people: people.map(({ id, templates, frames }) => {
      const from = row;
      row += templates.length;
      return [id, presentationsOf(frames.map((frame) => best(frame, from, from + templates.length)))] as const;
    }),
  };
}

/** Every choice of three frames, or some of them; of fewer frames the one there is. */
function presentationsOf(logits: readonly number[]): readonly number[] {
  if (logits.length === 0) return [];
  if (logits.length <= framesEach) return [Math.min(...logits)];
  const all = logits.flatMap((a, i) => logits.slice(i + 1).flatMap((b, j) => logits.slice(i + j + 2).map((c) => Math.min(a, b, c))));
  const step = Math.max(1, all.length / mostPresentations);
  return Array.from({ length: Math.min(all.length, mostPresentations) }, (_, i) => all[Math.floor(i * step)] as number);
}

function add(to: Map<string, Count>, name: string, logits: readonly number[], hit: (logit: number) => boolean): void {
  if (logits.length === 0) return;
  const count = to.get(name) ?? { tries: 0, hits: 0 };
  count.tries += logits.length;
  count.hits += logits.filter(hit).length;
  to.set(name, count);
}

const draws = 1000;

/** Each try counts the same; the interval draws people. */
function shareOf(counts: ReadonlyMap<string, Count>, random: Random): MeasuredShare | null {
  const all = [...counts.values()];
  if (all.length === 0) return null;
  const rateOf = (some: readonly Count[]) =>
    some.reduce((sum, { hits }) => sum + hits, 0) / some.reduce((sum, { tries }) => sum + tries, 0);
  const rate = rateOf(all);
  if (rate === 0) return { rate, interval: [0, Math.min(1, 3 / all.length)] };
  const drawn = Array.from({ length: draws }, () => rateOf(all.map(() => all[below(random, all.length)] as Count))).sort((a, b) => a - b);
  return { rate, interval: [drawn[Math.floor(0.025 * draws)] as number, drawn[Math.floor(0.975 * draws)] as number] };
}
