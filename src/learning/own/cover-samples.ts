/**
 * What an embedder sees of one face without and with coverings, for the rules for covered halves: a picture and where
 * its face is go in; masks and glasses are drawn on it, each drawing is found, aligned and looked at again.
 */
import type { Random } from '../../base/random.ts';
import { aroundEyes, eyeNumbers, looks, looksAt } from '../../face/cover.ts';
import type { Picture } from '../../face/picture.ts';
import type { Embedding, Landmarks } from '../../face/port.ts';
import { type Bounds, degrade, drawDegradation } from '../../recipes/degrade.ts';
import type { CoverFit, CoverSample, FittedRule } from '../../recipes/own/cover-fit.ts';
import { type CoveringKind, maskKinds, sunglassKinds } from '../../recipes/own/covering-drawings.ts';
import { covered } from '../../recipes/own/coverings.ts';

/** The embedder that the rules are for, and its aligned faces. */
export interface CoverSeer {
  /** Where the face is in a picture on which something was drawn; `near`: where it was before. */
  find(picture: Picture, near: Landmarks): Promise<Landmarks | undefined>;
  align(picture: Picture, landmarks: Landmarks): Uint8Array;
  /** `fit`: whether its quality alone would let it be stored. */
  embed(aligned: Uint8Array): Promise<{ readonly embedding: Embedding; readonly fit: boolean }>;
  readonly dimension: number;
  readonly width: number;
  readonly template: readonly (readonly [number, number])[];
}

/** Sunglasses in the photograph itself are no kind of drawing. */
type Drawn = Exclude<CoverSample['kind'], 'worn'>;

const doorLight: Bounds = {
  ...{ exposure: [0.3, 1], red: [0.9, 1.15], blue: [0.85, 1.1], noise: [0.5, 3], blur: [0, 0.9], scale: [0.5, 1], quality: [50, 95] },
  slope: 0.4,
};

/** For the picture number `turn`: as it is, with a mask or spectacles, and with two kinds of sunglasses. */
export function coveringsFor(turn: number): readonly Drawn[] {
  const other = turn % 2 ? 'spectacles' : (maskKinds[(turn >> 1) % maskKinds.length] as CoveringKind);
  return ['free', other, ...[turn, turn + 1 + ((turn >> 1) % 2)].map((at) => sunglassKinds[at % sunglassKinds.length] as CoveringKind)];
}

interface Shown {
  readonly person: string;
  readonly picture: Picture;
  /** Of the face as it is. */
  readonly landmarks: Landmarks;
  readonly wears: readonly Drawn[];
  /** In the light of a door: darker, noisier, of fewer pixels. */
  readonly atDoor: boolean;
}

export async function coverSamples(seer: CoverSeer, shown: Shown, random: Random): Promise<CoverSample[]> {
  const { person, picture, landmarks, wears, atDoor } = shown;
  const samples: CoverSample[] = [];
  for (const kind of wears) {
    const worn = kind === 'free' ? picture : await covered(picture, landmarks, kind, random);
    const seen = atDoor ? { ...worn, rgb: await degrade(worn, drawDegradation(random, doorLight), random) } : worn;
    const found = await seer.find(seen, landmarks);
    if (found) samples.push({ person, kind, ...(await seenBy(seer, seer.align(seen, found))) });
  }
  return samples;
}

async function seenBy({ embed, dimension, width, template }: CoverSeer, aligned: Uint8Array): Promise<Pick<CoverSample, 'fit' | 'seen'>> {
  const seen = new Float32Array(looks * dimension + eyeNumbers);
  seen.set(aroundEyes(aligned, width, template), looks * dimension);
  let isFit = true;
  for (const [at, look] of looksAt(aligned, width, template).entries()) {
    const { embedding, fit } = await embed(look);
    seen.set(embedding, at * dimension);
    if (at === 0) isFit = fit;
  }
  return { fit: isFit, seen };
}

const short = (numbers: Float64Array) => [...numbers].map((value) => Number(value.toPrecision(4)));

/** The rules as a manifest states them. */
export function statedCover({ lower, upper }: CoverFit, dimension: number): object {
  const stated = ({ weights, bias }: FittedRule) => ({
    weights: short(weights.subarray(0, looks * dimension)),
    ...(weights.length > looks * dimension ? { eyes: short(weights.subarray(looks * dimension)) } : {}),
    bias: Number(bias.toPrecision(6)),
  });
  return { lower: stated(lower), upper: stated(upper) };
}
