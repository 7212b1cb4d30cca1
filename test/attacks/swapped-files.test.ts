/** Somebody who can write to the state folder swaps or removes the files of a running door. */

import { copyFileSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { galleryOf } from '../../src/adapters/basics.ts';
import { journalOf } from '../../src/adapters/journal.ts';
import { vaultOf } from '../../src/adapters/vault.ts';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import type { Event } from '../../src/events.ts';
import { openShredder } from '../../src/house/removal/open.ts';
import { rosterOf } from '../../src/identity/roster.ts';
import { dryRelay } from '../../src/relay/dry.ts';
import type { Config } from '../../src/settings/load.ts';
import { type House, wire } from '../../src/wire.ts';
import { type FakeCamera, fakeCamera } from '../fakes/camera.ts';
import { doorConfig } from '../fakes/config.ts';
import { writeOldGallery } from '../fakes/old-gallery.ts';
import { drawing, drawingReader } from '../fakes/reader.ts';

/** Where the faces of people lie: nothing is said here about how they are recognised. */
const faces = { p01: 0, p02: 120, p03: 240 } as const;
type Name = keyof typeof faces;

let folder: string;
let camera: FakeCamera;
let events: Event[];
let house: House;
let relay: ReturnType<typeof dryRelay>;
let config: Config;
let stop: () => Promise<void>;
const inState = (name: string) => join(folder, 'state', name);

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-swapped-files-'));
  const settings = {
    'identity.policy': 'paper',
    'face.idleFps': 0,
    'access.absenceMs': 300,
    'access.maxFrameAgeMs': 5000,
    'access.windowMs': 5000,
    'access.cooldownMs': 0,
  };
  config = doorConfig({ 'state.folder': join(folder, 'state'), ...settings });
  await start();
});

async function start(): Promise<void> {
  camera = fakeCamera();
  events = [];
  relay = dryRelay({ clock: systemClock, ...config.relay });
  house = await wire(config, openLog('silent'), { camera, relay, reader: drawingReader(), onEvent: (event) => events.push(event) });
  const end = new AbortController();
  const running = house.run(end.signal);
  stop = async () => {
    end.abort(new Error('the test is over'));
    await running;
    await house[Symbol.asyncDispose]();
  };
}
afterEach(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

async function enrol(name: Name) {
  const picture = drawing({ face: faces[name] });
  const template = (await house.reader.read(picture)).faces[0]?.embedding as Float32Array;
  return house.gallery.enrol({ name, pictures: [{ picture, template, source: 'test' }] });
}
let frame = 0;
const comes = async (name: Name) => {
  for (let i = 0; i < 6; i++) await camera.push(drawing({ face: faces[name], tag: `${++frame}` }));
};
const seen = (wanted: Partial<Event>) =>
  expect.poll(() => events, { timeout: 15_000, interval: 20 }).toContainEqual(expect.objectContaining(wanted));

it('a backup moved over the people: who was removed after it was made is still removed, and who is in it comes in', async () => {
  await enrol('p01');
  copyFileSync(inState('people.sqlite'), inState('backup'));
  await enrol('p03');
  renameSync(inState('backup'), inState('people.sqlite'));
  await seen({ kind: 'gallery.replaced', people: 1 });
  await comes('p03');
  await seen({ kind: 'access.denied', reason: 'unknown' });
  expect(relay.edges).toEqual([]);
  await comes('p01');
  await seen({ kind: 'access.granted' });
});

it('the people taken away: nobody comes in, the door says why and counts no failure, until they are back', async () => {
  await enrol('p01');
  renameSync(inState('people.sqlite'), inState('away'));
  await seen({ kind: 'gallery.lost' });
  await comes('p01');
  await seen({ kind: 'access.denied', reason: 'gallery-down' });
  expect(events.filter((event) => 'failures' in event)).toEqual([]);
  expect(relay.edges).toEqual([]);
  renameSync(inState('away'), inState('people.sqlite'));
  await seen({ kind: 'gallery.replaced', people: 1 });
  await comes('p01');
  await seen({ kind: 'access.granted' });
});

it('the keyring and the people of last week put back while the door stands still: who was removed since stays out', async () => {
  const { id } = await enrol('p01');
  await enrol('p03');
  await stop();
  const files = ['vault.sqlite', 'people.sqlite'];
  for (const name of files) copyFileSync(inState(name), join(folder, name));
  await removedByCommand(id);
  for (const name of files) copyFileSync(join(folder, name), inState(name));

  await start();
  expect(house.gallery.list().map(({ name }) => name)).toEqual(['p03']);
  expect(house.journal.query({ kinds: ['vault.replaced'] })).toMatchObject([{ event: { had: 2, has: 1, removed: 1 } }]);
  await comes('p01');
  await seen({ kind: 'access.denied', reason: 'unknown' });
  expect(relay.edges).toEqual([]);
  await comes('p03');
  await seen({ kind: 'access.granted' });
});

/** As `facelatch people remove` does it. */
async function removedByCommand(id: string): Promise<void> {
  using vault = vaultOf(config);
  using journal = journalOf(config);
  using gallery = galleryOf(config, house.reader.embedder, vault);
  using shredder = openShredder(config, { vault, gallery, record: journal.append, notes: journal });
  rosterOf({ gallery, journal, shred: shredder.shred }).remove(id);
  await shredder.proofs();
}

it('one SQL update that gives a resident the template of a stranger: the stranger stays out', async () => {
  const { id } = await enrol('p01');
  const stranger = (await house.reader.read(drawing({ face: faces.p02 }))).faces[0]?.embedding as Float32Array;
  const db = new DatabaseSync(inState('people.sqlite'));
  db.prepare('UPDATE templates SET vector = ?').run(new Uint8Array(stranger.buffer, stranger.byteOffset, stranger.byteLength));
  db.close();
  await seen({ kind: 'gallery.row-refused', row: 'template', personId: id });
  await comes('p02');
  await seen({ kind: 'access.denied', reason: 'unknown' });
  expect(relay.edges).toEqual([]);
});

it('a plain gallery of an earlier version with a stranger in it, in the place of the sealed one: the stranger stays out', async () => {
  await enrol('p01');
  const picture = drawing({ face: faces.p02 });
  const template = (await house.reader.read(picture)).faces[0]?.embedding as Float32Array;
  const people = [{ name: 'Eve', pictures: [{ picture, template, source: 'eve.jpg' }] }];
  writeOldGallery(inState('plain'), 5, { people, embedder: house.reader.embedder.sha256 });
  renameSync(inState('plain'), inState('people.sqlite'));
  await seen({ kind: 'gallery.row-refused', row: 'person', personId: 'old-0' });
  await comes('p02');
  await seen({ kind: 'access.denied', reason: 'unknown' });
  expect(relay.edges).toEqual([]);
});

it('the journal taken away: nobody comes in without a record, and it is no journal of 0 entries', async () => {
  await enrol('p01');
  for (const end of ['', '-wal', '-shm']) renameSync(inState(`journal.sqlite${end}`), inState(`away${end}`));
  await comes('p01');
  await seen({ kind: 'access.denied', reason: 'journal-down' });
  expect(relay.edges).toEqual([]);
  for (const end of ['', '-wal', '-shm']) renameSync(inState(`away${end}`), inState(`journal.sqlite${end}`));
  await comes('p01');
  await seen({ kind: 'access.granted' });
});
