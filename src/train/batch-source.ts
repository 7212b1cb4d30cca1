/**
 * The batches of a run, in order. In: a recipe, the pictures, and the engine whose weights choose hard pairs. Out: a
 * batch for each step. What was chosen goes into the checkpoint, so a resumed run draws the same batches.
 */
import { batchOf } from './data/batches.ts';
import { type PicturePair, picturesOf, type Split } from './data/dataset.ts';
import type { Pictures } from './data/pictures.ts';
import { mineHardPairs } from './hard-pairs.ts';
import type { Notes } from './network/checkpoint.ts';
import type { Batch, Engine } from './port.ts';
import type { TrainingRecipe } from './recipe.ts';

/** Hard pairs of the steps from `from` on. */
interface Chosen {
  readonly from: number;
  readonly pairs: readonly (readonly PicturePair[])[];
}

export interface BatchSource {
  /** The batch of a step. It asks the engine where `needsEngine`. */
  readonly draw: (step: number) => Promise<Batch>;
  /** Whether the batch can only be drawn between two steps of the engine. */
  readonly needsEngine: (step: number) => boolean;
  /** For the checkpoint. */
  readonly notes: () => Notes;
}

/** `notes`: those of the checkpoint that the run goes on from. */
export function openBatches(
  recipe: TrainingRecipe,
  { engine, split, pictures }: { readonly engine: Engine; readonly split: Split; readonly pictures: Pictures },
  notes: Notes | undefined,
): BatchSource {
  const { network, objective, pairs, augment, seed, hard } = recipe;
  const part = split.train;
  const options = { part, pictures, pairs, augment, seed, side: network.side };
  if (!hard) return { draw: (step) => batchOf(options, step), needsEngine: () => false, notes: () => ({}) };
  const kept: { chosen: Chosen | undefined } = { chosen: chosenFrom(notes, new Set(picturesOf(part))) };
  const pairsOf = (step: number) => kept.chosen?.pairs[step - kept.chosen.from];
  return {
    draw: async (step) => {
      if (!pairsOf(step))
        kept.chosen = {
          from: step,
          pairs: await mineHardPairs({ engine, network, objective, part, pictures }, hard, pairs, { seed, step }),
        };
      return await batchOf(options, step, pairsOf(step));
    },
    needsEngine: (step) => pairsOf(step) === undefined,
    notes: () => ({ chosen: kept.chosen }),
  };
}

/** Undefined where the pictures have moved since: then the pairs are chosen again. */
function chosenFrom(notes: Notes | undefined, pictures: ReadonlySet<string>): Chosen | undefined {
  const chosen = notes?.chosen as Chosen | undefined;
  return chosen?.pairs.flat().every(({ first, second }) => pictures.has(first) && pictures.has(second)) ? chosen : undefined;
}
