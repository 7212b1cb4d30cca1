/**
 * Whether a face and what is around it move as one plane, as a print or a phone in a hand does. The places of the
 * followed points go in; an opinion of this picture comes out. A head before a background does not obey one homography:
 * it moves against what is behind it, and its nose against its cheeks. Pure.
 */
import { type PlaceOnFace, parallaxOf } from './depth.ts';
import { distanceTo, type FittedPlane, fittedPlane, medianOf } from './plane.ts';
import type { Followed } from './points.ts';

export interface FlatOpinion {
  /** Share of the movement that one plane explains, 0…1. Absent: too little movement, or too few points. */
  readonly value?: number;
  readonly outcome: 'live' | 'spoof' | 'unsure';
  /** The rest of the picture moved along: the camera may have been shaken. */
  readonly whole: boolean;
  /** The face has turned so far, or is another one, that the first picture tells nothing of this one. */
  readonly isScattered: boolean;
}

/** On a smaller face the depth of a head is less than the error of the places. Pixels of the grey picture. */
const leastInterEyePx = 24;
/** Less movement than this tells nothing, pixels. The points are exact to a fifteenth of a pixel. */
const leastMovementPx = 2;
/** More than this share of the movement beside the plane is no plane. On live faces the least seen is 0.12. */
const mostBeside = 0.06;
/** However far the face went: hair that goes with a head that sways far is within the share. Pixels. */
const mostBesidePx = 0.35;
/**
 * A head that goes to the side shows this share of the movement as depth, at least; a plane is called one only where
 * three times the error is less.
 */
const depthShare = 0.06;
export const leastFacePoints = 14;
const leastRingPoints = 8;
const leastOnSide = 2;
const leastScenePoints = 6;
/** A point around the face goes with it if it is at most this far from its plane: share of the movement, pixels. */
const alongShare = 0.25;
const alongPx = 0.5;
/** Depth that noise alone shows once in some thousand pictures of prints. */
const leastSigmas = 5;
/** A face that may show depth is not called flat. */
const mostSigmas = 3.2;
/** Shares of the distance between the eyes. */
const leastParallax = 0.008;
const mostScatter = 0.025;

const nothing: FlatOpinion = { outcome: 'unsure', whole: false, isScattered: false };

/** `interEyePx`: in the first picture. */
export function flatOpinion(points: readonly Followed[], place: PlaceOnFace, interEyePx: number): FlatOpinion {
  const face = points.filter(({ region }) => region === 'face');
  const facePlane = face.length >= leastFacePoints && interEyePx >= leastInterEyePx ? fittedPlane(face) : undefined;
  if (!facePlane) return nothing;
  if (medianOf(face.map((point) => distanceTo(facePlane, point))) > mostScatter * interEyePx) return { ...nothing, isScattered: true };
  const depth = parallaxOf(face, facePlane, place);
  const isDeep = depth && depth.sigmas >= leastSigmas && depth.px >= leastParallax * interEyePx;
  if (isDeep) return { ...nothing, outcome: 'live', value: 0 };
  const movement = medianOf(face.map(movementOf));
  if (movement < leastMovementPx) return nothing;
  const ring = points.filter(({ region }) => region === 'ring');
  const along = ringAlong(face, ring, facePlane, movement);
  const plane = along.length >= leastRingPoints && sidesOf(along) >= 2 ? fittedPlane([...face, ...along]) : undefined;
  if (!plane) return nothing;
  const miss = (of: readonly Followed[]) => medianOf(of.map((point) => distanceTo(plane, point)));
  const besidePx = Math.max(miss(face), miss(along));
  const beside = besidePx / movement;
  const mayBeDeep = !depth || depth.sigmas > mostSigmas || !isWithoutDepth([...face, ...along], plane, place, movement);
  const isPlane = beside <= mostBeside && besidePx <= mostBesidePx && !mayBeDeep;
  const scene = points.filter(({ region }) => region === 'scene');
  const whole = scene.length >= leastScenePoints && miss(scene) <= 3 * mostBeside * movement;
  return { value: Math.max(0, 1 - beside), outcome: isPlane ? 'spoof' : 'unsure', whole, isScattered: false };
}

const movementOf = ({ x, y, nowX, nowY }: Followed): number => Math.hypot(nowX - x, nowY - y);

/** The points around the face that go with it. The second plane, on more points, tells better than the first. */
function ringAlong(face: readonly Followed[], ring: readonly Followed[], facePlane: FittedPlane, movement: number): readonly Followed[] {
  const most = Math.max(alongPx, alongShare * movement);
  const along = ring.filter((point) => distanceTo(facePlane, point) <= 2 * most);
  const plane = fittedPlane([...face, ...along]);
  return plane ? ring.filter((point) => distanceTo(plane, point) <= most) : [];
}

function isWithoutDepth(points: readonly Followed[], plane: FittedPlane, place: PlaceOnFace, movement: number): boolean {
  const depth = parallaxOf(points, plane, place, 'sideways');
  if (!depth) return false;
  const errorPx = depth.sigmas > 0 ? depth.px / depth.sigmas : Number.POSITIVE_INFINITY;
  return 3 * errorPx <= depthShare * movement && depth.px <= (depthShare / 2) * movement;
}

/** On how many sides of the head there are points. */
function sidesOf(ring: readonly Followed[]): number {
  const sides = [
    ring.filter(({ u }) => u < -1.15),
    ring.filter(({ u }) => u > 1.15),
    ring.filter(({ u, v }) => v < -1.15 && Math.abs(u) <= 1.15),
  ];
  return sides.filter(({ length }) => length >= leastOnSide).length;
}
