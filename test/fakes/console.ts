/**
 * The console's accounts and sign-in over real HTTP, without the rest of the console: a server on loopback, and browsers
 * that keep cookies as real ones do.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Fastify, { type FastifyInstance } from 'fastify';
import { type Accounts, openAccounts } from '../../src/console/accounts/accounts.ts';
import { passwordWork } from '../../src/console/accounts/password.ts';
import { type Authentication, authenticate } from '../../src/console/authentication.ts';
import type { ConsoleEvent, RecordEvent } from '../../src/console/record.ts';
import { answerError, answerNotFound } from '../../src/console/refusal.ts';
import type { SiteRules } from '../../src/console/site.ts';
import { type FakeClock, fakeClock } from './clock.ts';

/** A real scrypt, 4,000 times as cheap. */
export const cheapWork = () => passwordWork({ n: 32, r: 8, p: 1 });

export interface ConsoleServer extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly accounts: Accounts;
  readonly authentication: Authentication;
  readonly clock: FakeClock;
  readonly events: ConsoleEvent[];
  readonly port: number;
  /** As browsers say it. */
  readonly origin: string;
  browser(from?: string): Browser;
  /** A browser in which `name` is signed in; the account is made. */
  signedIn(name: string, role: 'viewer' | 'operator' | 'admin'): Promise<Browser>;
}

interface ConsoleParts extends Pick<ConsoleServer, 'accounts' | 'authentication' | 'clock'> {
  readonly record: RecordEvent;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects
  readonly body: any;
}

export interface Browser {
  readonly cookies: Map<string, string>;
  /** `headers`: undefined leaves one out that the console's own pages send. */
  send(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string | undefined>>): Promise<Answer>;
}

export const password = 'correct horse battery staple';

export async function consoleServer({
  rules = {},
  routes,
}: {
  readonly rules?: Partial<SiteRules>;
  readonly routes?: (app: FastifyInstance, parts: ConsoleParts) => unknown;
} = {}): Promise<ConsoleServer> {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-console-'));
  const clock = fakeClock();
  const accounts = openAccounts({ file: join(folder, 'console.sqlite'), clock, work: cheapWork() });
  const events: ConsoleEvent[] = [];
  const record: RecordEvent = (event) => void events.push(event);
  const app = Fastify({ ajv: { customOptions: { coerceTypes: false, removeAdditional: false, strict: false } } });
  app.setErrorHandler(answerError);
  app.setNotFoundHandler(answerNotFound);
  const authentication = await authenticate(app, {
    ...{ accounts, clock, record },
    rules: { machineName: 'door.example.org', hosts: [], ingress: [], isTls: false, ...rules },
  });
  await routes?.(app, { accounts, authentication, clock, record });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = app.server.address() as AddressInfo;
  const origin = `http://localhost:${port}`;
  const browser = (from?: string) => browserOn({ port, origin, from });
  return {
    ...{ app, accounts, authentication, clock, events, port, origin, browser },
    signedIn: async (name, role) => {
      const { secret } = accounts.invitations.make({ role, by: 'cli' });
      await accounts.join(secret, name, { password });
      const own = browser();
      own.cookies.set(`facelatch-${port}`, accounts.sessions.open(name, { browser: 'test', address: '127.0.0.1' }).secret);
      return own;
    },
    [Symbol.asyncDispose]: async () => {
      await app.close();
      accounts[Symbol.dispose]();
      rmSync(folder, { recursive: true });
    },
  };
}

/** `from`: one of the addresses of loopback (127.0.0.2 …), as another computer would have. */
export function browserOn({
  port,
  origin,
  from,
}: {
  readonly port: number;
  readonly origin: string;
  readonly from: string | undefined;
}): Browser {
  const cookies = new Map<string, string>();
  return {
    cookies,
    send: async (method, path, body, changed = {}) => {
      const usual = {
        host: origin.replace('http://', ''),
        origin: method === 'GET' ? undefined : origin,
        'x-facelatch': '1',
        'content-type': body === undefined ? undefined : 'application/json',
        cookie: cookies.size === 0 ? undefined : [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      };
      const headers = Object.fromEntries(Object.entries({ ...usual, ...changed }).filter((entry) => entry[1] !== undefined)) as Record<
        string,
        string
      >;
      const answer = await sent({
        port,
        method,
        path,
        headers,
        from,
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
      for (const line of answer.headers['set-cookie'] ?? []) keep(cookies, line);
      return answer;
    },
  };
}

function keep(cookies: Map<string, string>, line: string): void {
  const [pair = ''] = line.split(';');
  const [name = '', value = ''] = pair.split('=');
  if (value === '') cookies.delete(name);
  else cookies.set(name, value);
}

interface Sent {
  readonly port: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly from: string | undefined;
  readonly body: string | undefined;
}

function sent({ port, method, path, headers, from, body }: Sent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, method, path, headers, agent: false, ...(from ? { localAddress: from } : {}) },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part) => parts.push(part));
        response.on('end', () => {
          const text = Buffer.concat(parts).toString();
          const isJson = response.headers['content-type']?.includes('json') ?? false;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: isJson ? JSON.parse(text) : text });
        });
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}
