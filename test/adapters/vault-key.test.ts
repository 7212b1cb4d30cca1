import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { journalOf } from '../../src/adapters/journal.ts';
import { vaultOf } from '../../src/adapters/vault.ts';
import { makeVault, recoverVault, rekeyVault } from '../../src/adapters/vault-key.ts';
import { systemClock } from '../../src/base/time.ts';
import { checkVault } from '../../src/cli/doctor/vault.ts';
import { lockState } from '../../src/host/lock.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { phraseOf } from '../../src/vault/phrase.ts';

const place = { schema: 'people 6', column: 'pictures.picture', row: '7' };
const ada = { person: 'p-ada' };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-vault-key-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

const state = (name = '') => join(folder, 'state', name);
const stick = () => join(folder, 'stick', 'door.key');
const config = (more: Readonly<Record<string, string>> = {}) =>
  loadConfig({ flags: new Map(Object.entries({ 'state.folder': state(), ...more })) }).config;
const onStick = () => config({ 'vault.keyFile': stick() });

/** A value sealed for Ada by the vault as it is, which tells later whether it still opens. */
function sealAda(): () => string {
  using vault = vaultOf(config());
  const sealed = vault.seal(ada, place, Buffer.from('a face'));
  return () => {
    using again = vaultOf(onStick(), systemClock, { CREDENTIALS_DIRECTORY: folder });
    return Buffer.from(again.open(ada, place, sealed) ?? []).toString();
  };
}

it('a vault is made once, with a phrase that opens it', async () => {
  const { source, phrase } = await makeVault(config(), { source: 'beside' });
  expect(source).toBe('beside');
  expect(statSync(state('vault.key')).mode & 0o777).toBe(0o600);
  const opens = sealAda();
  await expect(makeVault(config(), { source: 'beside' })).rejects.toMatchObject({ code: 'bad-argument' });
  rmSync(state('vault.key'));
  await recoverVault(config(), phrase, { by: 'cli' });
  expect(opens()).toBe('a face');
});

it('a new key in another place opens everything; the key and the phrase from before open nothing', async () => {
  const { phrase: before } = await makeVault(config(), { source: 'beside' });
  const opens = sealAda();
  const change = await rekeyVault(onStick(), { source: 'file', by: 'cli' });
  expect(change.source).toBe('file');
  expect(change.phrase).not.toBe(before);
  expect(existsSync(state('vault.key'))).toBe(false);
  expect(opens()).toBe('a face');
  await expect(recoverVault(onStick(), before, { by: 'cli' })).rejects.toMatchObject({ code: 'vault-unfit' });
  using journal = journalOf(config());
  expect(journal.query({ limit: 1 })).toMatchObject([{ event: { kind: 'vault.rekeyed', source: 'file', newKey: true, by: 'cli' } }]);
});

it('the same key in another place keeps its phrase', async () => {
  const { phrase } = await makeVault(config(), { source: 'beside' });
  const opens = sealAda();
  const change = await rekeyVault(onStick(), { source: 'file', keepKey: true, by: 'cli' });
  expect(change.phrase).toBe(phrase);
  expect(opens()).toBe('a face');
});

it('where the journal is damaged, the key leaves the data all the same, and its owner gets the phrase and is told', async () => {
  await makeVault(config(), { source: 'beside' });
  const opens = sealAda();
  mkdirSync(state('journal.sqlite'));
  const change = await rekeyVault(onStick(), { source: 'file', by: 'cli' });
  expect(change).toMatchObject({ phrase: expect.stringMatching(/^(\w+ ){23}\w+$/), notJournalled: expect.stringContaining('journal') });
  expect(existsSync(state('vault.key'))).toBe(false);
  expect(opens()).toBe('a face');
});

it('a key that is recovered into another place leaves the data; the key of another door there stays', async () => {
  const { phrase } = await makeVault(config(), { source: 'beside' });
  await recoverVault(config(), phrase, { source: 'passphrase', passphrase: 'four plain words here', by: 'cli' });
  expect(existsSync(state('vault.key'))).toBe(false);
  expect(checkVault(config())).toMatchObject({ health: 'problem', found: expect.stringContaining('--unlock') });
  const another = `${randomBytes(32).toString('base64url')}\n`;
  writeFileSync(state('vault.key'), another);
  await recoverVault(onStick(), phrase, { source: 'file', by: 'cli' });
  expect(readFileSync(state('vault.key'), 'utf8')).toBe(another);
  expect(checkVault(onStick())).toMatchObject({ health: 'problem', found: expect.stringContaining(`shred -u ${state('vault.key')}`) });
  rmSync(state('vault.key'));
  expect(checkVault(onStick())).toMatchObject({ health: 'ok' });
});

it('while a door runs, its key is not changed', async () => {
  await makeVault(config(), { source: 'beside' });
  using _door = lockState(state());
  await expect(rekeyVault(config(), { source: 'beside', by: 'cli' })).rejects.toMatchObject({ code: 'state-locked' });
});

it('a phrase that is wrong, or that of another vault, writes nothing', async () => {
  const { phrase } = await makeVault(config(), { source: 'beside' });
  rmSync(state('vault.key'));
  const files = () => Object.fromEntries(readdirSync(state()).map((name) => [name, readFileSync(state(name)).toString('hex')]));
  const before = files();
  const words = phrase.split(' ');
  const another = phraseOf(randomBytes(32));
  for (const [wrong, code] of [
    [another, 'vault-unfit'],
    [words.slice(1).join(' '), 'bad-argument'],
    [words.with(0, 'nonsense').join(' '), 'bad-argument'],
  ]) {
    const thrown = await recoverVault(config(), wrong ?? '', { by: 'cli' }).catch((error) => error);
    expect(thrown).toMatchObject({ code });
    for (const [at, word] of words.entries()) expect(thrown.message).not.toContain(`${word} ${words[at + 1]}`);
    expect(thrown.message).not.toContain('nonsense');
    expect(files()).toEqual(before);
  }
});

it('a key file that holds the key of another door is not overwritten', async () => {
  mkdirSync(join(folder, 'stick'));
  const another = `${randomBytes(32).toString('base64url')}\n`;
  writeFileSync(stick(), another);
  await expect(makeVault(onStick(), { source: 'file' })).rejects.toMatchObject({ code: 'bad-argument' });
  await makeVault(config(), { source: 'beside' });
  const opens = sealAda();
  await expect(rekeyVault(onStick(), { source: 'file', by: 'cli' })).rejects.toMatchObject({ code: 'bad-argument' });
  expect(readFileSync(stick(), 'utf8')).toBe(another);
  expect(opens()).toBe('a face');
});

it('where the new key cannot be written, the vault keeps the one it has', async () => {
  const { phrase } = await makeVault(config(), { source: 'beside' });
  const opens = sealAda();
  writeFileSync(join(folder, 'stick'), 'a file where a folder should be');
  await expect(rekeyVault(onStick(), { source: 'file', by: 'cli' })).rejects.toMatchObject({ code: 'vault-down' });
  await expect(rekeyVault(config(), { source: 'passphrase', passphrase: 'too short', by: 'cli' })).rejects.toMatchObject({
    code: 'bad-argument',
  });
  await expect(rekeyVault(config(), { source: 'file', by: 'cli' })).rejects.toMatchObject({ code: 'bad-argument' });
  expect(opens()).toBe('a face');
  expect((await rekeyVault(config(), { source: 'beside', keepKey: true, by: 'cli' })).phrase).toBe(phrase);
});

/** A `systemd-creds` that turns its input round, and notes how it was called. */
function fakeSystemdCreds(tpm: boolean): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  writeFileSync(
    join(bin, 'systemd-creds'),
    `#!/bin/sh
echo "$@" >> ${folder}/calls
case "$1" in
  has-tpm2) exit ${tpm ? 0 : 1} ;;
  encrypt) rev ;;
  decrypt) rev "$4" ;;
esac
`,
  );
  chmodSync(join(bin, 'systemd-creds'), 0o755);
  vi.stubEnv('PATH', `${bin}:${process.env.PATH}`);
  return join(folder, 'calls');
}

it('a credential is encrypted with the TPM where there is one, comes back as it was, and is in no list of processes', async () => {
  const calls = fakeSystemdCreds(true);
  const credstore = join(folder, 'credstore');
  const change = await makeVault(config(), { source: 'credential', credstore });
  expect(change).toMatchObject({ source: 'credential', sealedWith: 'host+tpm2' });
  const file = join(credstore, 'facelatch.vault-key');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(credstore)).toEqual(['facelatch.vault-key']);
  // What systemd does at the start of the service.
  const content = [...readFileSync(file, 'utf8').trim()].reverse().join('');
  writeFileSync(join(folder, 'facelatch.vault-key'), content);
  using vault = vaultOf(config(), systemClock, { CREDENTIALS_DIRECTORY: folder });
  expect(vault.source).toBe('credential');
  expect(readFileSync(calls, 'utf8')).toContain('--with-key=host+tpm2');
  expect(readFileSync(calls, 'utf8')).not.toContain(content);
});

it('without a TPM it says that the key of the host alone protects the credential', async () => {
  const calls = fakeSystemdCreds(false);
  const change = await makeVault(config(), { source: 'credential', credstore: join(folder, 'credstore') });
  expect(change.sealedWith).toBe('host');
  expect(readFileSync(calls, 'utf8')).toContain('--with-key=host ');
});

it('where systemd-creds is missing, it says so and makes nothing', async () => {
  vi.stubEnv('PATH', folder);
  const made = makeVault(config(), { source: 'credential', credstore: join(folder, 'credstore') });
  await expect(made).rejects.toMatchObject({ code: 'tool-missing', message: expect.stringContaining('systemd-creds') });
  expect(existsSync(state('vault.sqlite'))).toBe(false);
  expect(existsSync(join(folder, 'credstore'))).toBe(false);
});
