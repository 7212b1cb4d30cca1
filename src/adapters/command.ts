/** The command room as the configuration says: the keys of the door, and the desk that takes commands. */

import { join } from 'node:path';
import { Fault } from '../base/errors.ts';
import type { Signer } from '../base/jws.ts';
import type { Log } from '../base/log.ts';
import { type Clock, systemClock } from '../base/time.ts';
import { commandDesk } from '../command/desk.ts';
import { copiedWords, type DoorKeys, openDoorKeys } from '../command/keys.ts';
import { openUsedCommands } from '../command/limits/used.ts';
import type { IsNamed } from '../command/operators.ts';
import type { Desk } from '../command/port.ts';
import type { Prover } from '../command/proof.ts';
import { openProver } from '../command/prover.ts';
import { commands } from '../command/registry.ts';
import type { CommandPorts } from '../command/spec.ts';
import { machineMark } from '../host/machine.ts';
import { timeSync } from '../host/time-sync.ts';
import type { Config } from '../settings/load.ts';
import { doorKeysFile, stateFolder } from './basics.ts';
import { operatorsFile } from './vouched/operators.ts';

/** This door's own keys, made at first use. */
export const doorKeysOf = (config: Config): Promise<DoorKeys> => openDoorKeys(doorKeysFile(config), config.door.id, machineMark());

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
  /** Whom the journal names; absent: each of them. */
  readonly isNamed?: IsNamed | undefined;
}

/** A list that an older one replaced may name operators who were taken away: the thread that proves does not know. */
function namedOnly(prover: Prover, isNamed: IsNamed): Pick<Prover, 'prove'> {
  return {
    prove: async (payload, ahead) => {
      const proof = await prover.prove(payload, ahead);
      return proof?.ok && !isNamed(proof.entry) ? { ok: false, code: 'unknown-key', message: notNamed } : proof;
    },
  };
}

const notNamed =
  'This key stands in the list of operators, but the journal of the door does not name it: it was taken away, or an older list was put back. Add it with facelatch key add, or vouch for the list at the machine with facelatch key seal.';

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
    prover: parts.isNamed ? namedOnly(prover, parts.isNamed) : prover,
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
