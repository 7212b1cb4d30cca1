/** The command room as the configuration says: the keys of door and operators, and the desk that takes commands. */

import { join } from 'node:path';
import { Fault, messageOf } from '../base/errors.ts';
import type { Signer } from '../base/jws.ts';
import type { Log } from '../base/log.ts';
import { type Clock, systemClock } from '../base/time.ts';
import { commandDesk } from '../command/desk.ts';
import { copiedWords, type DoorKeys, heldKeys, noteSealed, openDoorKeys } from '../command/keys.ts';
import { openUsedCommands } from '../command/limits/used.ts';
import { type NewOperator, type Operator, type Operators, operatorsIn } from '../command/operators.ts';
import type { Desk } from '../command/port.ts';
import { openProver } from '../command/prover.ts';
import { commands } from '../command/registry.ts';
import type { CommandPorts } from '../command/spec.ts';
import type { Event } from '../events.ts';
import { lockChanges } from '../host/lock.ts';
import { machineMark } from '../host/machine.ts';
import { timeSync } from '../host/time-sync.ts';
import type { Config } from '../settings/load.ts';
import type { Vault } from '../vault/port.ts';
import { doorKeysFile, stateFolder } from './basics.ts';
import { journalOf } from './journal.ts';
import { vaultOf } from './vault.ts';

/** Where the keys of this door's operators are kept. */
export const operatorsFile = (config: Config): string => join(stateFolder(config), 'operators.json');
/** This door's own keys, made at first use. */
export const doorKeysOf = (config: Config): Promise<DoorKeys> => openDoorKeys(doorKeysFile(config), config.door.id, machineMark());

/** What vouches for operators. It stays the same when the key of the vault is another one. */
function operatorSealKey(vault: Pick<Vault, 'pseudonym'>): Uint8Array {
  const key = vault.pseudonym('door', 'operators', 'seal');
  if (key) return key;
  throw new Fault('vault-damaged', 'The keyring has no key of the door: restore a backup (facelatch restore)');
}

/**
 * The operators of this door, with the key that vouches for them. Those of a version that did not seal them are sealed
 * as they stand, once, and journalled. Throws Faults of the door's keys, the list, the vault and the journal.
 */
export async function sealedOperators(
  config: Config,
  vault: Pick<Vault, 'pseudonym'>,
  record: (event: Event) => void,
): Promise<{ readonly operators: Operators; readonly sealKey: Uint8Array }> {
  const [file, sealKey] = [operatorsFile(config), operatorSealKey(vault)];
  const operators = operatorsIn(file, sealKey);
  if (!heldKeys(doorKeysFile(config)).operatorsSealed) {
    await operators.seal(({ name, role, kid }) => record({ kind: 'key.sealed', name, role, key: kid }));
    noteSealed(doorKeysFile(config), 'operatorsSealed');
  }
  return { operators, sealKey };
}

/**
 * Lets a key send commands. It is journalled first: nobody may command the door without a trace. @throws Fault
 * `journal-down`, `bad-argument`, `vault-locked`.
 */
export async function addOperator(config: Config, operator: NewOperator): Promise<Operator> {
  using _changes = lockChanges(stateFolder(config));
  using vault = vaultOf(config);
  using journal = journalOf(config);
  const { operators } = await sealedOperators(config, vault, (event) => void journal.append(event));
  return await operators.add(operator, ({ name, role, kid }) => void journal.append({ kind: 'key.added', name, role, key: kid }));
}

/** Who may send commands, and entries that do not count. `unchecked`: why that cannot be told now. */
export async function listOperators(
  config: Config,
): Promise<{ readonly operators: readonly Operator[]; readonly refused: readonly Operator[]; readonly unchecked?: string }> {
  const file = operatorsFile(config);
  if (!heldKeys(doorKeysFile(config)).operatorsSealed)
    return { operators: await operatorsIn(file).list(), refused: [], unchecked: 'they are sealed at the next start of the door' };
  try {
    using vault = vaultOf(config);
    const operators = operatorsIn(file, operatorSealKey(vault));
    return { operators: await operators.list(), refused: await operators.refused() };
  } catch (error) {
    if (!(error instanceof Fault && error.code.startsWith('vault-'))) throw error;
    return { operators: await operatorsIn(file).list(), refused: [], unchecked: error.message };
  }
}

/**
 * Takes a key away, and journals it afterwards: a journal that is down keeps no key in force. False when nobody has
 * that name. @throws Fault `journal-down`: then the key is removed all the same.
 */
export async function removeOperator(config: Config, name: string): Promise<boolean> {
  using _changes = lockChanges(stateFolder(config));
  const removed = await operatorsIn(operatorsFile(config)).remove(name);
  if (!removed) return false;
  try {
    using journal = journalOf(config);
    journal.append({ kind: 'key.removed', name, role: removed.role, key: removed.kid });
  } catch (error) {
    throw new Fault('journal-down', `The key is removed, but the journal has no record of it: ${messageOf(error)}`, error);
  }
  return true;
}

/**
 * What signs the door's states and events; undefined where the keys are copied from another machine: of two doors with
 * one key, a listener could not tell which one speaks.
 */
export async function doorSignerOf(config: Config): Promise<Signer | undefined> {
  const { id, sign, copied } = await doorKeysOf(config);
  return copied ? undefined : { kid: id, key: sign };
}

export interface DeskParts {
  readonly ports: CommandPorts;
  readonly log: Log;
  readonly clock?: Clock;
  readonly clockSynchronised?: (() => boolean) | undefined;
  /** What vouches for operators; undefined while the vault is locked. */
  readonly sealKey?: Uint8Array | undefined;
}

/** What takes commands. @throws Faults of the door's keys and of the list of used commands. */
export async function deskOf(config: Config, parts: DeskParts): Promise<Desk & AsyncDisposable> {
  const { allowUnsigned, maxCommandBytes, maxCommandLifeS, clockSkewS, clockCheck } = config.mqtt;
  const unknown = allowUnsigned.filter((name) => !commands.some((command) => command.name === name));
  if (unknown.length > 0) {
    const all = commands.map((command) => command.name).join(', ');
    throw new Fault('bad-config', `mqtt.allowUnsigned names ${unknown.join(', ')}; there are ${all}`);
  }
  const secret = commands.filter((command) => command.secret && allowUnsigned.includes(command.name));
  if (secret.length > 0)
    throw new Fault(
      'bad-config',
      `mqtt.allowUnsigned names ${secret.map(({ name }) => name).join(', ')}, which takes a secret: it must be signed and encrypted`,
    );
  const keys = await doorKeysOf(config);
  if (keys.copied) parts.log.error(copiedWords);
  const used = openUsedCommands(join(stateFolder(config), 'commands.sqlite'));
  const prover = openProver({ decrypt: keys.decrypt, operatorsFile: operatorsFile(config), sealKey: parts.sealKey }, maxCommandBytes);
  const desk = commandDesk({
    commands,
    keys,
    used,
    prover,
    ports: parts.ports,
    log: parts.log,
    clock: parts.clock ?? systemClock,
    clockSynchronised: clockCheck ? (parts.clockSynchronised ?? timeSync()) : () => true,
    allowUnsigned,
    maxBytes: maxCommandBytes,
    maxLifeS: maxCommandLifeS,
    skewS: clockSkewS,
    errorsPerS: 10,
  });
  return {
    ...desk,
    [Symbol.asyncDispose]: async () => {
      await prover[Symbol.asyncDispose]();
      used[Symbol.dispose]();
    },
  };
}
