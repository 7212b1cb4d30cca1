/** The fit of rules for covered halves, on numbers in which the covering is one of many and a person is most of the rest. */
import { expect, it } from 'vitest';
import { newRandom, normal } from '../../../src/base/random.ts';
import { type CoverKind, type CoverSample, fitCover } from '../../../src/recipes/own/cover-fit.ts';

const [people, embedded, eyes] = [40, 6, 3];
const kinds: readonly CoverKind[] = ['free', 'surgical', 'dark', 'spectacles', 'scarf', 'mirrored'];

/** Masks raise the second number; sunglasses raise the first number of the eyes, mirrored ones by `mirrored`. */
function samplesOf({ mirrored }: { mirrored: number }): CoverSample[] {
  const random = newRandom(5);
  return Array.from({ length: people }, (_, person) => {
    const own = Array.from({ length: embedded + eyes }, () => normal(random));
    return [0, 1, 2].flatMap(() =>
      kinds.map((kind): CoverSample => {
        const seen = Float32Array.from(own, (value) => 0.5 * value + 0.1 * normal(random));
        if (kind === 'surgical' || kind === 'scarf') seen[1] = (seen[1] as number) + 4;
        if (kind === 'dark') seen[embedded] = (seen[embedded] as number) + 4;
        if (kind === 'mirrored') seen[embedded] = (seen[embedded] as number) + mirrored;
        return { person: `person ${person}`, kind, fit: kind !== 'scarf', seen };
      }),
    );
  }).flat();
}

const fitted = (mirrored: number, signal = new AbortController().signal, onProgress = (_: number, __: number) => {}) =>
  fitCover(samplesOf({ mirrored }), { embedded, signal, onProgress });

it('tells masks by the embeddings, sunglasses by the eyes too, on people from whom no rule was fitted', async () => {
  const stages: number[] = [];
  const { lower, upper, shares } = await fitted(4, undefined, (done, total) => stages.push(done / total));
  expect([lower.weights.length, upper.weights.length]).toEqual([embedded, embedded + eyes]);
  expect(shares.map(({ half, kind, faces, fit, passed }) => [half, kind, faces, fit, passed])).toEqual([
    ['lower', 'surgical', 120, 120, 0],
    // Not fit by quality: the rule has nothing to refuse.
    ['lower', 'scarf', 120, 0, 0],
    ['upper', 'dark', 120, 120, 0],
    ['upper', 'mirrored', 120, 120, 0],
  ]);
  expect(stages.at(-1)).toBe(1);
});

it('counts the covered faces that it cannot tell, and refuses hardly an uncovered one', async () => {
  const { upper, shares } = await fitted(0);
  expect(shares.find(({ kind }) => kind === 'mirrored')).toMatchObject({ fit: 120, passed: expect.toSatisfy((n: number) => n > 90) });
  const logit = (seen: Float32Array) => seen.reduce((sum, value, i) => sum + value * (upper.weights[i] as number), upper.bias);
  const free = samplesOf({ mirrored: 0 }).filter(({ kind }) => kind === 'free' || kind === 'spectacles');
  expect(free.filter(({ seen }) => logit(seen) > 0).length).toBeLessThan(0.05 * free.length);
});

it('the same samples give the same rules; it can be stopped', async () => {
  expect(await fitted(4)).toEqual(await fitted(4));
  await expect(fitted(4, AbortSignal.abort())).rejects.toThrow(/abort/i);
});
