/** The options that `train` and `tune` share: what decides a training run, from the command line into a recipe. */
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { Fault } from '../../base/errors.ts';
import { paperNetwork, tutorialNetwork } from '../../train/network/network.ts';
import { smallNetwork } from '../../train/network/small-network.ts';
import type { Network, Optimiser } from '../../train/port.ts';
import type { TrainingRecipe } from '../../train/recipe.ts';
import { wholeNumber } from '../context.ts';

/** The networks that can be trained and described, by size and variant. */
export const variants = ['paper', 'tutorial'] as const;
export const sizes = ['paper', 'small'] as const;

export interface NetworkChoice {
  readonly variant: (typeof variants)[number];
  readonly size: (typeof sizes)[number];
}

export interface RecipeOptions extends NetworkChoice {
  readonly engine: TrainingRecipe['engine'];
  readonly device: TrainingRecipe['device'];
  readonly loss: 'bce' | 'contrastive';
  readonly margin: number;
  readonly optimiser: Optimiser['kind'];
  readonly learningRate?: number;
  /** What the trainer's messages call it, and `tune`. */
  readonly rate?: number;
  readonly momentum?: number;
  readonly l1: number;
  readonly l2: number;
  readonly batch: number;
  readonly batchesPerEpoch: number;
  readonly epochs: number;
  readonly augment: number;
  readonly split: 'person' | 'picture';
  readonly validationPairs: number;
  readonly seed: number;
  readonly threads: number;
}

/** Shares of people (or pictures) that are validated and tested on; the rest is trained on. */
const shares = { validation: 0.15, test: 0.25 } as const;

/** A number from an option, both ends allowed. */
export function decimal(name: string, min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= min && value <= max) return value;
    throw new Fault('bad-argument', `${name} takes a number from ${min} to ${max}, not "${text}"`);
  };
}

/** The paper's network, or the variant or size of it that was chosen. */
export function networkOf({ variant, size }: NetworkChoice): Network {
  if (size === 'paper') return variant === 'tutorial' ? tutorialNetwork : paperNetwork;
  if (variant === 'tutorial')
    throw new Fault('bad-argument', '--variant tutorial is a variant of the paper’s network: leave --size small away');
  return smallNetwork;
}

const least = 1e-12;

/** Adds the options of a recipe. */
export function withRecipe(command: Command): Command {
  return withObjective(
    command
      .addOption(new Option('--engine <engine>', 'what computes').choices(['onnx', 'tfjs']).default('onnx'))
      .addOption(
        new Option(
          '--device <device>',
          'the processor (auto), a GPU (webgpu); with tfjs auto is the native part where installed, else wasm, and cpu plain JavaScript',
        )
          .choices(['auto', 'cpu', 'wasm', 'webgpu'])
          .default('auto'),
      )
      .option('--threads <n>', 'threads; 0 leaves it to the engine', wholeNumber('--threads', 0, 256), 0)
      .addOption(
        new Option('--variant <variant>', "pools of 2×2 (paper), or the tutorial's of 64×64 at stride 2")
          .choices(variants)
          .default('paper'),
      )
      .addOption(new Option('--size <size>', "the paper's network, or a small one for quick tries").choices(sizes).default('paper')),
  )
    .option('--batch <pairs>', 'pairs in a batch', wholeNumber('--batch', 1, 4096), 16)
    .option('--batches-per-epoch <n>', 'steps in an epoch', wholeNumber('--batches-per-epoch', 1, 1e6), 50)
    .option('--epochs <n>', 'epochs', wholeNumber('--epochs', 1, 1e6), 50)
    .option('--augment <strength>', 'how far pictures are changed at random, 0 to 1', decimal('--augment', 0, 1), 0.3)
    .addOption(
      new Option('--split <by>', 'tested people are never trained on (person), or tested pictures (picture)')
        .choices(['person', 'picture'])
        .default('person'),
    )
    .option('--validation-pairs <n>', 'measured after each epoch; 0 for none', wholeNumber('--validation-pairs', 0, 1e5), 200)
    .option('--seed <n>', 'decides split, weights, pairs and changes of pictures', wholeNumber('--seed', 0, 2 ** 31), 1);
}

function withObjective(command: Command): Command {
  return command
    .addOption(new Option('--loss <loss>', 'binary cross-entropy, or contrastive').choices(['bce', 'contrastive']).default('bce'))
    .option('--margin <distance>', 'of the contrastive loss', decimal('--margin', least, 1000), 1)
    .addOption(new Option('--optimiser <kind>', 'Adam, or SGD with momentum').choices(['adam', 'sgd']).default('adam'))
    .option('--learning-rate <rate>', 'step size (default: 0.0001 with adam, 0.01 with sgd)', decimal('--learning-rate', least, Infinity))
    .addOption(new Option('--rate <rate>').argParser(decimal('--rate', least, Infinity)).hideHelp())
    .option('--momentum <share>', "SGD's momentum, or Adam's β₁ (default: 0.9)", decimal('--momentum', 0, 0.9999))
    .option('--l1 <weight>', 'L1 penalty on kernels', decimal('--l1', 0, 1), 0)
    .option('--l2 <weight>', 'L2 penalty on kernels', decimal('--l2', 0, 1), 0);
}

/**
 * The recipe of these options. `checkpointEvery` 0: no checkpoint. Throws Fault `bad-argument` for options that
 * contradict each other.
 */
export function recipeOf(data: string, out: string, options: RecipeOptions, checkpointEvery: number, resume: boolean): TrainingRecipe {
  const { engine, device, loss, margin, l1, l2, batch, batchesPerEpoch, epochs, augment, seed, validationPairs, threads } = options;
  if (engine === 'onnx' && device === 'wasm')
    throw new Fault('bad-argument', '--device wasm is a device of TensorFlow.js: add --engine tfjs');
  return {
    ...{ network: networkOf(options), engine, device, threads, batchesPerEpoch, epochs, augment, seed, validationPairs },
    data: resolve(data),
    split: { by: options.split, ...shares, seed },
    pairs: batch,
    objective: { loss, margin, l1, l2 },
    optimiser: optimiserOf(options),
    out: resolve(out),
    ...{ checkpointEvery, resume },
  };
}

function optimiserOf({ optimiser, learningRate, rate = learningRate, momentum = 0.9 }: RecipeOptions): Optimiser {
  if (optimiser === 'sgd') return { kind: 'sgd', rate: rate ?? 0.01, momentum };
  return { kind: 'adam', rate: rate ?? 1e-4, beta1: momentum, beta2: 0.999, epsilon: 1e-7 };
}
