/**
 * The emergency PIN of a door in its file, outside of the sealing of the vault, because it is for a vault that is
 * locked. A configuration and the journal in; the stored hash out, where it is the one that the journal vouches for.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { hashEmergencyPin, isEmergencyHash, wrongEmergencyPin } from '../../access/emergency-pin.ts';
import { asFault, Fault, messageOf } from '../../base/errors.ts';
import { giveToOwnerOfFolder, overwrite, syncFolder, writeWhole } from '../../base/whole-file.ts';
import { lockChanges } from '../../host/lock.ts';
import type { Journal } from '../../journal/port.ts';
import type { Config } from '../../settings/load.ts';
import { stateFolder } from '../basics.ts';
import { journalOf } from '../journal.ts';
import { textDigest, vouchedBy } from './vouched.ts';

export const emergencyPinFile = (config: Config): string => join(stateFolder(config), 'emergency-pin.json');

const what = { name: 'vault.pin', kinds: ['vault.pin-set', 'vault.pin-removed'] } as const;

/** `refused`: there is a file, and it is not the one that was set at this door last. */
export type EmergencyPinIs = 'set' | 'none' | 'refused';

interface Found {
  readonly is: EmergencyPinIs;
  readonly stored?: string;
}

/** Throws Faults `bad-config` (the file cannot be read), and what the journal throws. */
function found(config: Config, journal: Pick<Journal, 'note' | 'query'>): Found {
  const file = emergencyPinFile(config);
  if (!existsSync(file)) return { is: 'none' };
  let stored: string;
  try {
    stored = readFileSync(file, 'utf8');
  } catch (error) {
    throw asFault(error, 'bad-config', `The emergency PIN in ${file} cannot be read: check its owner and mode`);
  }
  const said = vouchedBy(config, journal, what).said();
  const fits = typeof said === 'object' && said.text === textDigest(stored) && isEmergencyHash(stored);
  return fits ? { is: 'set', stored } : { is: 'refused' };
}

/** The stored hash; undefined where there is none that counts. Asked at each try: it may be set while the door runs. */
export const emergencyPinOf = (config: Config, journal: Pick<Journal, 'note' | 'query'>) => (): string | undefined =>
  found(config, journal).stored;

export function emergencyPinIs(config: Config): EmergencyPinIs {
  if (!existsSync(emergencyPinFile(config))) return 'none';
  using journal = journalOf(config);
  return found(config, journal).is;
}

/**
 * From now on this PIN opens while the vault is locked, and no other. Journalled first. Throws Faults `bad-argument`,
 * `journal-down`; the file is then as it was, and does not count where the journal names another one.
 */
export async function setEmergencyPin(config: Config, pin: string, by: string): Promise<void> {
  const wrong = wrongEmergencyPin(pin);
  if (wrong !== undefined) throw new Fault('bad-argument', `${wrong}. Nothing was stored`);
  const stored = await hashEmergencyPin(pin);
  using _changes = lockChanges(stateFolder(config));
  using journal = journalOf(config);
  const { digest, notes } = vouchedBy(config, journal, what).saying(textDigest(stored));
  journal.append({ kind: 'vault.pin-set', by, digest }, notes);
  const file = emergencyPinFile(config);
  try {
    writeWhole(file, stored);
    giveToOwnerOfFolder(file);
  } catch (error) {
    throw asFault(error, 'bad-argument', `The emergency PIN cannot be written to ${file}; the one from before does not count any more`);
  }
}

/**
 * False where there is none. A journal that is down keeps no PIN in force. Throws Fault `journal-down`: then it is
 * removed all the same.
 */
export function removeEmergencyPin(config: Config, by: string): boolean {
  using _changes = lockChanges(stateFolder(config));
  const file = emergencyPinFile(config);
  if (!existsSync(file)) return false;
  overwrite(file);
  rmSync(file);
  syncFolder(dirname(file));
  try {
    using journal = journalOf(config);
    forgetEmergencyPin(config, journal, by);
  } catch (error) {
    throw new Fault(
      'journal-down',
      `The emergency PIN is removed, but the journal has no record of it, so a copy of the file would count again: ${messageOf(error)}`,
      error,
    );
  }
  return true;
}

/** Where its file is gone, from now on no copy of it counts. Throws what the journal throws. */
export function forgetEmergencyPin(config: Config, journal: Pick<Journal, 'append' | 'note' | 'query'>, by: string): void {
  const vouched = vouchedBy(config, journal, what);
  const said = vouched.said();
  if (existsSync(emergencyPinFile(config)) || said === 'nothing' || (typeof said === 'object' && said.text === '')) return;
  const { digest, notes } = vouched.saying('');
  journal.append({ kind: 'vault.pin-removed', by, digest }, notes);
}
