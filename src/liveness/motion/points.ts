/**
 * The points of one track: a grey picture with a face goes in, points on the face, around it and far from it come out;
 * later pictures tell where they went. Pure, but for the places that it carries on.
 */
import type { Box, Landmarks } from '../../face/port.ts';
import { cornersOf } from './corners.ts';
import { faceFrame } from './depth.ts';
import type { Moved } from './plane.ts';
import { type FollowedPlace, followPatch, type Grey, type Pyramid, patchOf } from './tracks.ts';

/** On the face, in a ring around the head, or further out. */
export type FaceRegion = 'face' | 'ring' | 'scene';

export interface FollowedPoint {
  readonly patch: NonNullable<ReturnType<typeof patchOf>>;
  readonly region: FaceRegion;
  /** From the middle of the face's box, in halves of its width and height. */
  readonly u: number;
  readonly v: number;
  /** Of the latest picture. */
  now: FollowedPlace | undefined;
}

export interface Followed extends Moved {
  readonly region: FaceRegion;
  readonly u: number;
  readonly v: number;
}

/** Cells for each side of the face's box. */
const cellsAcross = 8;
/** (levels a pixel)²: half of it is what the noise of a poor camera makes. */
const leastOnFace = 3;
const leastAround = 8;
/** Eyes and mouth move on their own: this much around them is left out, in distances between the eyes. */
const eyeRadius = 0.22;
const mouthRadius = 0.45;

/** `box` and `landmarks` in pixels of the grey picture. */
export function pointsOf(pyramid: Pyramid, box: Box, landmarks: Landmarks): FollowedPoint[] {
  const grey = pyramid[0] as Grey;
  const centreX = (box.x1 + box.x2) / 2;
  const centreY = (box.y1 + box.y2) / 2;
  const halfWidth = (box.x2 - box.x1) / 2;
  const halfHeight = (box.y2 - box.y1) / 2;
  const place = faceFrame(landmarks);
  const cell = Math.max(5, (2 * halfWidth) / cellsAcross);
  const points: FollowedPoint[] = [];
  const take = (x: number, y: number, isWanted: (region: FaceRegion) => boolean) => {
    const u = (x - centreX) / halfWidth;
    const v = (y - centreY) / halfHeight;
    const region = regionOf(u, v);
    if (!region || !isWanted(region) || (region === 'face' && isLoose(place(x, y)))) return;
    const patch = patchOf(pyramid, x, y);
    if (patch) points.push({ patch, region, u, v, now: { x, y, errorPx: 0 } });
  };
  for (const { x, y } of cornersOf(grey, box, cell, leastOnFace)) take(x, y, (region) => region === 'face');
  // Around the face half the resolution is enough to choose from.
  const half = pyramid[1] as Grey;
  const whole = { x1: 0, y1: 0, x2: half.width, y2: half.height };
  for (const { x, y } of cornersOf(half, whole, Math.max(8, 0.8 * cell), leastAround)) take(2 * x, 2 * y, (region) => region !== 'face');
  return points;
}

function regionOf(u: number, v: number): FaceRegion | undefined {
  if (u * u + v * v <= 1) return 'face';
  if (Math.abs(u) <= 1.15 && Math.abs(v) <= 1.15) return undefined;
  // Neck, shoulders and chest go with the head, and not quite.
  if (v > 1 && Math.abs(u) < 3.5) return undefined;
  return Math.abs(u) <= 2.4 && v >= -2.4 ? 'ring' : 'scene';
}

function isLoose({ u, v }: { readonly u: number; readonly v: number }): boolean {
  if (Math.hypot(Math.abs(u) - 0.5, v) < eyeRadius) return true;
  return Math.hypot(u / 1.4, v - 1.15) < mouthRadius;
}

/** Follows every point into the next picture; those that are lost stay lost. */
export function followAll(points: readonly FollowedPoint[], pyramid: Pyramid): void {
  for (const point of points) {
    if (point.now) point.now = followPatch(point.patch, pyramid, point.now);
  }
}

export function followed(points: readonly FollowedPoint[]): Followed[] {
  return points.flatMap(({ patch, region, u, v, now }) =>
    now ? [{ region, u, v, x: patch.x, y: patch.y, nowX: now.x, nowY: now.y, errorPx: now.errorPx }] : [],
  );
}
