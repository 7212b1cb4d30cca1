/** What is measured of a door's strangers: people are counted, not pictures, and scores of its own people are found. */
import { describe, expect, it } from 'vitest';
import { modelFolder } from '../../../src/adapters/basics.ts';
import { cohortAsSeen } from '../../../src/adapters/evidence.ts';
import { openEmbedderNetwork } from '../../../src/face/manifest/embedder.ts';
import type { Embedding } from '../../../src/face/port.ts';
import { pairsAlike } from '../../../src/identity/evidence/alike.ts';
import { digestOf } from '../../../src/identity/evidence/door.ts';
import { measureEvidence, sampleOf } from '../../../src/identity/evidence/measure.ts';
import type { EnrolledPerson } from '../../../src/identity/port.ts';
import { near, randomOf } from '../../fakes/embeddings.ts';

const embedder = openEmbedderNetwork(modelFolder('embedder')).info;
const folder = modelFolder('cohort');
/** Each person's first picture as it is, and the beginning of the next. */
const cohort = cohortAsSeen(folder, embedder, undefined);
const face = (person: number): Embedding => cohort[person]![0]!;
const alike = (of: Embedding, count: number): Embedding[] => {
  const random = randomOf(17);
  return Array.from({ length: count }, () => near(of, 0.1, random));
};
const measured = (people: readonly EnrolledPerson[], part: Partial<Parameters<typeof measureEvidence>[0]> = {}) =>
  measureEvidence({
    ...{ embedder, digest: digestOf(people), sample: sampleOf(people, embedder.dimension), cohort: [], visitors: [], chances: 5 },
    ...part,
  })!;
const people = (count: number): EnrolledPerson[] => Array.from({ length: count }, (_, i) => ({ id: `p${i}`, templates: [face(i)] }));

describe('the enrolled people', () => {
  it('of a door with one person, or none, say nothing', () => {
    for (const count of [0, 1]) expect(measured(people(count)).residents).toEqual({ people: 0, share: 0, excess: 0 });
  });

  it('are counted, not their pictures: a hundred of one person change nothing', () => {
    // One pair of them is beyond the level; counted by pictures, nine in ten would be.
    const few = [...people(8), { id: 'twin', templates: alike(face(0), 1) }];
    const many = few.map((person, i) => (i === 0 ? { ...person, templates: alike(face(0), 100) } : person));
    expect([measured(few).residents.people, measured(many).residents.people]).toEqual([9, 9]);
    expect(measured(few).residents.share).toBeGreaterThan(0.9 / 36);
    expect(Math.abs(measured(many).residents.share - measured(few).residents.share)).toBeLessThan(0.1 / 36);
  });

  it('who are twins are one pair among all, and no more than a table of one in 100,000', () => {
    const twins = [...people(8), { id: 'twin', templates: alike(face(0), 1) }];
    const { residents } = measured(twins);
    expect(residents.share - (28 / 36) * measured(people(8)).residents.share).toBeGreaterThan(0.9 / 36);
    expect(residents.excess).toBeLessThanOrEqual(residents.share * Math.log(1000) + 1e-9);
    const named = pairsAlike(embedder, twins, 9).map((pair) => pair.people);
    expect(named).toEqual([['p0', 'twin']]);
  });

  it('have another digest when one of them has another template', () => {
    const before = people(3);
    expect(digestOf(before)).toBe(digestOf(people(3)));
    expect(digestOf([{ ...before[0]!, templates: [face(9)] }, ...before.slice(1)])).not.toBe(digestOf(before));
    expect(digestOf(before.slice(1))).not.toBe(digestOf(before));
  });
});

describe('unknown visitors', () => {
  it('count by whether they reach what one in ten strangers reaches, however alike they are', () => {
    const visitors = [-5, 0, 1, 12, 25];
    expect(measured(people(2), { visitors }).visitors).toEqual({ visits: 5, share: 0.4 });
  });
});

describe('the cohort', () => {
  it('is none where it is of another embedder, or of no folder', () => {
    expect(cohortAsSeen(folder, { sha256: 'another' }, undefined)).toEqual([]);
    expect(cohortAsSeen('/nowhere', embedder, undefined)).toEqual([]);
    expect(measured(people(3)).cohort).toBeUndefined();
  });

  it('is seen as badly as the camera shows people: one version of each picture', () => {
    const pictures = cohort.map((own) => Math.floor(own.length / 3));
    for (const fitness of [0.5, 0.95]) expect(cohortAsSeen(folder, embedder, fitness).map((own) => own.length)).toEqual(pictures);
    expect([...cohortAsSeen(folder, embedder, 1)[0]![0]!]).toEqual([...face(0)]);
    const shown = measured(people(3), { cohort: cohortAsSeen(folder, embedder, 0.6).slice(3) });
    expect(shown.cohort!.people).toBe(cohort.length - 3);
    expect(shown.cohort!.share).toBeLessThan(0.1);
  });
});

it('an embedder without a calibration has no evidence', () => {
  const { calibration: _, ...bare } = embedder;
  expect(measured(people(3), { embedder: bare })).toBeUndefined();
});
