/** Which pictures belong together, on made-up embeddings. */
import { describe, expect, it } from 'vitest';
import type { EmbedderInfo, Embedding } from '../../src/face/port.ts';
import { alreadyEnrolled, samePerson, samePersonLogit, variedPictures } from '../../src/identity/enrolment.ts';
import type { Match, Threshold } from '../../src/identity/port.ts';
import { logitOf } from '../../src/identity/siamese.ts';
import { smallEmbedder } from '../contracts/gallery.ts';
import { near, randomOf, unitVector } from '../fakes/embeddings.ts';

const embedder: EmbedderInfo = { name: 'angle', version: '1', sha256: '', dimension: 2, head: { kind: 'cosine', scale: 1, bias: 0 } };
/** Embeddings on a circle: alike when their angles (degrees) are close; the logit is the cosine. */
const at = (degrees: number) => Float32Array.of(Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180));
const belonging = (angles: number[], known?: number[]) => samePerson(angles.map(at), embedder, 0.9, known).map(({ belongs }) => belongs);

describe('pictures of one person', () => {
  it('belong together when each resembles some other of them: a look to the left and one to the right need the one between', () => {
    expect(belonging([0, 20, -20])).toEqual([true, true, true]);
    expect(belonging([20, -20])).toEqual([false, false]);
  });

  it('leave the odd one out, with its greatest likeness to the others', () => {
    const [, , odd] = samePerson([at(0), at(5), at(90)], embedder, 0.9);
    expect(odd).toEqual({ belongs: false, logit: expect.closeTo(Math.cos((85 * Math.PI) / 180), 5) });
  });

  it('are nobody in particular where two groups are equally large', () => {
    expect(belonging([0, 5, 90, 95])).toEqual([false, false, false, false]);
  });

  it('are settled by those already enrolled, even against the greater number', () => {
    expect(belonging([0, 5, 90], [0.1, 0.1, 0.95])).toEqual([false, false, true]);
  });

  it('need no other: one picture stands for itself', () => {
    expect(samePerson([at(0)], embedder, 0.9)).toEqual([{ belongs: true }]);
  });
});

it('the likeness expected of one person is that of one in a hundred pairs of strangers, or even odds where nothing is known', () => {
  const rows = [
    { fmr: 0.1, logit: -2, fnmr: 0.01 },
    { fmr: 0.01, logit: 1, fnmr: 0.05 },
    { fmr: 0.001, logit: 4, fnmr: 0.2 },
  ];
  expect(samePersonLogit({ ...embedder, calibration: { population: '', impostorPairs: 1e6, genuinePairs: 1e3, table: rows } })).toBe(1);
  expect(samePersonLogit(embedder)).toBe(0);
});

describe('someone who would pass for another at the door', () => {
  const match = (personId: string, logit: number, share = 0): Match => ({ personId, logit, probability: 0.5, share });
  const gallery = (policy: Threshold['policy'], matches: Match[]) => ({
    threshold: { policy, logit: 5, fmr: 1e-4, extrapolated: false, detection: 0.99, verification: 0.8 },
    match: () => matches,
  });

  it('is found by the threshold in force, whichever policy that is', () => {
    const matches = [match('ada', 6, 0.5), match('bob', 4, 0.9)];
    expect(alreadyEnrolled([at(0)], gallery('target-fmr', matches), undefined)?.personId).toBe('ada');
    expect(alreadyEnrolled([at(0)], gallery('paper', matches), undefined)?.personId).toBe('bob');
  });

  it('is not the person to whom pictures are added', () => {
    expect(alreadyEnrolled([at(0)], gallery('target-fmr', [match('ada', 6), match('bob', 4)]), 'ada')).toBeUndefined();
  });
});

describe('the pictures that are stored', () => {
  const head = smallEmbedder.head;
  const gallery = (likeness?: (probe: Embedding) => number) => ({
    match: (probe: Embedding) => (likeness ? [{ personId: 'ada', logit: likeness(probe), probability: 0, share: 0 }] : []),
  });
  const random = randomOf(5);
  const looks = Array.from({ length: 4 }, () => unitVector(random, 8));
  /** Ten near-equal pictures of each of four looks. */
  const pictures = looks.flatMap((look, i) =>
    Array.from({ length: 10 }, (_, n) => ({ source: `${i}-${n}`, template: near(look, 0.05, random) })),
  );
  const looksOf = (chosen: readonly { source: string }[]) => chosen.map(({ source }) => source[0]);

  it('are all of them as long as they are few', () => {
    expect(variedPictures(pictures, 40, gallery(), { head }, undefined)).toEqual({ chosen: pictures, leftOut: [] });
  });

  it('are those that differ most, and the others are named', () => {
    const { chosen, leftOut } = variedPictures(pictures, 4, gallery(), { head }, undefined);
    expect(new Set(looksOf(chosen)).size).toBe(4);
    expect(leftOut).toHaveLength(36);
    expect([...chosen, ...leftOut].map(({ source }) => source).toSorted()).toEqual(pictures.map(({ source }) => source).toSorted());
  });

  it('are the fittest where they are near-equal', () => {
    const graded = pictures.map((picture, i) => ({ ...picture, fitness: i % 10 === 7 ? 0.9 : 0.7 }));
    const { chosen } = variedPictures(graded, 4, gallery(), { head }, undefined);
    expect(chosen.map(({ source }) => source)).toEqual(['0-7', '1-7', '2-7', '3-7']);
  });

  it('leave out an odd one that is hardly fit, however much it differs', () => {
    const group = Array.from({ length: 6 }, (_, n) => ({ source: `good-${n}`, template: near(looks[0]!, 0.3, random), fitness: 0.95 }));
    const odd = { source: 'odd', template: near(looks[0]!, 0.45, random), fitness: 0.05 };
    const left = (all: readonly { readonly source: string; readonly template: Embedding; readonly fitness?: number }[]) =>
      variedPictures(all, 6, gallery(), { head }, undefined).leftOut.map(({ source }) => source);
    expect(left([...group, odd])).toEqual(['odd']);
    expect(left([...group, { ...odd, fitness: 0.95 }])).not.toEqual(['odd']);
  });

  it('of a person who has some already differ from those too, and two more find room however many there are', () => {
    const stored = gallery((probe) => Math.max(logitOf(head, probe, looks[0]!), logitOf(head, probe, looks[1]!)));
    const { chosen } = variedPictures(pictures, 20, stored, { head }, { id: 'ada', pictures: 20 });
    expect(looksOf(chosen).toSorted()).toEqual(['2', '3']);
    expect(variedPictures(pictures, 20, stored, { head }, { id: 'ada', pictures: 16 }).chosen).toHaveLength(4);
  });
});
