/**
 * From where a request came, and by which name it reached the console: a request goes in; host, origin, path prefix
 * and address come out, or a refusal. Home Assistant shows the console below a path of its own (ingress); what a proxy
 * says about that is believed only from the addresses that the settings name.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { type AskedHost, askedHost, canonicalAddress, type HostRules, isLoopback, isOurHost } from './hosts.ts';
import { TurnedAway } from './refusal.ts';

export interface Site {
  /** Lower case, without the port. */
  readonly hostName: string;
  /** As the browser's `Origin` says it. */
  readonly origin: string;
  /** Encrypted up to the browser, as far as is known. */
  readonly isTls: boolean;
  /** Path before the console's own, without a slash at its end; empty where there is none. */
  readonly prefix: string;
  /** Of whoever asks. */
  readonly address: string;
  /** Why browsers offer no passkey here; undefined where they do. */
  readonly noPasskeys: 'address' | 'not-encrypted' | undefined;
}

export interface SiteRules extends HostRules {
  /** Setting `console.ingress`: addresses of proxies, which are believed what they say of a request. */
  readonly ingress: readonly string[];
  readonly isTls: boolean;
}

export interface Arrival {
  readonly headers: IncomingHttpHeaders;
  readonly localAddress: string;
  readonly remoteAddress: string;
}

const prefixForm = /^(?:\/[A-Za-z0-9_-]{1,128}){1,8}$/;

/** @throws TurnedAway for another host's name, and for a path prefix that cannot be. */
export function siteOf(rules: SiteRules, arrival: Arrival): Site {
  const { headers, localAddress } = arrival;
  const from = canonicalAddress(arrival.remoteAddress);
  const trusted = rules.ingress.map(canonicalAddress);
  const isProxy = trusted.includes(from);
  const host = askedHost((isProxy ? first(headers['x-forwarded-host']) : undefined) ?? headers.host);
  if (!host) throw new TurnedAway(400, 'bad-request', 'The header Host of this request names no host');
  const prefix = isProxy ? prefixOf(headers) : '';
  // Home Assistant has checked who asks before it passes anything on, and its own page was opened by some other name.
  if (prefix === '' && !isOurHost(rules, host, localAddress))
    throw new TurnedAway(
      421,
      'wrong-host',
      `The console does not answer to the name "${host.name}": add it to the setting console.hosts if it is this door's, or open the door's own address`,
    );
  const proto = isProxy ? first(headers['x-forwarded-proto']) : undefined;
  const isTls = proto === undefined ? rules.isTls : proto === 'https';
  return siteFor(host, isTls, { prefix, address: isProxy ? forwardedFor(headers, trusted, from) : from });
}

/** Empty where the proxy shows the console at the top. */
function prefixOf({ 'x-ingress-path': prefix }: IncomingHttpHeaders): string {
  if (prefix === undefined || prefix === '/' || prefix === '') return '';
  if (typeof prefix === 'string' && prefixForm.test(prefix)) return prefix;
  throw new TurnedAway(400, 'bad-request', 'The header X-Ingress-Path of this request is no path');
}

/** Of a row of proxies the first one says what the browser asked for. */
const first = (header: string | string[] | undefined): string | undefined => [header].flat()[0]?.split(',')[0]?.trim();

/** Each proxy writes behind the others whom it saw: what stands before an address that is not trusted may be forged. */
function forwardedFor({ 'x-forwarded-for': header }: IncomingHttpHeaders, trusted: readonly string[], proxy: string): string {
  const row = [header ?? []].flat().join(',').split(',');
  const seen = row.map((address) => canonicalAddress(address.trim())).findLast((address) => !trusted.includes(address));
  return seen !== undefined && isIP(seen) !== 0 ? seen : proxy;
}

function siteFor({ name, isAddress, authority }: AskedHost, isTls: boolean, rest: Pick<Site, 'prefix' | 'address'>): Site {
  const isSecure = isTls || name === 'localhost';
  const noPasskeys = isAddress || isLoopback(name) ? 'address' : isSecure ? undefined : 'not-encrypted';
  const plain = isTls ? authority.replace(/:443$/, '') : authority.replace(/:80$/, '');
  return { hostName: name, origin: `${isTls ? 'https' : 'http'}://${plain}`, isTls, noPasskeys, ...rest };
}
