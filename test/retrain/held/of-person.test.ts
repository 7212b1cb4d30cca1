/** A removed person: what retraining holds of them is known, and gone, and the network before guards. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { forgetLearned, type LearningPlace, learnedOf, learnedOwners, learnerName } from '../../../src/retrain/held/of-person.ts';
import { temporaryFolder } from '../../cli/facelatch.ts';
import { aboutOf, type BenchDoor, openBenchDoor, writeEmbedder } from '../bench-door.ts';

let folder: ReturnType<typeof temporaryFolder>;
let door: BenchDoor;
let place: LearningPlace;
beforeEach(async () => {
  folder = temporaryFolder();
  door = await openBenchDoor({ state: join(folder.path, 'state') });
  place = { store: door.store, bundles: door.bundles, jobs: join(door.state, 'jobs') };
});
afterEach(() => {
  door[Symbol.dispose]();
  folder[Symbol.dispose]();
});

/** A network that learned from these people; undefined: it does not say. */
async function network(name: string, people: readonly string[] | undefined): Promise<string> {
  const made = join(door.state, `made-${name}`);
  writeEmbedder(made, name);
  const { data, ...about } = aboutOf();
  const from = people?.map((id) => learnerName(door.store.vault, id, data.digest) ?? '');
  return (await door.registry.make(made, { ...about, data: { ...data, ...(from && { from }) } }, door.signer)).id;
}

it('pictures, networks that learned from the person and the training under way are known by the person, and removed', async () => {
  const [ofBob, ofBoth, unsaid] = [await network('1', ['bob']), await network('2', ['ada', 'bob']), await network('3', undefined)];
  for (const id of [ofBob, ofBoth, unsaid]) door.registry.promote(id, '');
  door.samples.keep({ seq: 1, takenAt: '2026-01-05T12:00:00.000Z', personId: 'ada', pictures: [Buffer.from('ada')] });
  door.samples.keep({ seq: 2, takenAt: '2026-01-05T12:00:00.000Z', personId: 'bob', pictures: [Buffer.from('bob')] });
  const job = door.jobs.start({ recipe: 'adapt', where: 'door', by: 'test' });
  mkdirSync(join(place.jobs, job.id), { recursive: true });
  const held = learnedOf(place, 'ada');
  expect(held).toEqual({ keptPictures: 1, networks: [unsaid, ofBoth], jobs: [job.id] });
  expect(learnedOf(place, 'bob').networks).toEqual([unsaid, ofBoth, ofBob]);
  const { vault } = door.store;
  vault.destroy([{ person: 'ada' }, ...learnedOwners(held)]);
  expect(vault.destroyed().map(({ owner }) => owner)).toEqual(expect.arrayContaining([{ model: ofBoth }, { model: job.id }]));
  expect(forgetLearned(place, 'ada', held)).toBe(ofBob);
  expect([door.registry.champion()?.id, door.registry.before(), door.registry.list().map(({ id }) => id)]).toEqual([
    ofBob,
    'base',
    [ofBob],
  ]);
  expect([unsaid, ofBoth, ofBob].map((id) => existsSync(join(place.bundles, id)))).toEqual([false, false, true]);
  expect([existsSync(join(place.jobs, job.id)), door.samples.kept().map(({ seq }) => seq)]).toEqual([false, [2]]);
  expect(learnedOf(place, 'ada')).toEqual({ keptPictures: 0, networks: [], jobs: [] });
});

it('of a door whose only networks learned from the person, that of the configuration guards', async () => {
  const only = await network('1', ['ada']);
  door.registry.promote(only, '');
  const { changes } = door.registry;
  expect(forgetLearned(place, 'ada', learnedOf(place, 'ada'))).toBe('base');
  expect([door.registry.champion(), door.registry.before(), door.registry.changes > changes]).toEqual([undefined, undefined, true]);
  expect(forgetLearned(place, 'bob', learnedOf(place, 'bob'))).toBeUndefined();
});
