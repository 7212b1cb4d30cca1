/** What Prometheus reads, and where. */
import { afterEach, expect, it } from 'vitest';
import { Fault } from '../../src/base/errors.ts';
import { doorMetrics, type Readings } from '../../src/host/metrics.ts';
import { openMetricsServer } from '../../src/host/metrics-server.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { eventOf } from '../fakes/events.ts';
import { freePort } from '../fakes/mosquitto.ts';
import { samplesOf } from './samples.ts';

const quiet: Readings = {
  frames: 0,
  unreadable: 0,
  damaged: 0,
  frameAgeMs: undefined,
  camera: 'opening',
  broker: 'off',
  backlog: 0,
  people: 0,
  templates: 0,
  released: false,
  relayHeld: true,
  armed: true,
  masked: 0,
  thresholdLogit: 6,
};
const ends: (() => PromiseLike<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

function open(readings: () => Readings = () => quiet) {
  const metrics = doorMetrics({ door: 'front-door', version: '0.1.0', readings });
  return { metrics, read: async () => samplesOf((await metrics.scrape()).text) };
}

it('every series is there from the start, so that the first denial is already a rise', async () => {
  const read = await open().read();
  expect(read('denials_total', { reason: 'unknown' })).toBe(0);
  expect(read('failures_to_acquire_total', { reason: 'too-dark' })).toBe(0);
  expect(read('likeness_logits_count', { side: 'rejected' })).toBe(0);
  expect(read('frame_age_seconds')).toBeNaN();
  expect(read('build_info', { version: '0.1.0', door: 'front-door' })).toBe(1);
});

it('decisions are counted by what was checked of liveness, and challenges by what was asked', async () => {
  const { metrics, read } = open();
  for (const kind of ['access.granted', 'access.denied', 'access.challenged', 'lockout.ended'] as const) metrics.event(eventOf[kind]);
  const now = await read();
  const verdicts = ['live', 'spoof', 'unsure', 'not-checked'].map((verdict) => now('liveness_total', { verdict }));
  expect(verdicts).toEqual([1, 1, 1, 0]);
  expect([now('challenges_total', { what: 'blink' }), now('challenges_total', { what: 'light' })]).toEqual([1, 0]);
});

it('events and decided frames are counted on their side of the threshold', async () => {
  const { metrics, read } = open();
  const likeness = { logit: 7.5, probability: 0.99, share: 1 };
  const sighting = { digest: 'x', capturedAtMs: 0, likeness };
  metrics.looked({ ...sighting, finding: { kind: 'person', personId: 'p-0001' } }, 40);
  metrics.looked({ ...sighting, likeness: { ...likeness, logit: -3 }, finding: { kind: 'unknown' } }, 60);
  metrics.looked({ digest: 'y', capturedAtMs: 0, finding: { kind: 'low-quality', reasons: ['too-dark', 'blurred'] } }, 90);
  metrics.looked({ digest: 'z', capturedAtMs: 0, finding: { kind: 'nobody' } }, 10);
  for (const event of [eventOf['access.granted'], eventOf['access.denied'], eventOf['relay.pulsed'], eventOf['camera.failed']])
    metrics.event(event);
  const now = await read();
  expect(now('grants_total')).toBe(1);
  expect(now('denials_total', { reason: 'unknown' })).toBe(1);
  expect(now('likeness_logits_bucket', { side: 'accepted', le: '7' })).toBe(0);
  expect(now('likeness_logits_bucket', { side: 'accepted', le: '8' })).toBe(1);
  expect(now('likeness_logits_sum', { side: 'rejected' })).toBe(-3);
  expect([now('failures_to_acquire_total', { reason: 'blurred' }), now('failures_to_acquire_total', { reason: 'turned-away' })]).toEqual([
    1, 0,
  ]);
  expect([now('capture_to_decision_seconds_count'), now('capture_to_decision_seconds_sum')]).toEqual([4, expect.closeTo(0.2, 6)]);
  expect(now('capture_to_relay_seconds_bucket', { le: '0.3' })).toBe(1);
  expect(now('capture_to_relay_seconds_bucket', { le: '0.2' })).toBe(0);
  expect(now('events_total', { kind: 'camera.failed' })).toBe(1);
});

it('readings are those of the scrape: one state at a time, and counters that go on', async () => {
  let readings: Readings = { ...quiet, frames: 10, camera: 'running', broker: 'connected', frameAgeMs: 250, people: 3, backlog: 7 };
  const { read } = open(() => readings);
  const first = await read();
  expect([first('frames_total'), first('frame_age_seconds'), first('people'), first('journal_backlog')]).toEqual([10, 0.25, 3, 7]);
  readings = { ...readings, frames: 25, camera: 'failed' };
  const second = await read();
  expect(second('frames_total')).toBe(25);
  expect(['opening', 'running', 'failed'].map((state) => second('camera_state', { state }))).toEqual([0, 0, 1]);
  expect(['off', 'connecting', 'connected', 'down'].map((state) => second('broker_state', { state }))).toEqual([0, 0, 1, 0]);
});

it('no id of a person is in it', async () => {
  const { metrics } = open();
  for (const event of Object.values(eventOf)) metrics.event(event);
  expect((await metrics.scrape()).text).not.toMatch(/p-000|"ada"|olga/);
});

it('two doors in one process do not mix', async () => {
  const [one, other] = [open(), open()];
  one.metrics.event(eventOf['access.granted']);
  expect([(await one.read())('grants_total'), (await other.read())('grants_total')]).toEqual([1, 0]);
});

it('GET /metrics is answered and nothing else; a gallery that is down is reported and ends nothing', async () => {
  const trouble = { now: false };
  const { metrics } = open(() => {
    if (trouble.now) throw new Fault('gallery-down', 'The gallery is held by another process');
    return quiet;
  });
  const server = await openMetricsServer({ host: '127.0.0.1', port: 0, metrics });
  ends.push(async () => await server[Symbol.asyncDispose]());
  const page = await fetch(server.url);
  expect([page.status, page.headers.get('content-type')]).toEqual([200, expect.stringContaining('version=0.0.4')]);
  expect((await fetch(`${server.url}?x=1`, { method: 'HEAD' })).status).toBe(200);
  expect((await fetch(server.url, { method: 'POST', body: 'x' })).status).toBe(405);
  expect((await fetch(server.url.replace('/metrics', '//[')).catch(() => ({ status: 0 }))).status).not.toBe(200);
  trouble.now = true;
  const down = await fetch(server.url);
  expect([down.status, await down.text()]).toEqual([503, expect.stringContaining('another process')]);
  trouble.now = false;
  expect((await fetch(server.url)).status).toBe(200);
});

it('a port that is taken is one clear error', async () => {
  const { metrics } = open();
  const port = await freePort();
  const first = await openMetricsServer({ host: '127.0.0.1', port, metrics });
  ends.push(async () => await first[Symbol.asyncDispose]());
  await expect(openMetricsServer({ host: '127.0.0.1', port, metrics })).rejects.toMatchObject({
    code: 'bad-config',
    message: expect.stringContaining('metrics.port'),
  });
});

it('an address that other machines reach must be allowed explicitly', () => {
  const load = (flags: Record<string, unknown>) => loadConfig({ flags: new Map(Object.entries({ 'metrics.enabled': true, ...flags })) });
  for (const host of ['0.0.0.0', '::', '192.168.1.4', 'door.lan', '127.0.0.1.example'])
    expect(() => load({ 'metrics.host': host })).toThrow('metrics.anyAddress');
  for (const host of ['127.0.0.1', '127.8.0.1', '::1', 'localhost']) expect(load({ 'metrics.host': host }).config.metrics.host).toBe(host);
  expect(load({ 'metrics.host': '0.0.0.0', 'metrics.anyAddress': true }).config.metrics.host).toBe('0.0.0.0');
});
