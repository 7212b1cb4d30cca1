/** The emergency PIN as it is set at the machine: which file of it counts, and which does not. */
import { cpSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { isTheEmergencyPin, wrongEmergencyPin } from '../../../src/access/emergency-pin.ts';
import { backupTaskOf } from '../../../src/adapters/backup.ts';
import { doorKeysFile } from '../../../src/adapters/basics.ts';
import { journalFile, journalOf } from '../../../src/adapters/journal.ts';
import { stageBackup, takeOver } from '../../../src/adapters/restore.ts';
import { vaultFiles, vaultOf } from '../../../src/adapters/vault.ts';
import {
  emergencyPinFile,
  emergencyPinIs,
  emergencyPinOf,
  removeEmergencyPin,
  setEmergencyPin,
} from '../../../src/adapters/vouched/emergency-pin.ts';
import { checkVault } from '../../../src/cli/doctor/vault.ts';
import { openRestoredRooms } from '../../../src/cli/vault/restored-rooms.ts';
import { renewDoorKeys } from '../../../src/command/keys.ts';
import type { Config } from '../../../src/settings/load.ts';
import { takeBackup } from '../../../src/vault/backup/take.ts';
import { derivedKey } from '../../../src/vault/derived.ts';
import { keyIn } from '../../../src/vault/key-file.ts';
import { temporaryFolder } from '../../cli/facelatch.ts';
import { doorConfig } from '../../fakes/config.ts';

const [pin, other] = ['27182818', '314159265358'];
let folder: ReturnType<typeof temporaryFolder>;
let config: Config;
/** The state folder of a door at which one PIN was set, and what it was when another was set after it: each costs a hash. */
let doors: ReturnType<typeof temporaryFolder>;
const doorIn = (place: string) => doorConfig({ 'state.folder': place });
const [withFirst, withSecond] = [() => join(doors.path, 'first'), () => join(doors.path, 'second')];
const fileOf = (place: string) => readFileSync(emergencyPinFile(doorIn(place)));

beforeAll(async () => {
  doors = temporaryFolder();
  vaultOf(doorIn(withFirst()))[Symbol.dispose]();
  await setEmergencyPin(doorIn(withFirst()), pin, 'cli');
  cpSync(withFirst(), withSecond(), { recursive: true });
  await setEmergencyPin(doorIn(withSecond()), other, 'cli');
}, 60_000);
afterAll(() => doors[Symbol.dispose]());
beforeEach(() => {
  folder = temporaryFolder();
  config = doorIn(join(folder.path, 'state'));
});
afterEach(() => folder[Symbol.dispose]());

const file = () => emergencyPinFile(config);
const stored = (): string | undefined => {
  using journal = journalOf(config);
  return emergencyPinOf(config, journal)();
};
const opens = async (typed: string) => {
  const hash = stored();
  return hash !== undefined && (await isTheEmergencyPin(typed, hash));
};
const journalled = () => {
  using journal = journalOf(config);
  return journal.query({ kinds: ['vault.pin-set', 'vault.pin-removed'] }).map(({ event }) => event);
};
const inJournal = (sql: string) => {
  const db = new DatabaseSync(journalFile(config));
  db.exec(sql);
  db.close();
};

it('is off until it is set; then it is that one, without the vault, for its owner alone, and journalled', async () => {
  vaultOf(config)[Symbol.dispose]();
  expect(emergencyPinIs(config)).toBe('none');
  expect(stored()).toBeUndefined();
  cpSync(withFirst(), config.state.folder, { recursive: true });
  rmSync(vaultFiles(config).beside);
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  expect(readFileSync(file(), 'utf8')).not.toContain(pin);
  expect([await opens(pin), await opens(other)]).toEqual([true, false]);
});

it('is another one once another is set, and none once it is removed, and journalled', async () => {
  cpSync(withSecond(), config.state.folder, { recursive: true });
  expect([await opens(pin), await opens(other)]).toEqual([false, true]);
  expect(removeEmergencyPin(config, 'cli')).toBe(true);
  expect(existsSync(file())).toBe(false);
  expect(removeEmergencyPin(config, 'cli')).toBe(false);
  expect(journalled().map(({ kind }) => kind)).toEqual(['vault.pin-set', 'vault.pin-set', 'vault.pin-removed']);
  expect(JSON.stringify(journalled())).not.toMatch(new RegExp(`${pin}|${other}`));
});

it.each(['1234567', '1234567890123', '11111111', '87654321', '12341234', '2718281x'])('is not %s', async (wrong) => {
  await expect(setEmergencyPin(config, wrong, 'cli')).rejects.toMatchObject({ code: 'bad-argument' });
  expect(existsSync(file())).toBe(false);
  expect(wrongEmergencyPin('27182818')).toBeUndefined();
});

it('a file of before that somebody puts back, or one of another door, opens nothing, and doctor names it', async () => {
  cpSync(withSecond(), config.state.folder, { recursive: true });
  writeFileSync(file(), fileOf(withFirst()));
  expect(stored()).toBeUndefined();
  expect(checkVault(config)).toMatchObject({ health: 'problem', found: expect.stringContaining('does not count') });
  writeFileSync(file(), fileOf(withSecond()));
  expect(emergencyPinIs(config)).toBe('set');
  removeEmergencyPin(config, 'cli');
  writeFileSync(file(), fileOf(withSecond()));
  expect(emergencyPinIs(config)).toBe('refused');
  const elsewhere = doorIn(join(folder.path, 'elsewhere'));
  await setEmergencyPin(elsewhere, pin, 'cli');
  cpSync(emergencyPinFile(elsewhere), file());
  expect(emergencyPinIs(config)).toBe('refused');
}, 30_000);

it('nor with the note of before in the journal, nor without any; new keys of the door change nothing', async () => {
  cpSync(withSecond(), config.state.folder, { recursive: true });
  using before = journalOf(doorIn(withFirst()));
  const note = before.note('vault.pin') ?? '';
  await renewDoorKeys(doorKeysFile(config), undefined);
  expect(emergencyPinIs(config)).toBe('set');
  writeFileSync(file(), fileOf(withFirst()));
  inJournal(`UPDATE note SET value = '${note}' WHERE name = 'vault.pin'`);
  expect(emergencyPinIs(config)).toBe('refused');
  inJournal("DELETE FROM note WHERE name = 'vault.pin'");
  expect(emergencyPinIs(config)).toBe('refused');
});

it('is sealed in a backup, comes back on another device, and does not bring back one that was changed here since', async () => {
  cpSync(withFirst(), config.state.folder, { recursive: true });
  const kek = keyIn(vaultFiles(config).beside) ?? new Uint8Array();
  const to = join(folder.path, 'door.age');
  {
    using vault = vaultOf(config);
    const task = await backupTaskOf(config, vault, { to, by: 'cli' });
    expect(Buffer.from(task.instead?.get('emergency-pin.json') ?? []).toString()).not.toContain('scrypt');
    await takeBackup(task);
  }
  const restored = async (door: Config) => {
    const opener = { scalar: derivedKey(kek, 'backup identity') };
    const staged = await stageBackup(door, { file: to, opener, signal: new AbortController().signal, onProgress: () => undefined });
    const { pinLeftOut } = await takeOver(door, staged, Uint8Array.from(kek));
    await openRestoredRooms(staged.config, { takenAt: staged.manifest.takenAt, removed: [] });
    const is = emergencyPinIs(staged.config);
    rmSync(staged.folder, { recursive: true });
    return { pinLeftOut, is };
  };
  expect(await restored(config)).toEqual({ pinLeftOut: false, is: 'set' });
  expect(await restored(doorIn(join(folder.path, 'other')))).toEqual({ pinLeftOut: false, is: 'set' });
  await setEmergencyPin(config, other, 'cli');
  expect(await restored(config)).toEqual({ pinLeftOut: true, is: 'none' });
  removeEmergencyPin(config, 'cli');
  expect(await restored(config)).toEqual({ pinLeftOut: true, is: 'none' });
}, 60_000);
