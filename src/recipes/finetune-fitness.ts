/**
 * Does a trained network still tell which pictures are fit? Upright faces and turned ones go in, judged by the network
 * before and after; a Fault or how far the two are apart comes out. Bad pictures resemble one another: a network that
 * lets them through would take strangers for one another.
 */
import { Fault } from '../base/errors.ts';
import type { FaceStudio } from '../face/port.ts';
import { turned } from './lessons.ts';

type Judge = Pick<FaceStudio, 'judge' | 'width' | 'height' | 'leastFitness'>;

/** Faces that are looked at, each upright and turned three times. */
const mostFaces = 40;
/** Share of the turned faces that may pass beyond those that passed before, and of the upright ones that may be lost. */
const [mostMorePass, mostLost] = [0.02, 0.05];

/** The mean difference of the fitness; undefined where the network does not tell it. Throws Fault `training-failed`. */
export async function requireFitness(
  before: Judge,
  after: Judge,
  faces: readonly (readonly Uint8Array[])[],
  signal: AbortSignal,
): Promise<number | undefined> {
  const least = before.leastFitness;
  const some = faces.flatMap(([first]) => first ?? []).slice(0, mostFaces);
  if (least === undefined || some.length === 0) return undefined;
  const counts = { upright: [0, 0], turned: [0, 0] };
  let [off, seen] = [0, 0];
  for (const face of some)
    for (const quarters of [0, 1, 2, 3]) {
      signal.throwIfAborted();
      const picture = quarters === 0 ? face : turned(face, before.width, before.height, quarters);
      const both = [(await before.judge(picture)).fitness ?? 0, (await after.judge(picture)).fitness ?? 0];
      for (const [network, fitness] of both.entries())
        if (fitness >= least) (quarters === 0 ? counts.upright : counts.turned)[network]! += 1;
      off += Math.abs(both[1]! - both[0]!);
      seen++;
    }
  const more = (counts.turned[1]! - counts.turned[0]!) / (3 * some.length);
  const lost = (counts.upright[0]! - counts.upright[1]!) / some.length;
  if (more > mostMorePass || lost > mostLost)
    throw new Fault(
      'training-failed',
      `The trained network no longer tells which pictures are fit: ${counts.turned[1]} of ${3 * some.length} turned faces pass (${counts.turned[0]} before), ` +
        `${counts.upright[1]} of ${some.length} upright ones (${counts.upright[0]} before). Keep the network in use, or train with other pictures`,
    );
  return off / seen;
}
