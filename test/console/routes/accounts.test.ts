/** The account routes over real HTTP, as the pages use them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountRoutes } from '../../../src/console/routes/account-routes.ts';
import { fakeAuthenticator } from '../../fakes/authenticator.ts';
import { type Answer, type Browser, type ConsoleServer, consoleServer, password } from '../../fakes/console.ts';

const api = '/api/v1';
let server: ConsoleServer;

beforeEach(async () => {
  server = await consoleServer({ routes: (app, parts) => app.register(accountRoutes, { ...parts, prefix: api, title: 'Front door' }) });
});

afterEach(() => server[Symbol.asyncDispose]());

const record = (kind: string) => server.events.filter((event) => event.kind === kind);
const invitation = (role: 'viewer' | 'operator' | 'admin') => server.accounts.invitations.make({ role, by: 'start' }).secret;
const signIn = (browser: Browser, name: string, text = password): Promise<Answer> =>
  browser.send('POST', `${api}/session/password`, { name, password: text });

it('the first run: the printed link makes the first admin, who is signed in then', async () => {
  const browser = server.browser();
  expect((await browser.send('GET', `${api}/session`)).body).toEqual({ isFirstRun: true, passkeys: 'possible' });
  const secret = invitation('admin');
  expect((await browser.send('POST', `${api}/join/invitation`, { invitation: secret })).body).toMatchObject({
    role: 'admin',
    isFirstRun: true,
  });
  const joined = await browser.send('POST', `${api}/join/password`, { invitation: secret, name: 'ada', password });
  expect(joined).toMatchObject({ status: 200, body: { name: 'ada', role: 'admin' } });
  expect((await browser.send('GET', `${api}/session`)).body).toMatchObject({
    isFirstRun: false,
    caller: { name: 'ada', role: 'admin', by: 'session' },
  });
  expect(record('console.joined')).toEqual([
    { kind: 'console.joined', name: 'ada', role: 'admin', with: 'password', address: '127.0.0.1', by: 'start' },
  ]);
});

it('a password signs in, with a cookie that no script reads and no other site sends', async () => {
  await server.signedIn('ada', 'admin');
  const browser = server.browser();
  const answer = await signIn(browser, 'Ada');
  expect(answer).toMatchObject({ status: 200, body: { name: 'ada', role: 'admin' } });
  expect(answer.headers['set-cookie']).toEqual([
    expect.stringMatching(/^facelatch-\d+=[\w-]{43}; Max-Age=604800; Path=\/; HttpOnly; SameSite=Strict$/),
    expect.stringMatching(/^facelatch-\d+-device=[\w-]{43}; Max-Age=7776000; Path=\/; HttpOnly; SameSite=Strict$/),
  ]);
  expect((await browser.send('GET', `${api}/account`)).body).toMatchObject({ name: 'ada', hasPassword: true, passkeys: [] });
  expect(record('console.signed-in')).toEqual([
    { kind: 'console.signed-in', name: 'ada', role: 'admin', with: 'password', address: '127.0.0.1' },
  ]);
  expect((await browser.send('DELETE', `${api}/session`)).body).toEqual({ done: true });
  expect((await browser.send('GET', `${api}/account`)).status).toBe(401);
  expect(record('console.signed-out')).toEqual([{ kind: 'console.signed-out', name: 'ada', address: '127.0.0.1' }]);
});

describe('a passkey', () => {
  const joined = async (role: 'viewer' | 'admin' = 'admin') => {
    const [browser, authenticator, secret] = [server.browser(), fakeAuthenticator(), invitation(role)];
    const asked = { invitation: secret, name: 'ada' };
    const { body: options } = await browser.send('POST', `${api}/join/passkey/options`, asked);
    const answer = await browser.send('POST', `${api}/join/passkey`, {
      ...asked,
      label: 'phone',
      response: authenticator.create(options, server.origin),
    });
    return { browser, authenticator, options, answer };
  };
  const signInWith = async (authenticator: ReturnType<typeof fakeAuthenticator>, browser = server.browser()) => {
    const { body: options } = await browser.send('POST', `${api}/session/passkey/options`);
    return browser.send('POST', `${api}/session/passkey`, { response: authenticator.get(options, server.origin) });
  };

  it('joins, and signs in without a name', async () => {
    const { authenticator, options, answer } = await joined();
    expect(options).toMatchObject({
      ...{ rp: { id: 'localhost', name: 'Front door' }, user: { name: 'ada' } },
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    });
    expect(answer).toMatchObject({ status: 200, body: { name: 'ada', role: 'admin' } });
    const browser = server.browser();
    expect(await signInWith(authenticator, browser)).toMatchObject({ status: 200, body: { name: 'ada' } });
    expect((await browser.send('GET', `${api}/account`)).body).toMatchObject({
      ...{ hasPassword: false, passkeys: [{ id: authenticator.id, label: 'phone', host: 'localhost', lastUsedAt: expect.any(String) }] },
    });
    expect(record('console.signed-in')).toMatchObject([{ name: 'ada', with: 'passkey' }]);
  });

  it('is added to an account, and removed; other sessions end then', async () => {
    const browser = await server.signedIn('ada', 'admin');
    const other = server.browser();
    await signIn(other, 'ada');
    const authenticator = fakeAuthenticator();
    const { body: options } = await browser.send('POST', `${api}/account/passkeys/options`, {});
    const response = authenticator.create(options, server.origin);
    expect((await browser.send('POST', `${api}/account/passkeys`, { label: 'laptop', response })).status).toBe(200);
    expect((await signInWith(authenticator)).status).toBe(200);
    expect((await browser.send('POST', `${api}/account/passkeys/options`, {})).body.excludeCredentials).toMatchObject([
      { id: authenticator.id },
    ]);
    expect((await browser.send('POST', `${api}/account/passkeys/remove`, { id: authenticator.id })).status).toBe(200);
    expect((await signInWith(authenticator)).status).toBe(401);
    expect((await other.send('GET', `${api}/account`)).status).toBe(401);
    expect(record('console.account-changed')).toMatchObject([{ what: 'passkey-added' }, { what: 'passkey-removed', by: 'ada' }]);
  });

  it('is not offered on an address, and the answer says why', async () => {
    const headers = { host: `127.0.0.1:${server.port}`, origin: `http://127.0.0.1:${server.port}` };
    const browser = server.browser();
    expect((await browser.send('GET', `${api}/session`, undefined, headers)).body.passkeys).toBe('address');
    expect(await browser.send('POST', `${api}/session/passkey/options`, undefined, headers)).toMatchObject({
      ...{ status: 409, body: { error: { code: 'not-possible', message: expect.stringContaining('127.0.0.1 is an address') } } },
    });
  });

  it('is not offered by a name over a plain connection, and the answer says why', async () => {
    const headers = { host: `door.local:${server.port}`, origin: `http://door.local:${server.port}` };
    const answer = await server.browser().send('POST', `${api}/session/passkey/options`, undefined, headers);
    expect(answer).toMatchObject({ status: 409, body: { error: { message: expect.stringContaining('encrypted') } } });
  });
});

describe('the own password', () => {
  it('is changed; other sessions end and this one goes on', async () => {
    const browser = await server.signedIn('ada', 'admin');
    const other = server.browser();
    await signIn(other, 'ada');
    expect((await browser.send('PUT', `${api}/account/password`, { password: 'another good password' })).status).toBe(200);
    expect((await browser.send('GET', `${api}/account`)).status).toBe(200);
    expect((await other.send('GET', `${api}/account`)).status).toBe(401);
    expect((await signIn(server.browser(), 'ada')).status).toBe(401);
    expect((await signIn(server.browser(), 'ada', 'another good password')).status).toBe(200);
  });

  it('needs the present one where the sign-in was a while ago', async () => {
    const browser = await server.signedIn('ada', 'admin');
    await server.clock.advance(600_000);
    const change = (present?: string) =>
      browser.send('PUT', `${api}/account/password`, { password: 'another good password', ...(present === undefined ? {} : { present }) });
    expect(await change()).toMatchObject({ status: 403, body: { error: { code: 'needs-fresh-sign-in' } } });
    expect(await change('a wrong password')).toMatchObject({ status: 401, body: { error: { code: 'wrong-password' } } });
    expect((await browser.send('GET', `${api}/account`)).status).toBe(200);
    expect((await change(password)).status).toBe(200);
  });

  it('that does not do is refused in words', async () => {
    const browser = await server.signedIn('ada', 'admin');
    expect(await browser.send('PUT', `${api}/account/password`, { password: 'short' })).toMatchObject({
      ...{ status: 400, body: { error: { code: 'bad-request', message: expect.stringContaining('at least 12 characters') } } },
    });
  });
});

describe('sessions', () => {
  it('are listed with browser and address, and ended one by one or together', async () => {
    const [one, two, three] = [await server.signedIn('ada', 'viewer'), server.browser('127.0.0.2'), server.browser()];
    await two.send('POST', `${api}/session/password`, { name: 'ada', password }, { 'user-agent': 'Firefox on a phone\u00e9' });
    await signIn(three, 'ada');
    const { sessions } = (await one.send('GET', `${api}/sessions`)).body;
    expect(sessions).toHaveLength(3);
    const twos = sessions.find(({ address }: { address: string }) => address === '127.0.0.2');
    expect(twos).toMatchObject({ browser: 'Firefox on a phone', isThis: false, name: 'ada' });
    expect((await one.send('DELETE', `${api}/sessions/${twos.id}`)).status).toBe(200);
    expect((await two.send('GET', `${api}/account`)).status).toBe(401);
    expect((await one.send('DELETE', `${api}/sessions/${twos.id}`)).status).toBe(404);
    expect((await one.send('DELETE', `${api}/sessions`)).status).toBe(200);
    expect((await three.send('GET', `${api}/account`)).status).toBe(401);
    expect((await one.send('GET', `${api}/account`)).status).toBe(200);
    expect(record('console.session-revoked')).toMatchObject([
      { name: 'ada', sessions: 1, by: 'ada' },
      { name: 'ada', sessions: 1 },
    ]);
  });

  it('of others are an admin’s to see and end', async () => {
    const [admin, ben] = [await server.signedIn('ada', 'admin'), await server.signedIn('ben', 'viewer')];
    expect((await ben.send('GET', `${api}/sessions?everybody=true`)).status).toBe(403);
    const { sessions } = (await admin.send('GET', `${api}/sessions?everybody=true`)).body;
    const [adas, bens] = ['ada', 'ben'].map((owner) => sessions.find(({ name }: { name: string }) => name === owner));
    expect((await ben.send('DELETE', `${api}/sessions/${adas.id}`)).status).toBe(404);
    expect((await admin.send('GET', `${api}/account`)).status).toBe(200);
    expect((await admin.send('DELETE', `${api}/sessions/${bens.id}`)).status).toBe(200);
    expect((await ben.send('GET', `${api}/account`)).status).toBe(401);
    const again = server.browser();
    await signIn(again, 'ben');
    expect((await admin.send('DELETE', `${api}/operators/ben/sessions`)).status).toBe(200);
    expect((await again.send('GET', `${api}/account`)).status).toBe(401);
  });
});

it('an access token is shown once, works at once, and no more when it is revoked', async () => {
  const [ada, ben] = [await server.signedIn('ada', 'admin'), await server.signedIn('ben', 'operator')];
  const made = (await ben.send('POST', `${api}/tokens`, { label: 'backup script', role: 'viewer', days: 30 })).body;
  expect(made).toMatchObject({ secret: expect.stringMatching(/^flt_/), token: { label: 'backup script', role: 'viewer' } });
  const program = (path: string) => server.browser().send('GET', path, undefined, { authorization: `Bearer ${made.secret}` });
  expect((await program(`${api}/session`)).body.caller).toMatchObject({ name: 'ben', role: 'viewer', by: 'token' });
  const list = (await ben.send('GET', `${api}/tokens`)).body.tokens;
  expect(list).toMatchObject([
    { id: made.token.id, label: 'backup script', lastUsedAt: expect.any(String), expiresAt: expect.any(String) },
  ]);
  expect(JSON.stringify(list)).not.toContain(made.secret);
  expect((await ada.send('GET', `${api}/tokens`)).body.tokens).toEqual([]);
  expect((await ada.send('GET', `${api}/tokens?everybody=true`)).body.tokens).toHaveLength(1);
  expect((await ada.send('DELETE', `${api}/tokens/${made.token.id}`)).status).toBe(200);
  expect((await program(`${api}/session`)).status).toBe(401);
  expect(record('console.token-made')).toMatchObject([{ name: 'ben', token: 'backup script', role: 'viewer', by: 'ben' }]);
  expect(record('console.token-revoked')).toMatchObject([{ name: 'ben', token: 'backup script', by: 'ada' }]);
});

it('an admin invites, changes a role, takes back and removes; each is journalled with who', async () => {
  const ada = await server.signedIn('ada', 'admin');
  const { secret } = (await ada.send('POST', `${api}/invitations`, { role: 'viewer', name: 'ben' })).body;
  const ben = server.browser();
  await ben.send('POST', `${api}/join/password`, { invitation: secret, name: 'ben', password });
  const second = (await ada.send('POST', `${api}/invitations`, { role: 'operator' })).body;
  expect((await ada.send('GET', `${api}/operators`)).body).toMatchObject({
    ...{
      operators: [
        { name: 'ada', role: 'admin' },
        { name: 'ben', role: 'viewer' },
      ],
      invitations: [{ role: 'operator', by: 'ada' }],
    },
  });
  expect((await ada.send('DELETE', `${api}/invitations/${second.invitation.id}`)).status).toBe(200);
  expect((await server.browser().send('POST', `${api}/join/invitation`, { invitation: second.secret })).status).toBe(403);
  expect((await ada.send('PATCH', `${api}/operators/ben`, { role: 'operator' })).body).toMatchObject({ name: 'ben', role: 'operator' });
  expect((await ben.send('GET', `${api}/account`)).status).toBe(401);
  expect((await ada.send('PATCH', `${api}/operators/ada`, { role: 'viewer' })).body.error).toMatchObject({ code: 'not-possible' });
  expect((await ada.send('DELETE', `${api}/operators/ada`)).status).toBe(409);
  expect((await ada.send('DELETE', `${api}/operators/ben`)).status).toBe(200);
  expect((await ada.send('DELETE', `${api}/operators/ben`)).status).toBe(404);
  expect(server.events).toEqual([
    { kind: 'console.invited', role: 'viewer', name: 'ben', by: 'ada' },
    { kind: 'console.joined', name: 'ben', role: 'viewer', with: 'password', address: '127.0.0.1', by: 'ada' },
    { kind: 'console.invited', role: 'operator', by: 'ada' },
    { kind: 'console.invitation-revoked', role: 'operator', by: 'ada' },
    { kind: 'console.sign-in-failed', with: 'invitation', times: 1, address: '127.0.0.1' },
    { kind: 'console.account-changed', name: 'ben', what: 'role', role: 'operator', by: 'ada' },
    { kind: 'console.account-removed', name: 'ben', role: 'operator', by: 'ada' },
  ]);
});
