/** `facelatch vault` as its owner types it, and what other commands do with a locked vault. */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { journalOf } from '../../../src/adapters/journal.ts';
import { vaultOf } from '../../../src/adapters/vault.ts';
import { checkVault } from '../../../src/cli/doctor/vault.ts';
import { phraseLines, sourceWords } from '../../../src/cli/vault/vault-words.ts';
import { keySources } from '../../../src/vault/port.ts';
import { doorConfig } from '../../fakes/config.ts';
import { facelatch, facelatchProcess, jsonOf, temporaryFolder } from '../facelatch.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder[Symbol.dispose]());

const state = () => join(folder.path, 'state');
const vault = (args: readonly string[], typed?: string) => facelatch(['vault', ...args, '--state', state(), '--json'], {}, typed);

it('init shows the phrase and recover takes it; a wrong one is one sentence without a word of it', async () => {
  const made = jsonOf(await vault(['init']));
  expect(made).toEqual({ source: 'beside', phrase: expect.stringMatching(/^(\w+ ){23}\w+$/) });
  expect(jsonOf(await vault(['phrase', '--yes']))).toEqual(made);
  rmSync(join(state(), 'vault.key'));
  const status = await vault(['status']);
  expect(status.code).toBe(1);
  expect(jsonOf(status)).toMatchObject({ source: 'beside', locked: { code: 'vault-locked' } });
  const wrong = await vault(['recover'], made.phrase.replace(/^\w+/, 'nonsense'));
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(JSON.parse(wrong.stderr).error.message).toContain('word 1 is not in the list');
  expect(wrong.stderr).not.toContain('nonsense');
  // Through a real pipe.
  const back = await facelatchProcess(['vault', 'recover', '--state', state(), '--json'], {}, `${made.phrase}\n`);
  expect(jsonOf(back)).toEqual({ source: 'beside' });
  expect(jsonOf(await vault(['status']))).toMatchObject({ epoch: 1, keys: { people: 0 }, destroyed: 0 });
}, 60_000);

it('the phrase is shown to whoever says yes, or a script with --yes, and each time is journalled; a damaged journal does not hide it', async () => {
  const { phrase } = jsonOf(await vault(['init']));
  const [first] = phrase.split(' ');
  const shown = () => {
    using journal = journalOf(doorConfig({ 'state.folder': state() }));
    return journal.query({ kinds: ['vault.phrase-shown'] }).map(({ event }) => event);
  };
  const asked = ['vault', 'phrase', '--state', state()];
  expect(await facelatch(asked)).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--yes') });
  const declined = await facelatch(asked, {}, 'n\n', true);
  expect(declined).toMatchObject({ code: 1, stdout: 'The phrase was not shown.\n' });
  expect(declined.stderr).not.toContain(first);
  expect(shown()).toEqual([]);
  expect(await facelatch(asked, {}, 'y\n', true)).toMatchObject({ code: 0, stdout: expect.stringContaining(`1 ${first}`) });
  expect(jsonOf(await facelatch([...asked, '--yes', '--json']))).toEqual({ source: 'beside', phrase });
  expect(shown()).toEqual([
    { kind: 'vault.phrase-shown', by: 'cli' },
    { kind: 'vault.phrase-shown', by: 'cli' },
  ]);
  for (const end of ['-wal', '-shm']) rmSync(join(state(), `journal.sqlite${end}`), { force: true });
  writeFileSync(join(state(), 'journal.sqlite'), 'no database at all, but what somebody wrote over it');
  expect(jsonOf(await facelatch([...asked, '--yes', '--json']))).toEqual({ source: 'beside', phrase, notJournalled: expect.any(String) });
}, 30_000);

it('with a passphrase commands end with what is needed, and --unlock asks for it', async () => {
  const passphrase = 'four plain words here';
  expect(jsonOf(await vault(['init', '--with', 'passphrase'], `${passphrase}\n`))).toMatchObject({ source: 'passphrase' });
  expect(readdirSync(state())).not.toContain('vault.key');
  expect(readFileSync(join(state(), 'vault.sqlite')).includes(passphrase)).toBe(false);
  expect(await vault(['phrase', '--yes'])).toMatchObject({ code: 3, stderr: expect.stringContaining('--unlock') });
  expect(await vault(['phrase', '--yes', '--unlock'], 'four plain words there\n')).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('vault-unfit'),
  });
  expect(jsonOf(await vault(['phrase', '--yes', '--unlock'], `${passphrase}\n`))).toMatchObject({ source: 'passphrase' });
}, 60_000);

it('doctor says where the key is and what that is worth, and that a missing one lets nobody in', async () => {
  const config = doorConfig({ 'state.folder': state() });
  expect(checkVault(config)).toMatchObject({ health: 'note', found: expect.stringContaining('no vault yet') });
  await vault(['init']);
  expect(checkVault(config)).toMatchObject({ health: 'note', found: expect.stringContaining('not against a stolen card') });
  renameSync(join(state(), 'vault.key'), join(state(), 'away'));
  expect(checkVault(config)).toMatchObject({ health: 'problem', lacks: [expect.stringContaining('nobody is recognised')] });
});

it('the emergency PIN is piped in, named by doctor while the key is there and while it is gone, and removed', async () => {
  const config = doorConfig({ 'state.folder': state() });
  vaultOf(config)[Symbol.dispose]();
  const pin = (args: readonly string[], typed = '', tty = false) =>
    facelatch(['vault', 'pin', ...args, '--state', state()], {}, typed, tty);
  expect(checkVault(config).found).toContain('without the key no PIN opens (facelatch vault pin)');
  const weak = await pin([], '12345678\n');
  expect(weak).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('among the first') });
  expect(weak.stderr).not.toContain('12345678');
  expect(jsonOf(await pin(['--json'], '27182818\n'))).toEqual({ set: true });
  expect(checkVault(config).found).toContain('without the key the emergency PIN opens');
  renameSync(join(state(), 'vault.key'), join(state(), 'away'));
  expect(checkVault(config)).toMatchObject({ health: 'problem', lacks: [expect.stringContaining('and the emergency PIN open')] });
  expect(jsonOf(await pin(['--remove', '--json']))).toEqual({ removed: true });
  expect(checkVault(config)).toMatchObject({ health: 'problem', lacks: [expect.stringContaining('facelatch vault pin')] });
  expect(await pin(['--remove'])).toMatchObject({ code: 1, stdout: 'There is no emergency PIN.\n' });
}, 60_000);

it('every place of the key is named with what it does not protect against: root on the running door', () => {
  for (const source of keySources) expect(sourceWords({ source }).not).toContain('root on the running door');
  expect(sourceWords({ source: 'credential', sealedWith: 'host' }).not).toContain('stolen card');
  expect(sourceWords({ source: 'credential', sealedWith: 'host+tpm2' }).protects).toContain('stolen card');
});

it('the words stand with their numbers, four in a line', () => {
  const lines = phraseLines(Array.from({ length: 24 }, (_, n) => `word${n + 1}`).join(' ')).split('\n');
  expect(lines).toHaveLength(6);
  expect(lines[1]).toBe('   5 word5       6 word6       7 word7       8 word8');
});
