/** Rows of the retraining store are checked: one that does not fit is a fault with a remedy, never taken as it is. */
import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { jobsIn } from '../../src/retrain/jobs.ts';
import { checkRegistryRows, listBundles } from '../../src/retrain/registry/rows.ts';
import { samplesIn } from '../../src/retrain/samples.ts';
import { openRetrainStore } from '../../src/retrain/store.ts';
import { fakeClock } from '../fakes/clock.ts';
import { freshStore } from './fresh-store.ts';

const fresh = freshStore();
const damaged = expect.objectContaining({ code: 'registry-damaged', message: expect.stringContaining('facelatch restore') });

it('takes a store as it was made', () => {
  expect(() => checkRegistryRows(fresh.store)).not.toThrow();
  expect(listBundles(fresh.store)).toEqual([]);
});

it.each([
  [`INSERT INTO bundles (id, state, version, recipe, created_at, base, embedder) VALUES ('a', 'emperor', 1, 'adapt', '', '', '')`],
  [`INSERT INTO bundles (id, state, version, recipe, created_at, base, embedder) VALUES ('a', 'candidate', 1, 'magic', '', '', '')`],
  ['DELETE FROM pointer'],
])('refuses a registry with a row that is not one of ours: %s', (change) => {
  fresh.store.db.exec(change);
  expect(() => checkRegistryRows(fresh.store)).toThrow(damaged);
});

it('refuses a job whose state or progress is not one of ours', () => {
  const jobs = jobsIn({ store: fresh.store, clock: fakeClock() });
  jobs.start({ recipe: 'adapt', where: 'door', by: 'test' });
  fresh.store.db.exec(`UPDATE jobs SET progress = '{"stage": 7'`);
  expect(() => jobs.status()).toThrow(damaged);
  fresh.store.db.exec(`UPDATE jobs SET progress = NULL, state = 'asleep'`);
  expect(() => jobs.status()).toThrow(damaged);
});

/** As format 1 had it: the pictures readable. */
function fileOfFormat1(removed: string): void {
  const { db } = fresh.store;
  const insert = db.prepare(
    "INSERT INTO kept (id, seq, person_id, alike, visit, taken_at, mark, picture) VALUES (?, ?, ?, 0, ?, '2026-01-05T12:00:00.000Z', ?, ?)",
  );
  const face = (seq: number) => new TextEncoder().encode(`a readable face ${seq} ${'.'.repeat(9000)}`);
  fresh.store.change(() => {
    for (let seq = 1; seq <= 40; seq++) insert.run(`${seq}`, seq, seq % 2 ? 'ada' : null, seq, seq % 3 ? null : 'right', face(seq));
    insert.run('41', 41, removed, 41, null, face(41));
    db.exec('PRAGMA user_version = 1');
  });
  db.close();
}
const readable = (): number =>
  ['', '-wal', '-shm'].filter((end) => existsSync(`${fresh.file}${end}`) && readFileSync(`${fresh.file}${end}`).includes('a readable face'))
    .length;

it('pictures of format 1 are sealed when the file is opened, and nothing readable stays', () => {
  fileOfFormat1('removed');
  fresh.vault.destroy([{ person: 'removed' }]);
  expect(readable()).toBe(1);
  // A vault that fails on the way: the file stays as it is.
  let left = 20;
  const failing = {
    ...fresh.vault,
    seal: (...args: Parameters<typeof fresh.vault.seal>) => (left-- > 0 ? fresh.vault.seal(...args) : cut()),
  };
  const cut = () => {
    throw new Error('cut off');
  };
  expect(() => openRetrainStore(fresh.file, failing)).toThrow('cut off');
  using store = openRetrainStore(fresh.file, fresh.vault);
  expect(readable()).toBe(0);
  const gallery = { list: () => [], pictures: () => [] };
  const samples = samplesIn({
    store,
    gallery,
    clock: fakeClock(),
    keepGrantsDays: 7,
    keepUnknownsDays: 7,
    maxPictures: 50,
    frozenShare: 0.2,
  });
  const texts = (seq: number) => samples.pictures(seq).map((picture) => Buffer.from(picture).toString().slice(0, 18));
  expect([texts(1), texts(2), texts(40), texts(41)]).toEqual([['a readable face 1 '], ['a readable face 2 '], ['a readable face 40'], []]);
});
