/** Consents: on record before anybody is enrolled where that is required, proof without a name afterwards, and taken back with everything. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Fault } from '../../../src/base/errors.ts';
import { openConsents } from '../../../src/identity/consent/book.ts';
import type { ConsentBook, Gallery, Roster } from '../../../src/identity/port.ts';
import { rosterOf } from '../../../src/identity/roster.ts';
import type { Vault } from '../../../src/vault/port.ts';
import { face, person, smallEmbedder, smallPolicy } from '../../contracts/gallery.ts';
import { type FakeClock, fakeClock } from '../../fakes/clock.ts';
import { memoryGallery } from '../../fakes/gallery.ts';
import { type MemoryJournal, memoryJournal } from '../../fakes/journal.ts';
import { memoryVault } from '../../fakes/vault.ts';

let folder: string;
let file: string;
let vault: Vault;
let clock: FakeClock;
let gallery: Gallery;
let journal: MemoryJournal;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-consent-'));
  file = join(folder, 'consent.sqlite');
  vault = memoryVault();
  clock = fakeClock();
  gallery = memoryGallery({ embedder: smallEmbedder, policy: smallPolicy, clock });
  journal = memoryJournal({ clock });
});
afterEach(() => {
  vault[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

const book: ConsentBook = (work) => {
  using consents = openConsents({ file, vault, clock });
  return work(consents);
};
const rosterWith = (required: boolean): Roster => rosterOf({ gallery, journal, consents: { book, required } });
const paper = { version: '2026-01', how: 'paper' } as const;
const kinds = () => journal.entries.map(({ event }) => event.kind);
const missing = expect.objectContaining({ code: 'consent-missing', message: expect.stringMatching(/privacy\.consent.*--consent VERSION/) });

describe('where consents are required', () => {
  it('nobody is enrolled without one, and nothing is stored; with one, its record and its entry are there', () => {
    const roster = rosterWith(true);
    expect(() => roster.requireConsent('Ada', undefined)).toThrow(missing);
    expect(() => roster.enrol(person('Ada', face()), 'olga')).toThrow(missing);
    expect([gallery.list(), kinds()]).toEqual([[], []]);
    const { id } = roster.enrol(person('Ada', face()), 'olga', paper);
    expect(book((consents) => consents.of(id))).toEqual([{ ...paper, by: 'olga', givenAt: '2026-01-05T12:00:00.000Z' }]);
    expect(journal.entries.map(({ event }) => event)).toEqual([
      { kind: 'person.enrolled', personId: id, pictures: 1, by: 'olga' },
      { kind: 'consent.given', personId: id, ...paper, by: 'olga' },
    ]);
  });

  it('somebody whose consent is in force gets more pictures without another; somebody enrolled before needs one', () => {
    const before = rosterWith(false).enrol(person('Bob', face()));
    const roster = rosterWith(true);
    roster.enrol(person('Ada', face()), undefined, paper);
    expect(() => roster.requireConsent('Ada', undefined)).not.toThrow();
    expect(roster.enrol(person('Ada', face()))).toMatchObject({ pictures: 2 });
    expect(() => roster.enrol(person('Bob', face()))).toThrow(missing);
    roster.consent(before.id, paper, 'cli');
    expect(roster.enrol(person('Bob', face()))).toMatchObject({ pictures: 2 });
  });

  it('what fails after it leaves no record', () => {
    const full = new Fault('disk-full', 'full');
    const failing: Gallery = {
      ...gallery,
      enrol: (added, beforeStored) => {
        beforeStored?.({ id: 'p-1', name: added.name, enrolledAt: '', pictures: 1 }, 0);
        throw full;
      },
    };
    expect(() =>
      rosterOf({ gallery: failing, journal, consents: { book, required: true } }).enrol(person('Ada', face()), undefined, paper),
    ).toThrow(full);
    expect(book(({ counts }) => counts)).toEqual({ all: 0, ended: 0 });
    expect(kinds()).toEqual(['person.enrolled', 'consent.given', 'person.removed']);
  });
});

it('a failure after somebody was stored leaves their consent on record', () => {
  const full = new Fault('disk-full', 'full');
  const late: Gallery = {
    ...gallery,
    enrol: (...given) => {
      gallery.enrol(...given);
      throw full;
    },
  };
  const roster = rosterOf({ gallery: late, journal, consents: { book, required: true } });
  expect(() => roster.enrol(person('Ada', face()), undefined, paper)).toThrow(full);
  const id = gallery.find('Ada')?.id ?? '';
  expect([book((consents) => consents.inForce(id)), kinds()]).toMatchObject([paper, ['person.enrolled', 'consent.given']]);
});

describe('a consent that is taken back', () => {
  it('removes the person; the record stays, for whoever brings the name, until its time is over', async () => {
    const roster = rosterWith(true);
    const { id } = roster.enrol(person('Ada', face()), undefined, paper);
    await clock.advance(1000);
    expect([roster.withdraw(id, 'olga'), roster.withdraw(id, 'olga')]).toEqual([true, false]);
    expect([gallery.list(), kinds().slice(-2)]).toEqual([[], ['consent.withdrawn', 'person.removed']]);
    const proof = {
      ...paper,
      by: 'cli',
      givenAt: '2026-01-05T12:00:00.000Z',
      withdrawnAt: '2026-01-05T12:00:01.000Z',
      endedAt: '2026-01-05T12:00:01.000Z',
    };
    expect(book((consents) => [consents.named('ada'), consents.named('Eve')])).toEqual([[proof], []]);
    // Another Ada has not agreed.
    expect(() => roster.enrol(person('Ada', face()))).toThrow(missing);
    const bytes = readFileSync(file);
    expect([bytes.includes('Ada'), bytes.includes(id), bytes.includes('2026-01-05T12:00:00')]).toEqual([false, false, false]);
    expect(book((consents) => [consents.purge('2026-01-05T12:00:01.000Z'), consents.purge('2026-01-06T00:00:00.000Z')])).toEqual([0, 1]);
    expect(book((consents) => consents.named('Ada'))).toEqual([]);
  });

  it('removes the person also where neither record nor entry can be written', () => {
    const { id } = rosterWith(true).enrol(person('Ada', face()), undefined, paper);
    journal.full = true;
    const broken: ConsentBook = () => {
      throw new Fault('consent-damaged', 'damaged');
    };
    const roster = rosterOf({ gallery, journal, consents: { book: broken, required: true } });
    expect(() => roster.withdraw(id, 'olga')).toThrow(Fault);
    expect(gallery.list()).toEqual([]);
  });

  it('that was cut off half-way is found, and one given again counts', () => {
    const { id } = rosterWith(true).enrol(person('Ada', face()), undefined, paper);
    book((consents) => consents.withdraw(id));
    expect(book((consents) => [consents.inForce(id), consents.withdrawnOf([id, 'other'])])).toEqual([
      undefined,
      { withdrawn: [id], unfit: [] },
    ]);
    book((consents) => consents.give({ id, name: 'Ada' }, paper, 'cli'));
    expect(book((consents) => consents.withdrawnOf([id]))).toEqual({ withdrawn: [], unfit: [] });
  });
});

it('a record that stands in the place of another, or that another key sealed, is none', () => {
  const [one, other] = ['Ada', 'Bob'].map(
    (name) => rosterWith(true).enrol(person(name, face()), undefined, { ...paper, version: name }).id,
  );
  {
    using db = new DatabaseSync(file);
    db.exec('UPDATE consents SET record = (SELECT record FROM consents WHERE rowid = 1) WHERE rowid = 2');
  }
  expect(book((consents) => consents.of(one!))).toHaveLength(1);
  expect(() => book((consents) => consents.of(other!))).toThrow(expect.objectContaining({ code: 'seal-broken' }));
  const foreign = memoryVault();
  using consents = openConsents({ file, vault: foreign, clock });
  expect([consents.of(one!), consents.named('Ada')]).toEqual([[], []]);
  foreign[Symbol.dispose]();
});

describe('a file of consents that somebody without the key has changed removes nobody', () => {
  const ended = () => {
    const roster = rosterWith(true);
    const { id: gone } = roster.enrol(person('Ada', face()), undefined, paper);
    roster.withdraw(gone, 'olga');
    return { gone, stays: roster.enrol(person('Bob', face()), undefined, paper).id };
  };
  const alter = (sql: string) => {
    using db = new DatabaseSync(file);
    db.exec(sql);
  };
  const withdrawnOf = (...ids: string[]) => book((consents) => consents.withdrawnOf(ids));

  it.each([
    ['the person of another record', 'person'],
    ['the person and the name of another record', 'person, name'],
  ])('by %s', (_, columns) => {
    const { stays } = ended();
    alter(
      `UPDATE consents SET (${columns}, ended_at) = (SELECT ${columns}, NULL FROM consents WHERE rowid = 2) WHERE rowid = 1; DELETE FROM consents WHERE rowid = 2`,
    );
    expect(withdrawnOf(stays, 'other')).toEqual({ withdrawn: [], unfit: [stays] });
    expect(() => book((consents) => consents.of(stays))).toThrow(expect.objectContaining({ code: 'seal-broken' }));
  });

  it('by an end that is taken away, or another one', () => {
    const { gone } = ended();
    for (const end of ['NULL', "'2020-01-01T00:00:00.000Z'"]) {
      alter(`UPDATE consents SET ended_at = ${end} WHERE rowid = 1`);
      expect(withdrawnOf(gone)).toEqual({ withdrawn: [], unfit: [gone] });
    }
  });

  it('by another order of the rows', () => {
    const { id } = rosterWith(true).enrol(person('Ada', face()), undefined, paper);
    book((consents) => consents.withdraw(id));
    book((consents) => consents.give({ id, name: 'Ada' }, paper, 'cli'));
    alter('UPDATE consents SET rowid = 9 WHERE rowid = 1');
    expect(withdrawnOf(id)).toEqual({ withdrawn: [], unfit: [] });
  });

  it('and whoever is removed afterwards leaves a record that goes in its time', () => {
    const { stays } = ended();
    alter('UPDATE consents SET record = (SELECT record FROM consents WHERE rowid = 1) WHERE rowid = 2');
    expect(rosterWith(true).remove(stays)).toBe(true);
    expect(book(({ counts }) => counts)).toEqual({ all: 2, ended: 2 });
    expect(book((consents) => consents.purge('2099'))).toBe(2);
  });
});
