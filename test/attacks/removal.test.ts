/**
 * Somebody was removed, and somebody else has the files: the state folder while the door runs, a backup of it, an old
 * file that is put back, and the journal.
 */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { backupTaskOf } from '../../src/adapters/backup.ts';
import { dropStaged, placeStaged, stageBackup, takeOver } from '../../src/adapters/restore.ts';
import { storedValues } from '../../src/identity/gallery/stored.ts';
import { takeBackup } from '../../src/vault/backup/take.ts';
import { derivedKey } from '../../src/vault/derived.ts';
import { keyIn } from '../../src/vault/key-file.ts';
import { searchFolder, type Traces } from '../../src/vault/shredding.ts';
import { openPeopledDoor, type PeopledDoor } from '../fakes/peopled-door.ts';

let folder: string;
let state: string;
let door: PeopledDoor;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-removal-'));
  state = join(folder, 'state');
  door = openPeopledDoor(state);
});
afterEach(() => {
  door[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** Every value of the person in every table of every database, as it lies there. */
function sealedOf(id: string): Uint8Array[] {
  const kept = new DatabaseSync(join(state, 'retrain.sqlite'), { readOnly: true });
  const visits = new DatabaseSync(join(state, 'liveness.sqlite'), { readOnly: true });
  const rows = [
    ...kept.prepare('SELECT picture FROM kept WHERE person_id = ?').all(id),
    ...visits.prepare('SELECT views FROM visit WHERE person = ?').all(id),
  ];
  kept.close();
  visits.close();
  return [...storedValues(join(state, 'people.sqlite'), id), ...rows.flatMap((row) => Object.values(row) as Uint8Array[])];
}
const copies = ['people.sqlite', 'retrain.sqlite', 'liveness.sqlite'];

it('no byte run of them, plain or sealed, is left in any file of the running door, logs of databases included', async () => {
  const { person, traces } = door.enrol('Ada Lovelace', 3);
  door.enrol('Ben Bitdiddle');
  const all: Traces = { ...traces, sealed: sealedOf(person.id) };
  // What is sealed is found while it is there, and what is plain not even then.
  expect(searchFolder(state, all).found.map(({ kinds }) => kinds)).toContainEqual(['sealed']);
  expect(searchFolder(state, { ...traces, sealed: [] }).found).toEqual([]);
  door.roster.remove(person.id);
  expect(existsSync(join(state, 'people.sqlite-wal'))).toBe(true);
  expect(searchFolder(state, all).found).toEqual([]);
  const [proof] = await door.shredder.proofs();
  expect(proof).toMatchObject({ personId: person.id, found: [], epoch: 2 });
  expect(door.journal.query({ kinds: ['person.shredded'] })).toMatchObject([{ event: { hits: 0, files: proof?.files } }]);
  expect(door.gallery.list().map(({ name }) => name)).toEqual(['Ben Bitdiddle']);
});

it('a backup that is made afterwards holds nothing of them', async () => {
  const { person, traces } = door.enrol('Ada Lovelace');
  const sealed = sealedOf(person.id);
  door.roster.remove(person.id);
  const file = join(folder, 'door.age');
  await takeBackup(await backupTaskOf(door.config, door.vault, { to: file, by: 'cli' }));
  const opener = { scalar: door.vault.derived('backup identity') };
  const staged = await stageBackup(door.config, { file, opener, signal: new AbortController().signal, onProgress: () => undefined });
  const { files, found } = searchFolder(staged.folder, { ...traces, sealed });
  expect([files > 5, found]).toEqual([true, []]);
  dropStaged(staged);
});

it('old files that are put back do not bring them back: nobody can open the rows, and the next start deletes them', () => {
  const { person, traces } = door.enrol('Ada Lovelace');
  const ben = door.enrol('Ben Bitdiddle').person;
  door[Symbol.dispose]();
  for (const name of copies) copyFileSync(join(state, name), join(folder, name));
  door = openPeopledDoor(state);
  const sealed = sealedOf(person.id);
  door.roster.remove(person.id);
  door[Symbol.dispose]();
  for (const name of copies) copyFileSync(join(folder, name), join(state, name));
  expect(searchFolder(state, { ...traces, sealed }).found).not.toEqual([]);

  door = openPeopledDoor(state);
  expect(door.gallery.list()).toEqual([ben]);
  expect(door.gallery.enrolled().map(({ id }) => id)).toEqual([ben.id]);
  door.shredder.finish();
  expect(searchFolder(state, { ...traces, sealed }).found).toEqual([]);
  expect(door.journal.query({ kinds: ['person.removed'] })).toHaveLength(2);
  door.shredder.finish();
  expect(door.journal.query({ kinds: ['person.removed'] })).toHaveLength(2);
});

it('a keyring that somebody deletes before a restore does not bring them back', async () => {
  const { person } = door.enrol('Ada Lovelace');
  const ben = door.enrol('Ben Bitdiddle').person;
  const file = join(folder, 'door.age');
  await takeBackup(await backupTaskOf(door.config, door.vault, { to: file, by: 'cli' }));
  door.roster.remove(person.id);
  await door.shredder.proofs();
  door[Symbol.dispose]();
  const kek = keyIn(join(state, 'vault.key')) ?? new Uint8Array(32);
  for (const end of ['', '-wal', '-shm']) rmSync(join(state, `vault.sqlite${end}`), { force: true });

  const opener = { scalar: derivedKey(kek, 'backup identity') };
  const staged = await stageBackup(door.config, { file, opener, signal: new AbortController().signal, onProgress: () => undefined });
  const taken = await takeOver(door.config, staged, kek);
  expect(taken).toMatchObject({ removed: [{ person: person.id }], unknown: expect.stringContaining('is gone') });
  placeStaged(door.config, staged, taken, kek);
  door = openPeopledDoor(state);
  expect(door.gallery.list()).toEqual([ben]);
  expect(door.vault.holds({ person: person.id })).toBe(false);
});

it('their rows in the journal cannot be joined to them, not even with every key of the door', () => {
  const { person } = door.enrol('Ada Lovelace');
  const before = door.journal.query({ personId: person.id }).map(({ seq }) => seq);
  expect(before).toEqual([1, 2]);
  door.roster.remove(person.id);
  const rows = (() => {
    using db = new DatabaseSync(join(state, 'journal.sqlite'), { readOnly: true });
    return db.prepare('SELECT seq, person, event FROM journal ORDER BY seq').all();
  })();
  expect(JSON.stringify(rows)).not.toContain('Ada');
  const [first, second, ...rest] = rows.map((row) => JSON.stringify(row));
  expect([first, second].some((row) => row?.includes(person.id))).toBe(false);
  // The id stands in the entry of the removal, and the pseudonym in none after it.
  expect(rest.every((row) => row.includes(person.id) && !row.includes('pseudonym:'))).toBe(true);
  expect(door.vault.pseudonym({ person: person.id }, 'journal', person.id)).toBeUndefined();
  expect(door.journal.query({ personId: person.id }).map(({ seq }) => seq)).toEqual([3]);
  expect(door.journal.verify()).toMatchObject({ ok: true });
});

it('whoever is enrolled again under the same name is somebody new', () => {
  const first = door.enrol('Ada Lovelace').person;
  door.roster.remove(first.id);
  const second = door.enrol('Ada Lovelace').person;
  expect(second.id).not.toBe(first.id);
  expect(door.journal.query({ personId: second.id }).map(({ event }) => event.kind)).toEqual(['person.enrolled', 'person.left']);
  expect(readFileSync(join(state, 'vault.sqlite')).includes('Ada')).toBe(false);
});
