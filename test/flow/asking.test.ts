/** Those who ask of a running door that learns: the command line beside it, operators over MQTT, and its own schedule; each request from another process or another day. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../src/base/time.ts';
import { openDoorKeys } from '../../src/command/keys.ts';
import { makeBundle } from '../../src/retrain/bundle.ts';
import { openedBundle } from '../../src/retrain/held/sealed-bundle.ts';
import { writeKeptFolder } from '../../src/retrain/kept-folder.ts';
import { openRetrainStore } from '../../src/retrain/store.ts';
import { jsonOf } from '../cli/facelatch.ts';
import { journalled, type LearningDoor, type LearningPlace, openLearningPlace, stepsIn, until } from '../fakes/learning-door.ts';
import { vaultIn } from '../fakes/vault.ts';
import { workshopAt } from '../fakes/workshop.ts';

/** As few as can be measured on: half of them, with two pictures each, are frozen. */
const people = [1, 2, 3, 4, 5, 6];
/** How far the clock of the door is ahead, and whether it knows true time: its schedule does not look before. */
const clock = { aheadMs: 0, synchronised: false };
/** The schedule's minute, later than the tests before it take. */
const scheduledMs = Math.ceil(Date.now() / 60_000 + 15) * 60_000;

/** One door for all: starting it and enrolling people takes longer than what is asked of it. */
let place: LearningPlace;
let door: LearningDoor;
/** Trainings wait with the last of their three steps until `mayEnd` is there; each step is noted in `trace`. */
let mayEnd: string;
let trace: string;
beforeAll(async () => {
  place = await openLearningPlace();
  mayEnd = join(place.folder, 'may-end');
  trace = join(place.folder, 'trace');
  const now = () => systemClock.now() + clock.aheadMs;
  const wall = () => systemClock.wall() + clock.aheadMs;
  door = await place.open({
    workshop: workshopAt({ kind: 'worse', until: mayEnd, trace }),
    people,
    settings: { 'retrain.schedule': `daily ${new Date(scheduledMs).toISOString().slice(11, 16)}` },
    overrides: { clock: { ...systemClock, now, wall }, clockSynchronised: () => clock.synchronised },
  });
});
afterAll(() => place[Symbol.asyncDispose]());

const jobOf = async () => jsonOf(await place.facelatch('retrain', 'status', '--json')).job;

it('a training is cancelled from the command line and from afar, also while it stands still for somebody; nothing is left of it', async () => {
  const { house, show } = door;
  const states: string[] = [];
  place.client.on('message', (topic, payload) => topic.endsWith('/state/training') && states.push(JSON.parse(payload.toString()).state));
  /** The recipe is at work, in its own process. */
  const atWork = (training: number) => expect.poll(() => stepsIn(trace), { timeout: 60_000, interval: 20 }).toHaveLength(2 * training);
  const base = house.reader.embedder.sha256;
  const none = await place.facelatch('retrain', 'cancel', '--json');
  expect([none.code, jsonOf(none)]).toEqual([1, { cancelled: false }]);
  expect(jsonOf(await place.facelatch('retrain', 'start', '--json')).job).toMatchObject({ by: 'cli', state: 'queued' });
  await atWork(1);
  const busy = await place.facelatch('retrain', 'start');
  expect([busy.code, busy.stderr]).toEqual([3, expect.stringMatching(/A training is under way .*facelatch retrain cancel/)]);
  expect(jsonOf(await place.facelatch('retrain', 'cancel', '--json'))).toEqual({ cancelled: true });
  await until(house, 'training.ended');
  expect(await jobOf()).toMatchObject({ state: 'cancelled', detail: 'cancelled by cli', endedAt: expect.anything() });
  // Asked for and cancelled by an operator, while somebody stands at the door.
  expect(jsonOf(await place.send('train.start')).result.job).toMatchObject({ by: 'olga' });
  await atWork(2);
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
  const { house } = door;
  const base = house.reader.embedder.sha256;
  writeFileSync(mayEnd, '');
  const before = journalled(house, 'training.ended').length;
  await place.facelatch('retrain', 'start');
  await until(house, 'training.ended', before + 1);
  const { bundle: trained } = journalled(house, 'training.ended').at(-1) as unknown as { bundle: string };
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
  const { house } = door;
  const scheduled = () => journalled(house, 'training.started').filter((event) => 'by' in event && event.by === 'schedule');
  rmSync(mayEnd, { force: true });
  clock.synchronised = true;
  clock.aheadMs = scheduledMs - 60_000 - Date.now();
  // Its first look notes where the schedule stands.
  await expect.poll(noted, { timeout: 20_000 }).toBe(true);
  expect(scheduled()).toEqual([]);
  clock.aheadMs += 60_000;
  await expect.poll(scheduled, { timeout: 20_000 }).toMatchObject([{ by: 'schedule', recipe: 'adapt', where: 'door' }]);
  const before = journalled(house, 'training.ended').length;
  expect(jsonOf(await place.facelatch('retrain', 'cancel', '--json'))).toEqual({ cancelled: true });
  await until(house, 'training.ended', before + 1);
  clock.aheadMs += 60_000;
  const { time: looks } = house.status.turns;
  await expect.poll(() => house.status.turns.time, { timeout: 20_000 }).toBeGreaterThan(looks + 2);
  expect(await jobOf()).toMatchObject({ by: 'schedule', endedAt: expect.anything() });
  expect(scheduled()).toHaveLength(1);
}, 120_000);

const noted = () => {
  using vault = vaultIn(place.state);
  using store = openRetrainStore(join(place.state, 'retrain.sqlite'), vault);
  return store.db.prepare(`SELECT 1 FROM notes WHERE name = 'scheduled'`).get() !== undefined;
};
