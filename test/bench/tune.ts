/**
 * Tuning a small network on real faces: Bayesian search against random search at equal budget, over several seeds. The pictures are those of
 * `../shared/data/orl`; where they are absent the bench says so and measures nothing.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quantile, type Row } from '../../src/cli/door/figures.ts';
import { smallNetwork } from '../../src/train/network/small-network.ts';
import { bestTrial, type Space, type TuningTrial } from '../../src/train/tune/tune.ts';
import { trainingSpace, tuneTraining } from '../../src/train/tune/tune-training.ts';
import { adam, crossEntropy } from '../train/small-networks.ts';

const pictures = new URL('../../../shared/data/orl', import.meta.url).pathname;
const seeds = [1, 2, 3, 4, 5, 6, 7];
const trials = 12;
/** Wide enough that most settings are bad ones. */
const space: Space = {
  rate: { ...trainingSpace.rate, from: 1e-6, to: 1 },
  momentum: trainingSpace.momentum,
  l1: { ...trainingSpace.l1, to: 1e-2 },
};

async function search(seed: number, kind: 'bayes' | 'random', folder: string): Promise<TuningTrial[]> {
  const recipe = {
    ...({ network: smallNetwork, engine: 'onnx', device: 'auto', threads: 1, data: pictures, seed: 1 } as const),
    split: { by: 'person', validation: 0.15, test: 0.25, seed: 1 } as const,
    ...{ pairs: 16, batchesPerEpoch: 30, epochs: 3, objective: crossEntropy, optimiser: adam, augment: 0, validationPairs: 300 },
    ...{ out: folder, checkpointEvery: 0, resume: false },
  };
  return tuneTraining({
    recipe,
    space,
    trials,
    seed,
    search: kind,
    out: join(folder, `${kind}-${seed}`),
    signal: new AbortController().signal,
  });
}

export async function benchTune(): Promise<Row[]> {
  if (!existsSync(pictures)) {
    console.error('bench: tune measures nothing without the pictures of ../shared/data/orl');
    return [];
  }
  const folder = await mkdtemp(join(tmpdir(), 'facelatch-bench-tune-'));
  try {
    const found: Record<'bayes' | 'random', number[]> = { bayes: [], random: [] };
    for (const seed of seeds)
      for (const kind of ['bayes', 'random'] as const) {
        const best = bestTrial(await search(seed, kind, folder))?.value ?? Number.POSITIVE_INFINITY;
        found[kind].push(best);
        console.error(`bench: seed ${seed}, ${kind}: least validation loss ${best.toFixed(4)}`);
      }
    const [bayes, random] = [quantile(found.bayes, 0.5), quantile(found.random, 0.5)];
    const wins = found.bayes.filter((value, at) => value <= (found.random[at] ?? 0)).length;
    return [
      {
        ...{
          what: `tuning, ${trials} trials on ORL: least validation loss, median of ${seeds.length}`,
          value: bayes,
          unit: '',
          target: random,
        },
        baseline: { what: 'random search', value: random },
      },
      {
        what: 'searches in which Bayesian search was as good or better',
        value: wins,
        unit: `of ${seeds.length}`,
        target: 4,
        atLeast: true,
      },
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}
