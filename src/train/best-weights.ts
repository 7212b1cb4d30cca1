/**
 * The best weights of a run that is stopped early. In: what judged the network, and the engine it was judged on. Out:
 * a file beside the checkpoint with the weights of the lowest loss; it survives a kill.
 */
import { Fault } from '../base/errors.ts';
import { readWeights, writeWeights } from './network/checkpoint.ts';
import { networkParameters } from './network/network.ts';
import type { Engine, Network } from './port.ts';

export interface BestWeights<Found> {
  /** What judged the weights in the file; undefined where there are none. */
  readonly found: () => Found | undefined;
  /** Keeps the weights of the engine where their loss is lower than that of the weights in the file. */
  readonly offer: (found: Found, engine: Engine, step: number) => Promise<void>;
}

/** Opens the file at `place`, or begins one. Throws what reading it throws, except where it is missing or damaged. */
export async function openBestWeights<Found extends object>(
  place: string,
  network: Network,
  lossOf: (found: Found) => number,
): Promise<BestWeights<Found>> {
  const state: { found: Found | undefined } = { found: await foundIn<Found>(place) };
  return {
    found: () => state.found,
    offer: async (found, engine, step) => {
      if (state.found && lossOf(found) >= lossOf(state.found)) return;
      const weights = new Map<string, Float32Array>();
      for (const { name } of networkParameters(network)) weights.set(name, await engine.read(name));
      await writeWeights(place, { network, step, weights, notes: Object.fromEntries(Object.entries(found)) });
      state.found = found;
    },
  };
}

async function foundIn<Found>(place: string): Promise<Found | undefined> {
  try {
    return (await readWeights(place)).notes as unknown as Found;
  } catch (error) {
    if (isNoCheckpoint(error)) return undefined;
    throw error;
  }
}

/** There is none, or it is damaged. */
export const isNoCheckpoint = (error: unknown) => error instanceof Fault && ['not-found', 'model-damaged'].includes(error.code);
