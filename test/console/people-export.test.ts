/** What the console gives to a person of what is held about them: the file opens with its passphrase and is whole. */
import { Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { strFromU8, unzipSync } from 'fflate';
import { expect, it } from 'vitest';
import { demoPicture, openConsoleDoor } from '../fakes/console-door.ts';

it('an export holds pictures, rules, templates and every entry in which the person stands, and the journal says so', async () => {
  await using door = await openConsoleDoor();
  await door.show('p01', 12);
  const id = door.house.gallery.find('p01')?.id ?? '';
  const identity = await generateX25519Identity();
  const answer = await door.ask('admin', `people/${id}/export`, { recipients: [await identityToRecipient(identity)] });
  expect([answer.status, answer.headers.get('content-disposition')]).toEqual([200, 'attachment; filename="person.zip.age"']);
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const files = unzipSync(await decrypter.decrypt(new Uint8Array(await answer.arrayBuffer())));
  expect(Object.keys(files).toSorted()).toEqual([
    ...['README.txt', 'journal.jsonl', 'person.json', 'pictures.json', 'pictures/01.jpg', 'templates.json', 'visits.json'],
  ]);
  expect(Buffer.from(files['pictures/01.jpg'] ?? []).equals(Buffer.from(demoPicture('p01')))).toBe(true);
  const kinds = strFromU8(files['journal.jsonl'] ?? new Uint8Array())
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).event.kind);
  expect(kinds).toEqual(expect.arrayContaining(['person.enrolled', 'access.granted', 'people.exported']));
  expect(JSON.parse(strFromU8(files['person.json'] ?? new Uint8Array()))).toMatchObject({ id, name: 'p01' });
  expect(door.house.journal.query({ kinds: ['people.exported'] }).map(({ event }) => event)).toMatchObject([
    { personId: id, by: expect.stringMatching(/^admin/) },
  ]);
  expect((await door.ask('admin', 'people/nobody-there/export', { passphrase: 'a passphrase for this test' })).status).toBe(404);
}, 60_000);
