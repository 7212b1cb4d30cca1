/** Names of the console, and the networks that tries are counted by. */
import { describe, expect, it } from 'vitest';
import { addressNetwork, askedHost, canonicalAddress, isOurHost, namesOf } from '../../src/console/hosts.ts';

const rules = { machineName: 'Door.example.org', hosts: ['front.example.net', '203.0.113.9'] };
const isOurs = (header: string, localAddress = '192.168.1.5') => {
  const host = askedHost(header);
  return host !== undefined && isOurHost(rules, host, localAddress);
};

it.each([
  'localhost',
  'localhost:8787',
  '127.0.0.1:8787',
  '[::1]:8787',
  'door.example.org',
  'DOOR.example.org.',
  'door:8787',
  'door.local',
  'front.example.net',
  '192.168.1.5:8787',
  '203.0.113.9',
])('%s is this door', (header) => {
  expect(isOurs(header)).toBe(true);
});

it.each([
  ...[
    'evil.example',
    'door.evil.example',
    'xdoor',
    'door.local.evil.example',
    'localhost.evil.example',
    '192.168.1.6',
    '[fe80::1]',
    '0.0.0.0',
  ],
  ...['', 'door local', 'door@evil.example', 'door/evil', 'door:99999999', '[::1', 'door,evil.example', '192.168.1.5.nip.io'],
])('%j is not', (header) => {
  expect(isOurs(header)).toBe(false);
});

it('an IPv6 address is this door’s however it is written', () => {
  expect(isOurs('[2001:DB8:0:0::5]:8787', '2001:db8::5')).toBe(true);
  expect(isOurs('192.168.1.5', '::ffff:192.168.1.5')).toBe(true);
});

it('a machine without a domain has three names', () => {
  expect(namesOf('Door')).toEqual(['localhost', 'door', 'door.local']);
});

describe('networks', () => {
  it.each([
    ['192.168.1.7', '192.168.1.7'],
    ['::ffff:192.168.1.7', '192.168.1.7'],
    ['::1', '::1'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
  ])('%s counts as %s', (address, network) => {
    expect(addressNetwork(address)).toBe(network);
  });

  it('an IPv4 address in an IPv6 one is the IPv4 address', () => {
    expect(canonicalAddress('::ffff:c0a8:0107')).toBe('192.168.1.7');
  });
});
