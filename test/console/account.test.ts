/** The account view in a real Chromium: passkeys (a virtual authenticator), sessions, tokens, who may sign in. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addOperator, listOperators } from '../../src/adapters/vouched/operators.ts';
import { newKey, publicKeyOf } from '../../src/command/keys.ts';
import { axeInBothThemes, axeOf } from '../fakes/axe.ts';
import { openChromium, phone, type TestBrowser } from '../fakes/browser.ts';
import { type ConsoleDoor, openConsoleDoor } from '../fakes/console-door.ts';

let browser: TestBrowser;
let door: ConsoleDoor;
beforeAll(async () => {
  [browser, door] = await Promise.all([openChromium(), openConsoleDoor({ enrolled: [] })]);
}, 60_000);
afterAll(async () => {
  await door?.[Symbol.asyncDispose]();
  await browser?.[Symbol.asyncDispose]();
});

it('a passkey is added and signs in; without it, nobody gets in by that button', async () => {
  await using opened = await door.signedIn(browser, 'admin', 'account', phone);
  const { page, context } = opened;
  const cdp = await context.newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const options = {
    protocol: 'ctap2',
    transport: 'internal',
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
  } as const;
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', { options });
  await page.getByRole('heading', { name: 'Passkeys' }).waitFor();
  await axeOf(opened);
  await page.getByRole('button', { name: 'Add a passkey' }).click();
  await page.getByText('The passkey was added.').waitFor();
  await page.getByRole('button', { name: 'Remove the passkey This device' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await page.getByRole('heading', { name: 'Passkeys' }).waitFor();
  expect(door.events).toContainEqual(expect.objectContaining({ kind: 'console.signed-in', with: 'passkey' }));
  await page.getByRole('button', { name: 'Sign out' }).click();
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false });
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await page.getByText('The passkey was not used').waitFor();
  expect(opened.complaints).toEqual([]);
}, 60_000);

it('an admin invites a viewer, who joins; removed, they are signed out at once', async () => {
  await using admin = await door.signedIn(browser, 'admin', 'account');
  await admin.page.getByRole('button', { name: 'Make a link' }).click();
  const link = await admin.page.locator('console-operators code.secret').innerText();
  await using sam = await browser.open(phone);
  await sam.page.goto(link);
  await sam.page.getByText('This account may look.').waitFor();
  await sam.page.getByLabel('Name').fill('sam');
  await sam.page.getByLabel('New password').fill('a sentence that sam keeps');
  await sam.page.getByLabel('The same password again').fill('a sentence that sam keeps');
  await sam.page.getByRole('button', { name: 'Continue with the password' }).click();
  await sam.page.getByRole('heading', { name: 'Live' }).waitFor();
  await sam.page.getByRole('link', { name: 'Account' }).click();
  await sam.page.getByRole('heading', { name: 'Where you are signed in' }).waitFor();
  expect(await sam.page.getByRole('heading', { name: 'Who may sign in' }).count()).toBe(0);
  await admin.page.reload();
  await admin.page.getByRole('button', { name: 'Remove sam' }).click();
  await admin.page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click();
  await admin.page.getByRole('button', { name: 'Remove sam' }).waitFor({ state: 'detached' });
  await sam.page.getByRole('link', { name: 'Live' }).click();
  await sam.page.getByRole('heading', { name: 'Sign in' }).waitFor({ timeout: 20_000 });
}, 60_000);

it('a token is shown once, and does what its role may', async () => {
  await using opened = await door.signedIn(browser, 'operator', 'account');
  const { page } = opened;
  await page.getByLabel('What it is for').fill('a script');
  await page.getByRole('button', { name: 'Make a token' }).click();
  const secret = await page.locator('access-tokens code.secret').innerText();
  const ask = (name: string) =>
    fetch(`${door.url}/api/v1/${name}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: '{}',
    });
  expect((await ask('people.list')).status).toBe(200);
  expect((await ask('door.open')).status).toBe(403);
  await page.getByRole('button', { name: 'Revoke the token a script' }).click();
  await page.getByRole('button', { name: 'Revoke the token a script' }).waitFor({ state: 'detached' });
  expect((await ask('people.list')).status).toBe(401);
  await axeInBothThemes(opened);
}, 60_000);

it('an admin sees whose keys count over MQTT, and takes one away', async () => {
  const key = publicKeyOf(await newKey('Ed25519'), 'Ed25519');
  await addOperator(door.config, { name: 'bo', role: 'operator', key, addedAt: new Date().toISOString() });
  await using opened = await door.signedIn(browser, 'admin', 'account');
  await opened.page.getByRole('button', { name: 'Remove the key of bo' }).click();
  await opened.page.getByRole('button', { name: 'Remove the key of bo' }).waitFor({ state: 'detached' });
  expect((await listOperators(door.config)).operators).toEqual([]);
  expect((await door.ask('operator', 'operators.keys', {})).status).toBe(403);
}, 60_000);
