/** What `doctor` says of the key that protects faces at rest: whether it is there, and what it protects against. */
import { existsSync, statSync } from 'node:fs';
import { nextKey, vaultFiles, vaultLock } from '../../adapters/vault.ts';
import { emergencyPinFile, emergencyPinIs } from '../../adapters/vouched/emergency-pin.ts';
import type { Config } from '../../settings/load.ts';
import { keyringNotes } from '../../vault/keyring.ts';
import { sourceWords } from '../vault/vault-words.ts';
import type { Found } from './check.ts';

/** Makes nothing: the first start makes the vault. */
export function checkVault(config: Config): Found {
  const pin = emergencyPinIs(config);
  const found = checkKey(config, pin === 'set');
  if (pin !== 'refused') return found;
  const file = emergencyPinFile(config);
  const why = `${file} is not the emergency PIN that was set here last, and does not count: somebody put it there, or it was left by a change that was cut. Set it again (facelatch vault pin), or remove it (--remove)`;
  return { ...found, health: 'problem', found: `${found.found}; ${why}` };
}

/** `hasPin`: whether a PIN opens while the vault is locked. */
function checkKey(config: Config, hasPin: boolean): Found {
  const files = vaultFiles(config);
  const notes = keyringNotes(files.keyring);
  if (!notes)
    return { health: 'note', found: 'there is no vault yet: the first start makes it, or "facelatch vault init" with the key elsewhere' };
  const lock = vaultLock(config);
  if (lock) return { health: 'problem', found: lock.message, lacks: [lockedWords(hasPin)] };
  const { where, protects, not } = sourceWords(notes);
  const place = notes.source === 'file' || notes.source === 'beside' ? files[notes.source] : undefined;
  if (place !== undefined && (statSync(place).mode & 0o077) !== 0)
    return {
      health: 'problem',
      found: `other users may read the key in ${place}: chmod 600 ${place}, or mount what it lies on with umask=077`,
    };
  const left = [files.beside, nextKey(files.beside)].find((file) => notes.source !== 'beside' && existsSync(file));
  if (left !== undefined)
    return {
      health: 'problem',
      found: `${left} lies beside the data and is not used: whoever takes the card has it. Unless it is the key of another door, overwrite and delete it (shred -u ${left})`,
    };
  const unused =
    files.file !== undefined && notes.source !== 'file' ? '; vault.keyFile is set and not used: facelatch vault rekey --with file' : '';
  const pin = hasPin ? 'the emergency PIN opens' : 'no PIN opens (facelatch vault pin)';
  const weak = notes.source === 'beside' || (notes.source === 'credential' && notes.sealedWith !== 'host+tpm2');
  return {
    health: weak || unused ? 'note' : 'ok',
    found: `key from ${where}; protects against ${protects}, not against ${not}${unused}; without the key ${pin}`,
  };
}

const lockedWords = (hasPin: boolean): string =>
  `nobody is recognised, because the vault is locked: button, signed commands ${hasPin ? 'and the emergency PIN open' : 'open, and no PIN (facelatch vault pin sets one for such times)'}`;
