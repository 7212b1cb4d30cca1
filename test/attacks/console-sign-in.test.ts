/**
 * Whoever may not use the console tries to: other pages in an owner's browser, other computers in the network, guests
 * with a small role, and whoever found something old. Over real HTTP; none gets in, and each try is told to the journal.
 */
import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { passwordWork } from '../../src/console/accounts/password.ts';
import { accountRoutes } from '../../src/console/routes/account-routes.ts';
import type { SiteRules } from '../../src/console/site.ts';
import { type CreationOptions, fakeAuthenticator, type RequestOptions } from '../fakes/authenticator.ts';
import { type Answer, type Browser, type ConsoleServer, consoleServer, password } from '../fakes/console.ts';

const api = '/api/v1';
const routes: { readonly method: string; readonly url: string; readonly role: unknown; readonly needsSession: boolean }[] = [];
let server: ConsoleServer;

const opened = (rules: Partial<SiteRules> = {}) =>
  consoleServer({
    rules,
    routes: (app, parts) => {
      routes.length = 0;
      app.addHook('onRoute', ({ method, url, config }) => {
        for (const each of [method].flat())
          if (each !== 'HEAD') routes.push({ method: each, url, role: config?.role, needsSession: config?.needsSession ?? false });
      });
      return app.register(accountRoutes, { ...parts, prefix: api, title: 'Front door' });
    },
  });

beforeEach(async () => {
  server = await opened();
});

afterEach(() => server[Symbol.asyncDispose]());

const invitation = (role: 'viewer' | 'operator' | 'admin') => server.accounts.invitations.make({ role, by: 'cli' }).secret;
const signIn = (browser: Browser, name: string, text = password, headers = {}): Promise<Answer> =>
  browser.send('POST', `${api}/session/password`, { name, password: text }, headers);
const failures = () =>
  server.events.flatMap((event) => (event.kind === 'console.sign-in-failed' ? [event] : [])).reduce((sum, { times }) => sum + times, 0);
const cookieName = () => `facelatch-${server.port}`;
const isIn = async (browser: Browser) => (await browser.send('GET', `${api}/account`)).status === 200;

describe('session fixation', () => {
  it('a session that somebody planted in a browser is not the one that the owner gets', async () => {
    const eve = await server.signedIn('eve', 'viewer');
    await server.signedIn('ada', 'admin');
    const planted = eve.cookies.get(cookieName()) ?? '';
    const browser = server.browser();
    browser.cookies.set(cookieName(), planted);
    await signIn(browser, 'ada');
    expect(browser.cookies.get(cookieName())).not.toBe(planted);
    expect((await browser.send('GET', `${api}/account`)).body.name).toBe('ada');
    expect(await isIn(eve)).toBe(false);
  });

  it('made-up secrets count for nothing, and each sign-in has a new one', async () => {
    await server.signedIn('ada', 'admin');
    const browser = server.browser();
    browser.cookies.set(cookieName(), 'A'.repeat(43));
    expect(await isIn(browser)).toBe(false);
    const secrets = new Set<string | undefined>();
    for (let n = 0; n < 3; n++) {
      await signIn(browser, 'ada');
      secrets.add(browser.cookies.get(cookieName()));
    }
    expect(secrets.size).toBe(3);
    expect(server.accounts.sessions.list('ada')).toHaveLength(2); // of the fake, and of this browser
  });

  it('a second cookie of that name, as another server of this host can set, signs nobody in as somebody else', async () => {
    const [ada, eve] = [await server.signedIn('ada', 'admin'), await server.signedIn('eve', 'viewer')];
    const name = cookieName();
    const cookie = `${name}=${eve.cookies.get(name)}; ${name}=${ada.cookies.get(name)}`;
    expect((await server.browser().send('GET', `${api}/account`, undefined, { cookie })).status).toBe(401);
  });
});

describe('another page in the owner’s browser', () => {
  const foreign: [string, Record<string, string | undefined>][] = [
    ['of another site', { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }],
    ['of another site, in an old browser', { origin: 'https://evil.example' }],
    ['of another server of this host', { origin: 'http://localhost:1', 'sec-fetch-site': 'same-site' }],
    ['over another protocol', { origin: undefined, 'sec-fetch-site': 'same-site' }],
    ['without an origin', { origin: 'null' }],
    ['with a plain form', { 'x-facelatch': undefined, 'content-type': 'text/plain' }],
    ['with a form', { 'x-facelatch': undefined, 'content-type': 'application/x-www-form-urlencoded' }],
    ['that says it is same-origin by the fetch header alone', { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' }],
  ];

  it.each(foreign)('%s changes nothing, and signs nobody in', async (_who, headers) => {
    const ada = await server.signedIn('ada', 'admin');
    await server.signedIn('ben', 'viewer');
    for (const [method, path, body] of [
      ['POST', '/invitations', { role: 'admin' }],
      ['PATCH', '/operators/ben', { role: 'admin' }],
      ['DELETE', '/operators/ben', undefined],
      ['PUT', '/account/password', { password: 'another good password' }],
      ['POST', '/session/password', { name: 'ada', password }],
      ['DELETE', '/session', undefined],
    ] as const) {
      const answer = await ada.send(method, `${api}${path}`, body, headers);
      expect(answer).toMatchObject({ status: 403, body: { error: { code: 'foreign-page' } } });
    }
    expect(server.accounts.list()).toMatchObject([{ name: 'ada' }, { name: 'ben', role: 'viewer' }]);
    expect(server.accounts.invitations.list()).toEqual([]);
    expect(await isIn(ada)).toBe(true);
  });

  it('reads nothing, not even as a picture', async () => {
    const ada = await server.signedIn('ada', 'admin');
    const answer = await ada.send('GET', `${api}/operators`, undefined, { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' });
    expect(answer).toMatchObject({ status: 403, body: { error: { code: 'foreign-page' } } });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });
});

it('a page whose name points at the door (DNS rebinding) is answered by nothing but the way to allow its name', async () => {
  const ada = await server.signedIn('ada', 'admin');
  for (const host of [
    'evil.example',
    `evil.example:${server.port}`,
    'localhost.evil.example',
    '192.168.1.5',
    `localhost:${server.port}@evil.example`,
  ])
    for (const path of [`${api}/session`, `${api}/operators`, '/', '/anything']) {
      const answer = await ada.send('GET', path, undefined, { host, origin: `http://${host}` });
      expect([400, 421]).toContain(answer.status);
      if (answer.status === 421)
        expect(answer.body.error).toMatchObject({ code: 'wrong-host', message: expect.stringContaining('console.hosts') });
    }
});

describe('a proxy', () => {
  const ingress = { 'x-ingress-path': '/api/hassio_ingress/abc', 'x-forwarded-host': 'ha.example:8123', 'x-forwarded-proto': 'https' };
  const page = { ...ingress, origin: 'https://ha.example:8123' };

  it('that the settings do not name is believed nothing', async () => {
    await server.signedIn('ada', 'admin');
    expect((await signIn(server.browser(), 'ada', password, page)).status).toBe(403);
    const answer = await signIn(server.browser(), 'ada', password, ingress);
    expect(answer.headers['set-cookie']).toEqual([expect.stringContaining('Path=/;'), expect.stringContaining('Path=/;')]);
    for (let n = 0; n < 12; n++) await signIn(server.browser(), 'ada', 'a wrong password', { 'x-forwarded-for': `10.0.0.${n}` });
    expect(await signIn(server.browser(), 'ada', password, { 'x-forwarded-for': '10.0.1.1' })).toMatchObject({ status: 429 });
  });

  describe('that they name', () => {
    beforeEach(async () => {
      await server[Symbol.asyncDispose]();
      server = await opened({ ingress: ['127.0.0.1'] });
    });

    it('shows the console below its path; the cookie is sent nowhere else', async () => {
      await server.signedIn('ada', 'admin');
      const answer = await signIn(server.browser(), 'ada', password, page);
      expect(answer.headers['set-cookie']).toEqual([
        expect.stringMatching(
          /^facelatch-8123=[\w-]{43}; Max-Age=604800; Path=\/api\/hassio_ingress\/abc; HttpOnly; Secure; SameSite=Strict$/,
        ),
        expect.stringContaining('Path=/api/hassio_ingress/abc; HttpOnly; Secure; SameSite=Strict'),
      ]);
    });

    it.each(['//evil.example', '/a/../b', '/a;Domain=evil.example', '/a b', 'a', '/a/', `/${'a'.repeat(200)}`])(
      'a path %s is refused',
      async (path) => {
        const answer = await server.browser().send('GET', `${api}/session`, undefined, { ...ingress, 'x-ingress-path': path });
        expect(answer).toMatchObject({ status: 400, body: { error: { code: 'bad-request' } } });
      },
    );

    it('keeps one guest’s tries from another, and takes no address that the guest wrote', async () => {
      await server.signedIn('ada', 'admin');
      const from = (forwarded: string) => ({ ...page, 'x-forwarded-for': forwarded });
      for (let n = 0; n < 6; n++) await signIn(server.browser(), 'ada', 'a wrong password', from(`10.0.0.${n}, 192.168.1.66`));
      expect((await signIn(server.browser(), 'ada', password, from('192.168.1.7, 192.168.1.66'))).status).toBe(429);
      expect((await signIn(server.browser(), 'ada', password, from('192.168.1.7'))).status).toBe(200);
    });

    it('without a path is held to the names of this door', async () => {
      const answer = await server.browser().send('GET', `${api}/session`, undefined, { 'x-forwarded-host': 'evil.example' });
      expect(answer.status).toBe(421);
    });
  });
});

describe('guessing passwords', () => {
  it('waits after five tries, and twice as long after each; from elsewhere the owner still comes in', async () => {
    await server.signedIn('ada', 'admin');
    const eve = server.browser('127.0.0.66');
    for (let n = 0; n < 5; n++) expect((await signIn(eve, 'ada', 'a wrong password')).status).toBe(401);
    const refused = await signIn(eve, 'ada', password); // the right one, too early
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '1' }, body: { error: { code: 'slow-down' } } });
    await server.clock.advance(1000);
    await signIn(eve, 'ada', 'a wrong password');
    expect((await signIn(eve, 'ada')).headers['retry-after']).toBe('2');
    expect((await signIn(server.browser('127.0.0.7'), 'ada')).status).toBe(200);
    expect(failures()).toBeGreaterThan(0);
  });

  it('from the owner’s own network keeps the owner’s browser out of nothing', async () => {
    await server.signedIn('ada', 'admin');
    const [own, eve] = [server.browser(), server.browser()];
    await signIn(own, 'ada');
    await own.send('DELETE', `${api}/session`);
    for (let n = 0; n < 30; n++) await signIn(eve, 'ada', 'a wrong password');
    expect((await signIn(server.browser(), 'ada')).status).toBe(429);
    expect((await signIn(own, 'ada')).status).toBe(200);
  });

  it('a hundred tries at the same time are five', async () => {
    await server.signedIn('ada', 'admin');
    const eve = server.browser('127.0.0.66');
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => signIn(eve, 'ada', `wrong password ${n}`)));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(95);
  });

  it('a flood is told in few events, and every try is counted', async () => {
    await server.signedIn('ada', 'admin');
    const eve = server.browser('127.0.0.66');
    for (let n = 0; n < 30; n++) await signIn(eve, 'ada', 'a wrong password');
    for (let n = 0; n < 30; n++) await signIn(eve, 'correct horse battery staple', 'typed into the wrong field');
    await server.clock.advance(60_000);
    server.authentication.failed.flush();
    expect(server.events).toHaveLength(4);
    expect(failures()).toBe(60);
    expect(JSON.stringify(server.events)).not.toContain('horse');
  });

  it('says the same of a wrong name, a wrong password and an account with a passkey only', async () => {
    await server.signedIn('ada', 'admin');
    const passkey = { id: 'one', publicKey: new Uint8Array(77), counter: 0, transports: [], label: 'phone', host: 'localhost' };
    await server.accounts.join(invitation('viewer'), 'ben', { passkey, handle: new Uint8Array(32) });
    const answers = await Promise.all(
      ['ada', 'ben', 'nobody'].map((name) => signIn(server.browser(`127.0.0.${name.length}`), name, 'a wrong password')),
    );
    expect(new Set(answers.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1);
  });

  it('takes as much work for a name that does not exist', async () => {
    const work = passwordWork({ n: 2 ** 14, r: 8, p: 1 });
    const stored = await work.hash(password);
    const cpuMs = async (held: string | undefined) => {
      const before = process.cpuUsage();
      for (let n = 0; n < 4; n++) await work.check('a wrong password', held, true);
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    };
    await cpuMs(stored);
    const [known, unknown] = [await cpuMs(stored), await cpuMs(undefined)];
    expect(unknown / known).toBeGreaterThan(0.5);
    expect(unknown / known).toBeLessThan(2);
  });
});

describe('a passkey answer', () => {
  const joined = async (counts = {}) => {
    const [browser, authenticator, secret] = [server.browser(), fakeAuthenticator(), invitation('admin')];
    const asked = { invitation: secret, name: 'ada' };
    const { body: options } = await browser.send('POST', `${api}/join/passkey/options`, asked);
    const response = authenticator.create(options, server.origin, counts);
    expect((await browser.send('POST', `${api}/join/passkey`, { ...asked, label: 'phone', response })).status).toBe(200);
    return authenticator;
  };
  const options = async (): Promise<RequestOptions> => (await server.browser().send('POST', `${api}/session/passkey/options`)).body;
  const use = (response: unknown) => server.browser().send('POST', `${api}/session/passkey`, { response });

  it('that was used is not good again, nor one that is five minutes old', async () => {
    const authenticator = await joined();
    const response = authenticator.get(await options(), server.origin);
    expect((await use(response)).status).toBe(200);
    expect(await use(response)).toMatchObject({ status: 401, body: { error: { code: 'wrong-passkey' } } });
    const late = await options();
    await server.clock.advance(300_000);
    expect((await use(authenticator.get(late, server.origin))).status).toBe(401);
    expect(server.events.filter(({ kind }) => kind === 'console.sign-in-failed')).toMatchObject([{ name: 'ada', with: 'passkey' }, {}]);
  });

  it('of a phone that does not count is good once as well', async () => {
    const authenticator = await joined({ counter: 0 });
    const response = authenticator.get(await options(), server.origin, { counter: 0 });
    expect((await use(response)).status).toBe(200);
    expect((await use(response)).status).toBe(401);
    expect((await use(authenticator.get(await options(), server.origin, { counter: 0 }))).status).toBe(200);
  });

  it.each([
    ['given to a page elsewhere', 'https://evil.example', {}],
    ['given to another server of this host', 'http://localhost:1', {}],
    ['for another name', undefined, { rpId: 'evil.example' }],
    ['of somebody who was not verified', undefined, { isVerified: false }],
    ['with a challenge of the attacker’s', undefined, { challenge: 'A'.repeat(43) }],
    ['whose counter stands still: a copy of the authenticator', undefined, { counter: 1 }],
    ['for another account', undefined, { userHandle: 'A'.repeat(43) }],
    ['that is a registration', undefined, { type: 'webauthn.create' }],
  ])('%s is not accepted', async (_what, origin = server.origin, changed = {}) => {
    const authenticator = await joined();
    expect(await use(authenticator.get(await options(), origin, changed))).toMatchObject({
      status: 401,
      body: { error: { code: 'wrong-passkey' } },
    });
    expect((await use(authenticator.get(await options(), server.origin))).status).toBe(200);
  });

  it('that another key signed is not accepted', async () => {
    const [authenticator, other] = [await joined(), fakeAuthenticator()];
    const asked = await options();
    expect(
      (await use({ ...authenticator.get(asked, server.origin), ...{ response: other.get(asked, server.origin).response } })).status,
    ).toBe(401);
    expect((await use(other.get(await options(), server.origin))).status).toBe(401);
  });

  it('for one invitation, name or session is good for no other', async () => {
    const [browser, authenticator] = [server.browser(), fakeAuthenticator()];
    const [mine, theirs] = [invitation('viewer'), invitation('admin')];
    const create = async (): Promise<CreationOptions> =>
      (await browser.send('POST', `${api}/join/passkey/options`, { invitation: mine, name: 'eve' })).body;
    const join = (secret: string, name: string, response: unknown) =>
      browser.send('POST', `${api}/join/passkey`, { invitation: secret, name, label: 'phone', response });
    expect((await join(theirs, 'eve', authenticator.create(await create(), server.origin))).status).toBe(401);
    expect((await join(mine, 'ada', authenticator.create(await create(), server.origin))).status).toBe(401);
    const ada = await server.signedIn('ada', 'admin');
    const added = await ada.send('POST', `${api}/account/passkeys`, {
      label: 'x',
      response: authenticator.create(await create(), server.origin),
    });
    expect(added.status).toBe(401);
    expect((await join(mine, 'eve', authenticator.create(await create(), 'https://evil.example'))).status).toBe(401);
    expect(server.accounts.list().map(({ name }) => name)).toEqual(['ada']);
  });

  it('of any other content is refused, and breaks nothing', async () => {
    const authenticator = await joined();
    const asked = await options();
    const field = fc.oneof(
      fc.base64String().map((text) => text.replaceAll(/[+/=]/g, '_')),
      fc.string(),
      fc.constant(authenticator.id),
    );
    await fc.assert(
      fc.asyncProperty(field, field, field, fc.dictionary(fc.string(), fc.anything()), async (a, b, c, extra) => {
        const response = { ...extra, id: authenticator.id, rawId: a, type: 'public-key', clientExtensionResults: {} };
        const { status } = await use({ ...response, response: { clientDataJSON: b, authenticatorData: c, signature: a } });
        expect([400, 401]).toContain(status);
      }),
      { numRuns: 60 },
    );
    expect((await use(authenticator.get(asked, server.origin))).status).toBe(200);
  });
});

it('an invitation that was used, is over, or was taken back makes no account; each try is told', async () => {
  const [used, old] = [invitation('admin'), invitation('admin')];
  const back = server.accounts.invitations.make({ role: 'admin', by: 'ada' });
  await server.accounts.join(used, 'ada', { password });
  server.accounts.invitations.revoke(back.invitation.id);
  await server.clock.advance(3_600_000);
  for (const secret of [used, old, back.secret, 'A'.repeat(43)])
    for (const [path, body] of [
      ['/join/password', { name: 'eve', password }],
      ['/join/passkey/options', { name: 'eve' }],
      ['/join/invitation', {}],
    ] as const)
      expect(await server.browser().send('POST', `${api}${path}`, { invitation: secret, ...body })).toMatchObject({
        ...{ status: 403, body: { error: { code: 'not-possible' } } },
      });
  expect(server.accounts.list().map(({ name }) => name)).toEqual(['ada']);
  server.authentication.failed.flush(true);
  expect(failures()).toBe(12);
});

describe('a small role', () => {
  const rank = (role: unknown) => ['anyone', 'viewer', 'operator', 'admin'].indexOf(String(role));
  const filled = (url: string) => url.replace(':name', 'ada').replace(':id', 'one');

  it.each([undefined, 'viewer', 'operator'] as const)('%s gets nothing out of routes that need more', async (own) => {
    await server.signedIn('ada', 'admin');
    const browser = own ? await server.signedIn('eve', own) : server.browser();
    const above = routes.filter(({ role }) => rank(role) > rank(own ?? 'anyone'));
    expect(above.length).toBeGreaterThan(4);
    for (const { method, url } of above) {
      const { status, body } = await browser.send(
        method,
        filled(url),
        method === 'GET' || method === 'DELETE' ? undefined : { role: 'admin' },
      );
      expect([method, url, status]).toEqual([method, url, own ? 403 : 401]);
      expect(Object.keys(body)).toEqual(['error']);
    }
    expect(server.accounts.list()).toMatchObject(
      own
        ? [
            { name: 'ada', role: 'admin' },
            { name: 'eve', role: own },
          ]
        : [{ name: 'ada', role: 'admin' }],
    );
    expect(server.accounts.invitations.list()).toEqual([]);
  });

  it('makes no token above itself, and a token changes no account', async () => {
    await server.signedIn('ada', 'admin');
    const eve = await server.signedIn('eve', 'viewer');
    expect((await eve.send('POST', `${api}/tokens`, { label: 'script', role: 'admin' })).status).toBe(409);
    const { secret } = server.accounts.tokens.make('ada', { label: 'stolen', role: 'admin' });
    const guarded = routes.filter(({ needsSession }) => needsSession);
    expect(guarded.length).toBeGreaterThan(15);
    for (const { method, url } of guarded) {
      const answer = await server.browser().send(method, filled(url), undefined, { authorization: `Bearer ${secret}` });
      expect([url, answer.status, answer.body.error.code]).toEqual([url, 403, 'needs-session']);
    }
  });

  it('does not outlive its removal: not in an open session, not in a token, not in a request that is under way', async () => {
    await server.signedIn('ada', 'admin');
    const ben = await server.signedIn('ben', 'admin');
    const { secret } = server.accounts.tokens.make('ben', { label: 'script', role: 'admin' });
    const underWay = ben.send('PUT', `${api}/account/password`, { password: 'another good password' });
    server.accounts.remove('ben');
    expect([401, 404]).toContain((await underWay).status);
    expect(await isIn(ben)).toBe(false);
    expect((await server.browser().send('GET', `${api}/session`, undefined, { authorization: `Bearer ${secret}` })).status).toBe(401);
  });
});

describe('bodies', () => {
  it('that are too large are refused before they are read', async () => {
    const body = { name: 'ada', password: 'x'.repeat(100_000) };
    expect(await server.browser().send('POST', `${api}/session/password`, body)).toMatchObject({
      status: 413,
      body: { error: { code: 'oversized' } },
    });
  });

  it('of nobody are not waited for: the refusal comes before the body', async () => {
    const head = `POST ${api}/invitations HTTP/1.1\r\nhost: localhost:${server.port}\r\norigin: ${server.origin}\r\nx-facelatch: 1\r\n`;
    const socket = connect(server.port, '127.0.0.1');
    socket.write(`${head}content-type: application/json\r\ncontent-length: 1000\r\n\r\n{"role"`);
    const answer = await new Promise<string>((resolve) => socket.once('data', (bytes) => resolve(bytes.toString())));
    socket.destroy();
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
  });

  it.each(['{', '[]', 'null', '"ada"', '{"name":{"$gt":""},"password":{}}', '{"__proto__":{"role":"admin"},"name":"ada","password":"x"}'])(
    '%s is refused in words',
    async (body) => {
      const answer = await server.browser().send('POST', `${api}/session/password`, body);
      expect(answer).toMatchObject({ status: 400, body: { error: { code: 'bad-request', message: expect.any(String) } } });
    },
  );
});
