/** What the system view asks of the house: the operations over rooms that stand still, and real processes beside them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Fault } from '../../src/base/errors.ts';
import { Compile } from '../../src/base/schema.ts';
import type { Call } from '../../src/command/spec.ts';
import type { ConsolePorts } from '../../src/house/console/operation.ts';
import { systemOperations } from '../../src/house/console/system.ts';
import { systemBeside } from '../../src/house/console/system-beside.ts';
import type { Listeners, Rooms } from '../../src/house/rooms.ts';
import { liveSettings } from '../../src/settings/live.ts';
import { backupName } from '../../src/vault/backup/kept.ts';
import { fakeClock } from '../fakes/clock.ts';
import { doorConfig } from '../fakes/config.ts';

const root = mkdtempSync(join(tmpdir(), 'facelatch-system-'));
const folder = join(root, 'state');
mkdirSync(folder);
afterAll(() => rmSync(root, { recursive: true }));

const call: Call = { who: 'ada', key: 'console:ada', by: { kind: 'operator', name: 'ada', via: 'console', requestId: 's1' } };

function house(flags: Readonly<Record<string, unknown>> = {}, listeners: Listeners = {}) {
  const clock = fakeClock();
  const config = doorConfig({ 'state.folder': folder, 'mqtt.enabled': false, ...flags });
  const rooms = {
    ...{ config, listeners, lock: undefined, publishing: undefined, live: liveSettings(config) },
    camera: { label: 'demo' },
    relay: { held: true, label: 'dry' },
    vault: { source: 'beside' },
  } as unknown as Rooms;
  const beside = systemBeside(config, listeners, clock);
  const ports = { rooms, beside } as ConsolePorts;
  return {
    clock,
    ask: async (name: string, args: object = {}) => {
      const operation = systemOperations.find((each) => each.name === name);
      if (!operation) throw new Error(`there is no ${name}`);
      const outcome = await operation.run(ports, args, call);
      // What the document says about the result is true.
      if (outcome.ok) expect([...Compile(operation.result).Errors(outcome.result)]).toEqual([]);
      return outcome;
    },
  };
}

it('says how the parts stand, to whoever may look', async () => {
  expect(await house().ask('system.show')).toMatchObject({
    ok: true,
    result: { camera: 'demo', relay: 'dry', vault: { locked: false, key: 'beside' }, broker: { state: 'off' }, doctor: false },
  });
});

it('gives every setting with its meaning, and no secret', async () => {
  const { ask } = house({ 'mqtt.password': 'hidden-word' });
  const answer = await ask('system.settings');
  const { settings } = (answer.ok ? answer.result : {}) as {
    settings: { path: string; live: boolean; secret: boolean; value?: unknown }[];
  };
  expect(settings.length).toBeGreaterThan(100);
  expect(settings.find(({ path }) => path === 'mqtt.password')).toMatchObject({ secret: true });
  expect(JSON.stringify(settings)).not.toContain('hidden-word');
  expect(settings.filter(({ live }) => live).map(({ path }) => path)).toContain('relay.pulseMs');
});

describe('the disk', () => {
  it('is looked at by another process: what the state folder holds, a database with its logs', async () => {
    writeFileSync(join(folder, 'pictures.bin'), 'x'.repeat(5000));
    writeFileSync(join(folder, 'notes.sqlite-wal'), 'x'.repeat(300));
    writeFileSync(join(folder, 'notes.sqlite'), 'x'.repeat(50));
    mkdirSync(join(folder, 'kept'), { recursive: true });
    writeFileSync(join(folder, 'kept', 'one.jpg'), 'x'.repeat(70));
    const answer = await house().ask('system.disk');
    expect(answer).toMatchObject({ ok: true, result: { freeBytes: expect.any(Number) } });
    const { parts } = (answer.ok ? answer.result : {}) as { parts: object[] };
    expect(parts).toEqual([
      { name: 'pictures.bin', bytes: 5000 },
      { name: 'notes.sqlite', bytes: 350 },
      { name: 'kept', bytes: 70 },
    ]);
  });
});

describe('the backups', () => {
  it('are those of this door, the newest first', async () => {
    const backups = join(root, 'backups');
    mkdirSync(backups);
    const names = ['2026-01-02T03:04:05Z', '2026-03-02T03:04:05Z'].map((at) => backupName('front-door', Date.parse(at)));
    for (const name of [...names, backupName('back-door', 0), 'notes.txt', 'facelatch-front-door-x.age'])
      writeFileSync(join(backups, name), 'age');
    const answer = await house({ 'door.id': 'front-door', 'backup.folder': backups }).ask('backup.list');
    expect(answer).toEqual({
      ok: true,
      result: {
        folder: backups,
        files: [
          { file: names[1], takenAt: '2026-03-02T03:04:05Z', bytes: 3 },
          { file: names[0], takenAt: '2026-01-02T03:04:05Z', bytes: 3 },
        ],
      },
    });
  });

  it('of a folder that is not there are a fault with the remedy, and without a folder there are none', async () => {
    const missing = house({ 'backup.folder': join(root, 'no-such-share') }).ask('backup.list');
    await expect(missing).rejects.toThrow('mount the disk or share');
    expect(await house().ask('backup.list')).toMatchObject({ ok: false, error: { code: 'unavailable' } });
  });
});

describe('the log', () => {
  const line = (n: number, level = 30) => JSON.stringify({ level, time: '2026-01-01T00:00:00.000Z', room: 'camera', msg: `line ${n}` });
  const lines = [...Array.from({ length: 450 }, (_, n) => line(n)), 'not JSON', line(450, 40), line(451, 50)];
  const { ask } = house({}, { logLines: () => lines });
  const linesOf = async (args: object) => {
    const answer = await ask('system.log', args);
    return (answer.ok ? answer.result : {}) as { lines: { message: string; level: string; fields: string }[]; next?: number };
  };

  it('comes the newest first, in parts', async () => {
    const first = await linesOf({});
    expect(first.lines).toHaveLength(200);
    expect(first.lines[0]).toMatchObject({ level: 'error', message: 'line 451', fields: '{"room":"camera"}' });
    const second = await linesOf({ before: first.next });
    expect(second.lines[0]?.message).not.toBe(first.lines.at(-1)?.message);
    const third = await linesOf({ before: second.next });
    const all = [...first.lines, ...second.lines, ...third.lines].map(({ message }) => message);
    expect(all).toEqual(Array.from({ length: 452 }, (_, n) => `line ${451 - n}`));
    expect(third.next).toBeUndefined();
  });

  it('is sorted out by level, and is unavailable where nobody keeps it', async () => {
    expect((await linesOf({ least: 'warn' })).lines.map(({ level }) => level)).toEqual(['error', 'warn']);
    expect(await house().ask('system.log')).toMatchObject({ ok: false, error: { code: 'unavailable' } });
  });
});

describe('the checks of doctor', () => {
  it('run once for everybody who asks at that time, and again later', async () => {
    let runs = 0;
    const examine = async () => [{ name: 'clock', health: 'ok' as const, found: `run ${++runs}` }];
    const { ask, clock } = house({}, { examine });
    const [one, two] = await Promise.all([ask('system.doctor'), ask('system.doctor')]);
    expect(one).toEqual({ ok: true, result: { checks: [{ name: 'clock', health: 'ok', found: 'run 1' }] } });
    expect(two).toEqual(one);
    await clock.advance(60_000);
    expect(await ask('system.doctor')).toMatchObject({ result: { checks: [{ found: 'run 2' }] } });
  });

  it('are tried again after a failure, which is told', async () => {
    let runs = 0;
    const examine = async () => {
      if (runs++ === 0) throw new Fault('tool-missing', 'The process that checks the door ended early');
      return [];
    };
    const { ask } = house({}, { examine });
    await expect(ask('system.doctor')).rejects.toThrow('ended early');
    expect(await ask('system.doctor')).toEqual({ ok: true, result: { checks: [] } });
  });
});
