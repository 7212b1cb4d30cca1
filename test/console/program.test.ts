/** The daemon's side of the console: a real process behind a real socket, which may be taken, and whose process may die. */
import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:https';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import type { ConsoleSettings } from '../../src/console/port.ts';
import { openConsoleProgram } from '../../src/console/program.ts';
import { type ConsoleTls, openTls } from '../../src/console/tls.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-console-program-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const settingsFor = (port: number, tls?: ConsoleTls): ConsoleSettings => ({
  ...{ door: 'front', address: '127.0.0.1', port, tls: 'loopback', hosts: [], ingress: [], sessionHours: 1, idleHours: 1 },
  ...{ folder, maxPictureBytes: 1_000_000, browserCamera: false, version: '0' },
  ...(tls && { tls: 'on', certificate: tls }),
});

/** Holds a port until it is closed. */
async function held() {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { port, free: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}

function program(port: number, tls?: ConsoleTls) {
  const settings = settingsFor(port, tls);
  const gone: string[] = [];
  const opened = openConsoleProgram({
    ...{ settings, log: openLog('silent'), retryMs: 50, onSaid: () => undefined, onGone: () => gone.push('gone') },
    start: { kind: 'start', settings, operations: [] },
  });
  return { opened, gone };
}

const statusOf = (port: number) =>
  fetch(`http://localhost:${port}/api/v1/session`).then(
    ({ status }) => status,
    () => 'none',
  );

/** The fingerprint of the certificate that answers with a page. */
const shownBy = (port: number) =>
  new Promise<string>((resolve) =>
    get({ host: 'localhost', port, path: '/api/v1/session', rejectUnauthorized: false, agent: false }, ({ socket, statusCode }) => {
      resolve(statusCode === 200 ? (socket as TLSSocket).getPeerCertificate().fingerprint256 : `${statusCode}`);
      socket.destroy();
    }).on('error', () => resolve('none')),
  );

it('a port that is taken keeps no door shut: it is tried again, and served once it is free', async () => {
  const { port, free } = await held();
  await using console = await program(port).opened;
  expect(console.listens).toBe(false);
  await free();
  await expect.poll(() => console.listens, { timeout: 10_000 }).toBe(true);
  expect(await statusOf(port)).toBe(200);
}, 30_000);

it('the process starts with the first browser; a new certificate is used at once; killed, it starts again with the next, and with that one', async () => {
  const { port, free } = await held();
  await free();
  const made = (name: string) =>
    openTls({ folder: mkdtempSync(join(folder, name)), machineName: name, hosts: [], addresses: [], clock: systemClock });
  const [first, second] = [await made('first'), await made('second')];
  const { opened, gone } = program(port, first);
  await using console = await opened;
  expect([console.listens, console.pid]).toEqual([true, undefined]);
  expect(await shownBy(port)).toBe(first.fingerprint);
  console.useCertificate(second);
  await expect.poll(() => shownBy(port)).toBe(second.fingerprint);
  process.kill(console.pid ?? 0, 'SIGKILL');
  await expect.poll(() => gone).toEqual(['gone']);
  await expect.poll(() => shownBy(port), { timeout: 20_000 }).toBe(second.fingerprint);
}, 40_000);
