import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { backupTaskOf } from '../../../src/adapters/backup.ts';
import { journalOf } from '../../../src/adapters/journal.ts';
import { placeStaged, stageBackup, takeOver } from '../../../src/adapters/restore.ts';
import { vaultFiles, vaultOf } from '../../../src/adapters/vault.ts';
import { openRestoredRooms } from '../../../src/cli/vault/restored-rooms.ts';
import type { Config } from '../../../src/settings/load.ts';
import { takeBackup } from '../../../src/vault/backup/take.ts';
import { derivedKey } from '../../../src/vault/derived.ts';
import { keyIn } from '../../../src/vault/key-file.ts';
import { face, person } from '../../contracts/gallery.ts';
import { doorConfig } from '../../fakes/config.ts';
import { writeOldGallery } from '../../fakes/old-gallery.ts';

let folder: string;
let config: Config;
const takenAt = '2026-11-30T00:00:00.000Z';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-restored-'));
  config = doorConfig({ 'state.folder': join(folder, 'state') });
});
afterEach(() => rmSync(folder, { recursive: true }));

async function backedUp(): Promise<void> {
  using vault = vaultOf(config);
  await takeBackup(await backupTaskOf(config, vault, { to: join(folder, 'door.age'), by: 'cli' }));
}
async function staged() {
  const kek = keyIn(vaultFiles(config).beside) ?? new Uint8Array(32);
  const opener = { scalar: derivedKey(kek, 'backup identity') };
  const signal = new AbortController().signal;
  const found = await stageBackup(config, { file: join(folder, 'door.age'), opener, signal, onProgress: () => undefined });
  return { found, kek, taken: await takeOver(config, found, kek) };
}

it('a backup of an older version is brought to this one, without whoever was removed since', async () => {
  vaultOf(config)[Symbol.dispose]();
  writeOldGallery(join(folder, 'state', 'people.sqlite'), 5, { people: [person('Ada', face()), person('Bob', face())], embedder: 'e' });
  await backedUp();
  {
    using vault = vaultOf(config);
    vault.destroy([{ person: 'old-1' }]);
  }
  const { found, kek, taken } = await staged();
  expect(await openRestoredRooms(found.config, { takenAt, removed: taken.removed })).toEqual({
    people: 1,
    unopened: undefined,
    copied: false,
  });
  placeStaged(config, found, taken, kek);
  const people = new DatabaseSync(join(folder, 'state', 'people.sqlite'));
  expect(people.prepare('SELECT id FROM people').all()).toEqual([{ id: 'old-0' }]);
  expect(people.prepare('SELECT count(*) AS n FROM pictures').get()).toEqual({ n: 1 });
  people.close();
  using journal = journalOf(config);
  // The next restore reads there who was removed, should the keyring be lost by then.
  expect(journal.query({ kinds: ['backup.restored', 'person.removed'] }).map(({ event }) => event)).toEqual([
    { kind: 'backup.restored', takenAt, removed: 1 },
    { kind: 'person.removed', personId: 'old-1' },
  ]);
});

it.each(['journal.sqlite', 'people.sqlite'])('a backup with a newer %s is refused before anything is touched', async (name) => {
  journalOf(config)[Symbol.dispose]();
  writeOldGallery(join(folder, 'state', 'people.sqlite'), 5, { people: [], embedder: 'e' });
  const file = join(folder, 'state', name);
  const db = new DatabaseSync(file);
  db.exec('PRAGMA user_version = 99');
  db.close();
  await backedUp();
  const { found } = await staged();
  await expect(openRestoredRooms(found.config, { takenAt, removed: [] })).rejects.toMatchObject({ code: 'database-newer' });
});
