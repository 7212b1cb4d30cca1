/** The certificate of the console is renewed while the door runs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Fault } from '../../../src/base/errors.ts';
import { openLog } from '../../../src/base/log.ts';
import type { ConsoleSettings } from '../../../src/console/port.ts';
import type { ConsoleTls } from '../../../src/console/tls.ts';
import { keepCertificate, madeBeside } from '../../../src/house/console/certificate.ts';
import { fakeClock } from '../../fakes/clock.ts';

const day = 86_400_000;
const over = { controller: new AbortController() };
beforeEach(() => {
  over.controller = new AbortController();
});
afterEach(() => over.controller.abort());

function kept({ isGiven = false }: { readonly isGiven?: boolean } = {}) {
  const clock = fakeClock();
  const tls = (fingerprint: string, days: number): ConsoleTls => ({
    ...{ certificate: '', key: '', fingerprint, isNew: false },
    ...{ beginsAt: new Date(clock.wall() - day).toISOString(), expiresAt: new Date(clock.wall() + days * day).toISOString() },
  });
  const found: { next: ConsoleTls | Fault; asked: number } = { next: tls('second', 900), asked: 0 };
  const told: string[] = [];
  const running = keepCertificate({
    ...{ now: tls('first', 100), isGiven, clock, log: openLog('silent'), signal: over.controller.signal },
    find: async () => {
      found.asked++;
      if (found.next instanceof Fault) throw found.next;
      return found.next;
    },
    onNew: ({ fingerprint }) => told.push(fingerprint),
  });
  return { clock, found, told, tls, running };
}

it('thirty days before its end another one is made, once, and told', async () => {
  const { clock, found, told, running } = kept();
  clock.jump(69 * day);
  await clock.advance(600_000);
  expect([found.asked, told]).toEqual([0, []]);
  clock.jump(2 * day);
  await clock.advance(600_000);
  await clock.advance(day);
  expect([found.asked, told]).toEqual([1, ['second']]);
  over.controller.abort();
  await running;
});

it('one that begins in the future, because the clock was wrong, is replaced at the next look', async () => {
  const { clock, told } = kept();
  clock.jump(-2 * day);
  await clock.advance(600_000);
  expect(told).toEqual(['second']);
});

it('the owner’s files are read again: a new one is used, half of one waits for the next look', async () => {
  const { clock, found, told, tls } = kept({ isGiven: true });
  found.next = tls('first', 100);
  await clock.advance(600_000);
  found.next = new Fault('bad-config', 'console.keyFile does not belong to console.certificateFile');
  await clock.advance(600_000);
  expect(told).toEqual([]);
  found.next = tls('third', 90);
  await clock.advance(600_000);
  await clock.advance(600_000);
  expect(told).toEqual(['third']);
});

it('the door makes it beside the deciding thread, and keeps it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-certificate-'));
  const settings: ConsoleSettings = {
    ...{ door: 'front', address: '0.0.0.0', port: 1, tls: 'on', hosts: [], ingress: [], sessionHours: 1, idleHours: 1 },
    ...{ folder, maxPictureBytes: 1, browserCamera: false, version: '0' },
  };
  const first = await madeBeside(settings);
  expect(first).toMatchObject({ isNew: true, fingerprint: expect.stringMatching(/^([0-9A-F]{2}:){31}/) });
  expect(await madeBeside(settings)).toMatchObject({ isNew: false, fingerprint: first?.fingerprint });
  rmSync(folder, { recursive: true });
}, 60_000);
