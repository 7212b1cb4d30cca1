/**
 * Every route of the console, as its own document lists them, called by whoever may not: nobody, somebody with too small
 * a role, a foreign page, another name for the door; and with what no page sends. None gets through to the house.
 */
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Browser } from '../fakes/console.ts';
import { type ConsoleHttp, openConsoleHttp } from '../fakes/console-http.ts';

interface Listed {
  readonly 'x-role': 'anyone' | 'viewer' | 'operator' | 'admin';
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly schema: { readonly pattern?: string; readonly type?: string };
  }[];
  readonly requestBody?: object;
}

const roles = ['viewer', 'operator', 'admin'] as const;
let server: ConsoleHttp;
let routes: { readonly method: string; readonly path: string; readonly listed: Listed }[];
let lastAddress = 1;
/** Another computer: each has a rate of its own. */
const elsewhere = () => {
  lastAddress++;
  return `127.1.${lastAddress >> 7}.${(lastAddress & 127) + 1}`;
};

beforeAll(async () => {
  server = await openConsoleHttp();
  const { paths } = server.document as { readonly paths: Readonly<Record<string, Readonly<Record<string, Listed>>>> };
  routes = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, listed]) => ({ method: method.toUpperCase(), path: path.replaceAll(/\{\w+\}/g, '1'), listed })),
  );
});
afterAll(() => server[Symbol.asyncDispose]());

const guarded = () => routes.filter(({ listed }) => listed['x-role'] !== 'anyone');
const send = (browser: Browser, { method, path }: { method: string; path: string }, headers = {}) =>
  browser.send(method, path, method === 'GET' || method === 'DELETE' ? undefined : {}, headers);

/** What each call answered, but those that answered as they should. */
async function unexpected(
  calls: typeof routes,
  call: (route: (typeof routes)[number]) => Promise<{ readonly status: number }>,
  wanted: readonly number[],
) {
  server.asked.length = 0;
  const found: string[] = [];
  for (const route of calls) {
    const { status } = await call(route);
    if (!wanted.includes(status)) found.push(`${route.method} ${route.path}: ${status}`);
  }
  return found;
}

it('there are many routes, and few that anyone may call', () => {
  expect(routes.length).toBeGreaterThan(80);
  expect(routes.filter(({ listed }) => listed['x-role'] === 'anyone').map(({ path }) => path)).toEqual(
    expect.arrayContaining(['/api/v1/session', '/api/v1/session/password', '/api/v1/join/password']),
  );
  expect(guarded().length).toBeGreaterThan(70);
});

it('nobody who is not signed in calls any other', async () => {
  const browser = server.browser(elsewhere());
  expect(await unexpected(guarded(), (route) => send(browser, route), [401])).toEqual([]);
  const token = { authorization: `Bearer flt_${'A'.repeat(43)}` };
  const other = server.browser(elsewhere());
  expect(await unexpected(guarded(), (route) => send(other, route, token), [401])).toEqual([]);
  expect(server.asked).toEqual([]);
});

it.each(roles.slice(0, 2))('%s calls nothing that needs more', async (role) => {
  const browser = await server.signedIn(role, elsewhere());
  const above = guarded().filter(({ listed }) => roles.indexOf(listed['x-role'] as (typeof roles)[number]) > roles.indexOf(role));
  expect(above.length).toBeGreaterThan(20);
  expect(await unexpected(above, (route) => send(browser, route), [403])).toEqual([]);
  expect(server.asked).toEqual([]);
});

describe('a page of somebody else in the browser of an admin', () => {
  it.each([
    ['from another origin', { origin: 'https://evil.example' }],
    ['from no origin', { origin: undefined }],
    ['from a sandbox', { origin: 'null' }],
    ['from another port of this host', { origin: 'http://localhost:1' }],
    ['as a form sends it', { 'x-facelatch': undefined, 'content-type': 'text/plain' }],
    ['from another site, as the browser says', { 'sec-fetch-site': 'cross-site' }],
  ])('changes nothing: %s', async (_title, headers) => {
    const browser = await server.signedIn('admin', elsewhere());
    const changing = routes.filter(({ method }) => method !== 'GET');
    expect(await unexpected(changing, (route) => send(browser, route, headers), [403])).toEqual([]);
    expect(server.asked).toEqual([]);
  });

  it('reads nothing: not as a picture, a script or a stream of its own', async () => {
    const browser = await server.signedIn('admin', elsewhere());
    const reading = guarded().filter(({ method }) => method === 'GET');
    expect(reading.length).toBeGreaterThan(5);
    expect(await unexpected(reading, (route) => send(browser, route, { 'sec-fetch-site': 'cross-site' }), [403])).toEqual([]);
  });
});

it('a name that is made to point at the door (DNS rebinding) reaches no route', async () => {
  const browser = await server.signedIn('admin', elsewhere());
  const host = { host: `evil.example:${server.port}`, origin: `http://evil.example:${server.port}` };
  expect(await unexpected(routes, (route) => send(browser, route, host), [421])).toEqual([]);
  expect(server.asked).toEqual([]);
});

describe('what no page sends', () => {
  const withBody = () => routes.filter(({ method, listed }) => method !== 'GET' && method !== 'DELETE' && listed.requestBody);

  it.each([
    ['half of a JSON', '{"a":'],
    ['a list', '[]'],
    ['a text', '"x"'],
    ['nothing', 'null'],
    ['a prototype', '{"__proto__":{"admin":true}}'],
    ['a constructor', '{"constructor":{"prototype":{"admin":true}}}'],
    ['a field that is not known', '{"zzz":1}'],
    ['deep nesting', `${'['.repeat(5000)}${']'.repeat(5000)}`],
    ['what is no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]).toString('latin1')],
  ])('is refused before the house hears of it: %s', async (_title, body) => {
    const browser = await server.signedIn('admin', elsewhere());
    // 401, 403: sign-in and account routes ask first who it is; 429: they slow down.
    expect(await unexpected(withBody(), ({ method, path }) => browser.send(method, path, body), [400, 401, 403, 415, 429])).toEqual([]);
    expect(server.asked).toEqual([]);
    expect(({} as { admin?: true }).admin).toBeUndefined();
  });

  it('is refused in other forms than JSON', async () => {
    const browser = await server.signedIn('admin', elsewhere());
    const forms = ['text/plain', 'application/x-www-form-urlencoded', 'application/xml'];
    for (const type of forms)
      expect(
        await unexpected(
          withBody(),
          ({ method, path }) => browser.send(method, path, 'a=b', { 'content-type': type }),
          [400, 403, 415, 429],
        ),
      ).toEqual([]);
    expect(server.asked).toEqual([]);
  });

  it('is refused where it is too large, whatever it says of its length', async () => {
    const browser = await server.signedIn('admin', elsewhere());
    const body = JSON.stringify({ name: 'x'.repeat(1_100_000) });
    expect(
      await unexpected(withBody(), ({ method, path }) => browser.send(method, path, body).catch(() => ({ status: 413 })), [413]),
    ).toEqual([]);
    const chunked = { 'transfer-encoding': 'chunked', 'content-length': undefined };
    expect(
      await unexpected(
        withBody().slice(0, 10),
        ({ method, path }) => browser.send(method, path, body, chunked).catch(() => ({ status: 413 })),
        [413],
      ),
    ).toEqual([]);
    expect(server.asked).toEqual([]);
  });
});

/** What was told of refusals; it is forgotten. */
const told = ({ said }: ConsoleHttp) => said.splice(0).flatMap((message) => (message.kind === 'record' ? [message.event] : []));

describe('a path that leads out of what is served', () => {
  const out = [
    '/page/../../../package.json',
    '/page/..%2f..%2f..%2fpackage.json',
    '/page/%2e%2e/%2e%2e/server.ts',
    '/page/..%5c..%5cserver.ts',
    '/page//etc/passwd',
    '/page/%00index.js',
    '/page/words/../../../main.ts',
    '/page/tsconfig.json',
    '/page/index.html',
    '/lib/lit/../../../package.json',
    '/lib/lit/..%2f..%2ffastify%2fpackage.json',
    '/page/%c0%ae%c0%ae/server.ts',
    '/page/%252e%252e/server.ts',
    '/lib/lit/package.json',
    '/lib/lit-html/..%2f..%2f..%2f..%2fetc%2fpasswd',
    '/api/docs/static/..%2f..%2fpackage.json',
    '/api/v1/../../page/../../package.json',
    '/.git/config',
    '/console.sqlite',
  ];

  it.each(out)('%s is not there', async (path) => {
    const admin = await server.signedIn('admin', elsewhere());
    told(server);
    const { status, body } = await admin.send('GET', path);
    expect([400, 403, 404, 301, 302]).toContain(status);
    expect(JSON.stringify(body)).not.toMatch(/"dependencies"|root:|import \{|SQLite format/);
    await expect
      .poll(() => told(server))
      .toContainEqual(expect.objectContaining({ why: 'not-found', name: expect.stringMatching(/^admin/) }));
  });
});

/** Sends what it is given; resolves with everything that came back once the other side has closed. */
const raw = (text: string): Promise<string> =>
  new Promise((resolve) => {
    let answer = '';
    const socket = connect({ port: server.port, host: '127.0.0.1', localAddress: elsewhere() });
    socket.setEncoding('utf8').on('data', (part: string) => {
      answer += part;
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(answer));
    socket.write(text);
  });

describe('what is no HTTP', () => {
  it.each([
    ['noise', '\u0000\u0001\u0002\r\n\r\n'],
    [
      'two lengths (request smuggling)',
      `POST /api/v1/arm HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['no host', 'GET / HTTP/1.1\r\n\r\n'],
    ['two hosts', 'GET / HTTP/1.1\r\nHost: evil.example\r\nHost: localhost\r\nConnection: close\r\n\r\n'],
    ['headers without end', `GET / HTTP/1.1\r\nHost: localhost\r\n${'X-A: b\r\n'.repeat(5000)}`],
    ['an old method', 'TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'],
  ])('is refused, and the next request is answered: %s', async (_title, text) => {
    expect(await raw(text)).not.toMatch(/^HTTP\/1\.1 200/);
    expect((await server.browser(elsewhere()).send('GET', '/api/v1/session')).status).toBe(200);
  });
});

describe('time and number', () => {
  it('whoever sends slowly is cut off and journalled: in the headers, in the body, and drop by drop', async () => {
    await using slow = await openConsoleHttp({ limits: { headersMs: 300, requestMs: 600 } });
    const cookie = [...(await slow.signedIn('admin')).cookies].map((pair) => pair.join('=')).join();
    const post = (path: string, type: string) =>
      `POST /api/v1/${path} HTTP/1.1\r\nHost: localhost:${slow.port}\r\nOrigin: ${slow.origin}\r\nX-Facelatch: 1\r\nCookie: ${cookie}\r\nContent-Type: ${type}\r\nContent-Length: 100\r\n\r\n`;
    const held = (from: string, text: string, drop = '') =>
      new Promise<string>((resolve) => {
        let answer = '';
        const socket = connect({ port: slow.port, host: '127.0.0.1', localAddress: from });
        const dripping = setInterval(() => drop !== '' && socket.write(drop), 50);
        socket.setEncoding('utf8').on('data', (part: string) => {
          answer += part;
        });
        socket.on('error', () => undefined);
        socket.on('close', () => {
          clearInterval(dripping);
          resolve(answer);
        });
        socket.write(text);
      });
    const answers = await Promise.all([
      held('127.0.0.11', 'GET / HTTP/1.1\r\nHost: loc'),
      held('127.0.0.12', `${post('session/password', 'application/json')}{`),
      held('127.0.0.13', `${post('enrol/1/pictures', 'image/jpeg')}x`, 'x'),
    ]);
    for (const answer of answers) expect(answer).toMatch(/^(HTTP\/1\.1 408|$)/);
    expect(slow.asked).toEqual([]);
    expect(
      told(slow)
        .flatMap((event) => ('why' in event && event.why === 'too-slow' && 'address' in event ? [event.address] : []))
        .toSorted(),
    ).toEqual(['127.0.0.11', '127.0.0.12', '127.0.0.13']);
    expect((await slow.browser().send('GET', '/api/v1/session')).status).toBe(200);
  });

  it('a flood from one computer is slowed down, and others are answered meanwhile', async () => {
    // The usual limit of a minute; a smaller one is reached with fewer requests.
    const usual = await server.browser(elsewhere()).send('GET', '/api/v1/session');
    expect(usual.headers['x-ratelimit-limit']).toBe('600');
    await using small = await openConsoleHttp({ limits: { perMinute: 20 } });
    const [flooder, other] = [small.browser(elsewhere()), small.browser(elsewhere())];
    const statuses = [];
    for (let n = 0; n < 25; n++) statuses.push((await flooder.send('GET', '/api/v1/session')).status);
    expect(statuses).toEqual([...Array(20).fill(200), ...Array(5).fill(429)]);
    expect((await other.send('GET', '/api/v1/session')).status).toBe(200);
  });

  it('whoever goes on with it waits for each refusal, and nobody else does', async () => {
    await using slow = await openConsoleHttp({ limits: { perMinute: 3, refusalMs: 150 } });
    const [flooder, other] = [slow.browser(elsewhere()), slow.browser(elsewhere())];
    const took = async (browser: Browser) => {
      const startMs = performance.now();
      const { status } = await browser.send('GET', '/api/v1/session');
      return { status, isSlow: performance.now() - startMs >= 149 };
    };
    for (let n = 0; n < 3; n++) expect((await took(flooder)).status).toBe(200);
    const refused = [took(flooder), took(flooder)];
    expect((await took(other)).status).toBe(200);
    expect(await Promise.all(refused)).toEqual(Array(2).fill({ status: 429, isSlow: true }));
  });

  it('connections that say nothing keep nobody out for longer than they last', async () => {
    const idle = Array.from({ length: 260 }, () =>
      connect({ port: server.port, host: '127.0.0.1', localAddress: elsewhere() }).on('error', () => undefined),
    );
    await Promise.all(idle.map((socket) => new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))));
    for (const socket of idle) socket.destroy();
    await expect
      .poll(
        async () =>
          (
            await server
              .browser(elsewhere())
              .send('GET', '/api/v1/session')
              .catch(() => undefined)
          )?.status,
      )
      .toBe(200);
  });
});

describe('below the path of a proxy (Home Assistant)', () => {
  const prefix = '/api/hassio_ingress/abcDEF_123-x';
  const proxied = { 'x-ingress-path': prefix, 'x-forwarded-host': 'home.example:8123', 'x-forwarded-proto': 'https' };
  /** Signed in at the address that the proxy's visitors see. */
  const signedInBehind = async (door: ConsoleHttp, from: string) => {
    const admin = await door.signedIn('admin', from);
    admin.cookies.set('facelatch-8123', admin.cookies.get(`facelatch-${door.port}`) ?? '');
    return admin;
  };

  it('a flood from one of its visitors slows down that one only, whatever address they claim', async () => {
    await using door = await openConsoleHttp({ settings: { ingress: ['127.0.0.77'] }, limits: { perMinute: 20 } });
    const proxy = door.browser('127.0.0.77');
    const ask = async (browser: Browser, forwarded: string) =>
      (await browser.send('GET', '/api/v1/session', undefined, { ...proxied, 'x-forwarded-for': forwarded })).status;
    // What stands before the last address was sent by the visitor, and may be made up.
    for (let n = 0; n < 20; n++) expect(await ask(proxy, `10.1.1.${n}, 192.168.1.66`)).toBe(200);
    expect(await ask(proxy, '10.1.1.99, 192.168.1.66')).toBe(429);
    expect(await ask(proxy, '192.168.1.7')).toBe(200);
    // From nobody else is the header believed.
    const direct = door.browser('127.0.0.78');
    for (let n = 0; n < 20; n++) expect(await ask(direct, `10.2.2.${n}`)).toBe(200);
    expect(await ask(direct, '10.2.2.99')).toBe(429);
    expect(told(door)).toEqual(
      ['192.168.1.66', '127.0.0.78'].map((address) => ({ kind: 'console.refused', why: 'slow-down', times: 1, address })),
    );
  });

  it('addresses that are not there are slowed down too', async () => {
    await using door = await openConsoleHttp({ limits: { perMinute: 5 } });
    const statuses = [];
    for (let n = 0; n < 7; n++) statuses.push((await door.browser().send('GET', `/guess-${n}`)).status);
    expect(statuses).toEqual([404, 404, 404, 404, 404, 429, 429]);
  });

  it('the page works there when the proxy says so, from its own address', async () => {
    await using door = await openConsoleHttp({ settings: { ingress: ['127.0.0.77'] } });
    const page = await door.browser('127.0.0.77').send('GET', '/', undefined, proxied);
    expect(page.status).toBe(200);
    expect(page.body).toContain(`<base href="${prefix}/"`);
    const admin = await signedInBehind(door, '127.0.0.77');
    await admin.send('POST', '/api/v1/system.show', {}, { ...proxied, origin: 'https://home.example:8123' });
    expect(door.asked).toEqual([{ name: 'system.show', args: {}, by: expect.stringContaining('admin') }]);
    const document = await admin.send('GET', '/api/v1/openapi.json', undefined, proxied);
    expect(document.body.servers).toEqual([{ url: prefix }]);
    const docs = await admin.send('GET', '/api/docs', undefined, proxied);
    expect(docs.headers.location).toBe(`${prefix}/api/docs/`);
  });

  it('nobody else is believed: the path is left out, and the origin of the proxy is a foreign one', async () => {
    await using door = await openConsoleHttp({ settings: { ingress: ['127.0.0.77'] } });
    const page = await door.browser('127.0.0.78').send('GET', '/', undefined, proxied);
    expect(page.body).toContain('<base href="/"');
    const admin = await signedInBehind(door, '127.0.0.78');
    expect((await admin.send('POST', '/api/v1/system.show', {}, { ...proxied, origin: 'https://home.example:8123' })).status).toBe(403);
  });

  it.each(['javascript:alert(1)', '//evil.example', '/a"><script>', '/../..', '/'])('a path that is none is refused: %s', async (path) => {
    await using door = await openConsoleHttp({ settings: { ingress: ['127.0.0.77'] } });
    const { status, body } = await door.browser('127.0.0.77').send('GET', '/', undefined, { ...proxied, 'x-ingress-path': path });
    expect([400, 421]).toContain(status);
    expect(JSON.stringify(body)).not.toContain('<script>');
  });
});
