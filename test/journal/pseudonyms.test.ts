/** People in the journal: the door knows them while their key is there, and nobody does afterwards. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Fault } from '../../src/base/errors.ts';
import { systemClock } from '../../src/base/time.ts';
import type { Event } from '../../src/events.ts';
import type { Journal } from '../../src/journal/port.ts';
import { personFields, plainIds, pseudonyms } from '../../src/journal/pseudonyms.ts';
import { journalReader } from '../../src/journal/reader.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import type { Vault } from '../../src/vault/port.ts';
import { testJournal } from '../contracts/journal.ts';
import { fakeClock } from '../fakes/clock.ts';
import { eventOf } from '../fakes/events.ts';
import { memoryVault } from '../fakes/vault.ts';

const [ada, ben] = ['0b0e7a64-7c0c-4b5a-9a0e-3f5d3c1f0a01', 'f2f0a9f2-6a0f-4d4f-8f5b-5b8f1f6a0b02'];
const renamed = (personId: string): Event => ({ kind: 'person.renamed', personId });
const enrolled = (personId: string): Event => ({ kind: 'person.enrolled', personId, pictures: 1 });

let folder = '';
let file = '';
let vault: Vault;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-pseudonyms-'));
  file = join(folder, 'journal.sqlite');
  vault = memoryVault();
});
afterEach(() => {
  vault[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
});

const open = (vaultNow: () => Vault | undefined = () => vault): Journal =>
  openJournal({ file, clock: systemClock, people: pseudonyms({ vault: vaultNow }) });
const rows = () => {
  using db = new DatabaseSync(file, { readOnly: true });
  return db.prepare('SELECT person, event FROM journal ORDER BY seq').all();
};
const peopleOf = (journal: Journal) => journal.query({}).map(({ event }) => ('personId' in event ? event.personId : undefined));

testJournal('the journal with pseudonyms', (clock) => {
  const people = memoryVault();
  for (const event of Object.values(eventOf))
    if ('personId' in event && event.personId) people.pseudonym({ person: event.personId }, 'x', '');
  return openJournal({ file, clock, people: pseudonyms({ vault: () => people }) });
});

test('every field of an event that holds the id of a person is known', () => {
  const fields = [...readFileSync('src/events.ts', 'utf8').matchAll(/readonly (\w+)\??: PersonId\b/g)].map(([, field]) => field);
  expect(new Set(fields)).toEqual(personFields);
});

test('no row holds the id of somebody who has a key, and each reader gives it back', async () => {
  using journal = open();
  const told = [enrolled(ada), { ...eventOf['access.granted'], personId: ada, withPersonId: ben }, enrolled(ben)] as const;
  const denied: Event = { ...eventOf['access.denied'], bestPersonId: ben };
  const granted: Event = { ...eventOf['access.granted'], personId: ben, withPersonId: ada };
  expect([...told, denied, granted].map((event) => journal.append(event).event)).toEqual([...told, denied, granted]);
  const stored = rows().slice(2);
  expect(JSON.stringify(stored)).not.toMatch(new RegExp(`${ada}|${ben}`));
  expect(stored.map(({ person }) => person)).toEqual([expect.stringMatching(/^pseudonym:[\w-]{22}$/), null, stored[0]?.person]);
  // Also where the process that reads is another one, which knows nobody yet.
  using second = open();
  // A busy machine learns a few keys at a time.
  await expect.poll(() => second.query({ after: 2 }).map(({ event }) => event)).toEqual([told[2], denied, granted]);
  await using reader = journalReader(file, pseudonyms({ vault: () => vault }));
  await expect.poll(() => reader.query({ limit: 9 })).toEqual(second.query({}));
  expect(await reader.query({ limit: 9, personId: ben })).toEqual(second.query({ personId: ben }));
  expect(second.query({ personId: ben }).map(({ seq }) => seq)).toEqual([3, 5]);
  // Also where he came nearest, and where he was the other of two.
  expect(second.naming(ben)).toEqual(second.query({ after: 1 }));
  expect(second.naming(ada).map(({ seq }) => seq)).toEqual([1, 2, 5]);
  expect(second.verify()).toEqual({ ok: true, entries: 5 });
});

test('rows from before and after somebody got a key are theirs alike, in order, however few are asked for', () => {
  const old = openJournal({ file, clock: systemClock });
  for (const id of [ada, ben, ada]) old.append(renamed(id));
  old[Symbol.dispose]();
  using journal = open();
  journal.append(enrolled(ada));
  journal.append(renamed(ada));
  expect(journal.query({ personId: ada }).map(({ seq }) => seq)).toEqual([1, 3, 4, 5]);
  expect(journal.query({ personId: ada, limit: 3 }).map(({ seq }) => seq)).toEqual([3, 4, 5]);
  expect(journal.query({ personId: ada, upTo: 4, limit: 2 }).map(({ seq }) => seq)).toEqual([3, 4]);
  expect(journal.query({ personId: ada, limit: 0 })).toEqual([]);
});

test('the rows of somebody whose key is destroyed are nobody’s, and the chain is whole', async () => {
  using journal = open();
  for (const id of [ada, ben]) journal.append(enrolled(id));
  journal.append(renamed(ada));
  vault.destroy([{ person: ada }]);
  journal.append({ kind: 'person.removed', personId: ada });
  expect(journal.query({ personId: ada }).map(({ seq }) => seq)).toEqual([4]);
  const [first, other, third, removal] = peopleOf(journal);
  expect([first, other, removal]).toEqual([expect.stringMatching(/^pseudonym:/), ben, ada]);
  expect(third).toBe(first);
  expect(journal.verify()).toEqual({ ok: true, entries: 4 });
  await using reader = journalReader(file, pseudonyms({ vault: () => vault }));
  expect(await reader.query({ limit: 9, personId: ada })).toEqual(journal.query({ personId: ada }));
});

test('a key that another process makes or destroys is noticed', () => {
  using journal = open();
  using other = openJournal({ file, clock: systemClock, people: pseudonyms({ vault: () => vault }) });
  other.append(enrolled(ada));
  expect(peopleOf(journal)).toEqual([ada]);
  expect(journal.query({ personId: ada })).toHaveLength(1);
  vault.destroy([{ person: ada }]);
  expect(peopleOf(journal)).toEqual([expect.stringMatching(/^pseudonym:/)]);
  expect(journal.query({ personId: ada })).toEqual([]);
});

test('nobody gets a key because a row of theirs was refused', () => {
  using journal = open();
  journal.append({ kind: 'gallery.row-refused', row: 'person', personId: ben });
  expect([vault.holds({ person: ben }), peopleOf(journal)]).toEqual([false, [ben]]);
});

test('the journal goes on while the vault is locked or broken', () => {
  let now: Vault | undefined;
  using journal = open(() => now);
  journal.append(renamed(ada));
  now = vault;
  journal.append(enrolled(ada));
  const broken = () => {
    throw new Fault('vault-down', 'The keyring cannot be read');
  };
  now = {
    ...vault,
    holds: broken,
    pseudonym: broken,
    owners: broken,
    get changes(): string {
      return broken();
    },
  };
  journal.append(renamed(ada));
  journal.append(renamed(ben));
  expect(peopleOf(journal)).toEqual([ada, ada, ada, ben]);
  expect(rows().map(({ person }) => String(person).startsWith('pseudonym:'))).toEqual([false, true, true, false]);
});

test('a follower learns a thousand keys in steps, and shows every row with its person', async () => {
  const clock = fakeClock();
  using journal = openJournal({ file, clock, people: pseudonyms({ vault: () => vault }) });
  const ids = Array.from({ length: 1000 }, (_, n) => `p-${n}`);
  for (const person of ids) vault.pseudonym({ person }, 'journal', person);
  using other = openJournal({ file, clock, people: pseudonyms({ vault: () => vault }) });
  other.append(renamed('p-999'));
  const stop = new AbortController();
  for await (const { event } of journal.tail(0, stop.signal)) {
    expect(event).toEqual(renamed('p-999'));
    stop.abort();
  }
});

test('plain ids are left as they are', () => {
  expect([plainIds.written(renamed(ada)), plainIds.read(renamed(ada)), plainIds.of(ada), plainIds.catchUp()]).toEqual([
    renamed(ada),
    renamed(ada),
    [ada],
    true,
  ]);
});
