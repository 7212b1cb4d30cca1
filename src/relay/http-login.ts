/**
 * Login at a device that asks for a password: its challenge goes in, the Authorization header comes out. Basic (RFC
 * 7617) and Digest (RFC 7616).
 */
import { createHash, randomBytes } from 'node:crypto';
import type { HttpCall } from '../base/device-command.ts';
import { Fault } from '../base/errors.ts';

export interface Login {
  readonly user: string;
  readonly password: string;
}

const hashes: Readonly<Record<string, string>> = { MD5: 'md5', 'SHA-256': 'sha256' };

/** Throws Fault `relay-forbidden` for an unknown scheme. */
export function authorisation(challenge: string, { user, password }: Login, { method, url }: HttpCall): string {
  if (/^basic\b/i.test(challenge)) return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const asked = parametersOf(challenge);
  const algorithm = asked.get('algorithm') ?? 'MD5';
  const hash = hashes[algorithm.toUpperCase()];
  const qop = (asked.get('qop') ?? '').split(',').map((each) => each.trim());
  if (!/^digest\b/i.test(challenge) || !hash || !qop.includes('auth'))
    throw new Fault('relay-forbidden', `The relay asks for its password in a way that is not known here: ${challenge.slice(0, 100)}`);
  const h = (text: string) => createHash(hash).update(text).digest('hex');
  const { pathname, search } = new URL(url);
  const uri = `${pathname}${search}`;
  const [realm = '', nonce = '', opaque] = ['realm', 'nonce', 'opaque'].map((name) => asked.get(name));
  const [nc, cnonce] = ['00000001', randomBytes(8).toString('hex')];
  const response = h([h(`${user}:${realm}:${password}`), nonce, nc, cnonce, 'auth', h(`${method}:${uri}`)].join(':'));
  const quoted = { username: user, realm, nonce, uri, response, cnonce, ...(opaque !== undefined && { opaque }) };
  const parts = Object.entries(quoted).map(([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`);
  return `Digest ${[...parts, `algorithm=${algorithm}`, 'qop=auth', `nc=${nc}`].join(', ')}`;
}

/** The `name="value"` and `name=value` pairs of a challenge. */
function parametersOf(challenge: string): ReadonlyMap<string, string> {
  const found = challenge.matchAll(/([a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/gi);
  return new Map([...found].map(([, name = '', quoted, plain]) => [name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '']));
}
