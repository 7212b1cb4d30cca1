/** The operators of a door whose vault is open, moved or locked. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { journalFile, journalOf } from '../../../src/adapters/journal.ts';
import { vaultFiles, vaultOf } from '../../../src/adapters/vault.ts';
import { rekeyVault } from '../../../src/adapters/vault-key.ts';
import {
  addOperator,
  listOperators,
  nameRestoredOperators,
  operatorsFile,
  removeOperator,
  sealedOperators,
  vouchForOperators,
} from '../../../src/adapters/vouched/operators.ts';
import { checkKeys } from '../../../src/cli/doctor/examine.ts';
import { newKey, publicKeyOf } from '../../../src/command/keys.ts';
import { operatorsIn } from '../../../src/command/operators.ts';
import type { Event } from '../../../src/events.ts';
import type { Config } from '../../../src/settings/load.ts';
import { temporaryFolder } from '../../cli/facelatch.ts';
import { doorConfig } from '../../fakes/config.ts';

let folder: ReturnType<typeof temporaryFolder>;
let config: Config;
beforeEach(() => {
  folder = temporaryFolder();
  config = doorConfig({ 'state.folder': folder.path });
});
afterEach(() => folder[Symbol.dispose]());

const someone = async (name: string) =>
  ({ name, role: 'admin', key: publicKeyOf(await newKey('Ed25519'), 'Ed25519'), addedAt: '2026-11-30T00:00:00.000Z' }) as const;
const listed = async () => {
  const { operators, refused, unchecked } = await listOperators(config);
  return { operators: operators.map(({ name }) => name), refused: refused.map(({ name }) => name), unchecked };
};
const journalled = () => {
  using journal = journalOf(config);
  return journal.query({ kinds: ['key.added', 'key.removed', 'key.sealed'] }).map(({ event }) => event);
};
/** As a start of the door does. */
async function opened(): Promise<Event[]> {
  using vault = vaultOf(config);
  using journal = journalOf(config);
  const told: Event[] = [];
  await sealedOperators(config, vault, journal, (event) => told.push(event));
  return told;
}

it('operators of an earlier version count once the door has sealed them, which it does once', async () => {
  const ada = await operatorsIn(operatorsFile(config)).add(await someone('ada'));
  expect(await listed()).toMatchObject({ operators: ['ada'], unchecked: expect.stringContaining('next start') });
  expect(await opened()).toEqual([{ kind: 'key.sealed', name: 'ada', role: 'admin', key: ada.kid }]);
  await operatorsIn(operatorsFile(config)).add(await someone('eve'));
  expect(await opened()).toEqual([]);
  expect(await listed()).toEqual({ operators: ['ada'], refused: ['eve'], unchecked: undefined });
  expect(await checkKeys(config)).toMatchObject({ health: 'problem', found: expect.stringContaining('eve') });
});

it('a door that never had an operator takes none from a list that somebody else wrote', async () => {
  expect(await opened()).toEqual([]);
  await operatorsIn(operatorsFile(config)).add(await someone('eve'));
  expect(await opened()).toEqual([]);
  expect(await listed()).toMatchObject({ operators: [], refused: ['eve'] });
});

it('who is added is sealed and journalled, with those of an earlier version, and counts with another key of the vault', async () => {
  await operatorsIn(operatorsFile(config)).add(await someone('ada'));
  await addOperator(config, await someone('ben'));
  expect(journalled()).toMatchObject([
    { kind: 'key.sealed', name: 'ada' },
    { kind: 'key.added', name: 'ben', digest: expect.any(String) },
  ]);
  await rekeyVault(config, { source: 'beside', by: 'test' });
  expect(await listed()).toEqual({ operators: ['ada', 'ben'], refused: [], unchecked: undefined });
});

it('while the vault is locked nobody is added, and who is removed is out', async () => {
  await addOperator(config, await someone('ada'));
  await addOperator(config, await someone('ben'));
  rmSync(vaultFiles(config).beside);
  await expect(addOperator(config, await someone('eve'))).rejects.toMatchObject({ code: 'vault-locked' });
  expect(await removeOperator(config, 'ada')).toBe(true);
  expect(await listed()).toEqual({ operators: ['ben'], refused: [], unchecked: undefined });
  expect(journalled().at(-1)).toMatchObject({ kind: 'key.removed', name: 'ada', digest: expect.any(String) });
});

const file = () => operatorsFile(config);
const copy = () => readFileSync(file());
const inJournal = <T>(work: (db: DatabaseSync) => T): T => {
  const db = new DatabaseSync(journalFile(config));
  try {
    return work(db);
  } finally {
    db.close();
  }
};

it.each(['open', 'locked'])(
  'an old list that is put back brings no removed operator and no former role back: the vault is %s',
  async (how) => {
    const [ada, ben] = [await someone('ada'), await someone('ben')];
    await addOperator(config, ada);
    await addOperator(config, ben);
    await addOperator(config, await someone('cleo'));
    const old = copy();
    await removeOperator(config, 'ada');
    await removeOperator(config, 'ben');
    await addOperator(config, { ...ben, role: 'viewer' });
    const right = copy();
    if (how === 'locked') rmSync(vaultFiles(config).beside);
    writeFileSync(file(), old);
    const { operators, refused } = await listOperators(config);
    expect(operators.map(({ name }) => name)).toEqual(['cleo']);
    expect(refused).toMatchObject([
      { name: 'ada', why: 'journal' },
      { name: 'ben', role: 'admin', why: 'journal' },
    ]);
    expect(await checkKeys(config)).toMatchObject({ health: 'problem', found: expect.stringContaining('ada, ben') });
    writeFileSync(file(), right);
    expect(await listed()).toEqual({ operators: ['cleo', 'ben'], refused: [], unchecked: undefined });
  },
);

it('an old list that lacks an operator of now is named, until the list is vouched for', async () => {
  await addOperator(config, await someone('ada'));
  const old = copy();
  await addOperator(config, await someone('ben'));
  expect(await listOperators(config)).toMatchObject({ lacking: 0 });
  writeFileSync(file(), old);
  expect(await listOperators(config)).toMatchObject({ operators: [{ name: 'ada' }], refused: [], lacking: 1 });
  expect(await checkKeys(config)).toMatchObject({ health: 'problem', found: expect.stringContaining('lacks 1 operator whom') });
  await vouchForOperators(config, 'test');
  expect(await listOperators(config)).toMatchObject({ operators: [{ name: 'ada' }], lacking: 0 });
});

it('while the vault is locked, an entry that somebody else wrote does not count', async () => {
  await addOperator(config, await someone('ada'));
  rmSync(vaultFiles(config).beside);
  await operatorsIn(file()).add(await someone('eve'));
  expect(await listed()).toEqual({ operators: ['ada'], refused: ['eve'], unchecked: undefined });
});

it('with an older note in the journal, or none, or another journal, nobody counts until somebody at the machine vouches for the list', async () => {
  await addOperator(config, await someone('ada'));
  const old = { list: copy(), note: inJournal((db) => db.prepare("SELECT value FROM note WHERE name = 'operators'").get()?.value) };
  await removeOperator(config, 'ada');
  await addOperator(config, await someone('ben'));
  const right = copy();
  writeFileSync(file(), old.list);
  inJournal((db) => db.prepare("UPDATE note SET value = ? WHERE name = 'operators'").run(String(old.note)));
  expect(await listed()).toMatchObject({ operators: [], refused: ['ada'] });
  inJournal((db) => db.exec("DELETE FROM note WHERE name = 'operators'"));
  expect(await listed()).toMatchObject({ operators: [], refused: ['ada'] });
  for (const end of ['', '-wal', '-shm', '.checkpoint']) rmSync(`${journalFile(config)}${end}`, { force: true });
  writeFileSync(file(), right);
  expect(await opened()).toEqual([]);
  expect(await listed()).toMatchObject({ operators: [], refused: ['ben'] });
  expect((await vouchForOperators(config, 'test')).map(({ name }) => name)).toEqual(['ben']);
  expect(await listed()).toMatchObject({ operators: ['ben'], refused: [] });
});

it('a first start names those who are sealed, once; a killed change leaves the list of before or the one after', async () => {
  await operatorsIn(file()).add(await someone('ada'));
  await opened();
  await opened();
  const listings = () => {
    using journal = journalOf(config);
    return journal.query({ kinds: ['key.listed'] }).map(({ event }) => event);
  };
  expect(listings()).toEqual([{ kind: 'key.listed', operators: 1, by: 'start', digest: expect.any(String) }]);
  const before = copy();
  await addOperator(config, await someone('ben'));
  writeFileSync(file(), before); // killed before the list was written
  expect(await listed()).toMatchObject({ operators: ['ada'], refused: [] });
  await addOperator(config, await someone('cleo'));
  await removeOperator(config, 'ada');
  expect(await listed()).toMatchObject({ operators: ['cleo'], refused: [] });
});

it('a journal that is down keeps no key in force, and says that a copy of the list would bring it back', async () => {
  await addOperator(config, await someone('ada'));
  inJournal((db) => db.exec('DROP TRIGGER head_never_deleted; DELETE FROM head'));
  await expect(removeOperator(config, 'ada')).rejects.toMatchObject({
    code: 'journal-down',
    message: expect.stringContaining('copy of the list'),
  });
  expect(await operatorsIn(file()).list()).toEqual([]);
});

it('after a restore those count whom the backup names, written while it was taken too', async () => {
  await addOperator(config, await someone('ada'));
  using vault = vaultOf(config);
  {
    using journal = journalOf(config);
    const { sealKey } = await sealedOperators(config, vault, journal);
    await operatorsIn(file(), sealKey).add(await someone('ben')); // after the journal was copied, before the list was
  }
  expect(await listed()).toMatchObject({ operators: ['ada'], refused: ['ben'] });
  using journal = journalOf(config);
  await nameRestoredOperators(config, vault, journal);
  expect(await listed()).toMatchObject({ operators: ['ada', 'ben'], refused: [] });
});
