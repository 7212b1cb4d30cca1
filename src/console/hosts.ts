/**
 * Which names a browser may reach the console by: the `Host` header and the socket's own address go in; whether it is
 * this door comes out. A page elsewhere whose name is made to point at the door (DNS rebinding) has another name.
 */
import { isIP, isIPv6 } from 'node:net';

/** A `Host` header in its parts. */
export interface AskedHost {
  /** Lower case, without the port; an IPv6 address without its brackets. */
  readonly name: string;
  readonly isAddress: boolean;
  /** As browsers write it in an origin: with brackets and port. */
  readonly authority: string;
}

const form = /^(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?)\.?)(:\d{1,5})?$/;

/** Undefined for what no browser sends. */
export function askedHost(header: string | undefined): AskedHost | undefined {
  const [whole, inBrackets, plain = '', port = ''] = form.exec((header ?? '').toLowerCase()) ?? [];
  if (whole === undefined || (inBrackets !== undefined && !isIPv6(inBrackets))) return undefined;
  const name = canonicalAddress(inBrackets ?? plain);
  const isAddress = isIP(name) !== 0;
  return { name, isAddress, authority: (isIPv6(name) ? `[${name}]` : whole.slice(0, whole.length - port.length)) + port };
}

export interface HostRules {
  /** The machine's own name, as the system knows it. */
  readonly machineName: string;
  /** Setting `console.hosts`: other names and addresses. */
  readonly hosts: readonly string[];
}

/** `localAddress`: the socket's own end. */
export function isOurHost({ machineName, hosts }: HostRules, { name, isAddress }: AskedHost, localAddress: string): boolean {
  if (isAddress && (name === canonicalAddress(localAddress) || isLoopback(name))) return true;
  return [...namesOf(machineName), ...hosts].some((host) => canonicalAddress(host.toLowerCase()) === name);
}

/** The names of the machine in its own network. */
export function namesOf(machineName: string): string[] {
  const whole = machineName.toLowerCase();
  const [first = whole] = whole.split('.');
  return [...new Set(['localhost', whole, first, `${first}.local`])].filter((name) => name !== '');
}

/** One spelling for each address: without a zone, IPv4 out of IPv6, IPv6 as short as can be. Names stay as they are. */
export function canonicalAddress(address: string): string {
  const [bare = ''] = address.replace(/^\[(.*)\]$/, '$1').split('%');
  if (!isIPv6(bare)) return bare;
  const short = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(short);
  if (!mapped) return short;
  const [high = 0, low = 0] = mapped.slice(1).map((group) => Number.parseInt(group, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

export const isLoopback = (address: string): boolean => {
  const plain = canonicalAddress(address);
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.'));
};

/** Whose tries are counted together: an IPv4 address, or the first half of an IPv6 address, which one customer has. */
export function addressNetwork(address: string): string {
  const plain = canonicalAddress(address);
  if (!isIPv6(plain) || plain === '::1') return plain;
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = (tail ?? '').split(':').filter((group) => group !== '');
  const groups = tail === undefined ? before : [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
