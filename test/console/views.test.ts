/**
 * A door with its console in a real Chromium: the first five minutes (the printed link, the first account, the live view,
 * signing out and in), the account (passkeys with a virtual authenticator, sessions, tokens, who may sign in) and the
 * system. One door for all of them.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addOperator, listOperators } from '../../src/adapters/vouched/operators.ts';
import { newKey, publicKeyOf } from '../../src/command/keys.ts';
import { axeInBothThemes, axeOf } from '../fakes/axe.ts';
import { phone, sharedChromium, type TestBrowser } from '../fakes/browser.ts';
import { type ConsoleDoor, consolePassword, openConsoleDoor } from '../fakes/console-door.ts';
import { leave, stands } from '../fakes/console-visits.ts';

let browser: TestBrowser;
let door: ConsoleDoor;
beforeAll(async () => {
  [browser, door] = await Promise.all([sharedChromium(), openConsoleDoor()]);
}, 60_000);
afterAll(async () => {
  await door?.[Symbol.asyncDispose]();
  await browser?.[Symbol.asyncDispose]();
});

describe('the first five minutes', () => {
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
});

describe('the account', () => {
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
});

describe('the system', () => {
  it('the overview says how the parts stand, in a form that everybody can use', async () => {
    await using opened = await door.signedIn(browser, 'admin', 'system', phone);
    const { page, complaints } = opened;
    await page.getByRole('heading', { name: 'Disk' }).waitFor();
    await page.getByText('This door uses').waitFor();
    await page.getByText('The key lies beside the data').waitFor();
    await page.getByText('No backups are taken').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await axeInBothThemes(opened);
    expect(complaints).toEqual([]);
  });

  describe('the camera', () => {
    it('shows its picture; areas are drawn by mouse and moved by keyboard, and the lines for the configuration follow', async () => {
      await using opened = await door.signedIn(browser, 'admin', 'system/camera');
      const { page, complaints } = opened;
      const over = new AbortController();
      const filming = stands(door, 'p01', over.signal);
      const picture = page.locator('zone-editor svg');
      await picture.waitFor();
      await page.getByText('The last faces were good.').waitFor();
      await page.getByLabel('Turn the picture clockwise').selectOption('180');
      await page.getByLabel('Exchange left and right').check();
      const box = await picture.boundingBox();
      if (!box) throw new Error('the picture is not shown');
      const at = (x: number, y: number) => page.mouse.move(box.x + box.width * x, box.y + box.height * y, { steps: 3 });
      await at(0.1, 0.2);
      await page.mouse.down();
      await at(0.3, 0.6);
      await page.mouse.up();
      const lines = page.getByRole('region', { name: 'Lines to copy' });
      const wanted = async () => JSON.parse(`{${await lines.textContent()}}`).camera;
      const drawn = await wanted();
      expect(drawn).toMatchObject({ rotate: '180', mirror: true, zones: { include: [], ignore: [expect.any(Array)] } });
      const near = (corners: number[][], other: number[][]) =>
        corners.every((corner, n) => corner.every((share, axis) => Math.abs(share - (other[n]?.[axis] ?? 9)) < 0.02));
      expect(
        near(drawn.zones.ignore[0], [
          [0.1, 0.2],
          [0.3, 0.2],
          [0.3, 0.6],
          [0.1, 0.6],
        ]),
      ).toBe(true);
      await page.getByRole('button', { name: 'Ignored area 1, corner 1' }).focus();
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('Shift+ArrowDown');
      const moved = (await wanted()).zones.ignore[0][0];
      expect(moved[0] - drawn.zones.ignore[0][0][0]).toBeCloseTo(0.01);
      expect(moved[1] - drawn.zones.ignore[0][0][1]).toBeCloseTo(0.05);
      await page.getByRole('button', { name: 'Add a corner' }).click();
      expect((await wanted()).zones.ignore[0]).toHaveLength(5);
      over.abort();
      await filming;
      await axeInBothThemes(opened);
      await page.getByRole('button', { name: 'Remove', exact: true }).click();
      expect((await wanted()).zones).toBeUndefined();
      expect(complaints).toEqual([]);
    }, 60_000);
  });

  it('settings are found by their name or meaning; one that may change while the door runs is changed', async () => {
    await using opened = await door.signedIn(browser, 'admin', 'system/settings');
    const { page, complaints } = opened;
    await page.getByLabel('Search').fill('pulseMs');
    const row = page.getByRole('listitem').filter({ hasText: 'relay.pulseMs' });
    await row.getByLabel('Change until the restart').fill('150');
    await row.getByRole('button', { name: 'Change' }).click();
    await page.getByText('relay.pulseMs is 150 until the daemon restarts').waitFor();
    expect(door.events.find(({ kind }) => kind === 'setting.changed')).toMatchObject({ path: 'relay.pulseMs', value: 150 });
    await axeInBothThemes(opened);
    expect(complaints).toEqual([]);
  });

  it('a viewer sees no log, no check and nothing to change, and a part that is not theirs leads to the overview', async () => {
    await using opened = await door.signedIn(browser, 'viewer', 'system/log');
    const { page } = opened;
    await page.getByRole('heading', { name: 'Disk' }).waitFor();
    expect(await page.getByRole('navigation', { name: 'Parts of the system' }).getByRole('link').allTextContents()).toEqual([
      'Overview',
      'Camera',
      'Settings',
      'API',
    ]);
    expect(await page.getByRole('button', { name: /Back up|Unlock/ }).count()).toBe(0);
  });

  it('what cannot be asked here says so, with the command', async () => {
    await using opened = await door.signedIn(browser, 'admin', 'system/doctor');
    await opened.page.getByRole('button', { name: 'Check the door' }).click();
    await opened.page.getByText('run facelatch doctor --no-camera at the door').waitFor();
    await opened.page.getByText('sudo -u facelatch facelatch doctor').waitFor();
  });

  it('the page of the API shows every operation, under a policy that lets nothing in from elsewhere', async () => {
    await using opened = await door.signedIn(browser, 'viewer');
    const { page, complaints } = opened;
    const elsewhere: string[] = [];
    page.on('request', (request) => {
      if (!request.url().startsWith(door.url) && !request.url().startsWith('data:')) elsewhere.push(request.url());
    });
    const answer = await page.goto(`${door.url}/api/docs/`);
    expect(answer?.headers()['content-security-policy']).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self' 'sha256-[^ ]+';/,
    );
    await page.getByText('/api/v1/door.open', { exact: false }).first().waitFor();
    expect(elsewhere).toEqual([]);
    expect(complaints).toEqual([]);
  }, 60_000);
});

it('when the door restarts, the page says that the connection is lost, and comes back by itself', async () => {
  await using opened = await door.signedIn(browser, 'viewer', 'live');
  await opened.page.getByText('locked', { exact: true }).waitFor();
  await door.restart();
  await opened.page.getByText('The connection to the door is lost').waitFor();
  await opened.page.getByText('The connection to the door is lost').waitFor({ state: 'detached', timeout: 20_000 });
  await opened.page.getByText('locked', { exact: true }).waitFor();
}, 60_000);
