import { expect, test } from 'vitest';
import { newRandom } from '../../src/base/random.ts';
import { cosine, toUnit } from '../../src/recipes/embeddings.ts';
import { halfMoved, scoresOn } from '../../src/recipes/standing.ts';

const random = newRandom(2);
const size = 32;
const chance = () => toUnit(Float32Array.from({ length: size }, () => random() - 0.5));
/** Pictures of one person: alike, each with two worse versions. */
function person(pictures: number) {
  const own = chance();
  const near = () => toUnit(Float32Array.from(own, (value) => value + 0.3 * (random() - 0.5)));
  return Array.from({ length: pictures }, () => [near(), near(), near()]);
}
const run = { signal: new AbortController().signal, onProgress: () => undefined };

test('a template for each picture, between the picture and what all of them say', () => {
  const pictures = person(4);
  const templates = halfMoved(pictures);
  expect(templates.length).toBe(4);
  const all = halfMoved(pictures.map(([plain]) => [plain!]));
  for (const [i, template] of templates.entries()) {
    expect(Math.hypot(...template)).toBeCloseTo(1, 5);
    expect(cosine(template, pictures[i]![0]!)).toBeGreaterThan(0.9);
    for (const [j, other] of templates.entries())
      expect(cosine(template, other)).toBeGreaterThanOrEqual(cosine(pictures[i]![0]!, pictures[j]![0]!) - 1e-6);
  }
  expect(all.length).toBe(4);
});

test('one picture alone stands for itself', () => {
  const [[plain]] = person(1) as [[Float32Array]];
  expect(cosine(halfMoved([[plain]])[0]!, plain)).toBeCloseTo(1, 6);
});

test('everyone of the cohort is an impostor to each template of everyone else and of the door, and genuine to the half that was not enrolled', async () => {
  const people = [person(4), person(2), person(1)];
  const door = { people: [person(3), person(2)], strangers: [[chance()], [chance(), chance()]] };
  const cohort = { embedder: '', dimension: size, people: people.map((pictures) => pictures.flat()) };
  const { genuine, impostors } = await scoresOn(cohort, door, run);
  // Two probes with three versions each, one with three; the person of one picture has none.
  expect(genuine.length).toBe(6 + 3);
  expect(Math.min(...genuine)).toBeGreaterThan(Math.max(...impostors.flatMap((some) => [...some])));
  expect(impostors.map((some) => some.length)).toEqual([12 * 3 + 6 * 5 + 3 * 6, (12 + 6 + 3 + 3) * 5]);
});

test('stops when it is told to', async () => {
  const cohort = { embedder: '', dimension: size, people: [person(2).flat()] };
  const signal = AbortSignal.abort(new Error('enough'));
  await expect(scoresOn(cohort, { people: [], strangers: [] }, { ...run, signal })).rejects.toThrow('enough');
});
