/** Whether a door's promise is kept by the people of a folder: doors are drawn, strangers and residents tried. */
import { expect, it } from 'vitest';
import { modelFolder, shippedStrangers } from '../../../src/adapters/basics.ts';
import { type KnownPerson, keptPromises, type PromiseOptions } from '../../../src/cli/training/promise.ts';
import { promiseOf } from '../../../src/cli/training/promised-rates.ts';
import { openEmbedderNetwork } from '../../../src/face/manifest/embedder.ts';
import { loadConfig } from '../../../src/settings/load.ts';
import { near, randomOf, unitVector } from '../../fakes/embeddings.ts';

const { config } = loadConfig({});
const embedder = openEmbedderNetwork(modelFolder('embedder')).info;
const random = randomOf(5);
/** People who have nothing in common, or are all alike; eight pictures each. */
const sittersOf = (count: number, apart: number): KnownPerson[] => {
  const common = unitVector(random, embedder.dimension);
  return Array.from({ length: count }, (_, i) => {
    const own = near(common, apart, random);
    const faces = Array.from({ length: 8 }, () => ({ embedding: near(own, 0.2, random), usable: true, enrolable: true }));
    return { name: `p${i}`, faces };
  });
};
const options = (sitters: readonly KnownPerson[], part: Partial<PromiseOptions> = {}): PromiseOptions => ({
  ...{ embedder, policy: config.identity, sitters, targets: [1e-3, 1e-4], enrolled: 5, doors: 3, seed: 1 },
  ...{ strangers: shippedStrangers(embedder), cohort: [], ...part },
});

it('is kept by people who have nothing in common; where nothing was seen, the interval is of people', () => {
  const kept = keptPromises(options(sittersOf(12, 50)));
  expect(kept.map(({ target, layer }) => [target, layer])).toEqual([
    [1e-3, 'door'],
    [1e-4, 'door'],
  ]);
  for (const { fmr, fnmr } of kept) {
    expect(fmr).toEqual({ rate: 0, interval: [0, 0.25] });
    expect(fnmr?.rate).toBe(0);
  }
  expect(kept[1]!.threshold).toBeGreaterThan(kept[0]!.threshold);
});

it('is seen to be broken by people who are all alike', () => {
  for (const { fmr } of keptPromises(options(sittersOf(12, 0.3)))) {
    expect(fmr!.rate).toBeGreaterThan(0.5);
    expect(fmr!.interval[1]).toBeGreaterThanOrEqual(fmr!.rate);
  }
});

it('counts a presentation of three frames as refused when one of them is', () => {
  const sitters = sittersOf(12, 50).map(({ name, faces }) => ({
    name,
    // Of four usable frames one is of somebody else, so three of the four presentations have it in them.
    faces: faces.map((face, i) =>
      i < 4 ? face : { ...face, enrolable: false, ...(i === 7 && { embedding: unitVector(random, embedder.dimension) }) },
    ),
  }));
  for (const { fnmr } of keptPromises(options(sitters))) expect(fnmr?.rate).toBeCloseTo(0.75, 1);
});

it('shows each layer: the chances never ask for more than the table', () => {
  const kept = keptPromises(options(sittersOf(30, 50), { enrolled: 20, targets: [1e-4], layers: ['table', 'chances', 'door'] }));
  const [table, chances, door] = kept.map(({ threshold }) => threshold) as [number, number, number];
  expect(chances).toBeLessThanOrEqual(table);
  expect(door).toBeLessThan(chances);
});

it('has nothing to say without two people, without a calibration, or under the policy of the paper', () => {
  const { calibration: _, ...bare } = embedder;
  expect(promiseOf(config, embedder, sittersOf(1, 50))).toEqual([]);
  expect(promiseOf(config, bare, sittersOf(4, 50))).toEqual([]);
  expect(promiseOf({ ...config, identity: { ...config.identity, policy: 'paper' } }, embedder, sittersOf(4, 50))).toEqual([]);
  const alone = sittersOf(4, 50).map(({ name, faces }) => ({ name, faces: faces.slice(0, 1) }));
  expect(promiseOf(config, embedder, alone)).toMatchObject([
    { fmr: null, fnmr: null },
    { fmr: null, fnmr: null },
  ]);
});
