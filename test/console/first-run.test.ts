/** The first five minutes in a real Chromium: the printed link, the first account, the live view, signing out and in. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { axeInBothThemes, axeOf } from '../fakes/axe.ts';
import { openChromium, phone, type TestBrowser } from '../fakes/browser.ts';
import { type ConsoleDoor, consolePassword, openConsoleDoor } from '../fakes/console-door.ts';
import { leave, stands } from '../fakes/console-visits.ts';

let browser: TestBrowser;
let door: ConsoleDoor;
beforeAll(async () => {
  [browser, door] = await Promise.all([openChromium(), openConsoleDoor()]);
}, 60_000);
afterAll(async () => {
  await door?.[Symbol.asyncDispose]();
  await browser?.[Symbol.asyncDispose]();
});

it('the printed link makes the first admin, once; then that person signs out and in again', async () => {
  const link = door.house.console;
  expect(link).toMatch(/^http:\/\/localhost:\d+\/#\/join\/[\w-]{43}$/);
  await using first = await browser.open(phone);
  const { page } = first;
  await page.goto(link!);
  await page.getByRole('heading', { name: 'Your account at this door' }).waitFor();
  // The secret is in no address and no history any more.
  expect(page.url()).not.toContain('join');
  await axeOf(first);
  await page.getByLabel('Name').fill('ada');
  await page.getByLabel('New password').fill(consolePassword);
  await page.getByLabel('The same password again').fill('something else, as long');
  await page.getByRole('button', { name: 'Continue with the password' }).click();
  await page.getByText('The two passwords differ').waitFor();
  await page.getByLabel('The same password again').fill(consolePassword);
  await page.getByRole('button', { name: 'Continue with the password' }).click();
  await page.getByRole('heading', { name: 'Live' }).waitFor();
  expect(door.events).toContainEqual(expect.objectContaining({ kind: 'console.joined', name: 'ada', role: 'admin', with: 'password' }));
  expect(first.complaints).toEqual([]);

  await using second = await browser.open();
  await second.page.goto(link!);
  await second.page.getByText('This invitation was used').waitFor();
  await second.page.getByLabel('Name').fill('ada');
  await second.page.getByLabel('Password').fill('not the right one');
  await second.page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await second.page
    .getByRole('alert')
    .filter({ hasText: /password/i })
    .waitFor();
  await second.page.getByLabel('Password').fill(consolePassword);
  await second.page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await second.page.getByRole('heading', { name: 'Live' }).waitFor();
}, 60_000);

it('the live view shows the camera with the names of faces, opens the door for an operator, and not for a viewer', async () => {
  await using operator = await door.signedIn(browser, 'operator', 'live');
  const { page } = operator;
  await page.getByText('locked', { exact: true }).waitFor();
  const seen = new AbortController();
  const shown = stands(door, 'p01', seen.signal);
  const both = [page.locator('.caption.known', { hasText: 'p01' }), page.getByText('p01 was let in').first()];
  await Promise.all(both.map((each) => each.waitFor())).finally(() => seen.abort());
  await shown;
  // A picture that is gone is no error: a slow connection is late for some.
  expect((await door.ask('viewer', 'live/999999999')).status).toBe(204);
  const before = door.relay.pulses.length;
  await page.getByRole('button', { name: 'Open the door' }).click();
  await page.getByText('The lock was released.').waitFor();
  expect(door.relay.pulses.length).toBe(before + 1);
  expect(door.events).toContainEqual(
    expect.objectContaining({ kind: 'request.granted', what: 'open', by: expect.objectContaining({ kind: 'operator', via: 'console' }) }),
  );
  await axeInBothThemes(operator);
  expect(operator.complaints).toEqual([]);

  await using viewer = await door.signedIn(browser, 'viewer', 'live');
  await viewer.page.getByText('locked', { exact: true }).waitFor();
  expect(await viewer.page.getByRole('button', { name: 'Open the door' }).count()).toBe(0);
  const refused = await door.ask('viewer', 'door.open', {});
  expect([refused.status, await refused.json()]).toMatchObject([403, { error: { code: 'role' } }]);
  await expect.poll(() => door.events).toContainEqual(expect.objectContaining({ kind: 'console.refused', why: 'role', times: 1 }));
}, 60_000);

it('the live view says who was not let in and why, and what the door waits for', async () => {
  await using opened = await door.signedIn(browser, 'viewer', 'live', { locale: 'de-DE' });
  const { page } = opened;
  await page.getByText('Schloss zu', { exact: true }).waitFor();
  const comes = async (text: string) => {
    await leave(door, 1000);
    for (let n = 0; n < 60 && (await page.getByText(text).count()) === 0; n++) await door.show('p02', 1);
    await page.getByText(text).first().waitFor();
  };
  await door.ask('admin', 'people.disable', { person: 'p02' });
  await comes('p02 wurde erkannt und nicht eingelassen: diese Person ist gesperrt');
  await door.ask('admin', 'people.enable', { person: 'p02' });
  await door.ask('admin', 'people.pin', { person: 'p02', pin: '482916' });
  await door.ask('admin', 'people.rule', { person: 'p02', rules: { pinNeeded: true } });
  await comes('p02 wurde erkannt; es fehlt noch: eine PIN');
  await page.getByText('Wer davor steht, ist erkannt. Es fehlt noch: eine PIN').waitFor();
  await axeOf(opened);
  expect(opened.complaints).toEqual([]);
}, 60_000);

it('when the door restarts, the page says that the connection is lost, and comes back by itself', async () => {
  await using opened = await door.signedIn(browser, 'viewer', 'live');
  await opened.page.getByText('locked', { exact: true }).waitFor();
  await door.restart();
  await opened.page.getByText('The connection to the door is lost').waitFor();
  await opened.page.getByText('The connection to the door is lost').waitFor({ state: 'detached', timeout: 20_000 });
  await opened.page.getByText('locked', { exact: true }).waitFor();
}, 60_000);
