import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { journalOf } from '../../../src/adapters/journal.ts';
import { checkBackup } from '../../../src/cli/doctor/backup.ts';
import type { Event } from '../../../src/events.ts';
import { doorConfig } from '../../fakes/config.ts';
import { eventOf } from '../../fakes/events.ts';
import { facelatch, jsonOf } from '../facelatch.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-doctor-backup-'));
  mkdirSync(join(folder, 'backups'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const daily = { 'backup.schedule': 'daily 03:30' };
const configOf = (settings: Readonly<Record<string, unknown>>) =>
  doorConfig({ 'state.folder': join(folder, 'state'), 'backup.folder': join(folder, 'backups'), ...settings });
function after(events: readonly (readonly [Event, number])[], settings: Readonly<Record<string, unknown>> = {}) {
  const config = configOf(settings);
  for (const [event, daysAgo] of events) {
    const wall = () => Date.now() - daysAgo * 86_400_000;
    using journal = journalOf(config, { now: () => 0, wall, sleep: async () => undefined });
    journal.append(event);
  }
  return checkBackup(config);
}
const [taken, failed] = [eventOf['backup.taken'], eventOf['backup.failed']];

it.each([
  ['none was taken', [], {}, 'note', /^none was taken yet; take one: facelatch backup FILE/],
  ['one was taken today', [[taken, 0]], {}, 'ok', /^the last one was taken 0 h ago$/],
  ['the last one is old', [[taken, 40]], {}, 'note', /^the last one was taken 40 days ago; take one/],
  [
    'the last one is older than the schedule',
    [[taken, 3]],
    daily,
    'note',
    /^the last one was taken 3 days ago; backup.schedule is daily 03:30$/,
  ],
  [
    'the last one failed',
    [
      [taken, 2],
      [failed, 1],
    ],
    daily,
    'problem',
    /^the last one failed, \S+: The disk of the backup is full\.$/,
  ],
  [
    'one was taken after one that failed',
    [
      [failed, 1],
      [taken, 0],
    ],
    daily,
    'ok',
    /taken 0 h ago/,
  ],
  ['it was restored', [[eventOf['backup.restored'], 0]], {}, 'ok', /^restored from one 0 h ago$/],
  ['the folder is gone', [], { 'backup.folder': '/nowhere/at/all' }, 'problem', /backup\.folder/],
] as const)('where %s it says so', (_, events, settings, health, found) => {
  expect(after(events, settings)).toEqual({ health, found: expect.stringMatching(found) });
});

it('doctor names what a restore has left beside the state folder, and how to delete it', { timeout: 60_000 }, async () => {
  const [aside, unpacked] = [join(folder, 'state.before-2026-11-30T12-00-00Z'), join(folder, 'state.restoring')];
  for (const path of [aside, unpacked]) mkdirSync(path);
  const { checks } = jsonOf(await facelatch(['doctor', '--no-camera', '--json', '--state', join(folder, 'state')]));
  expect(checks.filter(({ name }: { name: string }) => name === 'restore')).toEqual([
    { name: 'restore', health: 'note', found: expect.stringContaining(`rm -r ${aside}`) },
    { name: 'restore', health: 'note', found: expect.stringContaining(`rm -r ${unpacked}`) },
  ]);
});
