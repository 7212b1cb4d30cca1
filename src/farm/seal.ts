/**
 * Statements that only a door and its trainers can write and read. Claims go in; a JWS (RFC 7515, Ed25519) inside a
 * general JWE for all recipients (RFC 7516, section 7.2.1; ECDH-ES+A256KW over X25519, A256GCM) comes out, and the
 * reverse.
 */
import { type CryptoKey, calculateJwkThumbprint, decodeProtectedHeader, GeneralEncrypt, generalDecrypt, importJWK } from 'jose';
import { Fault } from '../base/errors.ts';
import { claimedKid, parseJson, signatureAlgorithm, signJws, verifiedPayload } from '../base/jws.ts';
import { Compile, Type } from '../base/schema.ts';
import { cardForm, type Order, type PublicJwk } from './statements.ts';

/** The `typ` of a JWS: one kind of statement is never accepted as another. */
type StatementType =
  | 'facelatch-farm-order+jwt'
  | 'facelatch-farm-receipt+jwt'
  | 'facelatch-farm-checkpoint+jwt'
  | 'facelatch-farm-result+jwt'
  | 'facelatch-farm-trainer+jwt';

/** A door or a trainer with its private keys. The keys of the door (command/keys.ts) have this form. */
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
  readonly card: Order['trainers'][number];
}

/** A compiled schema (statements.ts). */
interface Form<T> {
  Check(value: unknown): value is T;
}

/** `refused` completes a sentence about the statement: "The order …". */
type Unsealed<T> = { readonly claims: T; readonly by: Known } | { readonly refused: string };

/** Longer texts are refused unread. */
const maxChars = 4_000_000;
const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Throws Fault `bad-config` for keys of another kind, and what `jose` throws for an invalid key. */
export async function knownOf(card: Card): Promise<Known> {
  if (!cardForm.Check(card))
    throw new Fault('bad-config', `The card of ${card.name} does not have the keys of a door or a trainer: let its owner print it again`);
  return {
    name: card.name,
    id: await calculateJwkThumbprint({ ...card.sign }),
    verify: (await importJWK({ ...card.sign }, signatureAlgorithm)) as CryptoKey,
    encrypt: (await importJWK({ ...card.encrypt }, 'ECDH-ES+A256KW')) as CryptoKey,
    card,
  };
}

export function signStatement(claims: object, type: StatementType, by: Party): Promise<string> {
  return signJws(encoder.encode(JSON.stringify(claims)), type, { kid: by.id, key: by.sign });
}

/** Signed by `by`, then encrypted: only `to` can read it. */
export async function seal(claims: object, type: StatementType, by: Party, to: readonly Known[]): Promise<string> {
  const jwe = new GeneralEncrypt(encoder.encode(await signStatement(claims, type, by))).setProtectedHeader({ enc: 'A256GCM', cty: 'JWT' });
  for (const { encrypt, id } of to) jwe.addRecipient(encrypt).setUnprotectedHeader({ alg: 'ECDH-ES+A256KW', kid: id });
  return JSON.stringify(await jwe.encrypt());
}

/** The claims of a signed text, if one of `trusted` signed it and they have the given form. */
export async function verifyStatement<T>(jws: string, type: StatementType, trusted: readonly Known[], form: Form<T>): Promise<Unsealed<T>> {
  const kid = await claimedKid(jws, type);
  if (kid === undefined) return { refused: `is not a ${type}` };
  const by = trusted.find(({ id }) => id === kid);
  if (!by) return { refused: `is signed by a key that is not trusted here (${kid})` };
  const payload = await verifiedPayload(jws, by.verify);
  if (!payload) return { refused: `has an invalid signature of ${by.name}` };
  const claims = parseJson(payload);
  return form.Check(claims) ? { claims, by } : { refused: `of ${by.name} has a form that this version does not know` };
}

/** A general JWE as `seal` writes it. */
const sealedForm = Compile(
  Type.Object({
    protected: Type.String(),
    iv: Type.String(),
    tag: Type.String(),
    ciphertext: Type.String(),
    recipients: Type.Array(
      Type.Object({ header: Type.Optional(Type.Record(Type.String(), Type.Unknown())), encrypted_key: Type.Optional(Type.String()) }),
    ),
  }),
);

/** The claims of a sealed text, if `reader` can decrypt it and one of `trusted` signed it. */
export async function unseal<T>(
  text: string,
  type: StatementType,
  reader: Pick<Party, 'decrypt'>,
  trusted: readonly Known[],
  form: Form<T>,
): Promise<Unsealed<T>> {
  if (text.length > maxChars) return { refused: `is too long (${text.length} characters)` };
  let jws: string;
  try {
    const jwe: unknown = JSON.parse(text);
    if (!sealedForm.Check(jwe)) return { refused: notForUs };
    // A small compressed statement could grow without bound.
    if ('zip' in decodeProtectedHeader(jwe)) return { refused: 'is compressed' };
    const options = { keyManagementAlgorithms: ['ECDH-ES+A256KW'], contentEncryptionAlgorithms: ['A256GCM'] };
    jws = decoder.decode((await generalDecrypt(jwe, reader.decrypt, options)).plaintext);
  } catch {
    return { refused: notForUs };
  }
  return verifyStatement(jws, type, trusted, form);
}

export const notForUs = 'cannot be decrypted with the key of this host';
