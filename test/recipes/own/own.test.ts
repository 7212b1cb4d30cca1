/** What is fitted for a network of one's own, on people who are points on a sphere. */

import { describe, expect, it } from 'vitest';
import { newRandom, normal } from '../../../src/base/random.ts';
import { fitnessOf } from '../../../src/face/fitness.ts';
import { logitOf } from '../../../src/identity/siamese.ts';
import { fitFitness, thresholdsFrom } from '../../../src/recipes/own/fitness-fit.ts';
import { fitSiameseHead } from '../../../src/recipes/own/head.ts';
import { checkPictureLabels, type LabelledFace } from '../../../src/recipes/own/labelled.ts';
import { strictTable } from '../../../src/recipes/own/strict-table.ts';
import { probit } from '../../../src/train/figures/error-curves.ts';

const dimension = 24;
const random = newRandom(3);
const unit = (values: readonly number[]): Float32Array => {
  const length = Math.hypot(...values);
  return Float32Array.from(values, (v) => v / length);
};
const drawn = () => Array.from({ length: dimension }, () => normal(random));

interface Crowd {
  readonly people: number;
  readonly pictures: number;
  /** Of each picture, beside its person: by dimension. */
  readonly noise?: (at: number) => number;
  /** How much everybody has in common. */
  readonly common?: number;
}

function crowd({ people, pictures, noise = () => 0.45, common = 0 }: Crowd, first = 0): LabelledFace[] {
  const shared = drawn();
  return Array.from({ length: people }, (_, person) => {
    const centre = drawn().map((v, i) => v + common * (shared[i] as number));
    return Array.from({ length: pictures }, (__, k) => ({
      picture: `${first + person}/${k}.jpg`,
      person: first + person,
      embedding: unit(centre.map((v, i) => v + noise(i) * normal(random))),
    }));
  }).flat();
}

describe('labels', () => {
  const faces = crowd({ people: 12, pictures: 5 });
  const at = (person: number, k: number) => faces[5 * person + k] as LabelledFace;

  it('pictures of right labels are all right', () => {
    expect(checkPictureLabels(faces, 12)).toMatchObject({ mislabelled: [], alike: [] });
  });

  it('a picture of another person is named, with whom it shows; the others of both stay', () => {
    const wrong = { ...at(4, 2), person: 7, picture: 'strange.jpg' };
    const { mislabelled, right } = checkPictureLabels([...faces, wrong], 12);
    expect(mislabelled).toEqual([{ picture: 'strange.jpg', person: 7, nearer: 4 }]);
    expect(right).toHaveLength(faces.length);
  });

  it('one wrong picture does not make the right ones of its person look wrong, where another person is near', () => {
    const near = faces.map((face) => {
      const mate = at(0, Number(/\d+(?=\.jpg)/.exec(face.picture)?.[0])).embedding;
      return face.person === 1 ? { ...face, embedding: unit([...mate].map((v, i) => v + (i === 0 ? 0.9 : 0.02 * normal(random)))) } : face;
    });
    const wrong = { ...at(6, 1), person: 1, picture: 'strange.jpg' };
    expect(checkPictureLabels([...near, wrong], 12).mislabelled).toEqual([{ picture: 'strange.jpg', person: 1, nearer: 6 }]);
  });

  it('one person in two folders is named', () => {
    const many = crowd({ people: 12, pictures: 8 });
    const twice = many.map((face) => (face.person === 3 && face.picture > '3/4' ? { ...face, person: 12 } : face));
    const { alike, right } = checkPictureLabels(twice, 13);
    expect(alike).toEqual([[3, 12]]);
    expect(right.filter(({ person }) => person !== 3 && person !== 12)).toHaveLength(many.length - 8);
  });

  it('the only picture of a person cannot be judged', () => {
    expect(checkPictureLabels([...faces, { ...at(0, 0), person: 12, picture: 'alone.jpg' }], 13).mislabelled).toEqual([]);
  });
});

describe('the head', () => {
  it('is the cosine where a learned one is not better', () => {
    const { head } = fitSiameseHead(crowd({ people: 40, pictures: 4 }), crowd({ people: 20, pictures: 4 }, 40));
    expect(head.kind).toBe('cosine');
  });

  it('is learned where some dimensions tell nothing, and gives logits: 0 where both kinds are as likely', () => {
    // Two thirds of the dimensions are different in each picture.
    const noise = (at: number) => (at % 3 === 0 ? 0.2 : 2.2);
    const [learn, scale] = [crowd({ people: 80, pictures: 6, noise }), crowd({ people: 40, pictures: 6, noise }, 80)];
    const { head, missed } = fitSiameseHead(learn, scale);
    expect(head.kind).toBe('l1-logistic');
    expect(missed.learned).toBeLessThan(0.7 * missed.cosine);
    if (head.kind !== 'l1-logistic') return;
    const weightOf = (telling: boolean) => head.weights.filter((_, at) => (at % 3 === 0) === telling).reduce((sum, w) => sum + w, 0);
    expect(weightOf(true)).toBeGreaterThan(weightOf(false));
    const others = crowd({ people: 30, pictures: 4, noise }, 200);
    const logits = (same: boolean) =>
      others.flatMap((a, i) =>
        others.slice(0, i).flatMap((b) => ((a.person === b.person) === same ? [logitOf(head, a.embedding, b.embedding)] : [])),
      );
    const above = (values: readonly number[]) => values.filter((v) => v > 0).length / values.length;
    expect(Math.abs(above(logits(true)) - (1 - above(logits(false))))).toBeLessThan(0.1);
    expect(above(logits(true))).toBeGreaterThan(0.75);
  });
});

describe('the table', () => {
  const head = { kind: 'cosine', scale: 10, bias: -4 } as const;
  const options = {
    probit,
    logitOf: (a: Float32Array, b: Float32Array) => logitOf(head, a, b),
    signal: AbortSignal.timeout(60_000),
    onProgress: () => undefined,
  };
  const rateAt = (faces: readonly LabelledFace[], logit: number) => {
    const pairs = faces.flatMap((a, i) =>
      faces.slice(0, i).flatMap((b) => (a.person === b.person ? [] : [options.logitOf(a.embedding, b.embedding)])),
    );
    return pairs.filter((value) => value >= logit).length / pairs.length;
  };

  it('keeps its rates for other people of the kind, and allows for how few were measured', async () => {
    const table = await strictTable([{ name: 'a', faces: crowd({ people: 40, pictures: 4 }) }], options);
    expect(table.table.map(({ fmr }) => fmr).slice(0, 4)).toEqual([0.1, 0.03, 0.01, 0.003]);
    const others = crowd({ people: 150, pictures: 3 }, 100);
    for (const { fmr, logit, measured = 1, measuredInterval: [low, high] = [1, 1], fnmr, fnmrInterval } of table.table) {
      // Of 25 tables of 40 people, the rows down to 0.003 never promised too much, and the last one at most 1.8 times.
      expect(rateAt(others, logit)).toBeLessThan(fmr >= 0.003 ? fmr : 2.5 * fmr);
      expect(measured).toBeLessThanOrEqual(fmr);
      expect([low <= measured, measured <= high, high <= fmr, fnmrInterval[0] <= fnmr, fnmr <= fnmrInterval[1]]).not.toContain(false);
    }
    for (const [index, { fmr, logit }] of table.wild.table.entries())
      if (table.table[index]?.fmr === fmr) expect(table.table[index]?.logit).toBeGreaterThan(logit);
  });

  it('the population whose people resemble each other decides, also beyond what it is large enough to show', async () => {
    const populations = [
      { name: 'many', faces: crowd({ people: 60, pictures: 4 }) },
      { name: 'alike', faces: crowd({ people: 12, pictures: 4, common: 0.6 }, 100) },
    ];
    const { table, population } = await strictTable(populations, options);
    expect(population).toMatch(/strictest of 2 populations.*many \(60 people, 240 pictures\); alike \(12 people, 48 pictures\)/);
    expect(table[0]?.set).toBe('alike');
    expect(table.at(-1)?.set).toMatch(/^alike, continued from 0\.\d+$/);
    expect(table.at(-1)?.measured).toBeUndefined();
  });

  it('few pairs give few rows', async () =>
    expect((await strictTable([{ name: 'few', faces: crowd({ people: 8, pictures: 2 }) }], options)).table.length).toBeLessThan(3));

  it('ends when it is asked to', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    await expect(strictTable([{ name: 'a', faces: crowd({ people: 5, pictures: 2 }) }], { ...options, signal })).rejects.toThrow('stopped');
  });
});

describe('the quality head', () => {
  // The longer an embedding, the more of the person is left; its direction says nothing.
  const samples = (count: number) =>
    Array.from({ length: count }, () => {
      const left = random();
      const direction = unit(drawn());
      return { values: direction.map((v) => v * (2 + 8 * left)), left };
    });

  it('tells how much is left, of embeddings it has not seen, from the numbers as they go into the manifest', async () => {
    const layers = await fitFitness(samples(1500), { signal: AbortSignal.timeout(60_000), onEpoch: () => undefined });
    const head = layers.map(({ weights, bias }) => ({ weights: Float32Array.from(weights), bias: Float32Array.from(bias) }));
    const errors = samples(300).map(({ values, left }) => Math.abs(fitnessOf(head, values) - left));
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(0.12);
  });

  it('the thresholds are the usual ones, lower where they would refuse good pictures', () => {
    const good = Array.from({ length: 1000 }, (_, i) => 0.7 + i / 4000);
    expect(thresholdsFrom(good)).toEqual({ door: 0.5, enrolment: 0.6 });
    expect(thresholdsFrom(good.map((v) => v - 0.5))).toEqual({ door: 0.2, enrolment: 0.2 });
  });
});
