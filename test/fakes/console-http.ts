/**
 * The console's real server with all its routes, over real HTTP on loopback; behind it stands no house, but a record of
 * what a house would have been asked.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/base/time.ts';
import { openAccounts } from '../../src/console/accounts/accounts.ts';
import { openBroadcast } from '../../src/console/broadcast.ts';
import type { ConsoleSettings, FromConsole } from '../../src/console/port.ts';
import { openConsoleServer, type ServerParts } from '../../src/console/server.ts';
import { described } from '../../src/house/console/operation.ts';
import { operations } from '../../src/house/console/operations.ts';
import { type Browser, browserOn, cheapWork, password } from './console.ts';

export interface ConsoleHttp extends AsyncDisposable {
  readonly port: number;
  readonly origin: string;
  readonly document: object;
  /** What the house was asked. */
  readonly asked: { readonly name: string; readonly args: unknown; readonly by: string }[];
  /** What the process told the daemon. */
  readonly said: FromConsole[];
  browser(from?: string): Browser;
  signedIn(role: 'viewer' | 'operator' | 'admin', from?: string): Promise<Browser>;
}

export async function openConsoleHttp({
  settings = {},
  limits,
}: {
  readonly settings?: Partial<ConsoleSettings>;
  readonly limits?: ServerParts['limits'];
} = {}): Promise<ConsoleHttp> {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-console-http-'));
  const asked: ConsoleHttp['asked'] = [];
  const said: FromConsole[] = [];
  const server = await openConsoleServer({
    settings: {
      ...{ door: 'front-door', address: '127.0.0.1', port: 0, tls: 'loopback', hosts: [], ingress: [], folder },
      ...{ sessionHours: 168, idleHours: 24, maxPictureBytes: 1_000_000, browserCamera: true, version: '1.2.3' },
      ...settings,
    },
    operations: operations.map(described),
    house: {
      ask: async (name, args, { name: by }) => {
        asked.push({ name, args, by });
        return { ok: true, result: {} };
      },
      answered: () => undefined,
    },
    broadcast: openBroadcast(() => undefined),
    say: (message) => void said.push(message),
    limits: { refusalMs: 0, ...limits },
  });
  const socket = createServer({ pauseOnConnect: true });
  await new Promise<void>((resolve) => socket.listen({ host: '127.0.0.1', port: 0 }, resolve));
  const { port } = socket.address() as AddressInfo;
  await server.listen(socket);
  const origin = `http://localhost:${port}`;
  const accounts = openAccounts({ file: join(folder, 'console.sqlite'), clock: systemClock, work: cheapWork() });
  let made = 0;
  return {
    ...{ port, origin, document: server.document, asked, said },
    browser: (from) => browserOn({ port, origin, from }),
    signedIn: async (role, from) => {
      const name = `${role}${++made}`;
      await accounts.join(accounts.invitations.make({ role, by: 'test' }).secret, name, { password });
      const browser = browserOn({ port, origin, from });
      browser.cookies.set(`facelatch-${port}`, accounts.sessions.open(name, { browser: 'a test', address: '127.0.0.1' }).secret);
      return browser;
    },
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      accounts[Symbol.dispose]();
      rmSync(folder, { recursive: true });
    },
  };
}
