/**
 * A recipe that learns nothing and can be checked: a chain of hashes over its data and seed, one link a step, with real checkpoints. However
 * often it is ended and goes on elsewhere, its result is the same; a file tells which steps were really done.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { appendFile, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Recipe, RecipeName, RecipeRun, TrainingData } from '../../src/retrain/port.ts';

export interface ChainOptions {
  readonly name?: RecipeName;
  readonly steps: number;
  readonly stepMs: number;
  readonly checkpointEvery: number;
  /** Each step that is done adds its number to this file. */
  readonly stepsFile?: string;
  /** A checkpoint is so many bytes longer. */
  readonly ballast?: number;
  readonly fails?: () => Error | undefined;
  /** While this file is there, the second half of the steps does not begin: no test has to be faster than the chain. */
  readonly heldBy?: string;
}

const calibration = { population: 'nobody', impostorPairs: 1000, genuinePairs: 100, table: [{ fmr: 0.001, logit: 2.5, fnmr: 0.03 }] };

export function chainRecipe(options: ChainOptions): Recipe {
  const { name = 'adapt', steps, stepMs, checkpointEvery, stepsFile, ballast = 0, fails, heldBy } = options;
  return {
    name,
    lacks: ({ people }) => (people.length < 2 ? 'It needs two people' : undefined),
    run: async ({ data, base, out, checkpoint, seed, signal, onProgress }: RecipeRun) => {
      const file = join(checkpoint.folder, 'chain.json');
      let { step, link } = (await saved(file)) ?? { step: 0, link: await firstLink(data, base, seed) };
      while (step < steps) {
        if (stepMs > 0) await delay(stepMs, undefined, { signal });
        while (heldBy && step >= steps / 2 && existsSync(heldBy)) await delay(20, undefined, { signal });
        signal.throwIfAborted();
        const fault = fails?.();
        if (fault) throw fault;
        link = next(link);
        step++;
        if (stepsFile) await appendFile(stepsFile, `${step}\n`);
        if (step % checkpointEvery === 0) await save(file, JSON.stringify({ step, link, ballast: 'x'.repeat(ballast) }));
        onProgress({ stage: 'linking', done: step, total: steps, figures: { loss: 1 / step } });
      }
      out.put('manifest.json', JSON.stringify({ schema: 1, file: 'twin.onnx', link }));
      out.put('twin.onnx', Buffer.alloc(1_300_000, link));
      return { folder: out.folder, calibration, seconds: 1.5, figures: { fnmr: 0.03 } };
    },
  };
}

/** What the result's chain must end in. */
export async function lastLink(data: TrainingData, base: string, seed: number, steps: number): Promise<string> {
  let link = await firstLink(data, base, seed);
  for (let i = 0; i < steps; i++) link = next(link);
  return link;
}

const next = (link: string) => createHash('sha256').update(link).digest('hex');

async function firstLink(data: TrainingData, base: string, seed: number): Promise<string> {
  const hash = createHash('sha256').update(`${seed}`);
  for (const { personId, samples } of data.people) {
    hash.update(personId);
    for (const { id, picture, origin, takenAt } of samples) hash.update(`${id}${origin}${takenAt}`).update(picture);
  }
  for (const samples of data.strangers) for (const { picture } of samples) hash.update('stranger').update(picture);
  hash.update(await readFile(join(base, 'manifest.json'))).update(await readFile(join(base, 'twin.onnx')));
  return hash.digest('hex');
}

async function saved(file: string): Promise<{ step: number; link: string } | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return undefined;
  }
}

async function save(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
