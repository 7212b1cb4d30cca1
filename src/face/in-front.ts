/**
 * Who stands in front. In: the faces of each frame. Out: whether the first of them only seems to be in front, because
 * the face of somebody nearer was not found in this frame. Otherwise a stranger who looks down at the door would be let
 * in on the face of a resident who waits behind.
 */
import type { Box, Face, Reading } from './port.ts';

export interface InFrontWatch {
  /** True: nobody in this frame is the visitor. */
  isBehind(reading: Reading, atMs: number): boolean;
}

/** How long somebody stays in front whose face is not found. Milliseconds. */
const holdMs = 2000;
/** So many frames in a row without any face show that nobody is there. */
const emptyFrames = 3;
/** Cosine. Turned and blurred faces of one person give more, two people less. */
const sameFace = 0.5;

/** `dominance`: a face of at least this share of the largest one's area is in front too, 0…1. */
export function inFrontWatch(dominance: number): InFrontWatch {
  let front: { readonly face: Face; readonly atMs: number } | undefined;
  let empty = 0;
  return {
    isBehind: ({ faces: [first] }, atMs) => {
      empty = first ? 0 : empty + 1;
      if (empty >= emptyFrames) front = undefined;
      if (!first) return false;
      const held = front && atMs - front.atMs < holdMs ? front.face : undefined;
      if (held && areaOf(first.box) < dominance * areaOf(held.box) && !isOne(first, held)) return true;
      front = { face: first, atMs };
      return false;
    },
  };
}

const areaOf = ({ x1, y1, x2, y2 }: Box): number => (x2 - x1) * (y2 - y1);

/** One person who steps back: by the face, or by the place where one of the faces was not good enough. */
function isOne({ box: a, embedding: of }: Face, { box: b, embedding: other }: Face): boolean {
  if (of && other) return of.reduce((sum, v, i) => sum + v * (other[i] ?? 0), 0) >= sameFace;
  return a.x1 < b.x2 && b.x1 < a.x2 && a.y1 < b.y2 && b.y1 < a.y2;
}
