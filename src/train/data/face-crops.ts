/**
 * Training on faces alone. In: where the face is in each picture. Out: the square to cut, and a split without the
 * pictures that have no face.
 */
import { type Part, requirePairs, type Split } from './dataset.ts';

/** A rectangle in shares of a picture's width and height, 0…1: it holds for the picture at any size. */
export interface Crop {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** By path; a picture that is not in it shows no face. */
export type FaceCrops = ReadonlyMap<string, Crop>;

export interface FaceBox {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** Includes a little hair and chin; pictures that are already cut to the face have no more. */
const margin = 1.2;

/** The square around a box, pixels, moved inside a picture of `width` × `height`; smaller where the picture is. */
export function squareAbout({ x1, y1, x2, y2 }: FaceBox, width: number, height: number): Crop {
  const side = Math.min(margin * Math.max(x2 - x1, y2 - y1), width, height);
  const start = (middle: number, whole: number) => Math.min(Math.max(0, middle - side / 2), whole - side);
  return {
    left: start((x1 + x2) / 2, width) / width,
    top: start((y1 + y2) / 2, height) / height,
    width: side / width,
    height: side / height,
  };
}

/**
 * Works on the finished split: who is in which part must not depend on a detector. Throws Fault `bad-argument` where
 * a part has no pair left.
 */
export function facesOnly(split: Split, faces: FaceCrops): Split {
  const shown = (part: Part): Part => {
    const subjects = part.subjects.map(({ name, first, second }) => {
      const kept = first.filter((path) => faces.has(path));
      return { name, first: kept, second: first === second ? kept : second.filter((path) => faces.has(path)) };
    });
    const left = { name: part.name, subjects: subjects.filter(({ first, second }) => first.length + second.length > 0) };
    requirePairs(left, `the ${part.name} part, without the pictures that show no face (--crop),`);
    return left;
  };
  return { train: shown(split.train), validation: shown(split.validation), test: shown(split.test) };
}
