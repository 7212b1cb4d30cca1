import { expect, test } from 'vitest';
import { requireFitness } from '../../src/recipes/finetune-fitness.ts';

const [width, height] = [4, 4];
/** Light above, dark below. */
const face = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i < 24 ? 200 : 20));
/** A network to which a face with light in its upper row has the one fitness, and any other has the other. */
const judging = (upright: number, turned: number) => ({
  ...{ width, height, leastFitness: 0.5 },
  judge: async (aligned: Uint8Array) => ({
    embedding: new Float32Array(1),
    fitness: aligned.subarray(0, 12).every((value) => value === 200) ? upright : turned,
  }),
});
const { signal } = new AbortController();
const faces = Array.from({ length: 20 }, () => [face]);

test('a network that tells turned faces from upright ones as before is kept, with how far its fitness moved', async () => {
  expect(await requireFitness(judging(0.9, 0.1), judging(0.8, 0.2), faces, signal)).toBeCloseTo(0.1);
});

test.each([
  ['passes turned faces', judging(0.9, 0.6), /60 of 60 turned faces pass \(0 before\)/],
  ['refuses upright faces', judging(0.4, 0.1), /0 of 20 upright ones \(20 before\)/],
])('one that %s is a fault', async (_, after, message) => {
  await expect(requireFitness(judging(0.9, 0.1), after, faces, signal)).rejects.toThrow(
    expect.objectContaining({ code: 'training-failed', message: expect.stringMatching(message) }),
  );
});

test('a network that does not tell it has nothing to keep', async () => {
  const { leastFitness: _, ...silent } = judging(0.9, 0.1);
  expect(await requireFitness(silent, judging(0.1, 0.9), faces, signal)).toBeUndefined();
});
