/** Who may call a route, over real HTTP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Browser, type ConsoleServer, consoleServer } from '../fakes/console.ts';

let server: ConsoleServer;
const roles = ['viewer', 'operator', 'admin'] as const;
const browsers: Partial<Record<(typeof roles)[number], Browser>> = {};

beforeAll(async () => {
  server = await consoleServer({
    routes: (app, { authentication }) => {
      for (const role of ['anyone', ...roles] as const) {
        app.get(`/${role}`, { config: { role } }, async (request) => ({ caller: request.caller?.name ?? null }));
        app.post(`/${role}`, { config: { role } }, async (request) => ({ caller: request.caller?.name ?? null }));
      }
      app.post('/own', { config: { role: 'viewer', needsSession: true } }, async () => ({}));
      app.post('/out', { config: { role: 'viewer' } }, async (request, reply) => {
        authentication.signOut(request, reply);
        return { isStillCaller: authentication.isStillCaller(request) };
      });
    },
  });
  for (const role of ['admin', 'operator', 'viewer'] as const) browsers[role] = await server.signedIn(role, role);
});

afterAll(() => server[Symbol.asyncDispose]());

it.each([...[undefined, ...roles].flatMap((who) => (['anyone', ...roles] as const).map((route) => [who, route] as const))])(
  '%s calls a route for %s',
  async (who, route) => {
    const browser = (who && browsers[who]) ?? server.browser();
    const rank = (role: string | undefined) => ['anyone', ...roles].indexOf(role ?? 'anyone');
    const status = rank(who) >= rank(route) ? 200 : who === undefined ? 401 : 403;
    for (const method of ['GET', 'POST']) {
      const answer = await browser.send(method, `/${route}`);
      expect(answer.status).toBe(status);
      if (status !== 200)
        expect(answer.body).toEqual({ error: { code: who ? 'role' : 'signed-out', message: expect.stringMatching(/^[A-Z].{20,}/) } });
    }
  },
);

it('a route that does not say who may call it stops the start', async () => {
  const open = consoleServer({ routes: (app) => app.get('/open', async () => ({})) });
  await expect(open).rejects.toThrow('does not say who may call it');
});

it('an address that is not there is no secret, and answers in the same form', async () => {
  const answer = await server.browser().send('GET', '/no-such-page');
  expect(answer).toMatchObject({ status: 404, body: { error: { code: 'not-found' } } });
});

describe('an access token', () => {
  const withToken = (secret: string) => ({ authorization: `Bearer ${secret}`, origin: undefined, 'x-facelatch': undefined });

  it('stands for its owner without a page, with its own role', async () => {
    const { secret } = server.accounts.tokens.make('admin', { label: 'script', role: 'operator' });
    const send = (path: string) => server.browser().send('POST', path, {}, withToken(secret));
    expect(await send('/operator')).toMatchObject({ status: 200, body: { caller: 'admin' } });
    expect(await send('/admin')).toMatchObject({ status: 403, body: { error: { code: 'role' } } });
    expect(await send('/own')).toMatchObject({ status: 403, body: { error: { code: 'needs-session' } } });
  });

  it('that does not count lets nobody do anything, whatever cookie comes with it', async () => {
    for (const secret of ['flt_nothing', 'nothing']) {
      const answer = await (browsers.admin as Browser).send('GET', '/anyone', undefined, withToken(secret));
      expect(answer).toMatchObject({ status: 401, body: { error: { code: 'signed-out' } } });
    }
    expect(server.events.at(-1)).toMatchObject({ kind: 'console.sign-in-failed', with: 'token', address: '127.0.0.1' });
  });
});

it('whoever signs out is signed out at once, also in what still runs', async () => {
  const browser = await server.signedIn('cy', 'viewer');
  expect(await browser.send('POST', '/out')).toMatchObject({ status: 200, body: { isStillCaller: false } });
  expect(browser.cookies.size).toBe(0);
  expect((await browser.send('GET', '/viewer')).status).toBe(401);
});

it('two doors of one host sign nobody out of each other: browsers send the cookies of all its ports', async () => {
  await using other = await consoleServer({ routes: (app) => app.get('/viewer', { config: { role: 'viewer' } }, async () => ({})) });
  const [here, there] = [await server.signedIn('both', 'viewer'), await other.signedIn('both', 'viewer')];
  const all = new Map([...here.cookies, ...there.cookies]);
  for (const browser of [here, there]) {
    for (const [name, value] of all) browser.cookies.set(name, value);
    expect((await browser.send('GET', '/viewer')).status).toBe(200);
  }
});
