import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { galleryOf } from '../../src/adapters/basics.ts';
import { lookAtKeyFile, noKeysYet, unlockVault, vaultOf } from '../../src/adapters/vault.ts';
import { makeVault } from '../../src/adapters/vault-key.ts';
import { systemClock } from '../../src/base/time.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { keyringNotes, openKeyring } from '../../src/vault/keyring.ts';
import { wrapByPassphrase } from '../../src/vault/passphrase.ts';
import { phraseOf } from '../../src/vault/phrase.ts';
import { circleEmbedder } from '../fakes/reader.ts';

let folder: string;
let credentials: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-vault-'));
  credentials = join(folder, 'credentials');
  mkdirSync(credentials);
});
afterEach(() => rmSync(folder, { recursive: true }));

const keyFile = () => join(folder, 'stick', 'door.key');
const keyring = () => join(folder, 'state', 'vault.sqlite');
const beside = () => join(folder, 'state', 'vault.key');
const config = (more: Readonly<Record<string, string>> = {}) =>
  loadConfig({ flags: new Map(Object.entries({ 'state.folder': join(folder, 'state'), ...more })) }).config;
const open = (more?: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}) =>
  vaultOf(config(more), systemClock, env);
/** The source and whether it is the same vault as before. */
function opened(more?: Readonly<Record<string, string>>, env?: Readonly<Record<string, string>>) {
  using vault = open(more, env);
  return { source: vault.source, name: Buffer.from(vault.pseudonym('door', 'test', 'x') ?? []).toString('hex') };
}
const credential = () => {
  writeFileSync(join(credentials, 'facelatch.vault-key'), `${randomBytes(32).toString('base64url')}\n`);
  return { CREDENTIALS_DIRECTORY: credentials };
};
const stick = () => {
  mkdirSync(join(folder, 'stick'), { recursive: true });
  writeFileSync(keyFile(), randomBytes(32).toString('base64url'));
  return { 'vault.keyFile': keyFile() };
};
const locked = (needed: string) => expect.objectContaining({ code: 'vault-locked', message: expect.stringContaining(needed) });

it('a plain door makes its key beside the data, once', () => {
  const first = opened();
  expect(first.source).toBe('beside');
  expect(opened()).toEqual(first);
});

it('a credential comes before a key file, and a key file before a key beside the data', () => {
  const [env, more] = [credential(), stick()];
  expect(opened(more, env).source).toBe('credential');
  expect(existsSync(beside())).toBe(false);
  rmSync(join(folder, 'state'), { recursive: true });
  expect(opened(more).source).toBe('file');
  expect(existsSync(beside())).toBe(false);
});

it('where a key file is set and not there, no key is made', () => {
  expect(() => open({ 'vault.keyFile': keyFile() })).toThrow(locked(keyFile()));
  expect(existsSync(beside())).toBe(false);
  expect(opened(stick()).source).toBe('file');
});

it('a key that is gone is asked for and never replaced by another', () => {
  const [env, more] = [credential(), stick()];
  const before = opened({}, env);
  expect(() => open()).toThrow(locked('facelatch.vault-key'));
  expect(() => open(more)).toThrow(locked('facelatch.vault-key'));
  writeFileSync(beside(), `${randomBytes(32).toString('base64url')}\n`);
  expect(() => open(more)).toThrow(locked('facelatch.vault-key'));
  expect(opened(more, env)).toEqual(before);
});

it('a key beside the data that is gone is asked for, though a credential came', () => {
  const before = opened();
  renameSync(beside(), `${beside()}.away`);
  expect(() => open(stick(), credential())).toThrow(locked(beside()));
  expect(existsSync(beside())).toBe(false);
  renameSync(`${beside()}.away`, beside());
  expect(opened()).toEqual(before);
});

it('a key of another vault, and a file that holds no key, do not fit', () => {
  const more = stick();
  opened(more);
  stick();
  expect(() => open(more)).toThrow(expect.objectContaining({ code: 'vault-unfit' }));
  for (const text of ['', 'A'.repeat(42), 'A'.repeat(44), `${'A'.repeat(42)}B`]) {
    writeFileSync(keyFile(), text);
    expect(() => open(more)).toThrow(expect.objectContaining({ code: 'vault-unfit', message: expect.stringContaining('holds no key') }));
  }
});

it('a passphrase opens for this process what nothing else opens; so do the words of the recovery phrase', async () => {
  const kek = randomBytes(32);
  openKeyring({ file: keyring0(), kek: Uint8Array.from(kek), source: 'beside', now: () => '' }).rekey({
    kek: Uint8Array.from(kek),
    source: 'passphrase',
    wrapped: await wrapByPassphrase(kek, 'four plain words here'),
  });
  expect(() => open()).toThrow(locked('--unlock'));
  await expect(unlockVault(config(), 'four plain words there')).rejects.toMatchObject({ code: 'vault-unfit' });
  await expect(unlockVault(config(), phraseOf(randomBytes(32)))).rejects.toMatchObject({ code: 'vault-unfit' });
  expect(() => open()).toThrow(locked('--unlock'));
  await unlockVault(config(), 'four plain words here');
  const by = opened();
  expect(by.source).toBe('passphrase');
  await unlockVault(config(), phraseOf(kek));
  expect(opened()).toEqual(by);
});

it('what one process unlocked opens nothing in another', async () => {
  const before = opened();
  const kek = Buffer.from(readFileSync(beside(), 'utf8'), 'base64url');
  rmSync(beside());
  const [here, there] = [noKeysYet(), noKeysYet()];
  await unlockVault(config(), phraseOf(kek), here);
  using vault = vaultOf(config(), systemClock, {}, here);
  expect(vault.source).toBe(before.source);
  expect(() => vaultOf(config(), systemClock, {}, there)).toThrow(locked(beside()));
});

it('a change of the key file that was cut is opened with the key that was looked for apart, and the share stays as it is', async () => {
  const more = stick();
  const before = opened(more);
  renameSync(keyFile(), `${keyFile()}.next`);
  const held = noKeysYet();
  await lookAtKeyFile(config(more), 30_000, held);
  using vault = vaultOf(config(more), systemClock, {}, held);
  expect(vault.source).toBe(before.source);
  expect(existsSync(keyFile())).toBe(false);
  rmSync(`${keyFile()}.next`);
  await lookAtKeyFile(config(more), 30_000, held);
  expect(() => vaultOf(config(more), systemClock, {}, held)).toThrow(locked(keyFile()));
});

it('the recovery phrase unlocks where a key is gone, and writes nothing', async () => {
  const before = opened();
  const kek = Buffer.from(readFileSync(beside(), 'utf8'), 'base64url');
  rmSync(beside());
  await unlockVault(config(), phraseOf(kek));
  expect(opened()).toEqual(before);
  expect(existsSync(beside())).toBe(false);
});

it('a change of the key that was cut before the new key was in its place is finished; one that was cut before is not begun', () => {
  const before = opened();
  const next = randomBytes(32);
  writeFileSync(`${beside()}.next`, `${next.toString('base64url')}\n`);
  expect(opened()).toEqual(before);
  {
    using vault = open();
    vault.rekey({ kek: Uint8Array.from(next), source: 'beside' });
  }
  expect(opened()).toEqual(before);
  expect(readFileSync(beside(), 'utf8').trim()).toBe(next.toString('base64url'));
  expect(existsSync(`${beside()}.next`)).toBe(false);
});

it('where people are sealed with the keys of a keyring that is gone, no other keyring is made, until it is back', async () => {
  const before = opened();
  {
    using vault = open();
    galleryOf(config({ 'identity.policy': 'paper' }), circleEmbedder, vault)[Symbol.dispose]();
  }
  const away = join(folder, 'vault.sqlite');
  renameSync(keyring(), away);
  const gone = { code: 'vault-damaged', message: expect.stringContaining('is gone') };
  expect(() => open()).toThrow(expect.objectContaining(gone));
  expect(() => open(stick(), credential())).toThrow(expect.objectContaining(gone));
  await expect(makeVault(config(), { source: 'beside' })).rejects.toMatchObject(gone);
  renameSync(away, keyring());
  expect(opened()).toEqual(before);
});

it('nothing is noted of a vault that is not there, and nothing is made by asking', () => {
  expect(keyringNotes(keyring())).toBeUndefined();
  expect(existsSync(keyring())).toBe(false);
});

function keyring0(): string {
  mkdirSync(join(folder, 'state'));
  return keyring();
}
