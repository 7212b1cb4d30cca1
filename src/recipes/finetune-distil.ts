/** The steps of `finetune`: a network and its lessons in; the network as it sees after them out. What is learned is kept on the way, and taken up after a cut. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Fault } from '../base/errors.ts';
import type { FaceStudio } from '../face/port.ts';
import type { RecipeRun } from '../retrain/port.ts';
import type { Distiller, DistillerOptions } from '../train/port.ts';
import { writing } from './embedder-folder.ts';
import type { Lessons } from './lessons.ts';

export interface DistilPlan {
  /** Steps, pictures in each, and the highest rate of Adam. */
  readonly steps: number;
  readonly rows: number;
  readonly rate: number;
  /** Steps after which the state is put on the disk. */
  readonly checkpointEvery: number;
}

export interface DistilParts {
  readonly openDistiller: (options: DistillerOptions) => Promise<Distiller>;
  readonly plan: DistilPlan;
}

/** Steps in which the rate rises from nothing. */
const warmUp = 20;
/** A layer learns that still gives at least this share of the picture's side. */
const detail = 0.25;

/** Teaches; goes on from the checkpoint where there is one. */
export async function distil(studio: FaceStudio, lessons: Lessons, run: RecipeRun, { openDistiller, plan }: DistilParts) {
  const { steps, rows, rate, checkpointEvery } = plan;
  const { width, height } = studio;
  const least = detail * Math.min(width, height);
  await using distiller = await openDistiller({
    ...{ network: studio.bytes, rows, channels: 3, height, width, threads: run.threads },
    learns: ({ side }) => side >= least,
  });
  const file = join(run.checkpoint, `finetune-${steps}-${lessons.count}.f32`);
  const begun = restored(distiller, file);
  const lesson = async (step: number) => {
    const pictures = new Float32Array(rows * 3 * width * height);
    return { targets: await lessons.batch(step, rows, (face, row) => studio.feed(face, pictures, row)), pictures };
  };
  const startedAt = performance.now();
  let loss = Number.NaN;
  // The next batch is made while this one is learned from.
  let next = lesson(begun + 1);
  for (let step = begun + 1; step <= steps; step++) {
    run.signal.throwIfAborted();
    const { pictures, targets } = await next;
    if (step < steps) next = lesson(step + 1);
    const now = await distiller.step(pictures, targets, rateAt(step, steps, rate));
    if (Number.isNaN(now))
      throw new Fault('training-failed', `The loss broke in step ${step} of ${steps}: the network cannot be trained on as it is`);
    loss = Number.isNaN(loss) ? now : 0.95 * loss + 0.05 * now;
    const seconds = (performance.now() - startedAt) / 1000 / (step - begun);
    run.onProgress({ stage: 'training', done: step, total: steps, figures: { loss, secondsPerStep: seconds } });
    if (step % checkpointEvery === 0) keep(file, distiller.state());
  }
  const seconds = (performance.now() - startedAt) / 1000 / Math.max(1, steps - begun);
  return { network: distiller.network(), loss, seconds };
}

/** Throws Fault `disk-full`. */
function keep(file: string, state: Float32Array): void {
  writing(dirname(file), () => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.writing`, new Uint8Array(state.buffer));
    renameSync(`${file}.writing`, file);
  });
}

/** Rises at first, then falls to nothing along half a cosine (I. Loshchilov, F. Hutter, ICLR 2017). */
const rateAt = (step: number, steps: number, rate: number) =>
  rate * Math.min(1, step / Math.min(warmUp, steps)) * 0.5 * (1 + Math.cos((Math.PI * (step - 1)) / steps));

/** The step that the checkpoint was written after; 0 where there is none that fits. */
function restored(distiller: Distiller, file: string): number {
  if (!existsSync(file)) return 0;
  try {
    const state = new Float32Array(Uint8Array.from(readFileSync(file)).buffer);
    distiller.restore(state);
    return state[0] as number;
  } catch (error) {
    // Of another network: it begins anew.
    if (error instanceof RangeError) return 0;
    throw error;
  }
}
