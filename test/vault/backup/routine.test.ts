import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Fault } from '../../../src/base/errors.ts';
import { openLog } from '../../../src/base/log.ts';
import type { Event } from '../../../src/events.ts';
import { takeBackupApart } from '../../../src/vault/backup/process.ts';
import { backupRoutine, type RoutineParts } from '../../../src/vault/backup/routine.ts';
import { backupTask, stateToBackUp } from '../../fakes/backup.ts';

const start = Date.parse('2026-11-30T10:00:00Z');
const day = 86_400_000;
const dueHour = 3 * 3_600_000;
let root: string;
let folder: string;
let events: Event[];
let nowMs: number;
let fails: Fault | undefined;
let lastMs: number | undefined;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'facelatch-routine-'));
  folder = join(root, 'backups');
  mkdirSync(folder);
  mkdirSync(join(root, 'state'));
  [events, nowMs, fails, lastMs] = [[], 0, undefined, undefined];
});
afterEach(() => rmSync(root, { recursive: true }));

const parts = (other: Partial<RoutineParts> = {}): RoutineParts => ({
  folder,
  keep: 3,
  door: 'front',
  state: join(root, 'state'),
  due: (wallMs) => Math.floor((wallMs - dueHour) / day) * day + dueHour,
  synchronised: () => true,
  taskOf: (to) => backupTask(join(root, 'state'), to),
  take: async ({ to }) => {
    if (fails) throw fails;
    writeFileSync(to, '');
    return { bytes: 10, files: 2, passedOver: [] };
  },
  lastMs: {
    get: () => lastMs,
    set: (wallMs) => {
      lastMs = wallMs;
    },
  },
  record: (event) => events.push(event),
  clock: { now: () => nowMs, wall: () => start + nowMs },
  log: openLog('silent'),
  ...other,
});
const kinds = () => events.map(({ kind }) => kind);

it('one that was missed is taken at once, and then one each time it is due, over restarts too', async () => {
  for (let hour = 0; hour < 3 * 24; hour++) {
    await using backups = backupRoutine(parts());
    nowMs = hour * 3_600_000;
    backups.tick();
    await backups.settled();
    backups.tick();
    await backups.settled();
  }
  expect(readdirSync(folder)).toEqual([
    'facelatch-front-2026-11-30T10-00-00Z.age',
    'facelatch-front-2026-12-01T03-00-00Z.age',
    'facelatch-front-2026-12-02T03-00-00Z.age',
    'facelatch-front-2026-12-03T03-00-00Z.age',
  ]);
  expect(events).toHaveLength(4);
  expect(events[0]).toEqual({
    kind: 'backup.taken',
    file: 'facelatch-front-2026-11-30T10-00-00Z.age',
    bytes: 10,
    files: 2,
    by: 'schedule',
  });
});

it('one that was taken while the clock was ahead does not count', async () => {
  lastMs = start + 1000 * day;
  await using backups = backupRoutine(parts());
  backups.tick();
  await backups.settled();
  expect(kinds()).toEqual(['backup.taken']);
});

it('a share that stays away is tried every hour and told once for each backup that is missing', async () => {
  fails = new Fault('backup-failed', 'There is no folder (backup.folder)');
  await using backups = backupRoutine(parts());
  for (let minute = 0; minute < 24 * 60; minute++) {
    nowMs = minute * 60_000;
    backups.tick();
    await backups.settled();
  }
  expect(kinds()).toEqual(['backup.failed', 'backup.failed']);
  expect(events[0]).toMatchObject({ code: 'backup-failed', detail: expect.stringContaining('(backup.folder)') });
  [fails, nowMs] = [undefined, nowMs + 3_600_000];
  backups.tick();
  await backups.settled();
  expect(kinds().at(-1)).toBe('backup.taken');
});

it('a clock that is not held to true time takes none', async () => {
  await using backups = backupRoutine(parts({ synchronised: () => false }));
  backups.tick();
  await backups.settled();
  expect(events).toEqual([]);
});

it('asked for, one is taken under the name of who asked, and not again for ten minutes', async () => {
  await using backups = backupRoutine(parts({ due: () => undefined }));
  expect(backups.take('ada')).toEqual({ file: 'facelatch-front-2026-11-30T10-00-00Z.age' });
  expect(backups.take('ada')).toBe('again');
  await backups.settled();
  expect(backups.take('ada')).toBe('again');
  expect(events).toMatchObject([{ kind: 'backup.taken', by: 'ada' }]);
  expect(lastMs).toBeUndefined();
  nowMs += 600_000;
  expect(backups.take('ada')).toEqual({ file: 'facelatch-front-2026-11-30T10-10-00Z.age' });
  await using nowhere = backupRoutine(parts({ folder: '' }));
  expect(nowhere.take('ada')).toBe('no-folder');
});

it('a process of its own takes it; what a killed one left is removed before the next', async () => {
  rmSync(join(root, 'state'), { recursive: true });
  const notes = stateToBackUp(join(root, 'state'));
  mkdirSync(join(root, 'state', '.new-backup-999999999'));
  writeFileSync(join(folder, '.new-facelatch-front-2026-11-29T10-00-00Z.age'), 'half');
  await using backups = backupRoutine(parts({ take: takeBackupApart }));
  backups.tick();
  await backups.settled();
  expect(kinds()).toEqual(['backup.taken']);
  const [file = ''] = readdirSync(folder);
  expect(readdirSync(folder)).toEqual(['facelatch-front-2026-11-30T10-00-00Z.age']);
  expect(
    readFileSync(join(folder, basename(file)))
      .subarray(0, 21)
      .toString(),
  ).toBe('age-encryption.org/v1');
  expect(readdirSync(join(root, 'state')).filter((name) => name.startsWith('.new'))).toEqual([]);
  notes.close();
});

it('the fault of the process is that of the backup, and a door that closes ends it', async () => {
  await using backups = backupRoutine(
    parts({ take: takeBackupApart, taskOf: async (to) => ({ ...(await backupTask(join(root, 'state'), to)), recipients: ['age1none'] }) }),
  );
  backups.tick();
  await backups.settled();
  expect(events).toMatchObject([{ kind: 'backup.failed', code: 'bad-argument' }]);
  nowMs += 3_600_000;
  backups.tick();
  await backups[Symbol.asyncDispose]();
  expect(readdirSync(folder)).toEqual([]);
});
