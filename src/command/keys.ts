/**
 * Keys as files and texts: Ed25519 for signatures (RFC 8032), X25519 for what only one side may read (RFC 7748), both
 * as JWK (RFC 8037), named by their thumbprint (RFC 7638).
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { chownSync, existsSync, linkSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CryptoKey, JWK } from 'jose';
import { asFault, Fault, messageOf } from '../base/errors.ts';
import { loadJose, signatureAlgorithm } from '../base/jws.ts';
import { Compile, Type } from '../base/schema.ts';
import { jsonText, syncFolder, writeWhole } from '../base/whole-file.ts';

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
  /**
   * True where the keys were made on another machine: the disk was copied, and what is sent to one of the two doors
   * would open both. Undefined where that cannot be told.
   */
  readonly copied?: boolean;
}

/** What `copied` means, and how it is mended. */
export const copiedWords =
  'The keys of this door were made on another machine, so another door may hold the same: give this one keys of its own (facelatch key door --renew), or, if the other machine is gone, keep them (facelatch key door --keep).';

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

export async function thumbprint({ kty, crv, x }: PublicKey): Promise<string> {
  const { calculateJwkThumbprint } = await loadJose();
  return calculateJwkThumbprint({ kty, crv, x });
}

export async function importKey(key: PublicKey | PrivateKey): Promise<CryptoKey> {
  const { importJWK } = await loadJose();
  return (await importJWK({ ...key }, key.crv === 'Ed25519' ? signatureAlgorithm : 'ECDH-ES')) as CryptoKey;
}

/** A new private key. */
export async function newKey(crv: PublicKey['crv']): Promise<PrivateKey> {
  const { exportJWK, generateKeyPair } = await loadJose();
  const { privateKey } = await generateKeyPair(crv === 'Ed25519' ? signatureAlgorithm : 'ECDH-ES', { crv, extractable: true });
  const { x = '', d = '' }: JWK = await exportJWK(privateKey);
  return { kty: 'OKP', crv, x, d };
}

/**
 * Reads the door's keys from `file`, making them where there is none. They are bound to `machine` when they are made,
 * or read for the first time. @throws Fault `bad-config`.
 */
export async function openDoorKeys(file: string, door: string, machine?: string): Promise<DoorKeys> {
  const held = heldKeys(file);
  if (held.machine === undefined && machine !== undefined) bindQuietly(file, machine);
  const card: DoorCard = { door, sign: publicKeyOf(held.sign, 'Ed25519'), encrypt: publicKeyOf(held.encrypt, 'X25519') };
  return {
    card,
    id: await thumbprint(card.sign),
    sign: await importKey(held.sign),
    verify: await importKey(card.sign),
    decrypt: await importKey(held.encrypt),
    ...(machine !== undefined && { copied: machine !== (held.machine ?? machine) }),
  };
}

/**
 * New keys in place of those in `file`: whoever sends commands to this door needs its new card. What the gallery is
 * sealed with stays. @throws Faults `bad-config`, `bad-argument`.
 */
export async function renewDoorKeys(file: string, machine: string | undefined): Promise<void> {
  const { machine: _, ...held } = existsSync(file) ? readKeys(file) : { gallerySealed: false };
  const keys = { sign: await newKey('Ed25519'), encrypt: await newKey('X25519') };
  rewriteKeys(file, { ...held, ...keys, ...(machine !== undefined && { machine }) });
}

/** The keys stay, and belong to this machine from now on. @throws Faults `bad-config`, `bad-argument`. */
export function bindDoorKeys(file: string, machine: string | undefined): void {
  const { machine: _, ...held } = readKeys(file);
  rewriteKeys(file, { ...held, ...(machine !== undefined && { machine }) });
}

/** Keys of an older version. Where they cannot be written now, they are bound the next time. */
function bindQuietly(file: string, machine: string): void {
  try {
    bindDoorKeys(file, machine);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
}

/** Root would take them from the daemon: they stay with whom they belong to. */
function rewriteKeys(file: string, held: object): void {
  const owner = statSync(file, { throwIfNoEntry: false });
  const me = process.geteuid?.();
  if (owner && me !== 0 && owner.uid !== me) throw new Fault('bad-argument', `The door's keys in ${file} belong to another user.`);
  replaceFile(file, held);
  if (owner && me === 0 && owner.uid !== me) chownSync(file, owner.uid, owner.gid);
}

/** What the file of a door's keys holds. */
export interface HeldKeys {
  readonly sign: PrivateKey;
  readonly encrypt: PrivateKey;
  readonly machine?: string;
  /** The secret that the rows of the gallery are sealed with, base64url; absent before the first seal. */
  readonly seal?: string;
  /** Whether the gallery of this door is sealed. */
  readonly gallerySealed: boolean;
  /** Whether its operators are: an entry without a seal is then not one of an earlier version. */
  readonly operatorsSealed: boolean;
  /** Whether the journal names them: a journal without is then not one of an earlier version. */
  readonly operatorsNoted: boolean;
}

/** Reads the keys in `file`, making them where there is none. @throws Fault `bad-config`. */
export function heldKeys(file: string): HeldKeys {
  if (!existsSync(file)) makeKeys(file);
  return readKeys(file);
}

/** Of two processes that make the keys at the same time, one makes them and both use those. */
function makeKeys(file: string): void {
  const fresh = (crv: PublicKey['crv']): PrivateKey => {
    const { privateKey } = crv === 'Ed25519' ? generateKeyPairSync('ed25519') : generateKeyPairSync('x25519');
    const { x = '', d = '' } = privateKey.export({ format: 'jwk' });
    return { kty: 'OKP', crv, x, d };
  };
  const beside = `${file}.${process.pid}`;
  const seal = randomBytes(32).toString('base64url');
  replaceFile(beside, { sign: fresh('Ed25519'), encrypt: fresh('X25519'), seal });
  try {
    linkSync(beside, file);
  } catch (error) {
    if (!existsSync(file)) throw asFault(error, 'bad-config', `The door's keys cannot be written to ${file}`);
  } finally {
    rmSync(beside, { force: true });
    syncFolder(dirname(file));
  }
}

/**
 * The secret that the gallery is sealed with. It is of its own, so that a door whose keys are renewed keeps its people.
 * @throws Faults `bad-config`, `bad-argument`.
 */
export function gallerySecret(file: string): string {
  const held = heldKeys(file);
  if (held.seal !== undefined) return held.seal;
  rewriteKeys(file, { ...held, seal: randomBytes(32).toString('base64url') });
  return gallerySecret(file);
}

/** The door's signature of short texts, made at once: what jose makes takes turns of the event loop. */
export function textSigner({ sign: key }: Pick<HeldKeys, 'sign'>) {
  const { kty, crv, x } = key;
  const secret = createPrivateKey({ key: { ...key }, format: 'jwk' });
  const open = createPublicKey(secret);
  return {
    kid: createHash('sha256').update(JSON.stringify({ crv, kty, x })).digest('base64url'), // RFC 7638
    sign: (text: string): string => sign(null, Buffer.from(text), secret).toString('base64url'),
    verify: (text: string, signature: string): boolean => verify(null, Buffer.from(text), open, Buffer.from(signature, 'base64url')),
  };
}

/** Notes beside the keys what is sealed from now on. @throws Faults `bad-config`, `bad-argument`. */
export function noteSealed(file: string, what: 'gallerySealed' | 'operatorsSealed' | 'operatorsNoted'): void {
  const held = readKeys(file);
  if (!held[what]) rewriteKeys(file, { ...held, [what]: true });
}

function readKeys(file: string): HeldKeys {
  try {
    const { sign, encrypt, machine, seal, gallerySealed, operatorsSealed, operatorsNoted } = JSON.parse(readFileSync(file, 'utf8'));
    return {
      ...{ sign: privateKeyOf(sign, 'Ed25519'), encrypt: privateKeyOf(encrypt, 'X25519') },
      ...(typeof machine === 'string' ? { machine } : {}),
      ...(typeof seal === 'string' ? { seal } : {}),
      gallerySealed: gallerySealed === true,
      operatorsSealed: operatorsSealed === true,
      operatorsNoted: operatorsNoted === true,
    };
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'EACCES' || error.code === 'EPERM'))
      throw new Fault(
        'bad-config',
        `The door's keys in ${file} may not be read by this user, and people and journal are checked with them: run the command as the user of the service (sudo -u facelatch facelatch …)`,
        error,
      );
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
