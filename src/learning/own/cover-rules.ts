/**
 * The rules for covered halves of a network's manifest: labelled pictures go in; masks and glasses are drawn on some of
 * them, and a rule for each half is fitted to what the network sees. Out: the rules, and how many covered faces would
 * be stored with them, counted on people whom a rule was not fitted on.
 */
import { newRandom } from '../../base/random.ts';
import { looks } from '../../face/cover.ts';
import { fitnessOf } from '../../face/fitness.ts';
import type { Half } from '../../face/port.ts';
import { type CoverSample, type CoverShare, fitCover } from '../../recipes/own/cover-fit.ts';
import { maskKinds, sunglassKinds } from '../../recipes/own/covering-drawings.ts';
import { type CoverSeer, coveringsFor, coverSamples, statedCover } from './cover-samples.ts';
import type { QualityFit } from './quality-head.ts';
import type { Eye, FedNetwork } from './reading.ts';

export interface CoverRulesFit {
  /** As the manifest states it. */
  readonly stated: object;
  readonly shares: readonly CoverShare[];
}

export interface CoverPicture {
  readonly file: string;
  readonly person: number;
}

export interface CoverOptions {
  /** Tells which faces would be stored anyway; all of them where it is absent. */
  readonly quality: QualityFit | undefined;
  /** Most pictures that are drawn on. */
  readonly most: number;
  readonly signal: AbortSignal;
  readonly onProgress: (stage: 'drawing masks and glasses' | 'fitting the rules for covered faces', done: number, total: number) => void;
}

/** More pictures of one person show the same face again. */
const picturesOfPerson = 4;
/** Rules that let more than this share of the covered faces of a half through are not worth their time. */
const mostPassed = 0.5;
/** Covered faces of a half that are needed to count them. */
const fewestCovered = 20;

/** Undefined where the network does not tell covered faces. */
export async function fitCoverRules(
  network: FedNetwork,
  eye: Eye,
  pictures: readonly CoverPicture[],
  options: CoverOptions,
): Promise<CoverRulesFit | undefined> {
  const seer = seerOf(network, eye, options.quality);
  const some = spread(pictures, options.most);
  const random = newRandom(17);
  const samples: CoverSample[] = [];
  for (const [turn, { file, person }] of some.entries()) {
    options.signal.throwIfAborted();
    options.onProgress('drawing masks and glasses', turn, some.length);
    const found = await eye.look(file);
    const shown = found && { ...found, person: String(person), wears: coveringsFor(turn), atDoor: turn % 3 === 0 };
    if (shown) samples.push(...(await coverSamples(seer, shown, random)));
  }
  const covered = (wanted: readonly CoverSample['kind'][]) => samples.filter(({ kind, fit }) => fit && wanted.includes(kind)).length;
  if (covered(maskKinds) < fewestCovered || covered(sunglassKinds) < fewestCovered) return undefined;
  const fit = await fitCover(samples, {
    embedded: looks * network.dimension,
    signal: options.signal,
    onProgress: (done, total) => options.onProgress('fitting the rules for covered faces', done, total),
  });
  const passed = (half: Half) => {
    const own = fit.shares.filter((share) => share.half === half);
    const sum = (of: 'fit' | 'passed') => own.reduce((total, share) => total + share[of], 0);
    return sum('passed') / sum('fit');
  };
  if (passed('lower') > mostPassed || passed('upper') > mostPassed) return undefined;
  return { stated: statedCover(fit, network.dimension), shares: fit.shares };
}

function seerOf(network: FedNetwork, eye: Eye, quality: QualityFit | undefined): CoverSeer {
  const head = quality?.layers.map(({ weights, bias }) => ({ weights: Float32Array.from(weights), bias: Float32Array.from(bias) }));
  return {
    find: (picture, near) => eye.find(picture, near),
    align: network.align,
    embed: async (aligned) => {
      const { values, embedding } = await network.embed(aligned);
      return { embedding, fit: !quality || !head || fitnessOf(head, values) >= quality.enrolment };
    },
    ...{ dimension: network.dimension, width: network.feed.input.width, template: network.feed.template },
  };
}

/** A few of each person, of as many people as there are. */
function spread(pictures: readonly CoverPicture[], most: number): readonly CoverPicture[] {
  const own = [...Map.groupBy(pictures, ({ person }) => person).values()].map((all) => all.slice(0, picturesOfPerson));
  const stride = Math.max(1, own.flat().length / most);
  return own.filter((_, index) => Math.floor(index / stride) !== Math.floor((index - 1) / stride)).flat();
}
