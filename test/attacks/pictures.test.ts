/**
 * Pictures that odd cameras and careless owners bring: turned, half delivered, dark, of nothing. With the shipped
 * networks and people who do not exist.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelFolder } from '../../src/adapters/basics.ts';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import type { Event } from '../../src/events.ts';
import type { Embedding, FaceReader } from '../../src/face/port.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { readCandidate } from '../../src/identity/candidate.ts';
import { logitOf } from '../../src/identity/siamese.ts';
import { dryRelay } from '../../src/relay/dry.ts';
import { wire } from '../../src/wire.ts';
import { fakeCamera } from '../fakes/camera.ts';
import { doorConfig } from '../fakes/config.ts';
import { halfJpeg } from '../fakes/pictures.ts';
import { qualityLimits } from '../fakes/quality-limits.ts';

const shot = (name: string) => readFileSync(new URL(`../../config/demo-people/${name}.jpg`, import.meta.url));
const turned = (name: string, deg: number) => sharp(shot(name)).rotate(deg).jpeg({ quality: 92 }).toBuffer();

let reader: FaceReader;
beforeAll(async () => {
  const folders = { detector: modelFolder('detector'), embedder: modelFolder('embedder') };
  reader = await openFaceReader({ ...folders, threads: 2, limits: qualityLimits });
});
afterAll(async () => await reader[Symbol.asyncDispose]());

const enrolled = async (picture: Uint8Array, origin?: 'camera') => await readCandidate('test', picture, reader, qualityLimits, origin);
const templateOf = async (picture: Uint8Array): Promise<Embedding> => {
  const outcome = await enrolled(picture);
  if (!outcome.accepted) throw new Error(outcome.detail);
  return outcome.template;
};
const likeness = (a: Embedding, b: Embedding) => logitOf(reader.embedder.head, a, b);

describe('turned pictures', () => {
  it.each([90, 180, 270])('stored at %i° are turned before they are enrolled, and stay upright', async (deg) => {
    const upright = await templateOf(shot('p03-neutral'));
    const outcome = await enrolled(await turned('p03-neutral', deg));
    if (!outcome.accepted) throw new Error(outcome.detail);
    expect(outcome.detail).toMatch(new RegExp(`^turned by ${360 - deg}°`));
    expect(likeness(upright, outcome.template)).toBeGreaterThan(15);
    expect((await reader.read(outcome.picture, { purpose: 'enrolment' })).turn).toBeUndefined();
  });

  it('of a camera are refused with the setting that puts it right, never turned', async () => {
    const outcome = await enrolled(await turned('p03-neutral', 180), 'camera');
    expect(outcome).toMatchObject({ accepted: false, reasons: ['turned'], detail: expect.stringContaining('camera.rotate') });
  });

  it('people enrolled with such pictures are named for no stranger before an upside-down camera', async () => {
    const templates = await Promise.all(['p01', 'p03', 'p05', 'p07'].map(async (p) => templateOf(await turned(`${p}-neutral`, 180))));
    const strangers = await Promise.all(
      ['p02', 'p04', 'p06', 'p08'].map(async (p) => {
        const [face] = (await reader.read(await turned(`${p}-smiling`, 180), { embed: 'dominant' })).faces;
        return face?.embedding;
      }),
    );
    const logits = strangers.flatMap((probe) => (probe ? templates.map((template) => likeness(probe, template)) : []));
    // One in 100 at this network's calibration; turned templates of turned faces reached 7.
    expect(Math.max(...logits)).toBeLessThan(1.3);
  });
});

describe('half pictures', () => {
  it.each(['p03-neutral', 'p10-smiling'])('of %s are refused as damaged', async (name) => {
    expect(await enrolled(halfJpeg(shot(name)))).toMatchObject({ accepted: false, reasons: ['damaged'] });
  });

  it('that somebody has made whole again are known by their flat part', async () => {
    const again = await sharp(halfJpeg(shot('p03-neutral'), 0.6), { failOn: 'none' })
      .png()
      .toBuffer();
    expect(await enrolled(again)).toMatchObject({ accepted: false, reasons: expect.arrayContaining(['damaged']) });
  });

  it('before the running door open nothing, count as nothing and are reported; then a whole one opens', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'facelatch-attack-'));
    const flags = {
      'state.folder': folder,
      'face.idleFps': 0,
      'access.maxFrameAgeMs': 5000,
      'access.windowMs': 5000,
      'access.absenceMs': 100,
    };
    const config = doorConfig(flags);
    const camera = fakeCamera();
    const events: Event[] = [];
    try {
      const relay = dryRelay({ clock: systemClock, ...config.relay });
      await using house = await wire(config, openLog('silent'), { camera, reader, relay, onEvent: (event) => events.push(event) });
      const picture = shot('p03-neutral');
      house.gallery.enrol({ name: 'Ada', pictures: [{ picture, template: await templateOf(picture), source: 'test' }] });
      const end = new AbortController();
      const running = house.run(end.signal);
      const show = async (bytes: Uint8Array, tag: string) => await camera.push(Buffer.concat([bytes, Buffer.from(tag)]));
      for (let i = 0; i < 20; i++) await show(halfJpeg(shot(i % 2 ? 'p03-smiling' : 'p10-smiling'), 0.5 + i / 100), `${i}`);
      expect(house.status).toMatchObject({ damaged: 20, unreadable: 0, camera: 'running' });
      expect(events.map(({ kind }) => kind)).toEqual(['daemon.started', 'camera.damage-seen']);
      for (let i = 0; i < 6; i++) await show(shot('p03-smiling'), `whole ${i}`);
      await expect.poll(() => relay.edges.length, { timeout: 5000 }).toBeGreaterThan(0);
      end.abort();
      await running;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    expect(events.map(({ kind }) => kind)).not.toContain('access.denied');
  });
});
