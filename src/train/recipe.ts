/** What decides a training run, what a run reports, and which recipes are refused. */
import { Fault } from '../base/errors.ts';
import type { SplitOptions } from './data/dataset.ts';
import type { FaceCrops } from './data/face-crops.ts';
import type { Notes } from './network/checkpoint.ts';
import type { Network, Objective, Optimiser } from './port.ts';

/** Each pair of a batch is the one of `candidates` that the network gets most wrong. */
export interface HardPairs {
  readonly candidates: number;
  /** Steps that one choice lasts. */
  readonly every: number;
  /** Pictures that the candidates are made of, each time. */
  readonly pictures: number;
}

/** All that decides a run: the same recipe on the same pictures gives the same losses. */
export interface TrainingRecipe {
  readonly network: Network;
  readonly engine: 'onnx' | 'tfjs';
  /** ONNX Runtime has `cpu` (also for `auto`), `webgpu` and `cuda`; TensorFlow.js has all but `cuda`. */
  readonly device: 'auto' | 'wasm' | 'cpu' | 'webgpu' | 'cuda';
  /** 0 leaves it to the engine. */
  readonly threads: number;
  readonly data: string;
  /** Pictures are cut to these faces, and those without one are left out. Absent: pictures are used whole. */
  readonly faces?: FaceCrops;
  readonly split: SplitOptions;
  readonly pairs: number;
  readonly batchesPerEpoch: number;
  readonly epochs: number;
  readonly objective: Objective;
  readonly optimiser: Optimiser;
  /** 0…1. */
  readonly augment: number;
  /** Absent: pairs are drawn by chance. */
  readonly hard?: HardPairs;
  readonly seed: number;
  /** Pairs of the validation part that are measured after each epoch; 0 for none. */
  readonly validationPairs: number;
  /** Folder of the checkpoint. */
  readonly out: string;
  /** Steps between two checkpoints; the run ends with one too. 0 for none at all. */
  readonly checkpointEvery: number;
  readonly resume: boolean;
}

/** What a run reports. */
export type TrainingProgress =
  | { readonly kind: 'started'; readonly step: number; readonly steps: number; readonly engine: string }
  | {
      readonly kind: 'step';
      readonly step: number;
      readonly steps: number;
      readonly loss: number;
      readonly penalty: number;
      /** Milliseconds of this step, its batch included. */
      readonly tookMs: number;
    }
  | {
      readonly kind: 'epoch';
      readonly epoch: number;
      readonly loss: number;
      readonly validationLoss?: number;
      readonly validationAccuracy?: number;
    }
  | { readonly kind: 'checkpoint'; readonly step: number; readonly path: string };

export interface EpochResult {
  readonly loss: number;
  readonly validationLoss?: number;
  /** Share of validation pairs that are right at probability 0.5, 0…1. */
  readonly validationAccuracy?: number;
}

/** What must not change when a run is resumed. More epochs, other checkpoints or another engine may. */
export function fingerprint(recipe: TrainingRecipe): string {
  const { split, data, pairs, batchesPerEpoch, objective, optimiser, augment, seed, faces, hard } = recipe;
  const more = { ...(faces && { crop: true }), ...(hard && { hard }) };
  return JSON.stringify({ split, data, pairs, batchesPerEpoch, objective, optimiser, augment, seed, ...more });
}

/** Throws Fault `bad-argument` where the checkpoint at `path` belongs to a run with other settings. */
export function requireSameRecipe(notes: Notes, recipe: TrainingRecipe, path: string): void {
  if (notes.recipe === fingerprint(recipe)) return;
  throw new Fault(
    'bad-argument',
    `The checkpoint ${path} is of a run with other settings (${notes.recipe}): resume with those, or give another --out.`,
  );
}

/** Throws Fault `bad-argument` that names the setting that makes no sense. */
export function requireSensible(recipe: TrainingRecipe): void {
  const { pairs, batchesPerEpoch, epochs, checkpointEvery } = recipe;
  for (const [name, value, least] of [
    ['pairs', pairs, 1],
    ['batchesPerEpoch', batchesPerEpoch, 1],
    ['epochs', epochs, 1],
    ['checkpointEvery', checkpointEvery, 0],
  ] as const)
    if (!Number.isInteger(value) || value < least)
      throw new Fault('bad-argument', `${name} must be a whole number from ${least} up, not ${value}.`);
  if (!(recipe.optimiser.rate > 0))
    throw new Fault('bad-argument', `The learning rate must be greater than 0, not ${recipe.optimiser.rate}.`);
  if (!(recipe.augment >= 0 && recipe.augment <= 1))
    throw new Fault('bad-argument', `The strength of augmentation must be from 0 to 1, not ${recipe.augment}.`);
}
