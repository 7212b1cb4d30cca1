/**
 * What only the console's system view asks: how the parts of the house stand, its disk, its backups, its settings with
 * their meaning, its log, and the checks of doctor. What takes long runs beside the door (system-beside.ts).
 */
import { stateFolder } from '../../adapters/basics.ts';
import { parseJson } from '../../base/jws.ts';
import { Type } from '../../base/schema.ts';
import { version } from '../../base/version.ts';
import { done, unavailable } from '../../command/spec.ts';
import { leaves } from '../../settings/schema.ts';
import { type ConsoleOperation, defineOperation } from './operation.ts';

const closed = { additionalProperties: false } as const;
const nothing = Type.Object({}, closed);
const bytes = Type.Integer({ minimum: 0, description: 'Bytes.' });

const show = defineOperation({
  name: 'system.show',
  summary: 'How the parts of the door stand: versions, camera, relay, vault, broker, backups.',
  role: 'viewer',
  changes: false,
  args: nothing,
  result: Type.Object(
    {
      version: Type.String(),
      node: Type.String(),
      machine: Type.String({ description: 'Platform and architecture.' }),
      runningS: Type.Integer({ description: 'Since the daemon was started. Seconds.' }),
      stateFolder: Type.String(),
      diskBudgetMb: Type.Integer({ description: 'privacy.diskMb; 0: none.' }),
      camera: Type.String(),
      relay: Type.String(),
      vault: Type.Object({ locked: Type.Boolean(), why: Type.Optional(Type.String()), key: Type.Optional(Type.String()) }, closed),
      broker: Type.Object(
        { state: Type.Enum(['off', 'connected', 'connecting', 'down']), backlog: Type.Integer(), summary: Type.String() },
        closed,
      ),
      backups: Type.Object({ folder: Type.String(), schedule: Type.String(), keep: Type.Integer() }, closed),
      doctor: Type.Boolean({ description: 'Whether system.doctor can be asked here.' }),
    },
    closed,
  ),
  run: ({ rooms, beside }) => {
    const { config, camera, relay, vault, lock, publishing } = rooms;
    return done({
      version,
      node: process.version,
      machine: `${process.platform} ${process.arch}`,
      runningS: Math.round(process.uptime()),
      stateFolder: stateFolder(config),
      diskBudgetMb: config.privacy.diskMb,
      camera: camera.label,
      relay: relay.held ? relay.label : `${relay.label}, not held`,
      vault: { locked: lock !== undefined, ...(lock ? { why: lock.message } : { key: vault.source }) },
      broker: publishing
        ? { state: publishing.state, backlog: publishing.backlog, summary: publishing.summary }
        : { state: 'off' as const, backlog: 0, summary: 'off' },
      backups: { folder: config.backup.folder, schedule: config.backup.schedule, keep: config.backup.keep },
      doctor: beside.doctor !== undefined,
    });
  },
});

const disk = defineOperation({
  name: 'system.disk',
  summary: 'What the state folder holds, and how much of its disk is free.',
  role: 'viewer',
  changes: false,
  args: nothing,
  result: Type.Object(
    {
      freeBytes: bytes,
      totalBytes: bytes,
      usedBytes: bytes,
      parts: Type.Array(Type.Object({ name: Type.String(), bytes }, closed), { description: 'The largest first.' }),
    },
    closed,
  ),
  run: async ({ beside }) => {
    const { freeBytes, totalBytes, parts } = await beside.disk();
    const usedBytes = parts.reduce((sum, part) => sum + part.bytes, 0);
    return done({ freeBytes, totalBytes, usedBytes, parts: parts.slice(0, 30).map(({ name, bytes: each }) => ({ name, bytes: each })) });
  },
});

const backups = defineOperation({
  name: 'backup.list',
  summary: 'The backups of this door in backup.folder, the newest first.',
  role: 'admin',
  changes: false,
  args: nothing,
  result: Type.Object(
    {
      folder: Type.String(),
      files: Type.Array(Type.Object({ file: Type.String(), takenAt: Type.String({ format: 'date-time' }), bytes }, closed)),
    },
    closed,
  ),
  run: async ({ rooms, beside }) => {
    const { folder } = rooms.config.backup;
    if (folder === '') return unavailable('folder for backups (backup.folder)');
    const found = await beside.backups();
    return done({ folder, files: found.slice(0, 200).map((each) => ({ ...each })) });
  },
});

const settings = defineOperation({
  name: 'system.settings',
  summary: 'Every setting with its value, its default and its meaning; secret ones without their value.',
  role: 'viewer',
  changes: false,
  args: nothing,
  result: Type.Object(
    {
      settings: Type.Array(
        Type.Object(
          {
            path: Type.String(),
            meaning: Type.String(),
            allowed: Type.String(),
            live: Type.Boolean({ description: 'Whether config.set changes it.' }),
            secret: Type.Boolean(),
            usual: Type.Optional(Type.Unknown({ description: 'The default.' })),
            value: Type.Optional(Type.Unknown()),
          },
          closed,
        ),
      ),
    },
    closed,
  ),
  run: ({ rooms }) => {
    const values = rooms.live.all();
    const { changeable } = rooms.live;
    return done({
      settings: [...leaves()].map(([path, { doc, allowed, default: usual }]) => ({
        ...{ path, meaning: doc, allowed, live: changeable.includes(path), secret: !Object.hasOwn(values, path) },
        ...(Object.hasOwn(values, path) && { usual, value: values[path] }),
      })),
    });
  },
});

/** pino's numbers. */
const levels = { 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' } as const;
const mostLines = 200;

const log = defineOperation({
  name: 'system.log',
  summary: 'The last lines of the log of this daemon, of its last 1,000, the newest first.',
  role: 'admin',
  changes: false,
  args: Type.Object(
    {
      least: Type.Optional(Type.Enum(['info', 'warn', 'error'], { description: 'Of this level and above.' })),
      before: Type.Optional(Type.Integer({ minimum: 0, description: 'Lines that are older than those given before: `next`.' })),
    },
    closed,
  ),
  result: Type.Object(
    {
      lines: Type.Array(
        Type.Object(
          {
            at: Type.String({ format: 'date-time' }),
            level: Type.Enum(['info', 'warn', 'error', 'fatal']),
            message: Type.String(),
            fields: Type.String({ description: 'What stands beside the message, as JSON.' }),
          },
          closed,
        ),
      ),
      next: Type.Optional(Type.Integer({ description: 'How many lines were passed; absent at the end.' })),
    },
    closed,
  ),
  run: ({ rooms }, { least = 'info', before = 0 }) => {
    const all = rooms.listeners.logLines?.();
    if (!all) return unavailable('log that is kept: look at its standard output (journalctl -u facelatch)');
    const leastNumber = { info: 30, warn: 40, error: 50 }[least];
    const found = [];
    let at = all.length - 1 - before;
    for (; at >= 0 && found.length < mostLines; at--) {
      const line = lineOf(all[at] ?? '');
      if (line && line.number >= leastNumber) found.push(line.shown);
    }
    return done({ lines: found, ...(at >= 0 && { next: all.length - 1 - at }) });
  },
});

function lineOf(text: string) {
  const parsed = parseJson(Buffer.from(text));
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { level, time, msg, ...fields } = parsed as Readonly<Record<string, unknown>>;
  const number = Number(level);
  const name = levels[number as keyof typeof levels] ?? 'info';
  return { number, shown: { at: String(time), level: name, message: String(msg ?? ''), fields: JSON.stringify(fields) } };
}

const doctor = defineOperation({
  name: 'system.doctor',
  summary: 'Checks everything that the door needs but the camera, as `facelatch doctor --no-camera`; it takes some seconds.',
  role: 'admin',
  changes: false,
  args: nothing,
  result: Type.Object(
    {
      checks: Type.Array(Type.Object({ name: Type.String(), health: Type.Enum(['ok', 'note', 'problem']), found: Type.String() }, closed)),
    },
    closed,
  ),
  run: async ({ beside }) => {
    if (!beside.doctor) return unavailable('way to check itself from here: run facelatch doctor --no-camera at the door');
    const checks = await beside.doctor();
    return done({ checks: checks.map(({ name, health, found }) => ({ name, health, found })) });
  },
});

export const systemOperations: readonly ConsoleOperation[] = [show, disk, backups, settings, log, doctor];
