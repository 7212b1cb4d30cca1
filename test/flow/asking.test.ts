/** Those who ask of a running door that learns: the command line beside it, operators over MQTT, and its own schedule; each request from another process or another day. */
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/base/time.ts';
import { openDoorKeys } from '../../src/command/keys.ts';
import { makeBundle } from '../../src/retrain/bundle.ts';
import { openedBundle } from '../../src/retrain/held/sealed-bundle.ts';
import { writeKeptFolder } from '../../src/retrain/kept-folder.ts';
import { openRetrainStore } from '../../src/retrain/store.ts';
import { jsonOf } from '../cli/facelatch.ts';
import { journalled, type LearningPlace, openLearningPlace, until } from '../fakes/learning-door.ts';
import { vaultIn } from '../fakes/vault.ts';
import { workshopAt } from '../fakes/workshop.ts';

let place: LearningPlace;
beforeEach(async () => {
  place = await openLearningPlace();
});
afterEach(() => place[Symbol.asyncDispose]());

const slow = workshopAt({ steps: 3000, stepMs: 100 });
/** As few as can be measured on: half of them, with two pictures each, are frozen. */
const people = [1, 2, 3, 4, 5, 6];
const jobOf = async () => jsonOf(await place.facelatch('retrain', 'status', '--json')).job;
/** The recipe is at work, in its own process. */
const atWork = () => expect.poll(async () => (await jobOf())?.progress?.stage, { timeout: 60_000, interval: 50 }).toBe('steps');

it('a training is cancelled from the command line and from afar, also while it stands still for somebody; nothing is left of it', async () => {
  const states: string[] = [];
  place.client.on('message', (topic, payload) => topic.endsWith('/state/training') && states.push(JSON.parse(payload.toString()).state));
  const { house, show } = await place.open({ workshop: slow, people });
  const base = house.reader.embedder.sha256;
  const none = await place.facelatch('retrain', 'cancel', '--json');
  expect([none.code, jsonOf(none)]).toEqual([1, { cancelled: false }]);
  expect(jsonOf(await place.facelatch('retrain', 'start', '--json')).job).toMatchObject({ by: 'cli', state: 'queued' });
  await atWork();
  const busy = await place.facelatch('retrain', 'start');
  expect([busy.code, busy.stderr]).toEqual([3, expect.stringMatching(/A training is under way .*facelatch retrain cancel/)]);
  expect(jsonOf(await place.facelatch('retrain', 'cancel', '--json'))).toEqual({ cancelled: true });
  await until(house, 'training.ended');
  expect(await jobOf()).toMatchObject({ state: 'cancelled', detail: 'cancelled by cli', endedAt: expect.anything() });
  // Asked for and cancelled by an operator, while somebody stands at the door.
  expect(jsonOf(await place.send('train.start')).result.job).toMatchObject({ by: 'olga' });
  await atWork();
  const gone = new AbortController();
  const somebody = (async () => {
    while (!gone.signal.aborted) await show(3);
  })();
  await expect.poll(() => states.at(-1), { timeout: 20_000, interval: 20 }).toBe('paused');
  expect(jsonOf(await place.send('train.cancel')).result).toEqual({ cancelled: true });
  await until(house, 'training.ended', 2);
  gone.abort();
  await somebody;
  expect(jsonOf(await place.send('train.cancel')).result).toEqual({ cancelled: false });
  expect(journalled(house, 'training.ended')).toMatchObject([
    { outcome: 'cancelled', detail: 'cancelled by cli' },
    { outcome: 'cancelled', detail: 'cancelled by olga' },
  ]);
  await expect.poll(() => states.at(-1)).toBe('cancelled');
  expect(readdirSync(join(place.state, 'jobs'))).toEqual([]);
  expect(existsSync(join(place.state, 'training.pid'))).toBe(false);
  expect(house.reader.embedder.sha256).toBe(base);
}, 180_000);

it('a trained network is taken away, brought back, refused by the comparison, forced, and gone back from, on the command line beside the running door', async () => {
  const { house } = await place.open({ workshop: workshopAt({ kind: 'worse' }), people });
  const base = house.reader.embedder.sha256;
  await place.facelatch('retrain', 'start');
  await until(house, 'training.ended');
  const [{ bundle: trained }] = journalled(house, 'training.ended') as unknown as [{ bundle: string }];
  const { stick, bundle } = await asTrainedElsewhere(trained);
  const short = bundle.slice(0, 8);
  const models = async (...args: string[]) => {
    const run = await place.facelatch('models', ...args, '--json');
    return { code: run.code, said: (run.code ?? 0) > 1 ? run.stderr : jsonOf(run) };
  };
  const copied = join(place.folder, 'copied');
  cpSync(join(place.state, 'models', trained), copied, { recursive: true });
  expect(await models('add', copied)).toMatchObject({ code: 3, said: expect.stringMatching(/lies sealed/) });
  expect(await models('remove', trained)).toMatchObject({ code: 0, said: { id: trained } });
  expect(existsSync(join(place.state, 'models', trained))).toBe(false);
  expect(await models('promote', short)).toMatchObject({ code: 2, said: expect.stringMatching(/There is no trained network/) });
  expect(await models('add', stick)).toMatchObject({ code: 0, said: { id: bundle, state: 'candidate' } });
  expect(journalled(house, 'model.added')).toMatchObject([{ bundle, version: 2, by: 'cli' }]);
  expect(await models('verify')).toMatchObject({ code: 0, said: { networks: [{ id: bundle, ok: true }] } });
  expect(await models('verify', short)).toMatchObject({ code: 0, said: { models: [], networks: [{ id: bundle, ok: true }] } });
  expect(await models('promote', short)).toMatchObject({ code: 1, said: { ok: false, reason: 'worse' } });
  expect(house.reader.embedder.sha256).toBe(base);
  expect(await models('promote', short, '--force')).toMatchObject({ code: 0, said: { ok: true } });
  // The running door follows by itself.
  await expect.poll(() => house.reader.embedder.sha256, { timeout: 20_000 }).not.toBe(base);
  expect(journalled(house, 'model.promoted')).toMatchObject([{ bundle, by: 'cli', forced: true }]);
  expect(await models('remove', short)).toMatchObject({ code: 3, said: expect.stringMatching(/guards the door.*models rollback/) });
  expect(await models('rollback')).toEqual({ code: 0, said: { to: 'base', from: bundle } });
  await expect.poll(() => house.reader.embedder.sha256, { timeout: 20_000 }).toBe(base);
  expect(await models('rollback')).toEqual({ code: 1, said: { to: null } });
  expect([house.gallery.templates, house.gallery.stale]).toEqual([2 * people.length, 0]);
  // What was changed on the way is not taken in.
  const file = join(stick, 'manifest.json');
  cpSync(file, join(stick, 'bundle.json'));
  expect(JSON.parse(readFileSync(file, 'utf8'))).toHaveProperty('sha256');
  expect(await models('add', stick)).toMatchObject({ code: 3, said: expect.stringMatching(/is refused/) });
}, 180_000);

/** The same network as a trainer of this door would give it out. */
async function asTrainedElsewhere(trained: string): Promise<{ readonly stick: string; readonly bundle: string }> {
  using vault = vaultIn(place.state);
  const { folder, files } = openedBundle(vault, join(place.state, 'models', trained));
  const { schema: _, files: _files, ...about } = JSON.parse(readFileSync(join(folder, 'bundle.json'), 'utf8'));
  const [made, stick] = [join(place.folder, 'made'), join(place.folder, 'stick')];
  writeKeptFolder(made, files);
  const keys = await openDoorKeys(join(place.state, 'door-keys.json'), 'front-door');
  const { id, files: written } = await makeBundle(made, { ...about, version: 2 }, { kid: keys.id, key: keys.sign });
  writeKeptFolder(stick, written);
  return { stick, bundle: id };
}

it('the schedule of a running door asks when its minute comes, by a synchronised clock, and once', async () => {
  let aheadMs = 0;
  const from = systemClock.now();
  const clock = {
    ...systemClock,
    now: () => systemClock.now() + aheadMs,
    // 02:59:00 on a Monday.
    wall: () => Date.UTC(2026, 0, 5, 2, 59) + systemClock.now() - from + aheadMs,
  };
  let synchronised = false;
  const overrides = { clock, clockSynchronised: () => synchronised };
  const settings = { 'retrain.schedule': 'Mon 03:00' };
  const { house } = await place.open({ workshop: workshopAt({ steps: 2 }), people, settings, overrides });
  const scheduled = () => Number(house.journal.query({ kinds: ['training.started'] }).length);
  synchronised = true;
  aheadMs += 30_000;
  // Its first look notes where the schedule stands.
  await expect.poll(noted, { timeout: 20_000 }).toBe(true);
  expect(scheduled()).toBe(0);
  aheadMs += 60_000;
  await until(house, 'training.ended');
  expect(journalled(house, 'training.started')).toMatchObject([{ by: 'schedule', recipe: 'adapt', where: 'door' }]);
  aheadMs += 60_000;
  expect(await jobOf()).toMatchObject({ by: 'schedule', endedAt: expect.anything() });
  expect(scheduled()).toBe(1);
}, 120_000);

const noted = () => {
  using vault = vaultIn(place.state);
  using store = openRetrainStore(join(place.state, 'retrain.sqlite'), vault);
  return store.db.prepare(`SELECT 1 FROM notes WHERE name = 'scheduled'`).get() !== undefined;
};
