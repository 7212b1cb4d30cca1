/** The recipe `paper` of moments: a small network, few steps, and the people of the demo, who do not exist. */

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { shelfIn } from '../../src/base/model/shelf.ts';
import { type WorkshopOptions, workshopOf } from '../../src/learning/workshop.ts';
import type { LabelledPerson, RecipeRun, TrainingData } from '../../src/retrain/port.ts';
import { smallNetwork } from '../../src/train/network/small-network.ts';

const demo = new URL('../../config/demo-people/', import.meta.url).pathname;

export const paperWorkshop = (options: WorkshopOptions = {}, plan: WorkshopOptions['paper'] = {}) =>
  workshopOf({
    ...options,
    paper: {
      network: smallNetwork,
      ...{ pairs: 8, stepsPerEpoch: 10, epochs: 3, patience: 2, checkpointEvery: 5 },
      optimiser: { kind: 'adam', rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
      ...plan,
    },
  });

/** Sixteen people with two pictures each. */
export function demoPeople(): LabelledPerson[] {
  const names = readdirSync(demo).filter((name) => name.endsWith('.jpg'));
  return [...Map.groupBy(names.toSorted(), (name) => name.slice(0, 3))].map(([personId, own]) => ({
    personId,
    samples: own.map((name) => {
      const picture = readFileSync(join(demo, name));
      return { id: createHash('sha256').update(picture).digest('hex'), picture, origin: 'enrolment', takenAt: '2026-11-01T12:00:00Z' };
    }),
  }));
}

/** Checkpoint and result in folders of `place`. */
export function paperRun(place: string, data: TrainingData, change: Partial<RecipeRun> = {}): RecipeRun {
  const [checkpoint, out] = [join(place, 'checkpoint'), join(place, 'out')];
  for (const folder of [checkpoint, out]) mkdirSync(folder, { recursive: true });
  return {
    ...{ data, out: shelfIn(out), checkpoint: shelfIn(checkpoint), seed: 5, threads: 1 },
    base: new URL('../../models/embedder/', import.meta.url).pathname,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...change,
  };
}
