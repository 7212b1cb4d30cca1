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
/** Shares: of the turned faces how many more than before may pass, and of the upright ones how many may be lost. */
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
  const passed = { upright: { before: 0, after: 0 }, turned: { before: 0, after: 0 } };
  let [off, seen] = [0, 0];
  for (const face of some)
    for (const quarters of [0, 1, 2, 3]) {
      signal.throwIfAborted();
      const picture = quarters === 0 ? face : turned(face, before.width, before.height, quarters);
      const { fitness: first = 0 } = await before.judge(picture);
      const { fitness: second = 0 } = await after.judge(picture);
      const counts = quarters === 0 ? passed.upright : passed.turned;
      counts.before += Number(first >= least);
      counts.after += Number(second >= least);
      off += Math.abs(second - first);
      seen++;
    }
  const { upright, turned: odd } = passed;
  const more = (odd.after - odd.before) / (3 * some.length);
  const lost = (upright.before - upright.after) / some.length;
  if (more > mostMorePass || lost > mostLost)
    throw new Fault(
      'training-failed',
      `The trained network no longer tells which pictures are fit: ${odd.after} of ${3 * some.length} turned faces pass (${odd.before} before), ` +
        `${upright.after} of ${some.length} upright ones (${upright.before} before). Keep the network in use, or train with other pictures`,
    );
  return off / seen;
}
