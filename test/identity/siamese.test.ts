/** The Siamese head: the plain formula, its limits, and the fast search held to it. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Embedding, Head } from '../../src/face/port.ts';
import type { Match } from '../../src/identity/port.ts';
import { gallerySearch } from '../../src/identity/search.ts';
import { logitOf, logitOfProbability, probabilityOf, templateMatrix } from '../../src/identity/siamese.ts';
import { smallEmbedder } from '../contracts/gallery.ts';
import { randomOf, unitVector } from '../fakes/embeddings.ts';

const manifest = JSON.parse(readFileSync(new URL('../../models/embedder/manifest.json', import.meta.url), 'utf8'));
const f = (...values: number[]): Embedding => Float32Array.from(values);

/** A head over `dimension` numbers; `l1-logistic` weights of either sign. */
const heads = (dimension: number): fc.Arbitrary<Head> =>
  fc.oneof(
    fc.record({
      kind: fc.constant('l1-logistic' as const),
      weights: fc.array(fc.float({ min: -2, max: 4, noNaN: true }), { minLength: dimension, maxLength: dimension }),
      bias: fc.float({ min: -30, max: 30, noNaN: true }),
    }),
    fc.record({
      kind: fc.constant('cosine' as const),
      scale: fc.float({ min: Math.fround(0.1), max: 40, noNaN: true }),
      bias: fc.float({ min: -30, max: 30, noNaN: true }),
    }),
  );

describe('the Siamese head', () => {
  it('is bias less the weighted absolute differences', () => {
    const head: Head = { kind: 'l1-logistic', weights: [2, 0.5, -1], bias: 3 };
    expect(logitOf(head, f(1, 0, 0), f(0, 1, 0.5))).toBeCloseTo(3 - 2 - 0.5 + 0.5, 12);
  });

  it('is scale times cosine plus bias for an embedder without a learned head', () => {
    expect(logitOf({ kind: 'cosine', scale: 10, bias: -4 }, f(0.6, 0.8), f(0.8, 0.6))).toBeCloseTo(10 * 0.96 - 4, 5);
  });

  it('gives an embedding and itself the bias, and does not care which of two comes first', () => {
    const { head } = manifest;
    const random = randomOf(1);
    const [a, b] = [unitVector(random, 256), unitVector(random, 256)];
    expect(logitOf(head, a, a)).toBe(head.bias);
    expect(logitOf(head, a, b)).toBe(logitOf(head, b, a));
    expect(logitOf(head, a, b)).toBeLessThan(head.bias);
  });

  it('refuses embeddings of another dimension', () => {
    expect(() => logitOf({ kind: 'l1-logistic', weights: [1, 1], bias: 0 }, f(1, 0), f(1, 0, 0))).toThrow(/cannot be compared/);
    expect(() => logitOf({ kind: 'cosine', scale: 1, bias: 0 }, f(1, 0), f(1, 0, 0))).toThrow(/cannot be compared/);
  });

  it('turns logits into probabilities and back', () => {
    expect(probabilityOf(0)).toBe(0.5);
    expect(probabilityOf(-800)).toBe(0);
    expect(probabilityOf(800)).toBe(1);
    fc.assert(fc.property(fc.double({ min: -20, max: 20, noNaN: true }), (x) => Math.abs(logitOfProbability(probabilityOf(x)) - x) < 1e-5));
  });
});

describe('the search among many templates', () => {
  it('agrees with the plain formula for any head, dimension and number of templates', () => {
    const cases = fc
      .record({ dimension: fc.integer({ min: 1, max: 70 }), count: fc.integer({ min: 0, max: 40 }), seed: fc.nat() })
      .chain((size) => heads(size.dimension).map((head) => ({ ...size, head })));
    fc.assert(
      fc.property(cases, ({ dimension, count, seed, head }) => {
        const random = randomOf(seed);
        const templates = Array.from({ length: count }, () => unitVector(random, dimension));
        const probe = unitVector(random, dimension);
        const matrix = templateMatrix(head, dimension);
        matrix.load(templates);
        const logits = matrix.score(probe);
        expect(logits).toHaveLength(count);
        templates.forEach((template, i) => {
          expect(Math.abs(logits[i]! - logitOf(head, probe, template))).toBeLessThan(1e-4);
        });
      }),
    );
  });

  it('agrees with the plain formula on the shipped head over thousands of templates', () => {
    const random = randomOf(7);
    const templates = Array.from({ length: 3000 }, () => unitVector(random, 256));
    const matrix = templateMatrix(manifest.head, 256);
    matrix.load(templates);
    for (const probe of [unitVector(random, 256), templates[2999]!]) {
      const logits = matrix.score(probe);
      const worst = Math.max(...templates.map((template, i) => Math.abs(logits[i]! - logitOf(manifest.head, probe, template))));
      expect(worst).toBeLessThan(1e-4);
    }
  });

  it('holds only what was loaded last', () => {
    const random = randomOf(3);
    const matrix = templateMatrix(manifest.head, 256);
    expect(matrix.score(unitVector(random, 256))).toHaveLength(0);
    matrix.load(Array.from({ length: 500 }, () => unitVector(random, 256)));
    const [kept] = [unitVector(random, 256)];
    matrix.load([kept]);
    expect(matrix.count).toBe(1);
    expect(matrix.score(kept)[0]).toBeCloseTo(manifest.head.bias, 4);
    matrix.load([]);
    expect(matrix.score(kept)).toHaveLength(0);
  });

  it('finds the same after any changes as if everybody had been loaded at once', () => {
    const steps = fc.array(fc.record({ id: fc.integer({ min: 0, max: 6 }), templates: fc.integer({ min: 0, max: 4 }), seed: fc.nat() }));
    fc.assert(
      fc.property(steps, (changes) => {
        const [changed, loaded] = [gallerySearch(smallEmbedder, 0.9), gallerySearch(smallEmbedder, 0.9)];
        const people = new Map<string, { id: string; templates: Embedding[] }>();
        for (const { id, templates, seed } of changes) {
          const random = randomOf(seed);
          const person = { id: `p${id}`, templates: Array.from({ length: templates }, () => unitVector(random, 8)) };
          people.set(person.id, person);
          changed.change([person]);
        }
        const held = [...people.values()].filter(({ templates }) => templates.length > 0);
        loaded.load(held);
        const probe = unitVector(randomOf(1), 8);
        const byId = (matches: readonly Match[]) => matches.toSorted((a, b) => (a.personId < b.personId ? -1 : 1));
        expect(changed.count).toBe(held.reduce((sum, { templates }) => sum + templates.length, 0));
        expect(byId(changed.match(probe))).toEqual(byId(loaded.match(probe)));
      }),
    );
  });

  it('refuses a head, a template or a probe of another dimension', () => {
    expect(() => templateMatrix(manifest.head, 128)).toThrow(/cannot be compared/);
    const matrix = templateMatrix(manifest.head, 256);
    expect(() => matrix.load([f(1, 0)])).toThrow(/cannot be compared/);
    expect(() => matrix.score(f(1, 0))).toThrow(/cannot be compared/);
  });
});
