/** A removal at the running door, and one that was cut: the next start finishes it. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { vaultOf } from '../../src/adapters/vault.ts';
import { openLog } from '../../src/base/log.ts';
import { openDoorShredder } from '../../src/house/removal/open.ts';
import { storedPeople } from '../../src/identity/gallery/stored.ts';
import { rosterOf } from '../../src/identity/roster.ts';
import { wire } from '../../src/wire.ts';
import { temporaryFolder } from '../cli/facelatch.ts';
import { fakeCamera } from '../fakes/camera.ts';
import { doorConfig } from '../fakes/config.ts';
import { openPeopledDoor } from '../fakes/peopled-door.ts';
import { drawing, drawingReader } from '../fakes/reader.ts';
import { fakeRelay } from '../fakes/relay.ts';

it('files are searched beside the deciding thread, and the proof is journalled', async () => {
  using folder = temporaryFolder();
  using door = openPeopledDoor(folder.path);
  const { vault, gallery, journal, config } = door;
  const { person } = door.enrol('Ada Lovelace');
  await using shredder = openDoorShredder(config, { vault, gallery, record: journal.append, notes: journal }, undefined);
  expect(rosterOf({ gallery, journal, shred: shredder.shred }).remove(person.id)).toBe(true);
  // Nothing was learned at this door, so its kept pictures are not the shredder's: their sealed pieces are not looked for.
  expect(await shredder.proofs()).toMatchObject([{ personId: person.id, found: [], epoch: 2 }]);
  expect(journal.query({ personId: person.id }).map(({ event }) => event.kind)).toEqual(['person.removed', 'person.shredded']);
});

it('whoever was half removed when the power went is gone after the next start, which says so', async () => {
  using folder = temporaryFolder();
  const config = doorConfig({ 'state.folder': folder.path, 'face.idleFps': 0, 'identity.policy': 'paper' });
  const open = () => wire(config, openLog('silent'), { camera: fakeCamera(), reader: drawingReader(), relay: fakeRelay() });
  const picture = drawing({ face: 10 });
  let id: string;
  {
    await using house = await open();
    const template = (await house.reader.read(picture)).faces[0]!.embedding!;
    ({ id } = house.gallery.enrol({ name: 'Ada', pictures: [{ picture, template, source: 'test' }] }));
  }
  {
    using vault = vaultOf(config);
    vault.destroy([{ person: id }]);
  }
  expect(storedPeople(join(folder.path, 'people.sqlite'))).toEqual(new Set([id]));
  await using house = await open();
  expect([house.gallery.list(), storedPeople(join(folder.path, 'people.sqlite'))]).toEqual([[], new Set()]);
  expect(house.gallery.findings()).toMatchObject([{ kind: 'gallery.row-refused', personId: id, why: 'removed' }]);
});
