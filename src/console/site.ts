/**
 * From where a request came, and by which name it reached the console: a request goes in; host, origin, path prefix
 * and address come out, or a refusal. Home Assistant shows the console below a path of its own (ingress); what it says
 * about that is believed only from its own address.
 */
import type { IncomingHttpHeaders } from 'node:http';
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
  /** Setting `console.ingress`: addresses from which `X-Ingress-Path` is believed. */
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
  const address = canonicalAddress(arrival.remoteAddress);
  const prefix = arrival.headers['x-ingress-path'];
  const isIngress = prefix !== undefined && rules.ingress.some((trusted) => canonicalAddress(trusted) === address);
  return isIngress ? ingressSite(arrival.headers, address, String(prefix)) : ownSite(rules, arrival, address);
}

function ownSite(rules: SiteRules, { headers, localAddress }: Arrival, address: string): Site {
  const host = askedHost(headers.host);
  if (!host) throw new TurnedAway(400, 'bad-request', 'The header Host of this request names no host');
  if (!isOurHost(rules, host, localAddress))
    throw new TurnedAway(
      421,
      'wrong-host',
      `The console does not answer to the name "${host.name}": add it to the setting console.hosts if it is this door's, or open the door's own address`,
    );
  return siteFor(host, rules.isTls, { prefix: '', address });
}

/** Home Assistant has checked who asks, and passes on the name under which its own page was opened. */
function ingressSite(headers: IncomingHttpHeaders, address: string, prefix: string): Site {
  if (!prefixForm.test(prefix)) throw new TurnedAway(400, 'bad-request', 'The header X-Ingress-Path of this request is no path');
  const host = askedHost(first(headers['x-forwarded-host']) ?? headers.host);
  if (!host) throw new TurnedAway(400, 'bad-request', 'The header Host of this request names no host');
  return siteFor(host, first(headers['x-forwarded-proto']) === 'https', { prefix, address });
}

/** Of a row of proxies the first one says what the browser asked for. */
const first = (header: string | string[] | undefined): string | undefined => [header].flat()[0]?.split(',')[0]?.trim();

function siteFor({ name, isAddress, authority }: AskedHost, isTls: boolean, rest: Pick<Site, 'prefix' | 'address'>): Site {
  const isSecure = isTls || name === 'localhost';
  const noPasskeys = isAddress || isLoopback(name) ? 'address' : isSecure ? undefined : 'not-encrypted';
  const plain = isTls ? authority.replace(/:443$/, '') : authority.replace(/:80$/, '');
  return { hostName: name, origin: `${isTls ? 'https' : 'http'}://${plain}`, isTls, noPasskeys, ...rest };
}
