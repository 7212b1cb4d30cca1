/** A laptop without ffmpeg: the browser's own camera is the camera of the door. Chromium shows a made clip of a demo person. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { filmed, sharedChromium, type TestBrowser } from '../fakes/browser.ts';
import { type ConsoleDoor, openConsoleDoor } from '../fakes/console-door.ts';

let browser: TestBrowser;
let door: ConsoleDoor;
beforeAll(async () => {
  const settings = { 'camera.source': 'browser' };
  [browser, door] = await Promise.all([sharedChromium(), openConsoleDoor({ enrolled: [filmed], settings, ownCamera: true })]);
}, 60_000);
afterAll(async () => {
  await door?.[Symbol.asyncDispose]();
  await browser?.[Symbol.asyncDispose]();
});

it('an admin lets the browser be the camera, and is recognised through it; others may not', async () => {
  await using opened = await door.signedIn(browser, 'admin', 'live');
  const { page } = opened;
  await page.getByRole('button', { name: 'Be the camera' }).click();
  await page.getByText(`${filmed} was let in`).first().waitFor();
  await page.locator('.caption.known', { hasText: filmed }).waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect.poll(() => door.house.status.camera, { timeout: 15_000 }).not.toBe('running');
  expect(opened.complaints).toEqual([]);
  await using operator = await door.signedIn(browser, 'operator', 'live');
  await operator.page.getByText('locked', { exact: true }).waitFor();
  expect(await operator.page.getByRole('button', { name: 'Be the camera' }).count()).toBe(0);
}, 60_000);
