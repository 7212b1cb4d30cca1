/**
 * The training steps of `finetune`. A network and its lessons go in; the trained network comes out. Checkpoints are
 * written on the way, and an interrupted run continues from the last one.
 */

import { Fault } from '../base/errors.ts';
import type { Shelf } from '../base/model/shelf.ts';
import type { FaceStudio } from '../face/port.ts';
import type { RecipeRun } from '../retrain/port.ts';
import type { Distiller, DistillerOptions } from '../train/port.ts';
import { writing } from './embedder-folder.ts';
import type { Lessons } from './lessons.ts';

export interface DistilPlan {
  /** Steps, pictures in a step, and the highest learning rate (Adam). */
  readonly steps: number;
  readonly rows: number;
  readonly rate: number;
  /** Steps between two checkpoints. */
  readonly checkpointEvery: number;
}

interface DistilParts {
  readonly openDistiller: (options: DistillerOptions) => Promise<Distiller>;
  readonly plan: DistilPlan;
}

/** Steps in which the rate rises from 0. */
const warmUp = 20;
/** A layer is trained if the side of its output is at least this share of the picture's side. */
const detail = 0.25;
/** Kernels of depthwise convolutions are left as they are: they take half of the time and add nothing. */
const isDepthwise = ([out = 1, channels = 1, ...window]: readonly number[]) => window.length === 2 && channels === 1 && out > 1;

export async function distil(studio: FaceStudio, lessons: Lessons, run: RecipeRun, { openDistiller, plan }: DistilParts) {
  const { steps, rows, rate, checkpointEvery } = plan;
  const { width, height } = studio;
  const least = detail * Math.min(width, height);
  await using distiller = await openDistiller({
    ...{
      network: studio.bytes,
      output: studio.output,
      quality: studio.qualityOutput,
      rows,
      channels: 3,
      height,
      width,
      threads: run.threads,
    },
    learns: ({ side, dims }) => side >= least && !isDepthwise(dims),
  });
  const file = `finetune-${steps}-${lessons.count}.f32`;
  const begun = restored(distiller, run.checkpoint.get(file));
  const lesson = async (step: number) => {
    const pictures = new Float32Array(rows * 3 * width * height);
    return { ...(await lessons.batch(step, rows, (face, row) => studio.feed(face, pictures, row))), pictures };
  };
  const startedAt = performance.now();
  let loss = Number.NaN;
  // The next batch is prepared during the current step.
  let next = lesson(begun + 1);
  for (let step = begun + 1; step <= steps; step++) {
    run.signal.throwIfAborted();
    const batch = await next;
    if (step < steps) next = lesson(step + 1);
    const now = await distiller.step(batch, rateAt(step, steps, rate));
    if (Number.isNaN(now))
      throw new Fault('training-failed', `The loss is not a number in step ${step} of ${steps}: this network cannot be trained further`);
    loss = Number.isNaN(loss) ? now : 0.95 * loss + 0.05 * now;
    const seconds = (performance.now() - startedAt) / 1000 / (step - begun);
    run.onProgress({ stage: 'training', done: step, total: steps, figures: { loss, secondsPerStep: seconds } });
    if (step % checkpointEvery === 0) keep(run.checkpoint, file, distiller.state());
  }
  const seconds = (performance.now() - startedAt) / 1000 / Math.max(1, steps - begun);
  return { network: distiller.network(), loss, seconds };
}

/** Throws Fault `disk-full`. */
function keep(checkpoint: Shelf, file: string, state: Float32Array): void {
  writing(checkpoint, () => checkpoint.put(file, new Uint8Array(state.buffer, state.byteOffset, state.byteLength)));
}

/** Rises, then falls to 0 along half a cosine (I. Loshchilov, F. Hutter, ICLR 2017). */
const rateAt = (step: number, steps: number, rate: number) =>
  rate * Math.min(1, step / Math.min(warmUp, steps)) * 0.5 * (1 + Math.cos((Math.PI * (step - 1)) / steps));

/** The step after which the checkpoint was written; 0 if none fits. */
function restored(distiller: Distiller, bytes: Uint8Array | undefined): number {
  if (!bytes) return 0;
  try {
    const state = new Float32Array(Uint8Array.from(bytes).buffer);
    distiller.restore(state);
    return state[0] as number;
  } catch (error) {
    // The checkpoint is of another network: start from the beginning.
    if (error instanceof RangeError) return 0;
    throw error;
  }
}
