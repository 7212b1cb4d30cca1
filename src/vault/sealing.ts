/**
 * How a value is sealed: a key, the place and the value go in, sealed bytes come out, and back. Pure but for the nonce.
 * AES-256-GCM (NIST SP 800-38D) with a random 96-bit nonce: under one key at most 2^32 values may be sealed (section
 * 8.3); a person has a few hundred.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { Fault } from '../base/errors.ts';
import type { KeyOwner, SealedPlace } from './port.ts';

const version = 1;
const [nonceBytes, tagBytes] = [12, 16];
const sealOverheadBytes = 1 + nonceBytes + tagBytes;

/** The owner as text: the name of their key in the keyring. */
export function ownerName(owner: KeyOwner): string {
  if (owner === 'door') return 'door';
  if ('person' in owner) return `person:${owner.person}`;
  if ('model' in owner) return `model:${owner.model}`;
  return `visitors:${owner.visitorsOn}`;
}

/** Undefined for a text that is no owner's name. */
export function ownerOf(name: string): KeyOwner | undefined {
  if (name === 'door') return 'door';
  const at = name.indexOf(':');
  const [kind, rest] = [name.slice(0, at), name.slice(at + 1)];
  if (rest === '') return undefined;
  if (kind === 'person') return { person: rest };
  if (kind === 'model') return { model: rest };
  return kind === 'visitors' ? { visitorsOn: rest } : undefined;
}

/** What is authenticated with the value; each field with its length, so that no two places give the same bytes. */
function boundTo(owner: KeyOwner, { schema, column, row, embedder = '' }: SealedPlace): Buffer {
  const fields = ['facelatch sealed value', schema, column, row, ownerName(owner), embedder];
  return Buffer.from(fields.map((field) => `${Buffer.byteLength(field)}:${field}`).join(''));
}

/** `key`: 32 bytes. */
export function sealed(key: Uint8Array, owner: KeyOwner, place: SealedPlace, value: Uint8Array): Uint8Array {
  return encrypted(key, boundTo(owner, place), value);
}

/** Throws Fault `seal-broken` where it is not what was sealed with this key for this place. */
export function opened(key: Uint8Array, owner: KeyOwner, place: SealedPlace, bytes: Uint8Array): Uint8Array {
  const value = decrypted(key, boundTo(owner, place), bytes);
  if (value) return value;
  throw new Fault(
    'seal-broken',
    `A sealed value (${place.schema}, ${place.column}) is damaged, or stands where it was not sealed: restore a backup (facelatch restore)`,
  );
}

/** Version, nonce, ciphertext, tag. */
export function encrypted(key: Uint8Array, bound: Uint8Array, value: Uint8Array): Uint8Array {
  const nonce = randomBytes(nonceBytes);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
  cipher.setAAD(bound);
  return Buffer.concat([Buffer.of(version), nonce, cipher.update(value), cipher.final(), cipher.getAuthTag()]);
}

/** Undefined where it is not what was encrypted so. */
export function decrypted(key: Uint8Array, bound: Uint8Array, bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length < sealOverheadBytes || bytes[0] !== version) return undefined;
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, 1 + nonceBytes), { authTagLength: tagBytes });
  decipher.setAAD(bound);
  decipher.setAuthTag(bytes.subarray(bytes.length - tagBytes));
  const value = decipher.update(bytes.subarray(1 + nonceBytes, bytes.length - tagBytes));
  try {
    return Buffer.concat([value, decipher.final()]);
  } catch {
    return undefined;
  }
}
