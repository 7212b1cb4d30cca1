/** What the paper prints, and the cells of its section IV as this project repeats them: data only. */
import { paperNetwork } from '../network/network.ts';
import type { Network, Objective } from '../port.ts';
import type { HardPairs } from '../recipe.ts';
import type { ConvergenceRule } from './convergence.ts';

/** Table I: "accuracy" of four stages, percent. The paper does not say on which pictures. */
export const paperTableOne = [
  { stage: 'Baseline configuration', accuracy: 30 },
  { stage: 'L1 layer adjustments', accuracy: 60 },
  { stage: 'Hyperparameter tuning', accuracy: 80 },
  { stage: 'Increased training iterations', accuracy: 100 },
] as const;

/** Table II as printed: recall, precision, F1, percent, over data that grows. */
export const paperTableTwo: readonly (readonly [recall: number, precision: number, f1: number])[] = [
  [12.5, 28.571, 17.391],
  [10.0, 25.0, 14.286],
  [11.24, 34.375, 16.941],
  [13.48, 31.578, 18.894],
  [12.766, 36.3636, 18.898],
  [13.334, 38.7096, 19.835],
  [15.8536, 37.1428, 22.222],
  [14.8937, 37.838, 21.374],
  [27.5643, 62.67, 39.003],
  [100, 100, 100],
];

/** The F1 that a printed row's own recall and precision give, percent. */
export const recomputedF1 = ([recall, precision]: readonly [recall: number, precision: number, ...rest: number[]]) =>
  (2 * recall * precision) / (recall + precision);

export type DataName = 'webcam' | 'pins' | 'orl';

/**
 * What the base networks are measured on: the most pictures of each kind that a cell takes (25 of pins112, as in
 * Table I).
 */
export const baseData: readonly (readonly [DataName, number])[] = [
  ['webcam', 50],
  ['pins', 25],
  ['orl', 10],
];

/** One training run with its measuring. */
export interface Cell {
  /** Also the name of its files. */
  readonly id: string;
  /** `converged`: none of the paper's. */
  readonly table: 'I' | 'II' | 'converged';
  readonly what: string;
  readonly data: DataName;
  /** Most pictures of each person. */
  readonly images: number;
  readonly network: Network;
  readonly objective: Objective;
  readonly rate: number;
  /** 0…1. */
  readonly augment: number;
  /** Pairs are chosen, not drawn by chance. */
  readonly hard?: HardPairs;
  readonly steps: number;
  /** Stops before `steps` where the validation loss is flat; the best weights are measured. */
  readonly rule?: ConvergenceRule;
  /** The cell of which it changes one setting. */
  readonly against?: string;
  /** The cell whose training this one repeats or continues, instead of training from the first step. */
  readonly after?: string;
}

/** Settings that the paper tunes and does not publish: ours, from `facelatch tune`, or these. */
export interface Tuned {
  readonly rate: number;
  readonly augment: number;
  readonly l1: number;
}

/** Pictures of each person in the stages of Table I. */
const stageImages = { webcam: 50, pins: 25 } as const;

const tutorialRate = 1e-4;
const plain: Objective = { loss: 'bce', margin: 1, l1: 0, l2: 0 };

/**
 * The cells, at most `budget` steps each; the last stage takes three times as many. The paper does not say what was
 * adjusted in Table I. Our reading: the baseline sums the L1 distance to a scalar before Dense(1), as its text says;
 * the second keeps the vector, as its figure 3 shows; the third has the tuned settings; the fourth has more steps.
 */
export function paperCells(budget: number, tuned: Tuned, network: Network = paperNetwork): Cell[] {
  const base = { network, objective: plain, rate: tutorialRate, augment: 0, steps: budget };
  const best = { network, objective: { ...plain, l1: tuned.l1 }, rate: tuned.rate, augment: tuned.augment };
  const stages = [
    { ...base, network: { ...network, distance: 'sum' as const } },
    base,
    { ...best, steps: budget },
    { ...best, steps: 3 * budget },
  ];
  const one = (['webcam', 'pins'] as const).flatMap((data) =>
    stages.map((stage, index): Cell => {
      const what = paperTableOne[index]?.stage ?? '';
      const id = (number: number) => `table-1-${data}-${number}`;
      const after = index === 3 ? { after: id(3) } : {};
      return { id: id(index + 1), table: 'I', what, data, images: stageImages[data], ...stage, ...after };
    }),
  );
  const sizes: readonly [DataName, readonly number[]][] = [
    ['webcam', [25, 50]],
    ['pins', [25, 50, 100]],
    ['orl', [5, 10]],
  ];
  const two = sizes.flatMap(([data, counts]) =>
    counts.flatMap((images) =>
      (['bce', 'contrastive'] as const).map((loss): Cell => {
        const objective = { ...best.objective, loss };
        const what = `${images} pictures, ${loss === 'bce' ? 'binary cross-entropy' : 'contrastive loss'}`;
        const after = loss === 'bce' && data !== 'orl' && images === stageImages[data] ? { after: `table-1-${data}-3` } : {};
        return { id: `table-2-${data}-${images}-${loss}`, table: 'II', what, data, images, ...best, objective, steps: budget, ...after };
      }),
    ),
  );
  return [...one, ...two];
}
