/**
 * Keys as files and texts: Ed25519 for signatures (RFC 8032), X25519 for what only one side may read (RFC 7748), both
 * as JWK (RFC 8037), named by their thumbprint (RFC 7638).
 */
import { existsSync, readFileSync } from 'node:fs';
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { asFault, Fault, messageOf } from '../base/errors.ts';
import { signatureAlgorithm } from '../base/jws.ts';
import { jsonText, writeWhole } from '../base/whole-file.ts';

/** A public Ed25519 or X25519 key. */
export interface PublicKey {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519' | 'X25519';
  readonly x: string;
}

export interface PrivateKey extends PublicKey {
  readonly d: string;
}

/** What a sender needs to know of a door to send it commands; holds no secret. */
export interface DoorCard {
  readonly door: string;
  readonly sign: PublicKey;
  readonly encrypt: PublicKey;
}

/** A door's own keys, ready for use. */
export interface DoorKeys {
  readonly card: DoorCard;
  /**
   * Thumbprint of the signing key. It is in the audience of every command, so that a door of the same name refuses it.
   */
  readonly id: string;
  readonly sign: CryptoKey;
  /** The public part of `sign`. */
  readonly verify: CryptoKey;
  readonly decrypt: CryptoKey;
}

// 32 bytes in base64url without padding.
const bytes32 = Type.String({ pattern: '^[A-Za-z0-9_-]{43}$' });
const publicJwk = Compile(Type.Object({ kty: Type.Literal('OKP'), crv: Type.Enum(['Ed25519', 'X25519']), x: bytes32 }));
const privatePart = Compile(Type.Object({ d: bytes32 }));

/** The public part, without anything that stands beside it. @throws Fault `bad-argument`. */
export function publicKeyOf(value: unknown, crv: PublicKey['crv']): PublicKey {
  if (!publicJwk.Check(value) || value.crv !== crv)
    throw new Fault('bad-argument', `This is not a public ${crv} key (JSON Web Key): make one with "facelatch key create"`);
  return { kty: value.kty, crv, x: value.x };
}

export function thumbprint({ kty, crv, x }: PublicKey): Promise<string> {
  return calculateJwkThumbprint({ kty, crv, x });
}

export async function importKey(key: PublicKey | PrivateKey): Promise<CryptoKey> {
  return (await importJWK({ ...key }, key.crv === 'Ed25519' ? signatureAlgorithm : 'ECDH-ES')) as CryptoKey;
}

/** A new private key. */
export async function newKey(crv: PublicKey['crv']): Promise<PrivateKey> {
  const { privateKey } = await generateKeyPair(crv === 'Ed25519' ? signatureAlgorithm : 'ECDH-ES', { crv, extractable: true });
  const { x = '', d = '' }: JWK = await exportJWK(privateKey);
  return { kty: 'OKP', crv, x, d };
}

/** Reads the door's keys from `file`, making them where there is none. @throws Fault `bad-config`. */
export async function openDoorKeys(file: string, door: string): Promise<DoorKeys> {
  if (!existsSync(file)) writeNew(file, { sign: await newKey('Ed25519'), encrypt: await newKey('X25519') });
  const held = readKeys(file);
  const card: DoorCard = { door, sign: publicKeyOf(held.sign, 'Ed25519'), encrypt: publicKeyOf(held.encrypt, 'X25519') };
  return {
    card,
    id: await thumbprint(card.sign),
    sign: await importKey(held.sign),
    verify: await importKey(card.sign),
    decrypt: await importKey(held.encrypt),
  };
}

function readKeys(file: string): { sign: PrivateKey; encrypt: PrivateKey } {
  try {
    const { sign, encrypt } = JSON.parse(readFileSync(file, 'utf8'));
    return { sign: privateKeyOf(sign, 'Ed25519'), encrypt: privateKeyOf(encrypt, 'X25519') };
  } catch (error) {
    throw new Fault(
      'bad-config',
      `The door's keys in ${file} cannot be used (${messageOf(error)}): restore the file, or remove it. Then the door makes new keys, and operators need its new card ("facelatch key door")`,
      error,
    );
  }
}

/** @throws Fault `bad-argument`. */
export function privateKeyOf(value: unknown, crv: PublicKey['crv']): PrivateKey {
  const key = publicKeyOf(value, crv);
  if (!privatePart.Check(value)) throw new Fault('bad-argument', `This ${crv} key has no private part`);
  return { ...key, d: value.d };
}

/** Writes a JSON file for its owner alone; refuses to overwrite. @throws Fault `bad-argument`. */
export function writeNew(file: string, value: object): void {
  if (existsSync(file)) throw new Fault('bad-argument', `${file} exists and is not overwritten: name another file`);
  replaceFile(file, value);
}

/** Writes a JSON file for its owner alone, whole or not at all. @throws Fault `bad-argument`. */
export function replaceFile(file: string, value: object): void {
  try {
    writeWhole(file, jsonText(value));
  } catch (error) {
    throw asFault(error, 'bad-argument', `The file ${file} cannot be written`);
  }
}
