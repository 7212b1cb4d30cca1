import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { backupTaskOf, takeBackupHere } from '../../src/adapters/backup.ts';
import { doorKeysFile } from '../../src/adapters/basics.ts';
import { doorKeysOf } from '../../src/adapters/command.ts';
import { accountsFile } from '../../src/adapters/console.ts';
import { journalOf } from '../../src/adapters/journal.ts';
import { dropStaged, keyHere, placeStaged, stageBackup, takeOver } from '../../src/adapters/restore.ts';
import { unlockVault, vaultFiles, vaultOf } from '../../src/adapters/vault.ts';
import { rekeyVault } from '../../src/adapters/vault-key.ts';
import { operatorsFile } from '../../src/adapters/vouched/operators.ts';
import { openRestoredRooms } from '../../src/cli/vault/restored-rooms.ts';
import { newKey } from '../../src/command/keys.ts';
import { operatorsIn } from '../../src/command/operators.ts';
import { type Accounts, openAccounts } from '../../src/console/accounts/accounts.ts';
import { passwordWork } from '../../src/console/accounts/password.ts';
import type { Config } from '../../src/settings/load.ts';
import { takeBackup } from '../../src/vault/backup/take.ts';
import { derivedKey } from '../../src/vault/derived.ts';
import { keyIn } from '../../src/vault/key-file.ts';
import { keyringNotes } from '../../src/vault/keyring.ts';
import { owe } from '../../src/vault/owed.ts';
import { wrapByPassphrase } from '../../src/vault/passphrase.ts';
import { noteDestroyed } from '../../src/vault/witness.ts';
import { doorConfig } from '../fakes/config.ts';
import { writeOldGallery } from '../fakes/old-gallery.ts';
import { memoryVault } from '../fakes/vault.ts';

let folder: string;
let config: Config;
let file: string;
let kek: Uint8Array;
const place = { schema: 's', column: 'c', row: '1' };
const clock = { wall: () => Date.parse('2026-11-30T12:00:00Z') };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-restore-'));
  [config, file] = [doorConfig({ 'state.folder': join(folder, 'state') }), join(folder, 'door.age')];
  using vault = vaultOf(config);
  for (const person of ['p-ada', 'p-bob']) writeFileSync(join(folder, 'state', person), vault.seal({ person }, place, Buffer.from(person)));
  kek = keyIn(vaultFiles(config).beside) ?? new Uint8Array(0);
});
afterEach(() => rmSync(folder, { recursive: true }));

async function back(): Promise<void> {
  using vault = vaultOf(config);
  await takeBackup(await backupTaskOf(config, vault, { to: file, by: 'cli' }));
}
const stage = (to = config, key = kek) =>
  stageBackup(to, {
    file,
    opener: { scalar: derivedKey(key, 'backup identity') },
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
async function restore(to = config) {
  const staged = await stage(to);
  const taken = await takeOver(to, staged, kek, clock);
  return { taken, aside: placeStaged(to, staged, taken, kek, clock) };
}
const sealedOf = (person: string, of = config) => readFileSync(join(of.state.folder, person));

it('the state folder is what it was, and what came after the backup lies aside', async () => {
  await back();
  writeFileSync(join(folder, 'state', 'later'), '');
  const { taken, aside } = await restore();
  expect(taken).toEqual({ source: 'beside', keyFile: undefined, removed: [], unknown: undefined, operators: [], pinLeftOut: false });
  expect(existsSync(join(folder, 'state', 'later'))).toBe(false);
  expect(aside && readdirSync(aside)).toContain('later');
  expect(readdirSync(folder).toSorted()).toEqual(['door.age', 'state', 'state.before-2026-11-30T12-00-00Z']);
  using vault = vaultOf(config);
  expect(Buffer.from(vault.open({ person: 'p-ada' }, place, sealedOf('p-ada')) ?? []).toString()).toBe('p-ada');
});

it('whoever was removed since the backup stays removed, also through a second restore', async () => {
  await back();
  {
    using vault = vaultOf(config);
    vault.destroy([{ person: 'p-bob' }]);
  }
  expect((await restore()).taken.removed).toEqual([{ person: 'p-bob' }]);
  for (const _ of [1, 2]) {
    using vault = vaultOf(config);
    expect(vault.holds({ person: 'p-bob' })).toBe(false);
    expect(vault.open({ person: 'p-bob' }, place, sealedOf('p-bob'))).toBeUndefined();
    expect(() => vault.seal({ person: 'p-bob' }, place, new Uint8Array(1))).toThrow(expect.objectContaining({ code: 'key-destroyed' }));
    vault[Symbol.dispose]();
    await restore();
  }
});

it.each(['there is no keyring', 'a start was refused without it'])(
  'where %s, restoring says that removals are not known, and takes those that the journal names',
  async (how) => {
    await back();
    const { keyring } = vaultFiles(config);
    {
      using vault = vaultOf(config);
      using journal = journalOf(config);
      vault.destroy([{ person: 'p-bob' }]);
      journal.append({ kind: 'person.removed', personId: 'p-bob' });
      journal.append({ kind: 'person.removed', personId: 'p-of-another-door' });
    }
    rmSync(keyring);
    const people = join(folder, 'state', 'people.sqlite');
    writeOldGallery(people, 5, { people: [], embedder: 'e' });
    const db = new DatabaseSync(people);
    db.exec('PRAGMA user_version = 6'); // sealed
    db.close();
    if (how.startsWith('a start')) expect(() => vaultOf(config)).toThrow(expect.objectContaining({ code: 'vault-damaged' }));
    const { taken } = await restore();
    expect(taken).toMatchObject({ unknown: `the keyring ${keyring} is gone`, removed: [{ person: 'p-bob' }] });
    using vault = vaultOf(config);
    expect(vault.holds({ person: 'p-bob' })).toBe(false);
  },
);

it('whoever was removed while the keyring could not be written stays removed', async () => {
  await back();
  {
    using journal = journalOf(config);
    owe(journal, 'p-bob', [{ person: 'p-bob' }]);
  }
  expect((await restore()).taken).toMatchObject({ removed: [{ person: 'p-bob' }], unknown: undefined });
});

it('the note of what was destroyed names people and days of visitors whose entries were cut; one of another vault names nobody', async () => {
  await back();
  {
    using vault = vaultOf(config);
    using journal = journalOf(config);
    vault.destroy([{ person: 'p-bob' }, { visitorsOn: '2026-11-29' }]);
    noteDestroyed({ vault, notes: journal });
  }
  rmSync(vaultFiles(config).keyring);
  expect((await restore()).taken.removed).toEqual([{ person: 'p-bob' }]);
  {
    using journal = journalOf(config);
    using other = memoryVault();
    other.destroy([{ person: 'p-ada' }]);
    noteDestroyed({ vault: other, notes: journal });
  }
  // By the keyring this time; the note says p-ada.
  expect((await restore()).taken.removed).toEqual([{ person: 'p-bob' }]);
});

it('a damaged journal keeps nothing from being restored; without the keyring it is told as well', async () => {
  await back();
  const journal = join(folder, 'state', 'journal.sqlite');
  writeFileSync(journal, 'no database at all, but a file that somebody wrote here');
  rmSync(vaultFiles(config).keyring);
  const { taken } = await restore();
  expect(taken.unknown).toMatch(/^the keyring .* is gone; .*journal/);
});

it('on a device where no door has worked, no removal is missing', async () => {
  await back();
  const other = doorConfig({ 'state.folder': join(folder, 'other') });
  mkdirSync(join(folder, 'other'));
  writeFileSync(join(folder, 'other', 'daemon.lock'), '');
  expect((await restore(other)).taken.unknown).toBeUndefined();
});

it('on another device the phrase alone restores it, and the key lies where that device keeps it', async () => {
  await back();
  const other = doorConfig({ 'state.folder': join(folder, 'other') });
  expect((await restore(other)).taken.source).toBe('beside');
  using vault = vaultOf(other);
  expect(Buffer.from(vault.open({ person: 'p-ada' }, place, sealedOf('p-ada', other)) ?? []).toString()).toBe('p-ada');
  const keyFile = join(folder, 'stick', 'key');
  mkdirSync(join(folder, 'stick'));
  const third = doorConfig({ 'state.folder': join(folder, 'third'), 'vault.keyFile': keyFile });
  expect((await restore(third)).taken).toMatchObject({ source: 'file', keyFile });
  expect(existsSync(vaultFiles(third).beside)).toBe(false);
  vaultOf(third)[Symbol.dispose]();
});

it('a vault with a passphrase keeps it, and no key comes to lie beside it', async () => {
  {
    using vault = vaultOf(config);
    vault.rekey({ kek: Uint8Array.from(kek), source: 'passphrase', wrapped: await wrapByPassphrase(kek, 'correct horse battery staple') });
  }
  rmSync(vaultFiles(config).beside);
  await unlockVault(config, 'correct horse battery staple');
  await back();
  const other = doorConfig({ 'state.folder': join(folder, 'other') });
  expect((await restore(other)).taken.source).toBe('passphrase');
  expect(keyringNotes(vaultFiles(other).keyring)?.wrapped).toBeDefined();
  expect(existsSync(vaultFiles(other).beside)).toBe(false);
});

it('a restore that is killed before the exchange leaves no key beside the faces that it unpacked', async () => {
  await back();
  const staged = await stage();
  const taken = await takeOver(config, staged, kek, clock);
  await openRestoredRooms(staged.config, { takenAt: staged.manifest.takenAt, removed: [] });
  expect(readdirSync(staged.folder).filter((name) => name.includes('.key'))).toEqual([]);
  placeStaged(config, staged, taken, kek, clock);
  expect(keyIn(vaultFiles(config).beside)).toEqual(kek);
});

it('an identity of age restores with the key that is here, and nothing without it', async () => {
  await back();
  const staged = await stage();
  expect(keyHere(config, staged)).toEqual(kek);
  expect(keyHere(doorConfig({ 'state.folder': join(folder, 'other') }), staged)).toBeUndefined();
  dropStaged(staged);
});

it('an operator who was taken away since the backup, or has another role, stays out', async () => {
  await doorKeysOf(config);
  const operators = operatorsIn(operatorsFile(config));
  for (const name of ['ada', 'bob'])
    await operators.add({ name, role: 'admin', key: await newKey('Ed25519'), addedAt: '2026-11-30T00:00:00.000Z' });
  const cleo = { name: 'cleo', key: await newKey('Ed25519'), addedAt: '2026-11-30T00:00:00.000Z' };
  await operators.add({ ...cleo, role: 'admin' });
  await back();
  for (const name of ['bob', 'cleo']) await operators.remove(name);
  await operators.add({ ...cleo, role: 'viewer' });
  expect((await restore()).taken.operators).toEqual(['bob', 'cleo']);
  expect((await operatorsIn(operatorsFile(config)).list()).map(({ name }) => name)).toEqual(['ada']);
});

describe('the accounts of the console', () => {
  const ada = { browser: 'Firefox', address: '192.168.1.7' };
  const work = passwordWork({ n: 32, r: 8, p: 1 });
  const opened = (of = config) => {
    mkdirSync(dirname(accountsFile(of)), { recursive: true });
    return openAccounts({ file: accountsFile(of), clock, work });
  };
  const joined = async (accounts: Accounts, name: string) => {
    const { secret } = accounts.invitations.make({ role: 'admin', by: 'cli' });
    await accounts.join(secret, name, { password: `the first password of ${name}` });
  };

  it('stay those of this door: whoever was removed, and a password that was changed, do not come back', async () => {
    await doorKeysOf(config);
    {
      using accounts = opened();
      for (const name of ['ada', 'bob']) await joined(accounts, name);
    }
    await back();
    {
      using accounts = opened();
      accounts.remove('bob');
      await accounts.setPassword('ada', 'the second password of ada', '');
    }
    await restore();
    using accounts = opened();
    expect(accounts.list().map(({ name }) => name)).toEqual(['ada']);
    expect(await accounts.checkPassword('ada', 'the first password of ada', true)).toBe('wrong');
    expect(await accounts.checkPassword('ada', 'the second password of ada', true)).toMatchObject({ name: 'ada' });
    expect(statSync(accountsFile(config)).mode & 0o777).toBe(0o600);
  });

  it.each(['on another device', 'where those of this door are damaged'])('%s come from the backup; nobody is signed in', async (where) => {
    await doorKeysOf(config);
    const secrets: string[] = [];
    {
      using accounts = opened();
      await joined(accounts, 'ada');
      secrets.push(accounts.sessions.open('ada', ada).secret);
      secrets.push(accounts.tokens.make('ada', { label: 'script', role: 'admin' }).secret);
      secrets.push(accounts.invitations.make({ role: 'admin', by: 'cli' }).secret);
    }
    await back();
    const to = where === 'on another device' ? doorConfig({ 'state.folder': join(folder, 'elsewhere') }) : config;
    if (to === config) writeFileSync(accountsFile(config), 'no database');
    await restore(to);
    using accounts = opened(to);
    expect(accounts.list().map(({ name }) => name)).toEqual(['ada']);
    const [session = '', token = '', invitation = ''] = secrets;
    expect([accounts.sessions.find(session), accounts.tokens.find(token), accounts.invitations.find(invitation)]).toEqual([
      ...[undefined, undefined, undefined],
    ]);
  });
});

it('the door has its own keys again, from a backup that holds them sealed, or open as an earlier version left them', async () => {
  const { id } = await doorKeysOf(config);
  const keys = readFileSync(doorKeysFile(config), 'utf8');
  await back();
  const staged = await stage();
  expect(Object.keys(JSON.parse(readFileSync(doorKeysFile(staged.config), 'utf8')))).toEqual(['sealed']);
  dropStaged(staged);
  const other = doorConfig({ 'state.folder': join(folder, 'other') });
  await restore(other);
  expect(readFileSync(doorKeysFile(other), 'utf8')).toBe(keys);
  expect((await doorKeysOf(other)).id).toBe(id);
  {
    using vault = vaultOf(config);
    await takeBackup({ ...(await backupTaskOf(config, vault, { to: file, by: 'cli' })), instead: new Map() });
  }
  const older = doorConfig({ 'state.folder': join(folder, 'older') });
  await restore(older);
  expect(readFileSync(doorKeysFile(older), 'utf8')).toBe(keys);
});

it('a backup of another vault is refused, and everything stays as it was', async () => {
  await back();
  const other = doorConfig({ 'state.folder': join(folder, 'other') });
  vaultOf(other)[Symbol.dispose]();
  const otherKek = keyIn(vaultFiles(other).beside) ?? new Uint8Array(0);
  await expect(stage(config, otherKek)).rejects.toMatchObject({ code: 'backup-refused' });
  const staged = await stage();
  await expect(takeOver(config, staged, otherKek)).rejects.toMatchObject({ code: 'backup-refused' });
  dropStaged(staged);
  expect(readdirSync(folder).toSorted()).toEqual(['door.age', 'other', 'state']);
  expect(existsSync(doorKeysFile(config))).toBe(false);
});

it('a damaged keyring does not keep its backup from being restored', async () => {
  await back();
  writeFileSync(vaultFiles(config).keyring, 'no database at all, but a file that somebody wrote here');
  const { taken } = await restore();
  expect(taken.unknown).toContain('cannot be read');
  vaultOf(config)[Symbol.dispose]();
});

it('a folder that may not be exchanged is left as it was', async () => {
  await back();
  const mounted = join(folder, 'mounted');
  mkdirSync(mounted);
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', mounted], { stdio: 'ignore' });
  } catch {
    return; // This user may not mount.
  }
  try {
    const config = doorConfig({ 'state.folder': mounted });
    writeFileSync(join(mounted, 'mine'), '');
    await expect(restore(config)).rejects.toMatchObject({ code: 'backup-failed', message: expect.stringContaining('mount point') });
    expect(readdirSync(mounted)).toContain('mine');
  } finally {
    execFileSync('umount', [mounted]);
    rmSync(`${mounted}.restoring`, { recursive: true, force: true });
  }
});

it('a backup is not reported as taken where the key of the vault was changed meanwhile, and the one before stays', async () => {
  await back();
  const before = readFileSync(file);
  using vault = vaultOf(config);
  const task = await backupTaskOf(config, vault, { to: file, by: 'cli' });
  let changed: Promise<unknown> | undefined;
  const onProgress = () => {
    changed ??= rekeyVault(config, { source: 'beside', by: 'cli' });
  };
  await expect(takeBackupHere(task, vault, { onProgress })).rejects.toMatchObject({
    code: 'backup-failed',
    message: 'The key of the vault was changed while the backup was taken: take the backup again',
  });
  await changed;
  expect(readFileSync(file).equals(before)).toBe(true);
});
