/** Rows of the retraining store are checked: one that does not fit is a fault with a remedy, never taken as it is. */
import { expect, it } from 'vitest';
import { jobsIn } from '../../src/retrain/jobs.ts';
import { checkRegistryRows, listBundles } from '../../src/retrain/registry-rows.ts';
import { fakeClock } from '../fakes/clock.ts';
import { freshStore } from './fresh-store.ts';

const fresh = freshStore();
const damaged = expect.objectContaining({ code: 'registry-damaged', message: expect.stringContaining('restore a copy') });

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
