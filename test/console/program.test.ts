/** The daemon's side of the console: a real process behind a real socket, which may be taken, and whose process may die. */
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLog } from '../../src/base/log.ts';
import type { ConsoleSettings } from '../../src/console/port.ts';
import { openConsoleProgram } from '../../src/console/program.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-console-program-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const settingsFor = (port: number): ConsoleSettings => ({
  ...{ door: 'front', address: '127.0.0.1', port, tls: 'loopback', hosts: [], ingress: [], sessionHours: 1, idleHours: 1 },
  ...{ folder, maxPictureBytes: 1_000_000, browserCamera: false, version: '0' },
});

/** Holds a port until it is closed. */
async function held() {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { port, free: () => new Promise<void>((resolve) => server.close(() => resolve())) };
}

function program(port: number) {
  const settings = settingsFor(port);
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

it('a port that is taken keeps no door shut: it is tried again, and served once it is free', async () => {
  const { port, free } = await held();
  await using console = await program(port).opened;
  expect(console.listens).toBe(false);
  await free();
  await expect.poll(() => console.listens, { timeout: 10_000 }).toBe(true);
  expect(await statusOf(port)).toBe(200);
}, 30_000);

it('the process starts with the first browser; killed, it starts again with the next', async () => {
  const { port, free } = await held();
  await free();
  const { opened, gone } = program(port);
  await using console = await opened;
  expect([console.listens, console.pid]).toEqual([true, undefined]);
  expect(await statusOf(port)).toBe(200);
  process.kill(console.pid ?? 0, 'SIGKILL');
  await expect.poll(() => gone).toEqual(['gone']);
  await expect.poll(() => statusOf(port), { timeout: 20_000 }).toBe(200);
}, 40_000);
