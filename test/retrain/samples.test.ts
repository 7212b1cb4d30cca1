/** What a door learns from: kept where it is allowed, labelled by people alone, deleted on time; and a frozen set that stays what it is. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Event } from '../../src/events.ts';
import { summary } from '../../src/retrain/data/dataset.ts';
import { markEntry } from '../../src/retrain/marking.ts';
import type { TrainingData } from '../../src/retrain/port.ts';
import { samplesIn } from '../../src/retrain/samples.ts';
import { visitPictures } from '../../src/retrain/visit-pictures.ts';
import { face, person, smallEmbedder, smallPolicy } from '../contracts/gallery.ts';
import { fakeClock } from '../fakes/clock.ts';
import { eventOf } from '../fakes/events.ts';
import { memoryGallery } from '../fakes/gallery.ts';
import { memoryJournal } from '../fakes/journal.ts';
import { freshStore } from './fresh-store.ts';

const fresh = freshStore();
const dayMs = 86_400_000;
const clock = fakeClock();
const at = (ms = clock.wall()) => new Date(ms).toISOString();
const open = (settings: Partial<Parameters<typeof samplesIn>[0]> = {}) => {
  const gallery = memoryGallery({ embedder: smallEmbedder, policy: smallPolicy, clock });
  const all = { keepGrantsDays: 7, keepUnknownsDays: 3, maxPictures: 50, frozenShare: 0.2, ...settings };
  return { gallery, samples: samplesIn({ store: fresh.store, gallery, clock, ...all }) };
};
const bytes = (text: string) => new TextEncoder().encode(text);
const ids = ({ people, strangers }: TrainingData) => [...people.flatMap(({ samples }) => samples), ...strangers.flat()].map(({ id }) => id);

it('keeps nothing unless the owner allows it', () => {
  const { samples, gallery } = open({ keepGrantsDays: 0, keepUnknownsDays: 0 });
  const ada = gallery.enrol(person('Ada', face()));
  expect(samples.keep({ seq: 1, takenAt: at(), personId: ada.id, pictures: [bytes('a')] })).toBeUndefined();
  expect(samples.keep({ seq: 2, takenAt: at(), pictures: [bytes('b')] })).toBeUndefined();
  expect(samples.kept()).toEqual([]);
});

it('a grant is learned from only once a person has confirmed it; a mark of somebody else makes it a stranger', () => {
  const { samples, gallery } = open();
  const ada = gallery.enrol(person('Ada', face(), face()));
  const before = samples.dataset();
  samples.keep({ seq: 1, takenAt: at(), personId: ada.id, pictures: [bytes('a')] });
  expect(summary(samples.dataset().training)).toEqual(summary(before.training));
  const all = () => {
    const { training, frozen } = samples.dataset();
    return [...training.people, ...frozen.people].flatMap(({ samples: list }) => list.map(({ origin }) => origin));
  };
  expect(samples.mark(1, 'right')).toBe(1);
  expect(all().toSorted()).toEqual(['confirmed', 'enrolment', 'enrolment']);
  samples.mark(1, 'not-them');
  expect(all()).toEqual(['enrolment', 'enrolment']);
  const { training, frozen } = samples.dataset();
  expect([...training.strangers, ...frozen.strangers]).toHaveLength(1);
});

it('somebody turned away who resembles an enrolled person is no stranger before a person says so', () => {
  const { samples } = open();
  samples.keep({ seq: 1, takenAt: at(), alike: true, pictures: [bytes('a')] });
  samples.keep({ seq: 2, takenAt: at(), pictures: [bytes('b'), bytes('c')] });
  const strangers = () => {
    const { training, frozen } = samples.dataset();
    return [...training.strangers, ...frozen.strangers].length;
  };
  expect(strangers()).toBe(1);
  samples.mark(1, 'stranger');
  expect(strangers()).toBe(2);
});

it('deletes on time, beyond the bound, and with the person; the bytes are gone from the file', async () => {
  const { samples, gallery } = open({ maxPictures: 10 });
  const [ada, bob] = [gallery.enrol(person('Ada', face())), gallery.enrol(person('Bob', face()))];
  samples.keep({ seq: 1, takenAt: at(), pictures: [bytes('the face of a stranger')] });
  samples.keep({ seq: 2, takenAt: at(), personId: ada.id, pictures: [bytes('the face of Ada')] });
  samples.keep({ seq: 3, takenAt: at(), personId: bob.id, pictures: [bytes('the face of Bob')] });
  samples.mark(3, 'right');
  await clock.advance(3.5 * dayMs);
  expect(samples.purge()).toBe(1);
  await clock.advance(4 * dayMs);
  expect(samples.purge()).toBe(1);
  expect(samples.kept().map(({ seq }) => seq)).toEqual([3]);
  gallery.forget(bob.id);
  expect(samples.purge()).toBe(1);
  fresh.store.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  expect(readFileSync(fresh.file).includes('the face of')).toBe(false);
  for (let seq = 10; seq < 30; seq++) samples.keep({ seq, takenAt: at(clock.wall() + seq), pictures: [bytes(`picture ${seq}`)] });
  expect(samples.purge()).toBe(10);
  expect(samples.kept().map(({ seq }) => seq)).toEqual([29, 28, 27, 26, 25, 24, 23, 22, 21, 20]);
});

it('a grant that was a mistake is learned from as a stranger, and kept as long as a grant may be, no longer', async () => {
  const { samples, gallery } = open({ keepGrantsDays: 7, keepUnknownsDays: 0 });
  const ada = gallery.enrol(person('Ada', face()));
  samples.keep({ seq: 1, takenAt: at(), personId: ada.id, pictures: [bytes('let in as Ada')] });
  expect(samples.mark(1, 'not-them')).toBe(1);
  await clock.advance(6.5 * dayMs);
  expect(samples.purge()).toBe(0);
  const { training, frozen } = samples.dataset();
  expect([...training.strangers, ...frozen.strangers]).toHaveLength(1);
  await clock.advance(dayMs);
  expect(samples.purge()).toBe(1);
});

it('of a small household somebody is left to learn from, however the dice fall', () => {
  for (let household = 0; household < 200; household++) {
    const { samples, gallery } = open({ frozenShare: 0.5 });
    for (let i = 0; i < 3; i++) gallery.enrol(person(`P${i}`, face(), face(), face()));
    const { training, frozen } = samples.dataset();
    expect([training.people.length, frozen.people.length]).toEqual([2, 1]);
  }
});

it('what is frozen stays frozen and is never trained on, whatever comes', async () => {
  const { samples, gallery } = open();
  for (let i = 0; i < 8; i++) gallery.enrol(person(`P${i}`, face(), face()));
  const first = samples.dataset();
  const frozen = new Set(ids(first.frozen));
  expect(first.frozen.people.length).toBeGreaterThanOrEqual(3);
  expect(first.training.people.length).toBeGreaterThanOrEqual(4);
  const trained = new Set(ids(first.training));
  for (let day = 0; day < 6; day++) {
    await clock.advance(dayMs);
    for (let i = 0; i < 4; i++) {
      const { id } = gallery.enrol(person(`Q${day}${i}`, face(), face()));
      samples.keep({ seq: 100 * day + i + 1, takenAt: at(), personId: id, pictures: [bytes(`grant ${day} ${i}`)] });
      samples.mark(100 * day + i + 1, 'right');
    }
    // Read anew, as by the next daemon.
    const { training, frozen: now } = open().samples && samples.dataset();
    expect(ids(training).filter((id) => frozen.has(id))).toEqual([]);
    expect(ids(now).filter((id) => trained.has(id))).toEqual([]);
    for (const id of ids(now)) frozen.add(id);
    for (const id of ids(training)) trained.add(id);
    expect([...frozen].filter((id) => trained.has(id))).toEqual([]);
  }
  // One person's day is on one side.
  const sides = new Map<string, Set<string>>();
  const { training, frozen: now } = samples.dataset();
  for (const [side, data] of [['training', training] as const, ['frozen', now] as const])
    for (const { personId, samples: list } of data.people)
      for (const { takenAt } of list) {
        const day = `${personId} ${takenAt.slice(0, 10)}`;
        sides.set(day, (sides.get(day) ?? new Set()).add(side));
      }
  expect([...sides.values()].filter((each) => each.size > 1)).toEqual([]);
});

it('marks are checked against the entry, journalled with who said so, and label what was kept', () => {
  const { samples, gallery } = open();
  const journal = memoryJournal({ clock });
  const ada = gallery.enrol(person('Ada', face()));
  const granted = journal.append({ ...eventOf['access.granted'], personId: ada.id } as Event);
  const denied = journal.append(eventOf['access.denied']);
  samples.keep({ seq: denied.seq, takenAt: denied.at, pictures: [bytes('x'), bytes('y')] });
  const mark = (seq: number, as: 'right' | 'not-them' | 'person' | 'stranger', who?: string) =>
    markEntry({ journal, samples, gallery }, { seq, as, by: 'olga', ...(who !== undefined && { person: who }) });
  expect(mark(denied.seq, 'person', 'Ada')).toEqual({ pictures: 2, personId: ada.id });
  expect(journal.query({ kinds: ['entry.marked'] }).map(({ event }) => event)).toEqual([
    { kind: 'entry.marked', markedSeq: denied.seq, as: 'person', by: 'olga', personId: ada.id },
  ]);
  expect(mark(granted.seq, 'right')).toEqual({ pictures: 0, personId: ada.id });
  expect(() => mark(denied.seq, 'right')).toThrow(/let nobody in/);
  expect(() => mark(99, 'right')).toThrow(/no entry 99/);
  expect(() => mark(denied.seq, 'person', 'Bob')).toThrow(/Bob/);
  expect(() => mark(denied.seq, 'person')).toThrow(/whom/);
  expect(() => mark(3, 'stranger')).toThrow(/entry.marked/);
});

it('of a visit the deciding picture of a grant is kept, of somebody turned away three at most, of other denials none', async () => {
  const { samples } = open();
  const pictures = visitPictures({
    samples,
    onKept: () => undefined,
    onFault: (fault) => {
      throw fault;
    },
  });
  const entry = (event: Event, seq: number) => ({ seq, id: '', at: at(), event, hash: '' });
  const see = (from: number, count: number) => {
    for (let i = 0; i < count; i++) pictures.saw(from + i, bytes(`frame ${from + i}`));
  };
  const granted = { ...eventOf['access.granted'], capturedAtMs: 12 } as Event;
  see(10, 5);
  pictures.decided(granted, entry(granted, 1));
  see(20, 9);
  const unknown = { ...eventOf['access.denied'], capturedAtMs: 24 } as Event;
  pictures.decided(unknown, entry(unknown, 2));
  see(30, 2);
  const later = { ...unknown, capturedAtMs: 31 } as Event;
  pictures.decided(later, entry(later, 4));
  see(10_000, 2);
  const other = { ...unknown, capturedAtMs: 10_001 } as Event;
  pictures.decided(other, entry(other, 5));
  see(10_040, 3);
  const dark = { ...eventOf['access.denied'], reason: 'too-dark' } as Event;
  pictures.decided(dark, entry(dark, 3));
  await pictures.written();
  expect(samples.kept().map(({ seq, pictures: n }) => [seq, n])).toEqual([
    [5, 2],
    [4, 2],
    [2, 3],
    [1, 1],
  ]);
  // Two entries of one visit are one visitor.
  const visits = fresh.store.db.prepare('SELECT DISTINCT seq, visit FROM kept ORDER BY seq').all();
  expect(visits.map(({ seq, visit }) => [seq, visit])).toEqual([
    [1, 1],
    [2, 2],
    [4, 2],
    [5, 5],
  ]);
  const kept = [1, 2].flatMap((seq) => samples.pictures(seq)).map((picture) => Buffer.from(picture).toString());
  expect(kept.toSorted()).toEqual(['frame 12', 'frame 20', 'frame 24', 'frame 28']);
});

it('a kept picture is sealed for whom it shows: a mark seals it again for somebody else', () => {
  const { samples, gallery } = open();
  const [ada, bob] = [gallery.enrol(person('Ada', face())), gallery.enrol(person('Bob', face()))];
  samples.keep({ seq: 1, takenAt: at(), personId: ada.id, pictures: [bytes('stays with Ada')] });
  samples.keep({ seq: 2, takenAt: at(), personId: ada.id, pictures: [bytes('it was Bob')] });
  samples.keep({ seq: 3, takenAt: at(), personId: ada.id, pictures: [bytes('it was a stranger')] });
  samples.keep({ seq: 4, takenAt: at(), pictures: [bytes('it was Ada')] });
  samples.mark(2, 'person', bob.id);
  samples.mark(3, 'not-them');
  samples.mark(4, 'person', ada.id);
  expect(['', '-wal'].some((end) => /stays with Ada|it was/.test(readFileSync(`${fresh.file}${end}`, 'latin1')))).toBe(false);
  fresh.vault.destroy([{ person: ada.id }]);
  const read = () => [1, 2, 3, 4].map((seq) => Buffer.concat(samples.pictures(seq)).toString());
  expect(read()).toEqual(['', 'it was Bob', 'it was a stranger', '']);
  // What nobody can open is deleted, and nothing more is kept of whom it was.
  expect([samples.purge(), samples.kept().map(({ seq }) => seq)]).toEqual([2, [3, 2]]);
  expect(samples.keep({ seq: 5, takenAt: at(), personId: ada.id, pictures: [bytes('again')] })).toBeUndefined();
  fresh.vault.destroy([{ visitorsOn: at().slice(0, 10) }, { person: bob.id }]);
  expect([samples.purge(), samples.kept()]).toEqual([2, []]);
});

it.each([
  "UPDATE kept SET mark = 'right' WHERE seq = 1",
  "UPDATE kept SET person_id = NULL, mark = 'stranger' WHERE seq = 1",
  'UPDATE kept SET picture = (SELECT picture FROM kept WHERE seq = 2) WHERE seq = 1',
  'UPDATE kept SET seq = 3 WHERE seq = 1',
])('a row that somebody without the key changed does not open: %s', (sql) => {
  const { samples, gallery } = open();
  const ada = gallery.enrol(person('Ada', face()));
  for (const seq of [1, 2]) samples.keep({ seq, takenAt: at(), personId: ada.id, pictures: [bytes(`picture ${seq}`)] });
  samples.keep({ seq: 9, takenAt: at(), pictures: [bytes('somebody unknown')] });
  fresh.store.db.exec(sql);
  expect(() => [1, 3].flatMap((seq) => samples.pictures(seq))).toThrow(expect.objectContaining({ code: 'seal-broken' }));
});
