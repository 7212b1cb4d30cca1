/** The whole house asked whether a face is alive: by its real networks, by checks that a test brings, and by none. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { readerOf } from '../../src/adapters/basics.ts';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import type { Event } from '../../src/events.ts';
import type { FaceReader } from '../../src/face/port.ts';
import type { FrameEvidence, LivenessChecker } from '../../src/liveness/port.ts';
import { dryRelay } from '../../src/relay/dry.ts';
import { wire } from '../../src/wire.ts';
import { type FakeCamera, fakeCamera } from '../fakes/camera.ts';
import { doorConfig } from '../fakes/config.ts';

const shot = (name: string) => readFileSync(new URL(`../../config/demo-people/${name}.jpg`, import.meta.url));

const picture = shot('p01-neutral');
/** The networks of the program, opened once for the tests that bring checks of their own. */
let shared: FaceReader;
let template: Float32Array;
beforeAll(async () => {
  const opened = await readerOf(doorConfig());
  shared = { ...opened, [Symbol.asyncDispose]: async () => undefined };
  template = (await shared.read(picture)).faces[0]?.embedding as Float32Array;
  return () => opened[Symbol.asyncDispose]();
});

let folder: string;
let camera: FakeCamera;
let events: Event[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-liveness-'));
  camera = fakeCamera();
  events = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Says the same of every frame. */
const saying = (logit: number): LivenessChecker => ({
  info: { name: 'fake', version: '1', sha256: 'f'.repeat(64), scales: [1.5], side: 8 },
  look: async ({ capturedAtMs }): Promise<FrameEvidence> => ({
    capturedAtMs,
    passive: { network: 'fake', logit },
    pose: { yawDeg: 0, pitchDeg: 0, rollDeg: 0 },
    place: { x: 0.5, y: 0.4, interEye: 0.1 },
    skin: [120, 100, 90],
    surround: [80, 80, 80],
  }),
  [Symbol.asyncDispose]: async () => undefined,
});

/** Shows the resident's picture for a while; gives back what was journalled, and the relay. */
async function visited(settings: Readonly<Record<string, unknown>>, { liveness, forMs }: { liveness?: LivenessChecker; forMs: number }) {
  const config = doorConfig({
    ...{ 'state.folder': join(folder, 'state'), 'face.idleFps': 0, 'face.posterMs': 0, 'relay.pulseMs': 100, 'access.absenceMs': 300 },
    ...{ 'access.maxFrameAgeMs': 10_000, 'access.windowMs': 10_000, 'access.denyAfterMs': 600_000, ...settings },
  });
  const relay = dryRelay({ clock: systemClock, ...config.relay });
  const onEvent = (event: Event) => void events.push(event);
  const house = await wire(config, openLog('silent'), { camera, relay, onEvent, ...(liveness && { liveness, reader: shared }) });
  house.gallery.enrol({ name: 'p01', pictures: [{ picture, template, source: 'test' }] });
  const end = new AbortController();
  const running = house.run(end.signal);
  const smiling = shot('p01-smiling');
  const fromMs = performance.now();
  const isOver = () => events.some(({ kind }) => kind === 'access.granted' || kind === 'access.denied' || kind === 'access.challenged');
  for (let i = 0; !isOver() && performance.now() - fromMs < forMs; i++)
    await camera.push(Buffer.concat([smiling, Buffer.from(`frame ${i}`)]));
  end.abort(new Error('the test is over'));
  await running;
  await house[Symbol.asyncDispose]();
  return { edges: relay.edges, told: events.filter(({ kind }) => kind.startsWith('access.') || kind.startsWith('liveness.')) };
}

it('a photograph that is held before the camera opens nothing by default', async () => {
  const { edges, told } = await visited({ 'liveness.policy': 'challenge-when-unsure' }, { forMs: 30_000 });
  expect(edges).toEqual([]);
  expect(told.map(({ kind }) => kind)).not.toContain('access.granted');
  expect(told[0]).toMatchObject({ liveness: { verdict: expect.stringMatching(/^(spoof|unsure)$/) } });
});

it('a face that the checks call live comes in, and the entry says so', async () => {
  const { edges, told } = await visited({ 'liveness.policy': 'passive' }, { liveness: saying(5), forMs: 30_000 });
  expect(told).toMatchObject([{ kind: 'access.granted', liveness: { verdict: 'live', score: 5, band: 'at-or-above' } }]);
  expect(edges.map(({ level }) => level)).toEqual(['active', 'safe']);
});

it('a face that the checks call a picture is a spoof, and the relay stays at rest', async () => {
  const { edges, told } = await visited({ 'liveness.policy': 'passive' }, { liveness: saying(-5), forMs: 30_000 });
  expect(told).toMatchObject([{ kind: 'access.denied', reason: 'spoof', attempts: 1, liveness: { verdict: 'spoof', spoof: 'texture' } }]);
  expect(edges).toEqual([]);
});

it('without networks the door runs, says so, and opens by no face alone', async () => {
  const settings = { 'liveness.policy': 'challenge-when-unsure', 'liveness.networks': join(folder, 'nowhere') };
  const { edges, told } = await visited(settings, { forMs: 30_000 });
  expect(told).toMatchObject([
    { kind: 'liveness.failed' },
    { kind: 'access.denied', reason: 'not-live', detail: expect.stringContaining('people pin'), liveness: { verdict: 'not-checked' } },
  ]);
  expect(edges).toEqual([]);
});
