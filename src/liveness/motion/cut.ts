/**
 * Whether another picture came in place of the one before, as on a slideshow. The places of the points on the face in
 * two frames that follow each other go in; what it comes to goes out. Pure. Two pictures of one person are alike enough
 * to be followed from one to the other, and what differs looks like depth. But all of it comes at once, and it is not
 * the depth of a head.
 */
import { type PlaceOnFace, parallaxOf } from './depth.ts';
import { distanceTo, fittedPlane, type Moved, medianOf } from './plane.ts';

interface Step {
  /** Median of the points' distances from where one plane puts them, shares of the distance between the eyes. */
  readonly scatter: number;
  readonly isCut: boolean;
}

/** Less scatter than this is none: a head that turns fast has as much. */
const leastScatter = 0.006;
/** So much more than in the frames before: what the noise of the camera makes is in all of them. */
const aboveUsual = 2;
/** A head that turns scatters the points as its depth does. On slideshows of generated people nine of ten have less. */
const leastSigmas = 5;
/** No head goes faster: distances between the eyes in a second. Generated nods reach 2, slides 4 to 6. */
const mostSpeed = 3;
/**
 * A head that goes so far from one frame to the next (distances between the eyes), as slides do, shows more depth than
 * theirs: 12.6 sigmas at least on generated nods and turns at 7.5 frames a second, slides 10 at most. Less scatter than
 * `farScatter` is a plane that is moved.
 */
const farStep = 0.19;
const farSigmas = 12;
const farScatter = 0.003;
const leastPoints = 14;

/** `usual`: median of the scatter in the frames before. Undefined: too few points. */
export function stepOf(
  points: readonly Moved[],
  place: PlaceOnFace,
  { interEyePx, ms, usual }: { readonly interEyePx: number; readonly ms: number; readonly usual: number },
): Step | undefined {
  const plane = points.length >= leastPoints ? fittedPlane(points) : undefined;
  if (!plane) return undefined;
  const scatter = medianOf(points.map((point) => distanceTo(plane, point))) / interEyePx;
  if (scatter < farScatter) return { scatter, isCut: false };
  const moved = medianOf(points.map(({ x, y, nowX, nowY }) => Math.hypot(nowX - x, nowY - y))) / interEyePx;
  const sigmas = parallaxOf(points, plane, place)?.sigmas ?? 0;
  const isUnusual = scatter >= Math.max(leastScatter, aboveUsual * usual) && (sigmas < leastSigmas || moved > (mostSpeed * ms) / 1000);
  return { scatter, isCut: isUnusual || (moved > farStep && sigmas < farSigmas) };
}
