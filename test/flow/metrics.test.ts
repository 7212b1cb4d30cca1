/** Prometheus reads the running house over HTTP. */

import { connect } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { galleryOf } from '../../src/adapters/basics.ts';
import { vaultOf } from '../../src/adapters/vault.ts';
import { openLog } from '../../src/base/log.ts';
import { wire } from '../../src/wire.ts';
import { temporaryFolder } from '../cli/facelatch.ts';
import { fakeCamera } from '../fakes/camera.ts';
import { doorConfig } from '../fakes/config.ts';
import { freePort } from '../fakes/mosquitto.ts';
import { drawing, drawingReader } from '../fakes/reader.ts';
import { type Samples, samplesOf } from '../host/samples.ts';

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder[Symbol.dispose]());

it('a visit of a known face, of a stranger and of one in the dark are counted, with how long they took', async () => {
  const port = await freePort();
  const settings = { 'state.folder': join(folder.path, 'state'), 'metrics.enabled': true, 'metrics.port': port };
  const door = { 'identity.policy': 'paper', 'access.denyAfterMs': 500, 'access.absenceMs': 100, 'face.idleFps': 0 };
  const config = doorConfig({ ...settings, ...door });
  const camera = fakeCamera();
  const reader = drawingReader();
  const house = await wire(config, openLog('silent'), { camera, reader });
  const { faces } = await reader.read(drawing({ face: 0 }));
  house.gallery.enrol({ name: 'Ada', pictures: [{ picture: drawing({ face: 0 }), template: faces[0]!.embedding!, source: 'test' }] });
  const end = new AbortController();
  const running = house.run(end.signal);
  const scrape = async (): Promise<Samples> => samplesOf(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text());
  try {
    expect((await scrape())('people')).toBe(1);
    let shown = 0;
    const until = (of: Parameters<typeof drawing>[0], name: string, labels?: Record<string, string>) =>
      expect
        .poll(
          async () => {
            await camera.push(drawing({ ...of, tag: `${++shown}` }));
            return (await scrape())(name, labels);
          },
          { timeout: 10_000, interval: 20 },
        )
        .toBeGreaterThan(0);
    await until({ face: 180 }, 'denials_total', { reason: 'unknown' });
    await until({ face: 0, reasons: ['too-dark'] }, 'failures_to_acquire_total', { reason: 'too-dark' });
    await until({ face: 2 }, 'grants_total');
    await until({}, 'capture_to_relay_seconds_count');
    const now = await scrape();
    expect(now('frames_total')).toBe(shown);
    expect(now('capture_to_decision_seconds_count')).toBe(shown);
    expect(now('camera_state', { state: 'running' })).toBe(1);
    expect(now('broker_state', { state: 'off' })).toBe(1);
    expect(now('likeness_logits_count', { side: 'accepted' })).toBeGreaterThanOrEqual(3);
    expect(now('frame_age_seconds')).toBeLessThan(10);
    // What another process does with the people is seen too.
    using vault = vaultOf(config);
    using other = galleryOf(config, reader.embedder, vault);
    other.forget(other.list()[0]!.id);
    await expect.poll(async () => (await scrape())('templates'), { timeout: 5000 }).toBe(0);
  } finally {
    end.abort(new Error('the test is over'));
    await running;
    await house[Symbol.asyncDispose]();
  }
  const answers = await new Promise((resolve) =>
    connect(port, '127.0.0.1')
      .on('connect', () => resolve(true))
      .on('error', () => resolve(false)),
  );
  expect(answers).toBe(false);
});
