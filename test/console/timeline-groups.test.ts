/** Unknown faces in groups: those that the door takes for one person together, and never two whom it tells apart. */
import { expect, it } from 'vitest';
import { groupFaces } from '../../src/house/faces/groups.ts';
import { randomOf, unitVector } from '../fakes/embeddings.ts';

const dimension = 64;
const embedder = { dimension, head: { kind: 'cosine' as const, scale: 40, bias: -10 } };
const random = randomOf(11);
const faces = Array.from({ length: 4 }, () => unitVector(random, dimension));

/** `share`: how much of it is another face. */
function mixed(face: Float32Array, other: Float32Array, share: number): Float32Array {
  const sum = face.map((value, i) => value * (1 - share) + (other[i] ?? 0) * share);
  const length = Math.hypot(...sum);
  return sum.map((value) => value / length);
}
const at = (n: number) => faces[n] as Float32Array;
const together = (all: readonly Float32Array[], visits = all.map((_, n) => n), sameFrom = 20) =>
  groupFaces({ embedder, vectors: Float32Array.from(all.flatMap((face) => [...face])), visits, sameFrom });

it('pictures of one person are together, the largest group first', () => {
  const all = [at(0), at(1), mixed(at(1), at(3), 0.1), mixed(at(1), at(2), 0.1), mixed(at(0), at(2), 0.1)];
  expect(together(all)).toEqual([
    [1, 2, 3],
    [0, 4],
  ]);
});

it('pictures of one visit need less likeness, and two people of one visit stay apart', () => {
  const turned = mixed(at(0), at(2), 0.4);
  expect(together([at(0), turned], [1, 2], 30)).toEqual([[0], [1]]);
  expect(together([at(0), turned], [7, 7], 30)).toEqual([[0, 1]]);
  expect(together([at(0), at(1)], [7, 7], 30)).toEqual([[0], [1]]);
});

it('a face between two people joins neither to the other', () => {
  const between = mixed(at(0), at(1), 0.5);
  const groups = together([at(0), between, at(1)], [1, 2, 3], 10);
  expect(groups.flat().toSorted()).toEqual([0, 1, 2]);
  expect(groups.some((group) => group.includes(0) && group.includes(2))).toBe(false);
});
