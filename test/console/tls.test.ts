/** The certificate of the console, with real TLS. */
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openTls, type TlsOptions } from '../../src/console/tls.ts';
import { authorityIn } from '../fakes/certificates.ts';
import { fakeClock } from '../fakes/clock.ts';

const day = 86_400_000;
let folder: string;
let options: TlsOptions;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-tls-'));
  const addresses = ['192.168.1.5', 'fe80::1%eth0', '2001:db8::5'];
  options = { folder, machineName: 'Door', hosts: ['door.example.org'], addresses, clock: fakeClock(Date.now()) };
});

afterEach(() => rmSync(folder, { recursive: true }));

it('a made certificate is for the names and addresses of the machine, and a browser that trusts it connects', async () => {
  const { certificate, key, fingerprint, isNew } = await openTls(options);
  const parsed = new X509Certificate(certificate);
  expect(parsed.subjectAltName).toBe(
    'DNS:localhost, DNS:door, DNS:door.local, DNS:door.example.org, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1, ' +
      'IP Address:192.168.1.5, IP Address:2001:DB8:0:0:0:0:0:5',
  );
  expect(parsed.ca).toBe(false);
  expect(isNew).toBe(true);
  expect(fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  const server = createServer({ cert: certificate, key }, (_request, response) => response.end('open'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const status = await new Promise((resolve, reject) =>
    get({ host: '127.0.0.1', port, servername: 'door.local', ca: certificate, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on('error', reject),
  );
  server.close();
  expect(status).toBe(200);
});

it('it is valid for 825 days in all, and its key is its owner’s only', async () => {
  const { expiresAt } = await openTls(options);
  expect(Math.round((Date.parse(expiresAt) - options.clock.wall()) / day)).toBe(824);
  expect(statSync(join(folder, 'tls.pem')).mode & 0o777).toBe(0o600);
});

it('it is kept, until thirty days before its end', async () => {
  const first = await openTls(options);
  const at = (days: number) => openTls({ ...options, clock: { wall: () => options.clock.wall() + days * day } });
  expect(await at(793)).toEqual({ ...first, isNew: false });
  const second = await at(795);
  expect(second.isNew).toBe(true);
  expect(second.fingerprint).not.toBe(first.fingerprint);
});

it('one that was made while the clock was wrong is made again once it is right', async () => {
  const first = await openTls(options);
  const wall = Date.parse(first.beginsAt) - 1;
  expect((await openTls({ ...options, clock: { wall: () => wall } })).isNew).toBe(true);
});

it('it is made again for another name or IPv4 address, and not for an IPv6 address, which changes by itself', async () => {
  const { fingerprint } = await openTls(options);
  expect((await openTls({ ...options, addresses: ['192.168.1.5', '2001:db8::6'] })).fingerprint).toBe(fingerprint);
  const moved = await openTls({ ...options, addresses: ['192.168.1.6'] });
  expect(moved.fingerprint).not.toBe(fingerprint);
  const named = await openTls({ ...options, addresses: ['192.168.1.6'], hosts: ['front.example.org'] });
  expect(named.fingerprint).not.toBe(moved.fingerprint);
});

it('a damaged one, or one with the key of another, is made again', async () => {
  const file = join(folder, 'tls.pem');
  const first = await openTls(options);
  writeFileSync(file, readFileSync(file, 'utf8').slice(0, 300));
  const second = await openTls(options);
  expect(second.isNew).toBe(true);
  writeFileSync(file, `${first.key}\n${second.certificate}\n`);
  expect((await openTls(options)).isNew).toBe(true);
});

it('the owner’s own is used as it is; a key of another, or none at all, is refused with the names of the settings', async () => {
  const authority = authorityIn(folder);
  const [own, other] = [authority.issue('door', 'DNS:door.example.org'), authority.issue('other', 'DNS:other')];
  const given = { certificate: own.pem, key: own.key };
  expect(await openTls({ ...options, given })).toMatchObject({ certificate: own.pem, isNew: false });
  await expect(openTls({ ...options, given: { ...given, key: other.key } })).rejects.toThrow('console.keyFile does not belong');
  await expect(openTls({ ...options, given: { ...given, certificate: 'nothing' } })).rejects.toMatchObject({ code: 'bad-config' });
});
