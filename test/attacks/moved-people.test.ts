/** A file of people that somebody else wrote for this door's recipient: nobody in it is read. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { signDetached } from '../../src/base/jws.ts';
import { importKey, newKey, type PrivateKey, thumbprint } from '../../src/command/keys.ts';
import { encryptedTo, recipientOf } from '../../src/vault/backup/age-file.ts';
import { peopleEntries, readPeopleFile } from '../../src/vault/backup/people-file.ts';
import { packed, type TarEntry } from '../../src/vault/backup/tar-file.ts';

const scalar = new Uint8Array(32).fill(5);
const takenAt = '2026-11-30T00:00:00.000Z';
let folder: string;
let [door, stranger]: PrivateKey[] = [];
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-moved-people-'));
  [door, stranger] = await Promise.all([newKey('Ed25519'), newKey('Ed25519')]);
});
afterAll(() => rmSync(folder, { recursive: true }));

async function entriesBy(key = door): Promise<TarEntry[]> {
  if (!key) throw new Error('no key');
  const signer = { kid: await thumbprint(key), key: await importKey(key) };
  return await Array.fromAsync(peopleEntries({ door: 'front', takenAt, people: [], signer, publicX: key.x, picturesOf: () => [] }));
}

async function read(entries: readonly TarEntry[]) {
  const file = join(folder, 'people.age');
  const lock = { recipients: [await recipientOf(scalar)] };
  writeFileSync(file, Buffer.concat(await Array.fromAsync(await encryptedTo(packed(each(entries)), lock, '--to'))));
  let heard = 0;
  const read = readPeopleFile({
    ...{ file, opener: { scalar }, signal: new AbortController().signal },
    onList: () => void heard++,
    onPerson: () => void heard++,
  });
  return await read.then(
    ({ kid }) => kid,
    (error) => `${error.code}, ${heard} heard`,
  );
}
async function* each(entries: readonly TarEntry[]): AsyncGenerator<TarEntry> {
  yield* entries;
}
const entry = (path: string, text: string): TarEntry => ({ path, bytes: Buffer.byteLength(text), content: [Buffer.from(text)] });
async function textOf(found: TarEntry | undefined): Promise<string> {
  return Buffer.concat(await Array.fromAsync(found?.content ?? [])).toString();
}

it('the file of a stranger carries the key of the stranger: that of the door cannot be put into it', async () => {
  const [own, forged] = [await entriesBy(door), await entriesBy(stranger)];
  const [doorX = '', strangerX = ''] = [door?.x, stranger?.x];
  expect(await read(forged)).not.toBe(await read(own));
  const claimed = (await textOf(forged[0])).replace(strangerX, doorX);
  expect(await read([entry('people.json', claimed), ...forged.slice(1)])).toBe('backup-refused, 0 heard');
  expect(await read([...forged.slice(0, 1), ...own.slice(1)])).toBe('backup-refused, 0 heard');
});

it('a list that was changed after it was signed is refused, and so is one without a signature', async () => {
  const [list, signature] = await entriesBy();
  const text = await textOf(list);
  const changed = entry('people.json', text.replace('"front"', '"other"'));
  expect(await read([changed, ...(signature ? [signature] : [])])).toBe('backup-refused, 0 heard');
  expect(await read([entry('people.json', text)])).toBe('backup-damaged, 0 heard');
  expect(await read([entry('people.json', text), entry('people.json.jws', '')])).toBe('backup-refused, 0 heard');
  const old = entry('people.json', JSON.stringify({ format: 1, facelatch: '0.1.0', door: 'front', takenAt, people: [] }));
  expect(await read([old])).toBe('backup-refused, 0 heard');
});

it('what the door signed for another purpose signs no people', async () => {
  const [list] = await entriesBy();
  if (!list || !door) throw new Error('no list');
  const signer = { kid: await thumbprint(door), key: await importKey(door) };
  const text = await textOf(list);
  for (const type of ['facelatch-event+jws', 'JWT', 'facelatch-reply+jws'])
    expect(
      await read([entry('people.json', text), entry('people.json.jws', await signDetached(Buffer.from(text), type, signer, {}))]),
    ).toBe('backup-refused, 0 heard');
});
