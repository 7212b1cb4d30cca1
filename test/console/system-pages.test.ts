/** The system view in a real browser, at a real door: what it shows, what it lets whom do, and that everybody can use it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { axeInBothThemes } from '../fakes/axe.ts';
import { openChromium, phone, type TestBrowser } from '../fakes/browser.ts';
import { type ConsoleDoor, openConsoleDoor } from '../fakes/console-door.ts';
import { stands } from '../fakes/console-visits.ts';

let door: ConsoleDoor;
let browser: TestBrowser;

beforeAll(async () => {
  [door, browser] = await Promise.all([openConsoleDoor({ enrolled: ['p01'] }), openChromium()]);
}, 60_000);
afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await door?.[Symbol.asyncDispose]();
});

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
  expect(answer?.headers()['content-security-policy']).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self' 'sha256-[^ ]+';/);
  await page.getByText('/api/v1/door.open', { exact: false }).first().waitFor();
  expect(elsewhere).toEqual([]);
  expect(complaints).toEqual([]);
}, 60_000);
