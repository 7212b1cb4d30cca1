/** A running house takes the backup that its schedule missed, and a door of the same people comes out of it. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { placeStaged, stageBackup, takeOver } from '../../src/adapters/restore.ts';
import { vaultFiles } from '../../src/adapters/vault.ts';
import { openLog } from '../../src/base/log.ts';
import type { Event } from '../../src/events.ts';
import { derivedKey } from '../../src/vault/derived.ts';
import { keyIn } from '../../src/vault/key-file.ts';
import { wire } from '../../src/wire.ts';
import { fakeCamera } from '../fakes/camera.ts';
import { doorConfig } from '../fakes/config.ts';
import { drawing, drawingReader } from '../fakes/reader.ts';
import { fakeRelay } from '../fakes/relay.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-flow-backup-'));
  mkdirSync(join(folder, 'backups'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const configOf = (state: string) =>
  doorConfig({
    'identity.policy': 'paper',
    'state.folder': join(folder, state),
    'backup.folder': join(folder, 'backups'),
    'backup.schedule': 'daily 00:00',
  });

async function open(state: string, onEvent: (event: Event) => void = () => undefined) {
  const overrides = { camera: fakeCamera(), reader: drawingReader(), relay: fakeRelay(), clockSynchronised: () => true, onEvent };
  return wire(configOf(state), openLog('silent'), overrides);
}

it('takes it beside the people who come and go, and they are in it', { timeout: 30_000 }, async () => {
  const taken = Promise.withResolvers<Event>();
  const house = await open('state', (event) => {
    if (event.kind.startsWith('backup.')) taken.resolve(event);
  });
  const picture = drawing({ face: 10 });
  const [seen] = (await house.reader.read(picture)).faces;
  house.gallery.enrol({ name: 'Ada', pictures: [{ picture, template: seen?.embedding as Float32Array, source: 'test' }] });
  const end = new AbortController();
  const running = house.run(end.signal);
  expect(await taken.promise).toMatchObject({ kind: 'backup.taken', by: 'schedule' });
  end.abort(new Error('the test is over'));
  await running;
  await house[Symbol.asyncDispose]();

  const [name = ''] = readdirSync(join(folder, 'backups'));
  const kek = keyIn(vaultFiles(configOf('state')).beside) ?? new Uint8Array(32);
  const other = configOf('other');
  const staged = await stageBackup(other, {
    ...{ file: join(folder, 'backups', name), opener: { scalar: derivedKey(kek, 'backup identity') } },
    ...{ signal: new AbortController().signal, onProgress: () => undefined },
  });
  placeStaged(other, staged, await takeOver(other, staged, kek), kek);
  await using again = await open('other');
  expect(again.gallery.list()).toMatchObject([{ name: 'Ada', pictures: 1 }]);
});
