import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { newRandom, normal } from '../../src/base/random.ts';
import { calibrationTable, fitHead, largest } from '../../src/recipes/calibrate.ts';
import { cohortTrouble, comparedOn, learnedFrom, openCohort, writeCohort } from '../../src/recipes/cohort.ts';
import { lackOf } from '../../src/recipes/data.ts';
import { degrade, drawDegradation } from '../../src/recipes/degrade.ts';
import { centreOf, cosine, cosinesWith, rowsOf, scoresOf, toUnit } from '../../src/recipes/embeddings.ts';
import type { LabelledPerson, Sample } from '../../src/retrain/port.ts';

const folder = mkdtempSync(join(tmpdir(), 'facelatch-learning-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const random = newRandom(11);
const drawn = (size: number) => Float32Array.from({ length: size }, () => normal(random));

test('the centre of groups counts each group once', () => {
  const [x, y] = [Float32Array.of(1, 0), Float32Array.of(0, 1)];
  const [a, b] = centreOf([[x, x, x, x], [y], []]);
  expect(a).toBeCloseTo(Math.SQRT1_2);
  expect(b).toBeCloseTo(Math.SQRT1_2);
});

test.each([0, 3, 4, 11])('cosines with %i rows at once are those of one pair at a time, and nothing beside them is written', (count) => {
  const [probe, ...vectors] = Array.from({ length: count + 1 }, () => drawn(37));
  const [one, all] = [new Float64Array(15).fill(7), new Float64Array(15).fill(7)];
  for (const [from, until] of [
    [0, count],
    [Math.min(1, count), count],
    [0, Math.max(0, count - 1)],
  ] as const) {
    cosinesWith(probe!, rowsOf(vectors), from, until, all, 2);
    scoresOf(cosine)(probe!, rowsOf(vectors), from, until, one, 2);
    expect(all).toEqual(one);
    expect([...all.subarray(0, 2), ...all.subarray(2 + count)].every((value) => value === 7)).toBe(true);
  }
});

test.each([
  ['few', 50, 7],
  ['many', 60_000, 600],
  ['many, all of them', 30_000, 30_000],
  ['more than there are', 30, 40],
])('the largest of %s are those of a sorted list', (_, length, count) => {
  const values = Float64Array.from({ length }, () => normal(random));
  expect(largest(values, count).slice(0, count)).toEqual(values.toSorted().reverse().slice(0, count));
  // In order, a sample by stride tells nothing.
  const alike = Float64Array.from({ length }, (_value, i) => Math.min(5, i % 9));
  expect(largest(alike, count).slice(0, count)).toEqual(alike.toSorted().reverse().slice(0, count));
});

describe('calibration', () => {
  const scores = (mean: number, spread: number, count: number) =>
    Float64Array.from({ length: count }, () => mean + spread * normal(random));
  const cosines = { genuine: scores(0.6, 0.1, 2000), impostors: [scores(0, 0.1, 100_000), scores(0.05, 0.1, 20_000)] };
  const head = fitHead(cosines);

  test('the head gives genuine pictures logits above 0 and impostors below', () => {
    expect(head.scale * 0.6 + head.bias).toBeGreaterThan(1);
    expect(head.scale * 0.05 + head.bias).toBeLessThan(-1);
  });

  test('each row keeps its rate in every population, and the rows that too few impostors show are left out', () => {
    const { table } = calibrationTable(cosines, head, 'drawn');
    // As a door takes them: whoever reaches the logit. To the last comparison that is allowed.
    for (const { fmr, logit } of table)
      for (const some of cosines.impostors.filter(({ length }) => fmr * length >= 8))
        expect(some.filter((c) => head.scale * c + head.bias >= logit).length).toBeLessThanOrEqual(Math.floor(fmr * some.length + 1e-9));
    expect(table.at(-1)!.fmr).toBe(1e-4);
    expect(table.every((row, i) => i === 0 || row.logit > table[i - 1]!.logit)).toBe(true);
  });

  test('classes that do not touch leave the head finite', () => {
    const apart = fitHead({ genuine: Float64Array.of(0.9, 0.95), impostors: [Float64Array.of(-0.1, 0.1)] });
    expect(Number.isFinite(apart.scale) && Number.isFinite(apart.bias)).toBe(true);
  });
});

describe('the cohort on disk', () => {
  const people = Array.from({ length: 5 }, (_, i) => Array.from({ length: 3 + i }, () => toUnit(drawn(256))));
  const place = join(folder, 'cohort');
  writeCohort(place, { embedder: 'abc', dimension: 256, people }, { licence: 'none', provenance: 'drawn' });

  test('comes back person by person, to a cosine of 0.9999', () => {
    const read = openCohort(place);
    expect(read).toMatchObject({ embedder: 'abc', dimension: 256 });
    expect(read.people.map((own) => own.length)).toEqual([3, 4, 5, 6, 7]);
    expect(cohortTrouble(place, { name: 'twin', sha256: 'abc' })).toBeUndefined();
    expect(cohortTrouble(place, { name: 'twin', sha256: 'd' })).toBe('there is no cohort of strangers made with twin');
    for (const [i, own] of people.entries())
      for (const [j, e] of own.entries()) expect(cosine(e, read.people[i]![j]!)).toBeGreaterThan(0.9999);
  });

  test.each([
    ['another byte', 'embeddings.i8', (b: Buffer) => Buffer.concat([b.subarray(1), Buffer.of(7)]), 'model-damaged'],
    ['a manifest that is not JSON', 'manifest.json', () => Buffer.from('{'), 'model-damaged'],
    ['a manifest of something else', 'manifest.json', () => Buffer.from('{"kind":"face-embedder"}'), 'model-unfit'],
  ])('%s is a fault', (_, file, change, code) => {
    const bytes = readFileSync(join(place, file));
    writeFileSync(join(place, file), change(bytes));
    try {
      expect(() => openCohort(place)).toThrow(expect.objectContaining({ code }));
      expect(cohortTrouble(place, { name: 'twin', sha256: 'abc' })).toMatch(/^the cohort of strangers is not used \(.+\)$/);
    } finally {
      writeFileSync(join(place, file), bytes);
    }
  });

  test('nobody of it is both learned from and compared on', () => {
    const read = openCohort(place);
    expect([...learnedFrom(read).people, ...comparedOn(read).people].map((own) => own.length).sort()).toEqual([3, 4, 5, 6, 7]);
    expect(comparedOn(read).people).toHaveLength(1);
  });

  test('a missing folder is a fault that names the remedy', () => {
    expect(() => openCohort(join(folder, 'nowhere'))).toThrow(/facelatch models cohort/);
  });
});

describe('degradation', () => {
  const face = { width: 64, height: 64, rgb: Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * 37) % 200) };

  test('is the same under the same seed, another under another, and changes nothing that it was given', async () => {
    const before = face.rgb.slice();
    const worse = async (seed: number) => {
      const r = newRandom(seed);
      return degrade(face, drawDegradation(r), r);
    };
    const [one, again, other] = [await worse(1), await worse(1), await worse(2)];
    expect(one).toEqual(again);
    expect(one).not.toEqual(other);
    expect(one).toHaveLength(face.rgb.length);
    expect(face.rgb).toEqual(before);
  });

  test('less light is darker', async () => {
    const mean = (rgb: Uint8Array) => rgb.reduce((sum, v) => sum + v, 0) / rgb.length;
    const how = { cast: [1, 1], slope: 0, noise: 0, blur: 0, scale: 1, quality: 95 } as const;
    const [bright, dark] = [
      await degrade(face, { ...how, exposure: 1 }, newRandom(1)),
      await degrade(face, { ...how, exposure: 0.1 }, newRandom(1)),
    ];
    expect(Math.abs(mean(bright) - mean(face.rgb))).toBeLessThan(3);
    expect(mean(dark)).toBeLessThan(0.5 * mean(bright));
  });
});

describe('data that cannot be learned from', () => {
  const sample = (id: string): Sample => ({ id, picture: Uint8Array.of(), origin: 'enrolment', takenAt: '2026-11-01T12:00:00Z' });
  const person = (personId: string, ...ids: string[]): LabelledPerson => ({ personId, samples: ids.map(sample) });
  const need = { people: 3, pictures: 2 };

  test('says how much is missing of what', () => {
    const people = [person('a', 'a1', 'a2'), person('b', 'b1')];
    expect(lackOf({ people, strangers: [] }, 'adapt', need)).toBe(
      'adapt needs at least 3 people with 2 pictures each; there are 2 people, 1 of them with enough pictures: 2 more people with 2 pictures are missing',
    );
    expect(lackOf({ people: [], strangers: [] }, 'adapt', need)).toContain('there is nobody');
    expect(lackOf({ people: [person('a', 'a1', 'a2')], strangers: [] }, 'adapt', need)).toContain('there is only one');
    expect(lackOf({ people: [...people, person('c', 'c1', 'c2'), person('d', 'd1', 'd2')], strangers: [] }, 'adapt', need)).toBeUndefined();
  });
});
