import { describe, expect, test } from 'vitest';
import type { NetworkPlace } from '../../src/base/model/place.ts';
import { newRandom, normal } from '../../src/base/random.ts';
import type { Embedding, FaceReader } from '../../src/face/port.ts';
import { logitOf } from '../../src/identity/siamese.ts';
import { calibrationCurve, fmrPerComparison } from '../../src/identity/threshold.ts';
import { compareNetworks } from '../../src/retrain/compare.ts';
import type { CompareRun, EnrolledCohort, LabelledPerson, Sample } from '../../src/retrain/port.ts';

const dimension = 32;
const unit = (vector: Float32Array): Embedding => vector.map((v) => v / Math.hypot(...vector));
const random = newRandom(3);
const direction = () => unit(Float32Array.from({ length: dimension }, () => normal(random)));

/** Pictures are numbers: person × 100 + which; a network sees the person's direction and noise of `spread`. */
const directions = Array.from({ length: 40 }, direction);
const sample = (person: number, which: number): Sample => {
  const number = person * 100 + which;
  return { id: `s${number}`, picture: Uint8Array.of(number >> 8, number & 255), origin: 'enrolment', takenAt: '2026-11-01T12:00:00Z' };
};
const person = (number: number, from: number, to: number): LabelledPerson => ({
  personId: `p${number}`,
  samples: Array.from({ length: to - from }, (_, i) => sample(number, from + i)),
});

function network(spread: number): FaceReader {
  return {
    embedder: {
      name: 'drawn',
      version: '1',
      sha256: String(spread),
      dimension,
      head: { kind: 'cosine', scale: 10, bias: 0 },
      calibration: {
        population: 'drawn',
        impostorPairs: 1e6,
        genuinePairs: 1000,
        table: [1e-1, 1e-2, 1e-3, 1e-4].map((fmr, i) => ({ fmr, logit: 3 + i, fnmr: 0.1 })),
      },
    },
    read: async ([high = 0, low = 0]) => {
      const number = high * 256 + low;
      const noise = newRandom(number);
      const centre = directions[Math.floor(number / 100)] as Embedding;
      const embedding = unit(centre.map((v) => v + (spread * normal(noise)) / Math.sqrt(dimension)));
      const face = { score: 1, embedding } as unknown as Awaited<ReturnType<FaceReader['read']>>['faces'][number];
      return { width: 100, height: 100, faces: number % 100 === 99 ? [] : [face], timings: { decode: 0, detect: 0, align: 0, embed: 0 } };
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

const parts = {
  fmrPerComparison,
  logitAt: (embedder: FaceReader['embedder'], fmr: number) => calibrationCurve(embedder.calibration!).logitAt(fmr).logit,
  logitOf,
  cohortOf: (): EnrolledCohort | undefined => undefined,
};

function runOf(champion: number, candidate: number, change: Partial<CompareRun> = {}): CompareRun {
  return {
    champion: { reader: network(champion), place: 'champion' },
    candidate: { reader: network(candidate), place: 'candidate' },
    frozen: {
      people: Array.from({ length: 20 }, (_, i) => person(i, 5, 12)),
      strangers: [[sample(30, 0)], [sample(31, 0), sample(31, 1)]],
    },
    enrolled: Array.from({ length: 20 }, (_, i) => person(i, 0, 5)),
    targetFmr: 0.01,
    seed: 1,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    ...change,
  };
}

describe('comparing two networks', () => {
  test('a network with less scatter is taken, with its figures', async () => {
    const { ok, detail, metrics } = await compareNetworks(runOf(1.2, 0.4), parts);
    expect(ok, detail).toBe(true);
    expect(metrics['candidate.fnmr']!.value).toBeLessThan(metrics['champion.fnmr']!.value);
    expect(metrics['frozen.probes']!.value).toBe(140);
    expect(metrics['impostor.comparisons']!.value).toBe(140 * 95 + 3 * 100);
    expect(detail).toMatch(/FNMR .* against the champion's .* on 140 frozen pictures of 20 people/);
  });

  test('one with more scatter is refused', async () => {
    expect((await compareNetworks(runOf(0.4, 1.2), parts)).ok).toBe(false);
  });

  test('a frozen picture that is a template, too, is not compared with itself', async () => {
    const enrolled = Array.from({ length: 20 }, (_, i) => person(i, 0, 12));
    const { metrics } = await compareNetworks(runOf(2, 2, { enrolled }), parts);
    expect(metrics['champion.fnmr']!.value).toBeGreaterThan(0.2);
  });

  test('a picture without a face counts as missed', async () => {
    const frozen = {
      people: Array.from({ length: 20 }, (_, i) => ({ personId: `p${i}`, samples: [sample(i, 99), sample(i, 7)] })),
      strangers: [],
    };
    const { metrics } = await compareNetworks(runOf(0.1, 0.1, { frozen }), parts);
    expect(metrics['champion.fnmr']!.value).toBe(0.5);
  });

  test('the cohort counts only where both networks can embed it', async () => {
    const stranger = (own: Embedding) => ({ templates: [own], probes: [], all: [own] });
    const cohort: EnrolledCohort = [stranger(directions[35]!), stranger(directions[36]!)];
    const counted = async (cohortOf: (place: NetworkPlace) => EnrolledCohort | undefined) =>
      (await compareNetworks(runOf(0.4, 0.4), { ...parts, cohortOf })).metrics['impostor.comparisons']!.value;
    const without = await counted(() => undefined);
    expect(await counted(() => cohort)).toBe(without + 200);
    expect(await counted((place) => (place === 'champion' ? cohort : undefined))).toBe(without);
  });

  test('on the cohort both networks are held to the door’s thresholds; where the candidate misses more of it, it is refused', async () => {
    const noisy = (index: number) => unit((directions[index] as Embedding).map((v) => v + (3 * normal(random)) / Math.sqrt(dimension)));
    const cohortOf = (place: NetworkPlace): EnrolledCohort =>
      [35, 36, 37].map((index) => {
        const own = directions[index]!;
        return { templates: [own], probes: [place === 'candidate' ? noisy(index) : own], all: [own] };
      });
    const { ok, reason, detail, metrics } = await compareNetworks(runOf(1.2, 0.4), { ...parts, cohortOf });
    expect([ok, reason]).toEqual([false, 'worse']);
    expect(detail).toMatch(/^it is worse on the cohort; FNMR .*; on the cohort 100.00 % against 0.00 %/);
    expect(metrics['cohort.fnmr.difference']!.value).toBe(1);
  });

  test('a network that is as good as the one in use brings no gain, and says so', async () => {
    const { ok, reason, detail } = await compareNetworks(runOf(0.4, 0.4), parts);
    expect([ok, reason]).toEqual([false, 'no-gain']);
    expect(detail).toMatch(/^no gain: the network in use stays; FNMR .*95 % interval 0.00 to 0.00/);
  });

  test('too few frozen pictures are no measurement, and the detail says how many there are', async () => {
    const frozen = { people: [person(0, 5, 8)], strangers: [] };
    const { ok, detail } = await compareNetworks(runOf(0.4, 0.4, { frozen }), parts);
    expect(ok).toBe(false);
    expect(detail).toContain('3 pictures of 1 person: at least 6 pictures of 2 people');
  });

  test('is ended by its signal', async () => {
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    await expect(compareNetworks(runOf(1, 1, { signal: stop.signal }), parts)).rejects.toThrow('stopped');
  });
});
