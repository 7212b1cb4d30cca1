/**
 * What door and trainers tell each other as texts that only they can write and read: claims go in, a JWS (RFC 7515, Ed25519) inside a general
 * JWE (RFC 7516, section 7.2.1; ECDH-ES+A256KW over X25519, A256GCM) for every recipient comes out, and back again.
 */
import {
  CompactSign,
  type CryptoKey,
  calculateJwkThumbprint,
  compactVerify,
  decodeProtectedHeader,
  GeneralEncrypt,
  type GeneralJWE,
  generalDecrypt,
  importJWK,
} from 'jose';
import type { Static, TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import type { PublicJwk } from './statements.ts';

/** Tells the kinds of statements apart, so that none passes for another. */
export type StatementType =
  | 'facelatch-farm-order+jwt'
  | 'facelatch-farm-receipt+jwt'
  | 'facelatch-farm-checkpoint+jwt'
  | 'facelatch-farm-result+jwt'
  | 'facelatch-farm-trainer+jwt';

/** Whoever signs and is written to: a door or a trainer. Fits the door's own keys. */
export interface Party {
  /** Thumbprint of the signing key (RFC 7638). */
  readonly id: string;
  readonly sign: CryptoKey;
  readonly decrypt: CryptoKey;
}

/** The public part of a party. */
export interface Card {
  readonly name: string;
  readonly sign: PublicJwk;
  readonly encrypt: PublicJwk;
}

/** A card, ready for use. */
export interface Known {
  readonly name: string;
  readonly id: string;
  readonly verify: CryptoKey;
  readonly encrypt: CryptoKey;
  readonly card: Card;
}

export type Unsealed<S extends TSchema> = { readonly claims: Static<S>; readonly by: Known } | { readonly refused: string };

const algorithm = 'Ed25519';
/** No statement is as long: what is longer is not looked at. */
const maxChars = 4_000_000;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Throws what `jose` throws where a key is none. */
export async function knownOf(card: Card): Promise<Known> {
  return {
    name: card.name,
    id: await calculateJwkThumbprint({ ...card.sign }),
    verify: (await importJWK({ ...card.sign }, algorithm)) as CryptoKey,
    encrypt: (await importJWK({ ...card.encrypt }, 'ECDH-ES+A256KW')) as CryptoKey,
    card,
  };
}

/** Claims, signed. */
export function sign(claims: object, type: StatementType, by: Party): Promise<string> {
  return new CompactSign(encoder.encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: algorithm, kid: by.id, typ: type })
    .sign(by.sign);
}

/** Claims, signed, for the eyes of `to` alone. */
export async function seal(claims: object, type: StatementType, by: Party, to: readonly Known[]): Promise<string> {
  const jwe = new GeneralEncrypt(encoder.encode(await sign(claims, type, by))).setProtectedHeader({ enc: 'A256GCM', cty: 'JWT' });
  for (const { encrypt, id } of to) jwe.addRecipient(encrypt).setUnprotectedHeader({ alg: 'ECDH-ES+A256KW', kid: id });
  return JSON.stringify(await jwe.encrypt());
}

/** The claims of a signed text, where one of `trusted` signed it and they fit `schema`. */
export async function verify<S extends TSchema>(
  jws: string,
  type: StatementType,
  trusted: readonly Known[],
  schema: S,
): Promise<Unsealed<S>> {
  const kid = kidOf(jws, type);
  if (kid === undefined) return { refused: `is no ${type}` };
  const by = trusted.find(({ id }) => id === kid);
  if (!by) return { refused: `is signed by a key that is not trusted here (${kid})` };
  let claims: unknown;
  try {
    claims = JSON.parse(decoder.decode((await compactVerify(jws, by.verify, { algorithms: [algorithm] })).payload));
  } catch {
    return { refused: `bears a signature of ${by.name} that is wrong` };
  }
  return Compile(schema).Check(claims)
    ? { claims: claims as Static<S>, by }
    : { refused: `of ${by.name} has another form than this version's` };
}

/** The claims of a sealed text, where it is for `reader` and one of `trusted` signed it. */
export async function unseal<S extends TSchema>(
  text: string,
  type: StatementType,
  reader: Pick<Party, 'decrypt'>,
  trusted: readonly Known[],
  schema: S,
): Promise<Unsealed<S>> {
  if (text.length > maxChars) return { refused: `is too long (${text.length} characters)` };
  let jws: string;
  try {
    const jwe = JSON.parse(text) as GeneralJWE;
    // A compressed text would let a small statement grow without bound.
    if ('zip' in decodeProtectedHeader(jwe)) return { refused: 'is compressed' };
    const options = { keyManagementAlgorithms: ['ECDH-ES+A256KW'], contentEncryptionAlgorithms: ['A256GCM'] };
    jws = decoder.decode((await generalDecrypt(jwe, reader.decrypt, options)).plaintext);
  } catch {
    return { refused: notForUs };
  }
  return verify(jws, type, trusted, schema);
}

export const notForUs = 'cannot be read with the key of this host';

function kidOf(jws: string, type: StatementType): string | undefined {
  try {
    const { kid, typ, alg } = decodeProtectedHeader(jws);
    return typeof kid === 'string' && typ === type && alg === algorithm ? kid : undefined;
  } catch {
    return undefined;
  }
}
