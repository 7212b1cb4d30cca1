/**
 * Signed commands and replies as texts: a compact JWS (RFC 7515) with Ed25519 and, around it where only the other side
 * may read it, a compact JWE (RFC 7516) with ECDH-ES over X25519 and A256GCM. `typ` keeps commands and replies apart:
 * neither passes for the other.
 */
import type { CryptoKey } from 'jose';
import { loadJose, parseJson, type Signer, signJws, verifiedPayload } from '../base/jws.ts';

export type SealType = 'facelatch-command+jwt' | 'facelatch-reply+jwt';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export function signClaims(claims: object, type: SealType, signer: Signer): Promise<string> {
  return signJws(encoder.encode(JSON.stringify(claims)), type, signer);
}

/** A signed text that only the owner of the key can read. */
export async function enclose(signed: string, to: CryptoKey): Promise<string> {
  const { CompactEncrypt } = await loadJose();
  return new CompactEncrypt(encoder.encode(signed)).setProtectedHeader({ alg: 'ECDH-ES', enc: 'A256GCM', cty: 'JWT' }).encrypt(to);
}

export const isSigned = (text: string): boolean => /^[\w-]+\.[\w-]+\.[\w-]+$/.test(text);
export const isEnclosed = (text: string): boolean => /^[\w-]+\.[\w-]*\.[\w-]+\.[\w-]+\.[\w-]+$/.test(text);

/** Looks at the beginning only, so that a message too long to be read still gets an answer of its kind. */
export function looksSealed(payload: Uint8Array): boolean {
  const text = Buffer.from(payload.subarray(0, 64)).toString('latin1').trim();
  return text.startsWith('eyJ') || isSigned(text) || isEnclosed(text);
}

/** The signed text inside; undefined where it is damaged or for another key. */
export async function disclose(text: string, key: CryptoKey): Promise<string | undefined> {
  const { compactDecrypt, decodeProtectedHeader } = await loadJose();
  try {
    // A small compressed message could expand without limit.
    if ('zip' in decodeProtectedHeader(text)) return undefined;
    const options = { keyManagementAlgorithms: ['ECDH-ES'], contentEncryptionAlgorithms: ['A256GCM'] };
    return decoder.decode((await compactDecrypt(text, key, options)).plaintext);
  } catch {
    return undefined;
  }
}

/** The claims where `key` signed them; undefined otherwise. */
export async function verifiedClaims(signed: string, key: CryptoKey): Promise<unknown> {
  const payload = await verifiedPayload(signed, key);
  return payload && parseJson(payload);
}
