/** What rooms hold of a person as the shredder sees it: trained networks and kept pictures, removed at once or by the next start. */
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Event } from '../../../src/events.ts';
import { galleryHolder, learningHolder } from '../../../src/house/removal/holders.ts';
import type { Holder } from '../../../src/house/removal/shredder.ts';
import { type LearningPlace, learnerName } from '../../../src/retrain/held/of-person.ts';
import type { KeyOwner } from '../../../src/vault/port.ts';
import { temporaryFolder } from '../../cli/facelatch.ts';
import { aboutOf, type BenchDoor, openBenchDoor, writeEmbedder } from '../../retrain/bench-door.ts';

let folder: ReturnType<typeof temporaryFolder>;
let door: BenchDoor;
let place: LearningPlace;
let journalled: Event[];
let learning: Holder;
beforeEach(async () => {
  folder = temporaryFolder();
  door = await openBenchDoor({ state: join(folder.path, 'state') });
  place = { store: door.store, bundles: door.bundles, jobs: join(door.state, 'jobs') };
  journalled = [];
  learning = learningHolder(place, (event) => void journalled.push(event));
});
afterEach(() => {
  door[Symbol.dispose]();
  folder[Symbol.dispose]();
});

async function network(name: string, people: readonly string[]): Promise<string> {
  const made = join(door.state, `made-${name}`);
  writeEmbedder(made, name);
  const { data, ...about } = aboutOf();
  const from = people.map((id) => learnerName(door.store.vault, id, data.digest) ?? '');
  const { id } = await door.registry.make(made, { ...about, data: { ...data, from } }, door.signer);
  door.registry.promote(id, '');
  return id;
}
const takenAt = '2026-01-05T12:00:00.000Z';
const owner = (person: string): KeyOwner => ({ person });

it('a network that learned from the person goes with them; the one below it guards, and the journal says both', async () => {
  const [ofBob, ofBoth] = [await network('1', ['bob']), await network('2', ['ada', 'bob'])];
  door.samples.keep({ seq: 1, takenAt, personId: 'ada', pictures: [Buffer.from('a picture of Ada')] });
  const held = learning.of('ada');
  expect(held.owners).toEqual([{ model: ofBoth }]);
  expect(held.traces.plain.map((bytes) => Buffer.from(bytes).toString())).toEqual(['a picture of Ada']);
  expect(held.traces.sealed).toHaveLength(1);
  door.store.vault.destroy([owner('ada'), ...held.owners]);
  held.forget();
  expect(door.registry.champion()?.id).toBe(ofBob);
  expect(journalled).toMatchObject([
    { kind: 'model.rolled-back', from: ofBoth, bundle: ofBob },
    { kind: 'model.removed', bundle: ofBoth },
  ]);
  expect([door.samples.kept(), learning.sweep([owner('ada'), ...held.owners])]).toEqual([[], []]);
});

it('a removal that was cut before the rows went is finished: pictures, networks and folders of jobs', async () => {
  const [ofBob, ofAda] = [await network('1', ['bob']), await network('2', ['ada'])];
  door.samples.keep({ seq: 1, takenAt, personId: 'ada', pictures: [Buffer.from('Ada')] });
  door.samples.keep({ seq: 2, takenAt, personId: 'bob', pictures: [Buffer.from('Bob')] });
  mkdirSync(join(place.jobs, 'job-1'), { recursive: true });
  const { owners } = learning.of('ada');
  door.store.vault.destroy([owner('ada'), ...owners]);
  expect(learning.sweep([owner('ada'), ...owners])).toEqual(['ada']);
  expect([door.registry.champion()?.id, door.registry.list().map(({ id }) => id)]).toEqual([ofBob, [ofBob]]);
  expect([existsSync(join(place.bundles, ofAda)), existsSync(join(place.jobs, 'job-1'))]).toEqual([false, false]);
  expect(door.samples.kept().map(({ seq }) => seq)).toEqual([2]);
  expect(learning.sweep([owner('ada'), ...owners])).toEqual([]);
  // Also where the pictures went, and the network did not.
  const last = await network('3', ['bob']);
  expect(learning.sweep([{ model: last }])).toEqual([]);
  expect(door.registry.list().map(({ id }) => id)).toEqual([ofBob]);
});

it('a gallery whose rows cannot be read is asked to forget all the same', () => {
  const forgotten: string[] = [];
  const unreadable = {
    enrolled: () => [],
    find: () => undefined,
    pictures: () => [],
    forget: (id: string) => forgotten.push(id) > 0,
  };
  const holder = galleryHolder(unreadable, join(folder.path, 'state', 'door-keys.json'));
  const held = holder.of('ada');
  expect(held.traces).toEqual({ plain: [], names: [], sealed: [] });
  held.forget();
  expect(forgotten).toEqual(['ada']);
});
