/**
 * Where people keep keys: an operator's private key and the cards of doors, by default in the user's configuration
 * folder.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { doorKeysOf } from '../../adapters/command.ts';
import { Fault, messageOf } from '../../base/errors.ts';
import { unreadable } from '../../base/path.ts';
import { withoutByteOrderMark } from '../../base/secret.ts';
import { type DoorCard, type PrivateKey, privateKeyOf, publicKeyOf } from '../../command/keys.ts';
import type { Config } from '../../settings/load.ts';
import { surroundings } from '../surroundings.ts';

const folder = (): string => join(surroundings().env.XDG_CONFIG_HOME ?? join(home(), '.config'), 'facelatch');
/** A service user may have no home, and then Node throws. Commands that need no key still work. */
function home(): string {
  try {
    return homedir();
  } catch {
    return '/nonexistent';
  }
}
export const operatorKeyFile = (): string => join(folder(), 'operator-key.json');
export const doorCardFile = (door: string): string => join(folder(), 'doors', `${door}.json`);

/** @throws Fault `bad-argument`. */
export function readJsonFile(file: string, what: string, remedy: string): unknown {
  let text: string;
  try {
    text = withoutByteOrderMark(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Fault('bad-argument', `The ${what} ${unreadable(file, error)}: ${remedy}`, error);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Fault('bad-argument', `The ${what} ${file} is not JSON (${messageOf(error)}): ${remedy}`, error);
  }
}

/** @throws Fault `bad-argument`. */
export function readOperatorKey(file: string): PrivateKey {
  const remedy = 'make one with "facelatch key create", or name another with --key';
  return privateKeyOf(readJsonFile(file, "operator's key", remedy), 'Ed25519');
}

/** @throws Fault `bad-argument`. */
function doorCardOf(value: unknown): DoorCard {
  const { door, sign, encrypt } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
  if (typeof door !== 'string')
    throw new Fault('bad-argument', 'This is not the card of a door: "facelatch key door" at the door prints one');
  return { door, sign: publicKeyOf(sign, 'Ed25519'), encrypt: publicKeyOf(encrypt, 'X25519') };
}

/**
 * A door's card: from `file`, else from the user's folder, else (at the door itself) from its state folder.
 * @throws Fault `bad-argument`.
 */
export async function findDoorCard(door: string, file: string | undefined, config: Config): Promise<DoorCard> {
  const usual = doorCardFile(door);
  const remedy = `run "facelatch key door" at the door and keep what it prints in ${usual}`;
  if (file !== undefined || existsSync(usual)) {
    const path = file ?? usual;
    const card = doorCardOf(readJsonFile(path, "door's card", remedy));
    if (card.door !== door) throw new Fault('bad-argument', `${path} is the card of the door ${card.door}, not of ${door}`);
    return card;
  }
  if (door === config.door.id && existsSync(join(config.state.folder, 'door-keys.json'))) return (await doorKeysOf(config)).card;
  throw new Fault('bad-argument', `The keys of the door ${door} are not known here: ${remedy}`);
}
