/**
 * What the running door learns about its strangers: when it measures, which visitors count, what it keeps, and what of
 * it is journalled.
 */
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { modelFolder } from '../../src/adapters/basics.ts';
import { knownOfDoor } from '../../src/adapters/evidence.ts';
import type { EvidenceRequest } from '../../src/adapters/worker.ts';
import { openLog } from '../../src/base/log.ts';
import type { Event } from '../../src/events.ts';
import { openEmbedderNetwork } from '../../src/face/manifest/embedder.ts';
import type { FaceReader } from '../../src/face/port.ts';
import { doorEvidence } from '../../src/house/door-evidence.ts';
import { measureEvidence } from '../../src/identity/evidence/measure.ts';
import { openEyes } from '../../src/learning/eyes.ts';
import { guardOf } from '../../src/learning/parts.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { fakeClock } from '../fakes/clock.ts';
import { randomOf, unitVector } from '../fakes/embeddings.ts';
import { eventOf } from '../fakes/events.ts';
import { memoryGallery } from '../fakes/gallery.ts';

const embedder = openEmbedderNetwork(modelFolder('embedder')).info;
const minute = 60_000;
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-door-'));
});

/** A door with so many people who have nothing in common. */
/** `failures`: how many of the first measurements give no answer. */
function openDoor(people: number, settings: Readonly<Record<string, unknown>> = {}, failures = 0) {
  const { config } = loadConfig({ flags: new Map(Object.entries({ 'state.folder': folder, ...settings })) });
  const clock = fakeClock();
  const gallery = memoryGallery({ embedder, policy: config.identity, clock });
  const random = randomOf(11);
  const enrol = (name: string) =>
    gallery.enrol({ name, pictures: [{ picture: Buffer.from(name), template: unitVector(random, embedder.dimension), source: 'test' }] });
  for (let i = 0; i < people; i++) enrol(`P${i}`);
  const reader: FaceReader = {
    embedder,
    read: () => Promise.reject(new Error('not read here')),
    [Symbol.asyncDispose]: async () => undefined,
  };
  const asked: EvidenceRequest[] = [];
  const events: Event[] = [];
  const watch = doorEvidence({
    time: clock,
    ...{ config, clock, log: openLog('silent'), eyes: openEyes(guardOf('base', reader, gallery)) },
    record: (event) => events.push(event),
    measure: {
      ask: async (request) => {
        asked.push(request);
        if (asked.length <= failures) return undefined;
        return measureEvidence({ ...request, cohort: [] });
      },
      [Symbol.asyncDispose]: async () => undefined,
    },
  });
  /** Looks every second for so long, or every ten for minutes. */
  const pass = async (ms: number) => {
    const stepMs = ms > 2 * minute ? 10_000 : 1000;
    for (let at = 0; at < ms; at += stepMs) {
      await clock.advance(stepMs);
      watch.look();
    }
    await clock.advance(0);
    watch.look();
  };
  const turnAway = (logit: number) => watch.journalled({ ...eventOf['access.denied'], likeness: { logit, probability: 0.1, share: 0 } });
  return { gallery, enrol, watch, asked, events, pass, turnAway, known: () => knownOfDoor(folder, embedder) };
}

describe('the threshold', () => {
  it('is measured again after ten minutes, not a day, where the first measurement failed', async () => {
    const door = openDoor(10, {}, 1);
    await door.pass(30_000);
    expect([door.asked.length, door.known()]).toEqual([1, undefined]);
    await door.pass(11 * minute);
    expect([door.asked.length, door.known()?.evidence?.residents.people]).toEqual([2, 10]);
  });

  it('is loosened once ten people are measured, kept over a restart, and each move is journalled', async () => {
    const door = openDoor(10);
    const before = door.gallery.threshold.logit;
    await door.pass(30_000);
    expect(door.asked).toHaveLength(1);
    expect(door.gallery.threshold.layers?.door).toMatchObject({ effect: 'loosened', people: 10 });
    expect(door.events).toEqual([
      {
        kind: 'threshold.moved',
        before,
        people: 10,
        visits: 0,
        threshold: expect.objectContaining({ logit: door.gallery.threshold.logit, layers: ['table', 'door'] }),
      },
    ]);
    expect(door.known()?.evidence?.residents.people).toBe(10);
  });

  it('of a door with one person stays at the table, and nothing is journalled', async () => {
    const door = openDoor(1);
    const before = door.gallery.threshold.logit;
    await door.pass(30_000);
    expect([door.gallery.threshold.logit, door.events]).toEqual([before, []]);
  });

  it('goes back at once when somebody is enrolled, until the others are measured with them', async () => {
    const door = openDoor(10);
    await door.pass(30_000);
    door.enrol('new');
    expect(door.gallery.threshold.layers?.door).toMatchObject({ effect: 'none', limit: 'outdated' });
    await door.pass(30_000);
    expect(door.gallery.threshold.layers?.door).toMatchObject({ effect: 'loosened', people: 11 });
    expect(door.asked).toHaveLength(2);
  });

  it('is left to the table where the settings say so', async () => {
    const door = openDoor(10, { 'identity.doorEvidence': false });
    await door.pass(30_000);
    expect([door.asked, door.gallery.threshold.layers?.door]).toEqual([[], undefined]);
  });
});

describe('unknown visitors', () => {
  it('count once in ten minutes, however often they try', async () => {
    const door = openDoor(3);
    await door.pass(30_000);
    for (let i = 0; i < 100; i++) {
      door.turnAway(7);
      await door.pass(2000);
    }
    await door.pass(15 * minute);
    expect(door.known()?.visits.map(({ logit }) => logit)).toEqual([7]);
    door.turnAway(5);
    await door.pass(2 * minute);
    await door.pass(15 * minute);
    expect(door.known()?.visits.map(({ logit }) => logit)).toEqual([7, 5]);
    expect(door.known()?.visits[0]?.at).toMatch(/T12:/);
    await door.pass(25 * 60 * minute);
    // A day later only the day is kept.
    expect(door.known()?.visits.map(({ at }) => at)).toEqual(Array(2).fill('2026-01-05T00:00:00.000Z'));
  });

  it('who are let in a moment later were residents, and do not count', async () => {
    const door = openDoor(3);
    await door.pass(30_000);
    door.turnAway(11);
    await door.pass(5000);
    door.watch.journalled(eventOf['access.granted']);
    await door.pass(20 * minute);
    expect(door.known()?.visits).toEqual([]);
  });

  it('leave a time and a figure on the disk, and nothing to see them by', async () => {
    const door = openDoor(3);
    await door.pass(30_000);
    door.turnAway(7);
    await door.pass(20 * minute);
    const text = readFileSync(join(folder, 'evidence.json'), 'utf8');
    expect(door.known()?.visits).toHaveLength(1);
    expect(text.length).toBeLessThan(1500);
    expect(text).not.toMatch(/p-0002|P0/);
  });

  it('who come for a whole day, all alike to somebody, tighten by less than half a power of ten', async () => {
    const door = openDoor(10);
    await door.pass(30_000);
    const loose = door.gallery.threshold.logit;
    for (let i = 0; i < 40; i++) {
      door.turnAway(11);
      await door.pass(12 * minute);
    }
    const { logit, layers } = door.gallery.threshold;
    expect(logit).toBeGreaterThan(loose);
    // Half a power of ten is just below one logit of the table.
    expect(logit - loose).toBeLessThan(1.1);
    expect(layers?.door?.visits).toBeGreaterThan(35);
  });
});
