/**
 * Signed commands and replies as texts: a compact JWS (RFC 7515) with Ed25519, and around it, where only the other side shall read it, a compact
 * JWE (RFC 7516) with ECDH-ES over X25519 and A256GCM. `typ` tells commands and replies apart, so that neither passes for the other.
 */
import { CompactEncrypt, CompactSign, type CryptoKey, compactDecrypt, compactVerify, decodeProtectedHeader } from 'jose';
import { signing } from './keys.ts';

export type SealType = 'facelatch-command+jwt' | 'facelatch-reply+jwt';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Claims, signed. */
export function sign(claims: object, type: SealType, kid: string, key: CryptoKey): Promise<string> {
  return new CompactSign(encoder.encode(JSON.stringify(claims))).setProtectedHeader({ alg: signing, kid, typ: type }).sign(key);
}

/** A signed text, for the eyes of the key's owner alone. */
export function enclose(signed: string, to: CryptoKey): Promise<string> {
  return new CompactEncrypt(encoder.encode(signed)).setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', cty: 'JWT' }).encrypt(to);
}

export const isSigned = (text: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);
export const isEnclosed = (text: string): boolean => /^[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+$/.test(text);

/** The signed text inside; undefined where it is not for this key or damaged. */
export async function disclose(text: string, key: CryptoKey): Promise<string | undefined> {
  try {
    // A compressed text would let a small message grow without bound.
    if ('zip' in decodeProtectedHeader(text)) return undefined;
    const options = { keyManagementAlgorithms: ['ECDH-ES'], contentEncryptionAlgorithms: ['A256GCM'] };
    return decoder.decode((await compactDecrypt(text, key, options)).plaintext);
  } catch {
    return undefined;
  }
}

/** Whose signature a text claims to bear: nothing is proved yet. */
export function claimedKid(signed: string, type: SealType): string | undefined {
  try {
    const { kid, typ, alg } = decodeProtectedHeader(signed);
    return typeof kid === 'string' && typ === type && alg === signing ? kid : undefined;
  } catch {
    return undefined;
  }
}

/** The claims, where `key` signed them; undefined otherwise. */
export async function verify(signed: string, key: CryptoKey): Promise<unknown> {
  try {
    return parseJson((await compactVerify(signed, key, { algorithms: [signing] })).payload);
  } catch {
    return undefined;
  }
}

/** JSON in strict UTF-8; undefined where it is neither. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}
