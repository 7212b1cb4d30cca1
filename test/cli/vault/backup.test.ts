import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Decrypter, generateIdentity, identityToRecipient } from 'age-encryption';
import { unzipSync } from 'fflate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { journalOf } from '../../../src/adapters/journal.ts';
import { vaultOf } from '../../../src/adapters/vault.ts';
import { lockChanges, lockState } from '../../../src/host/lock.ts';
import { doorConfig } from '../../fakes/config.ts';
import { eventOf } from '../../fakes/events.ts';
import { demoPicture, facelatch, jsonOf, temporaryFolder } from '../facelatch.ts';

const folder = temporaryFolder();
const [state, other] = [join(folder.path, 'state'), join(folder.path, 'other')];
const [backup, identityFile] = [join(folder.path, 'door.age'), join(folder.path, 'key.txt')];
let identity: string;
let to: string[];

beforeAll(async () => {
  identity = await generateIdentity();
  to = ['--to', await identityToRecipient(identity)];
  writeFileSync(identityFile, `# created by age-keygen\n${identity}\n`);
  for (const [name, n] of [
    ['Ada', 1],
    ['Bob', 2],
  ] as const)
    jsonOf(await facelatch(['enrol', name, demoPicture(n, 'neutral'), demoPicture(n, 'smiling'), '--state', state, '--json']));
}, 60_000);
afterAll(() => folder[Symbol.dispose]());

it('a door comes out of its backup, and whoever was removed since does not come back', { timeout: 60_000 }, async () => {
  const taken = jsonOf(await facelatch(['backup', backup, ...to, '--state', state, '--json']));
  expect(taken).toMatchObject({ file: backup, recipients: 1, passedOver: [] });
  jsonOf(await facelatch(['people', 'remove', 'Bob', '--yes', '--state', state, '--json']));
  const restored = jsonOf(await facelatch(['restore', backup, '--identity', identityFile, '--state', state, '--json']));
  expect(restored).toMatchObject({ door: 'front-door', people: 1, source: 'beside', removed: [{ person: expect.any(String) }] });
  const journal = await facelatch(['journal', 'verify', '--state', state]);
  expect(journal.stdout).toContain('the journal is whole');
  const { people } = jsonOf(await facelatch(['people', '--state', state, '--json']));
  expect(people).toMatchObject([{ name: 'Ada', pictures: 2 }]);
});

it('a wrong identity, and a daemon that runs, end with one sentence and leave everything as it was', { timeout: 60_000 }, async () => {
  const before = readdirSync(folder.path);
  const wrong = join(folder.path, 'key.txt');
  writeFileSync(wrong, await generateIdentity());
  const { code, stderr } = await facelatch(['restore', backup, '--identity', wrong, '--state', state]);
  expect([code, stderr]).toEqual([3, 'facelatch: The file was not encrypted for this identity: give the one that belongs to it\n']);
  writeFileSync(identityFile, identity);
  using _ = lockState(state);
  const locked = await facelatch(['restore', backup, '--identity', identityFile, '--state', state]);
  expect([locked.code, locked.stderr]).toEqual([3, expect.stringContaining(`(process ${process.pid}) is running`)]);
  expect(readdirSync(folder.path)).toEqual(before);
});

it('without a terminal it says so, and how to open a backup otherwise', { timeout: 60_000 }, async () => {
  const elsewhere = join(folder.path, 'new');
  const { code, stderr } = await facelatch(['restore', backup, '--state', elsewhere]);
  expect([code, stderr]).toEqual([2, expect.stringMatching(/not a terminal: give its 24 words on standard input, or .*--identity FILE/)]);
  // With an identity too, where the key of the vault is nowhere here.
  const other = await facelatch(['restore', backup, '--identity', identityFile, '--state', elsewhere]);
  expect([other.code, other.stderr]).toEqual([
    2,
    expect.stringMatching(/The key of the vault in this backup is not on this device.*24 words on standard input\n/),
  ]);
});

it('where the keyring is gone, nothing is restored before somebody says yes', { timeout: 60_000 }, async () => {
  const lost = join(folder.path, 'lost');
  cpSync(state, lost, { recursive: true });
  rmSync(join(lost, 'vault.sqlite'));
  // The key that is beside it fits the backup.
  const args = ['restore', backup, '--identity', identityFile, '--state', lost, '--json'];
  const asked = await facelatch(args);
  expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining('It is not known who was removed here since the backup')]);
  expect(existsSync(join(lost, 'vault.sqlite'))).toBe(false);
  expect(jsonOf(await facelatch([...args, '--yes']))).toMatchObject({ unknown: expect.stringContaining('is gone'), people: 1 });
});

it('while a backup is restored, nobody is removed from the folder that goes aside, and no key is taken away in it', {
  timeout: 60_000,
}, async () => {
  const change = ['people', 'remove', 'Ada', '--yes', '--state', state];
  {
    using _ = lockChanges(state, 'alone');
    for (const args of [
      change,
      ['enrol', 'Eve', demoPicture(3, 'neutral'), '--state', state],
      ['key', 'remove', 'ada', '--state', state],
      ['console', 'remove', 'ada', '--state', state],
    ])
      expect(await facelatch(args)).toMatchObject({ code: 3, stderr: expect.stringContaining('is being restored') });
  }
  using _ = lockChanges(state);
  const restore = ['restore', backup, '--identity', identityFile, '--state', state];
  expect(await facelatch(restore)).toMatchObject({ code: 3, stderr: expect.stringContaining('Another command is changing') });
  const { people } = jsonOf(await facelatch(['people', '--state', state, '--json']));
  expect(people.map(({ name }: { name: string }) => name)).toSatisfy((names: string[]) => names.includes('Ada') && !names.includes('Eve'));
});

it('what is held about a person goes into a ZIP that only its recipient opens', { timeout: 60_000 }, async () => {
  const file = join(folder.path, 'ada.zip.age');
  const { person } = jsonOf(await facelatch(['people', 'show', 'Ada', '--state', state, '--json']));
  {
    using journal = journalOf(doorConfig({ 'state.folder': state }));
    journal.append({ ...eventOf['access.denied'], bestPersonId: person.id });
    journal.append({ ...eventOf['access.denied'], bestPersonId: 'p-bob' });
    journal.append({ ...eventOf['access.granted'], personId: 'p-bob', withPersonId: person.id });
  }
  const exported = jsonOf(await facelatch(['people', 'export', 'Ada', file, ...to, '--state', state, '--json']));
  expect(exported).toMatchObject({ pictures: 2, kept: 0, person: { name: 'Ada' } });
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const files = unzipSync(await decrypter.decrypt(readFileSync(file)));
  expect(Object.keys(files).toSorted()).toEqual(
    [
      'README.txt',
      'journal.jsonl',
      'person.json',
      'pictures.json',
      'pictures/01.jpg',
      'pictures/02.jpg',
      'templates.json',
      'visits.json',
    ].toSorted(),
  );
  const text = (name: string) => Buffer.from(files[name] ?? []).toString();
  expect(JSON.parse(text('person.json'))).toMatchObject({ name: 'Ada', rules: {}, consents: [] });
  expect(JSON.parse(text('templates.json')).templates).toHaveLength(2);
  const entries = text('journal.jsonl')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).event);
  expect(entries).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ kind: 'person.enrolled', personId: person.id }),
      expect.objectContaining({ kind: 'access.denied', bestPersonId: person.id }),
      expect.objectContaining({ kind: 'access.granted', personId: 'somebody else', withPersonId: person.id }),
    ]),
  );
  expect(text('journal.jsonl')).not.toContain('p-bob');
  const again = await facelatch(['people', 'export', 'Ada', file, ...to, '--state', state]);
  expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('is not overwritten')]);
});

it('people move to another door with their ids, and are known there', { timeout: 60_000 }, async () => {
  const file = join(folder.path, 'people.age');
  const { key } = jsonOf(await facelatch(['people', 'export', '--all', file, ...to, '--state', state, '--json']));
  const card = join(folder.path, 'card.json');
  await facelatch(['key', 'door', '--out', card, '--state', state]);
  const take = (...more: string[]) =>
    facelatch(['people', 'import', file, '--identity', identityFile, '--state', other, '--json', ...more]);
  // Whoever knows the recipient can encrypt such a file: somebody must know the key that signed it.
  const asked = await take();
  expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining(`1 person of the door front-door, exported on `)]);
  expect(asked.stderr).toContain(`signed with the key ${key}`);
  const args = ['people', 'import', file, '--identity', identityFile, '--state', other];
  const answered = await facelatch(args, {}, 'n\n', true);
  expect(answered).toMatchObject({ code: 1, stdout: 'nobody was imported\n', stderr: expect.stringContaining(key) });
  const wrong = join(folder.path, 'wrong-card.json');
  await facelatch(['key', 'door', '--out', wrong, '--state', other]);
  expect(await take('--from', wrong)).toMatchObject({ code: 3, stderr: expect.stringContaining('another door made it') });
  expect(jsonOf(await facelatch(['people', '--state', other, '--json'])).people).toEqual([]);
  expect(jsonOf(await take('--from', card))).toMatchObject({ door: 'front-door', key, here: 0, refused: [], notes: [] });
  expect((await facelatch(['journal', '--state', other, '--kind', 'people.imported', '--json'])).stdout).toContain(key);
  const [there, here] = [
    jsonOf(await facelatch(['people', '--state', other, '--json'])),
    jsonOf(await facelatch(['people', '--state', state, '--json'])),
  ];
  expect(there.people[0]).toMatchObject({ id: here.people[0].id, name: 'Ada', pictures: 2 });
  const { code } = await facelatch(['verify', demoPicture(1, 'smiling'), '--person', 'Ada', '--state', other]);
  expect(code).toBe(0);
  {
    using vault = vaultOf(doorConfig({ 'state.folder': other }));
    vault.destroy([{ person: here.people[0].id }]);
  }
  const refused = jsonOf(await take('--yes'));
  expect(refused).toMatchObject({ enrolled: 0, refused: [{ name: 'Ada', why: expect.stringContaining('was removed at this door') }] });
});
