/** The command room as the configuration says: the keys of door and operators, and the desk that takes commands. */

import { join } from 'node:path';
import { Fault, messageOf } from '../base/errors.ts';
import type { Signer } from '../base/jws.ts';
import type { Log } from '../base/log.ts';
import { type Clock, systemClock } from '../base/time.ts';
import { commandDesk } from '../command/desk.ts';
import { copiedWords, type DoorKeys, openDoorKeys } from '../command/keys.ts';
import { openUsedCommands } from '../command/limits/used.ts';
import { type NewOperator, type Operator, operatorsIn } from '../command/operators.ts';
import type { Desk } from '../command/port.ts';
import { openProver } from '../command/prover.ts';
import { commands } from '../command/registry.ts';
import type { CommandPorts } from '../command/spec.ts';
import { machineMark } from '../host/machine.ts';
import { timeSync } from '../host/time-sync.ts';
import type { Config } from '../settings/load.ts';
import { doorKeysFile, stateFolder } from './basics.ts';
import { journalOf } from './journal.ts';

/** Where the keys of this door's operators are kept. */
export const operatorsFile = (config: Config): string => join(stateFolder(config), 'operators.json');
/** This door's own keys, made at first use. */
export const doorKeysOf = (config: Config): Promise<DoorKeys> => openDoorKeys(doorKeysFile(config), config.door.id, machineMark());

/**
 * Lets a key send commands. It is journalled first: nobody may command the door without a trace. @throws Fault
 * `journal-down`, `bad-argument`.
 */
export async function addOperator(config: Config, operator: NewOperator): Promise<Operator> {
  const operators = operatorsIn(operatorsFile(config));
  using journal = journalOf(config);
  return await operators.add(operator, ({ name, role, kid }) => void journal.append({ kind: 'key.added', name, role, key: kid }));
}

/**
 * Takes a key away, and journals it afterwards: a journal that is down keeps no key in force. False when nobody has
 * that name. @throws Fault `journal-down`: then the key is removed all the same.
 */
export async function removeOperator(config: Config, name: string): Promise<boolean> {
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
  const prover = openProver({ decrypt: keys.decrypt, operatorsFile: operatorsFile(config) }, maxCommandBytes);
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
