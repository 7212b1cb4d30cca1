/**
 * Signed messages. In: a topic, a payload (a JSON object) and the door's key. Out: the payload with one more field at
 * its end, `sig`, and back again: what a listener may believe. The signature is a detached JWS (RFC 7515, appendix F)
 * over the payload without that field, and its header names the topic and the time.
 */
import { parseJson, type Signer, signDetached, verifiedDetached } from '../base/jws.ts';

const type = 'facelatch-statement+jws';
const field = ',"sig":"';

/** The payload with its signature. */
export async function withSignature(topic: string, payload: string, nowMs: number, signer: Signer): Promise<string> {
  const sig = await signDetached(Buffer.from(payload), type, signer, { topic, iat: nowMs / 1000 });
  return `${payload.slice(0, -1)}${field}${sig}"}`;
}

/** Why a message is not believed. */
export type Doubt = 'not-json' | 'unsigned' | 'other-key' | 'other-topic';

export type Statement =
  | { readonly ok: true; readonly body: Readonly<Record<string, unknown>>; readonly signedAtMs: number }
  | { readonly ok: false; readonly doubt: Doubt; readonly body?: Readonly<Record<string, unknown>> };

/** What the door said, if `signer` is its public key. */
export async function signedBody(topic: string, message: Uint8Array, signer: Signer): Promise<Statement> {
  const body = asRecord(parseJson(message));
  if (!body) return { ok: false, doubt: 'not-json' };
  if (typeof body.sig !== 'string') return { ok: false, doubt: 'unsigned', body };
  const text = Buffer.from(message).toString('utf8');
  const payload = text.slice(0, text.lastIndexOf(field));
  const header = await verifiedDetached(body.sig, Buffer.from(`${payload}}`), type, signer);
  // A second "sig", or anything behind the first, was not signed.
  if (!header || text !== `${payload}${field}${body.sig}"}`) return { ok: false, doubt: 'other-key', body };
  if (header.topic !== topic || typeof header.iat !== 'number') return { ok: false, doubt: 'other-topic', body };
  return { ok: true, body: asRecord(parseJson(Buffer.from(`${payload}}`))) ?? {}, signedAtMs: header.iat * 1000 };
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : undefined;
}
