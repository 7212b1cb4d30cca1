/** A laptop without ffmpeg: the browser's own camera is the camera of the door. Chromium shows a made clip of a demo person. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openChromium, type TestBrowser } from '../fakes/browser.ts';
import { type ConsoleDoor, demoPicture, openConsoleDoor } from '../fakes/console-door.ts';

let browser: TestBrowser;
let door: ConsoleDoor;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-clip-'));
  const [picture, clip] = [join(folder, 'p01.jpg'), join(folder, 'p01.mjpeg')];
  writeFileSync(picture, demoPicture('p01'));
  // With the noise of a camera: the same picture twice counts once.
  const shown = 'scale=-2:480,pad=640:480:(ow-iw)/2,noise=alls=6:allf=t';
  const made = spawnSync('ffmpeg', ['-v', 'error', '-loop', '1', '-i', picture, '-t', '2', '-r', '10', '-vf', shown, '-q:v', '3', clip]);
  expect(made.stderr.toString()).toBe('');
  const settings = { 'camera.source': 'browser' };
  [browser, door] = await Promise.all([openChromium(clip), openConsoleDoor({ settings, ownCamera: true })]);
}, 60_000);
afterAll(async () => {
  await door?.[Symbol.asyncDispose]();
  await browser?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

it('an admin lets the browser be the camera, and is recognised through it; others may not', async () => {
  await using opened = await door.signedIn(browser, 'admin', 'live');
  const { page } = opened;
  await page.getByRole('button', { name: 'Be the camera' }).click();
  await page.getByText('p01 was let in').first().waitFor();
  await page.locator('.caption.known', { hasText: 'p01' }).waitFor();
  await page.getByRole('button', { name: 'Stop' }).click();
  await expect.poll(() => door.house.status.camera, { timeout: 15_000 }).not.toBe('running');
  expect(opened.complaints).toEqual([]);
  await using operator = await door.signedIn(browser, 'operator', 'live');
  await operator.page.getByText('locked', { exact: true }).waitFor();
  expect(await operator.page.getByRole('button', { name: 'Be the camera' }).count()).toBe(0);
}, 60_000);
