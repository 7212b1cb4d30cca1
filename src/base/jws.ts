/**
 * Compact JSON Web Signatures (RFC 7515) with Ed25519: a payload and a key go in, a signed text comes out, and back
 * again. `typ` keeps the kinds of statement apart: a reply does not pass as a command.
 */
import type { CompactJWSHeaderParameters, CryptoKey } from 'jose';

/** Loaded where something is signed, proved or enclosed: a door without a broker does none of it (3 MB). */
export const loadJose = () => import('jose');

export const signatureAlgorithm = 'Ed25519';

const decoder = new TextDecoder('utf-8', { fatal: true });

export interface Signer {
  /** Thumbprint of the signing key (RFC 7638). */
  readonly kid: string;
  readonly key: CryptoKey;
}

export async function signJws(payload: Uint8Array, type: string, { kid, key }: Signer): Promise<string> {
  const { CompactSign } = await loadJose();
  return new CompactSign(payload).setProtectedHeader({ alg: signatureAlgorithm, kid, typ: type }).sign(key);
}

/** A signature apart from its payload (RFC 7515, appendix F): the middle part is empty. `more` goes into its header. */
export async function signDetached(
  payload: Uint8Array,
  type: string,
  { kid, key }: Signer,
  more: Readonly<Record<string, string | number>>,
): Promise<string> {
  const { CompactSign } = await loadJose();
  const header = { ...more, alg: signatureAlgorithm, kid, typ: type };
  const [head, , signature] = (await new CompactSign(payload).setProtectedHeader(header).sign(key)).split('.');
  return `${head}..${signature}`;
}

/** The header if `key` signed this payload so, else undefined. */
export async function verifiedDetached(
  detached: string,
  payload: Uint8Array,
  type: string,
  { kid, key }: Signer,
): Promise<CompactJWSHeaderParameters | undefined> {
  const [head, middle, signature, ...rest] = detached.split('.');
  if ((await claimedKid(detached, type)) !== kid || middle !== '' || rest.length > 0) return undefined;
  try {
    const whole = `${head}.${Buffer.from(payload).toString('base64url')}.${signature}`;
    const { compactVerify } = await loadJose();
    return (await compactVerify(whole, key, { algorithms: [signatureAlgorithm] })).protectedHeader;
  } catch {
    return undefined;
  }
}

/**
 * The id of the key that a text of this type claims to be signed with; nothing is proved yet. Undefined if the text is
 * not of this type.
 */
export async function claimedKid(jws: string, type: string): Promise<string | undefined> {
  const { decodeProtectedHeader } = await loadJose();
  try {
    const { kid, typ, alg } = decodeProtectedHeader(jws);
    return typeof kid === 'string' && typ === type && alg === signatureAlgorithm ? kid : undefined;
  } catch {
    return undefined;
  }
}

/** The payload if `key` signed it, else undefined. */
export async function verifiedPayload(jws: string, key: CryptoKey): Promise<Uint8Array | undefined> {
  try {
    const { compactVerify } = await loadJose();
    return (await compactVerify(jws, key, { algorithms: [signatureAlgorithm] })).payload;
  } catch {
    return undefined;
  }
}

/** Whether this is the only spelling of its bytes: the unused bits in the last base64url characters are zero. */
export const isCanonical = (jws: string): boolean =>
  jws.split('.').every((part) => Buffer.from(part, 'base64url').toString('base64url') === part);

/** The JSON value in strict UTF-8 bytes; undefined if they are not that. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    return undefined;
  }
}
