import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { importKey, newKey, thumbprint } from '../../../src/command/keys.ts';
import { encryptedTo, recipientOf } from '../../../src/vault/backup/age-file.ts';
import { type MovedPerson, peopleEntries, readPeopleFile } from '../../../src/vault/backup/people-file.ts';
import { packed, type TarEntry } from '../../../src/vault/backup/tar-file.ts';

const scalar = new Uint8Array(32).fill(5);
const at = '2026-11-30T00:00:00.000Z';
const picturesOf = (id: string) => [Buffer.from(`${id} one`), Buffer.from(`${id} two`)];
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const person = (id: string, more: Partial<MovedPerson> = {}): MovedPerson => ({
  ...{ id, name: `${id} Lovelace`, enrolledAt: at, rules: { schedule: 'office', uses: 3 }, hasPin: true },
  consents: [{ version: '2026-01', how: 'paper', by: 'cli', givenAt: at }],
  pictures: picturesOf(id).map((picture) => ({ id: sha256(picture), source: 'camera', addedAt: at })),
  ...more,
});

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-people-file-'));
  file = join(folder, 'people.age');
});
afterEach(() => rmSync(folder, { recursive: true }));

async function write(entries: AsyncIterable<TarEntry>): Promise<void> {
  const pieces: Uint8Array[] = [];
  for await (const piece of await encryptedTo(packed(entries), { recipients: [await recipientOf(scalar)] }, '--to')) pieces.push(piece);
  writeFileSync(file, Buffer.concat(pieces));
}
const doorKey = await newKey('Ed25519');
const signer = { kid: await thumbprint(doorKey), key: await importKey(doorKey) };
const parts = { door: 'front', takenAt: at, signer, publicX: doorKey.x, picturesOf };
const exported = (people: readonly MovedPerson[]) => peopleEntries({ ...parts, people });

async function read() {
  const seen: [string, string[]][] = [];
  const list = await readPeopleFile({
    ...{ file, opener: { scalar }, signal: new AbortController().signal },
    onPerson: ({ id }, pictures) => void seen.push([id, pictures.map((picture) => Buffer.from(picture).toString())]),
  });
  return { list, seen };
}
const damaged = expect.objectContaining({ code: 'backup-damaged' });

it('people come out as they went in, one after the other, each with their pictures', async () => {
  await write(exported([person('ada'), person('bob')]));
  const { list, seen } = await read();
  expect(list).toMatchObject({ door: 'front', kid: signer.kid, people: [person('ada'), person('bob')] });
  expect(seen).toEqual([
    ['ada', ['ada one', 'ada two']],
    ['bob', ['bob one', 'bob two']],
  ]);
});

it('a file that was cut or changed is refused before its end is reached', async () => {
  await write(exported([person('ada')]));
  const whole = readFileSync(file);
  for (let cut = 0; cut < whole.length; cut += 97) {
    writeFileSync(file, whole.subarray(0, cut));
    await expect(read(), `${cut}`).rejects.toEqual(damaged);
  }
  for (let at = 300; at < whole.length; at += 211) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ 4;
    writeFileSync(file, changed);
    await expect(read(), `${at}`).rejects.toEqual(damaged);
  }
});

it('whoever made the file cannot send another picture, somebody twice, fewer pictures, a rule that there is not, or more behind', async () => {
  const swapped = person('ada', { pictures: person('bob').pictures });
  await write(exported([swapped]));
  await expect(read()).rejects.toEqual(damaged);
  await write(exported([person('ada'), person('ada')]));
  await expect(read()).rejects.toThrow();
  await write(peopleEntries({ ...parts, people: [person('ada')], picturesOf: (id) => picturesOf(id).slice(1) }));
  await expect(read()).rejects.toEqual(damaged);
  for (const rules of [{ pin: 'scrypt$…' }, { usesAfter: 1 }, { validFrom: 'tomorrow' }, { enabled: 'yes' }]) {
    await write(exported([person('ada', { rules } as unknown as Partial<MovedPerson>)]));
    await expect(read(), JSON.stringify(rules)).rejects.toEqual(damaged);
  }
  await write(
    (async function* () {
      yield* exported([person('ada')]);
      yield { path: 'pictures/more', bytes: 1, content: [Buffer.from('x')] };
    })(),
  );
  await expect(read()).rejects.toEqual(damaged);
  await write(exported([person('../../etc/ada')]));
  await expect(read()).rejects.toEqual(damaged);
});

it('a file of a newer version says so, and another key opens nothing', async () => {
  await write(
    (async function* () {
      const text = Buffer.from(JSON.stringify({ format: 3, facelatch: '9.0.0' }));
      yield { path: 'people.json', bytes: text.length, content: [text] };
    })(),
  );
  await expect(read()).rejects.toMatchObject({ code: 'database-newer' });
  await write(exported([person('ada')]));
  const other = { scalar: new Uint8Array(32).fill(6) };
  const signal = new AbortController().signal;
  await expect(readPeopleFile({ file, opener: other, signal, onPerson: () => undefined })).rejects.toMatchObject({
    code: 'backup-refused',
  });
});
