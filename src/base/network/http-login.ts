/**
 * Login at a device that asks for a password: its challenge goes in, the Authorization header comes out. Basic (RFC
 * 7617) and Digest (RFC 7616, and RFC 2069 as many cameras still speak it).
 */
import { createHash, randomBytes } from 'node:crypto';

export interface Login {
  readonly user: string;
  readonly password: string;
}

export interface LoginCall {
  readonly method: string;
  /** As it stands in the request: path and query over HTTP, the whole address over RTSP. */
  readonly uri: string;
  /** How often this challenge was answered, this time included. */
  readonly count?: number;
}

const hashes: Readonly<Record<string, string>> = { MD5: 'md5', 'SHA-256': 'sha256' };

/** A longer header is not read: it comes from whoever answers. */
const longestChallenge = 4000;

export const isDigest = (challenge: string): boolean => /^digest\b/i.test(challenge);

/** The challenges in one header, the safest first. A comma separates them, and the parts of one (RFC 9110, 11.6.1). */
export function challengesIn(header: string): string[] {
  if (header.length > longestChallenge) return [];
  return header.split(/,\s*(?=(?:basic|digest)\b)/i).sort((a, b) => Number(isDigest(b)) - Number(isDigest(a)));
}

/** Undefined for a scheme that is not known here. */
export function authorisation(challenge: string, { user, password }: Login, { method, uri, count = 1 }: LoginCall): string | undefined {
  if (challenge.length > longestChallenge) return undefined;
  if (/^basic\b/i.test(challenge)) return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const asked = parametersOf(challenge);
  const algorithm = asked.get('algorithm') ?? 'MD5';
  const hash = hashes[algorithm.toUpperCase()];
  const qop = asked.get('qop')?.split(',');
  if (!isDigest(challenge) || !hash || (qop && !qop.some((each) => each.trim() === 'auth'))) return undefined;
  const h = (text: string) => createHash(hash).update(text).digest('hex');
  const [realm = '', nonce = '', opaque] = ['realm', 'nonce', 'opaque'].map((name) => asked.get(name));
  const [nc, cnonce] = [count.toString(16).padStart(8, '0'), randomBytes(8).toString('hex')];
  const once = qop ? [nonce, nc, cnonce, 'auth'] : [nonce];
  const response = h([h(`${user}:${realm}:${password}`), ...once, h(`${method}:${uri}`)].join(':'));
  const quoted = { username: user, realm, nonce, uri, response, ...(qop && { cnonce }), ...(opaque !== undefined && { opaque }) };
  const parts = Object.entries(quoted).map(([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`);
  const named = asked.has('algorithm') || qop ? [`algorithm=${algorithm}`] : [];
  return `Digest ${[...parts, ...named, ...(qop ? ['qop=auth', `nc=${nc}`] : [])].join(', ')}`;
}

/** The `name="value"` and `name=value` pairs of a challenge. */
function parametersOf(challenge: string): ReadonlyMap<string, string> {
  const found = challenge.matchAll(/([a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/gi);
  return new Map([...found].map(([, name = '', quoted, plain]) => [name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '']));
}
