/** Whoever tries what the console refuses is in the journal: the reason, who was signed in, and from where. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ConsoleServer, consoleServer } from '../fakes/console.ts';

let server: ConsoleServer;
beforeAll(async () => {
  server = await consoleServer({
    routes: (app) => {
      app.post('/open', { config: { role: 'operator' }, bodyLimit: 100 }, async () => ({}));
      app.post('/own', { config: { role: 'viewer', needsSession: true } }, async () => ({}));
    },
  });
});
afterAll(() => server[Symbol.asyncDispose]());

const refusals = () => server.events.flatMap((event) => (event.kind === 'console.refused' ? [event] : []));

it.each([
  ['nobody signed in', 'signed-out', 401, async () => server.browser('127.0.0.2').send('POST', '/open', {}), {}],
  ['a viewer', 'role', 403, async () => (await server.signedIn('vi', 'viewer')).send('POST', '/open', {}), { name: 'vi' }],
  [
    'a page elsewhere, in the browser of an operator',
    'foreign-page',
    403,
    async () => (await server.signedIn('op', 'operator')).send('POST', '/open', {}, { origin: 'http://elsewhere.example' }),
    { name: 'op' },
  ],
  [
    'a name that was made to point at the door (DNS rebinding)',
    'wrong-host',
    421,
    async () => server.browser('127.0.0.3').send('POST', '/open', {}, { host: 'elsewhere.example' }),
    {},
  ],
  [
    'a body that is too large',
    'oversized',
    413,
    async () => (await server.signedIn('ed', 'operator')).send('POST', '/open', { text: 'x'.repeat(200) }),
    { name: 'ed' },
  ],
  [
    'an access token where a session is needed',
    'needs-session',
    403,
    async () => {
      await server.signedIn('to', 'viewer');
      const { secret } = server.accounts.tokens.make('to', { label: 'script', role: 'viewer' });
      const changed = { authorization: `Bearer ${secret}`, origin: undefined, 'x-facelatch': undefined };
      return await server.browser().send('POST', '/own', {}, changed);
    },
    { name: 'to' },
  ],
  ['somebody who looks for what is not there', 'not-found', 404, async () => server.browser('127.0.0.4').send('GET', '/wp-login.php'), {}],
  [
    'somebody signed in who looks for a way out',
    'not-found',
    404,
    async () => (await server.signedIn('ou', 'viewer')).send('GET', '/page/..%2f..%2fpackage.json'),
    { name: 'ou' },
  ],
] as const)('%s', async (_who, why, status, attack, more) => {
  expect((await attack()).status).toBe(status);
  await expect.poll(refusals).toContainEqual({ kind: 'console.refused', why, times: 1, address: expect.stringMatching(/^127\./), ...more });
});

it('a session that is over is no attack: its page asks once more, and signs in', async () => {
  const browser = await server.signedIn('gone', 'operator');
  server.accounts.remove('gone');
  expect((await browser.send('POST', '/open', {})).status).toBe(401);
  // Told after it, in the same order.
  await server.browser('127.0.0.9').send('POST', '/open', {}, { host: 'elsewhere.example' });
  await expect.poll(refusals).toContainEqual(expect.objectContaining({ why: 'wrong-host', address: '127.0.0.9' }));
  expect(refusals().filter(({ why, address }) => why === 'signed-out' && address === '127.0.0.1')).toEqual([]);
});

it.each([
  '/favicon.ico',
  '/apple-touch-icon-precomposed.png',
  '/.well-known/appspecific/com.chrome.devtools.json',
  '/page/app.js.map',
  '/page/gone.js',
])('what a browser asks for by itself is none: %s', async (path) => {
  expect((await server.browser('127.0.0.5').send('GET', path)).status).toBe(404);
  await server.browser('127.0.0.5').send('GET', '/told-after-it');
  await expect.poll(() => refusals().filter(({ address }) => address === '127.0.0.5')).toHaveLength(1);
});

it('a hundred addresses that are not there are two events', async () => {
  const browser = server.browser('127.0.0.6');
  for (let n = 0; n < 100; n++) await browser.send('GET', `/guess-${n}`);
  await server.clock.advance(60_000);
  server.authentication.refused.flush();
  expect(
    refusals()
      .filter(({ address }) => address === '127.0.0.6')
      .map(({ times }) => times),
  ).toEqual([1, 99]);
});
