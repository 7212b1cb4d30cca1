/**
 * Draws docs/img/console-*.png (`npm run picture`): the console of a demo door in Chromium, on a phone and on a desktop, dark and light. The people do not exist
 * (config/demo-people).
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContextOptions } from 'playwright-core';
import sharp from 'sharp';
import { openChromium, phone, type TestBrowser } from '../../test/fakes/browser.ts';
import { type ConsoleDoor, openConsoleDoor } from '../../test/fakes/console-door.ts';

interface Shot {
  readonly name: string;
  readonly place: string;
  readonly options: BrowserContextOptions;
  readonly theme: 'dark' | 'light';
  /** What must be there first. */
  readonly wait: string;
}

const desktop: BrowserContextOptions = { viewport: { width: 1120, height: 720 } };
const shots: readonly Shot[] = [
  { name: 'live', place: 'live', options: desktop, theme: 'light', wait: '.verdict' },
  { name: 'live-phone', place: 'live', options: phone, theme: 'dark', wait: '.verdict' },
  { name: 'people', place: 'people', options: desktop, theme: 'light', wait: 'main .card' },
  { name: 'timeline', place: 'timeline', options: desktop, theme: 'dark', wait: 'main h1' },
  { name: 'camera', place: 'system/camera', options: phone, theme: 'light', wait: 'zone-editor svg' },
];
const names: Readonly<Record<string, string>> = { p01: 'Ada', p02: 'Ben', p03: 'Cleo', p04: 'Dora' };

/** Somebody stands before the camera all the time. */
async function film(door: ConsoleDoor, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await door.show('p01', 1);
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

async function take(door: ConsoleDoor, browser: TestBrowser, { name, place, options, theme, wait }: Shot): Promise<void> {
  await using opened = await door.signedIn(browser, 'admin', place, { ...options, colorScheme: theme });
  const { page } = opened;
  await page.locator(wait).first().waitFor();
  await page.waitForLoadState('load');
  // Pictures of people and of the camera come after the page.
  await page.waitForTimeout(2500);
  const png = await page.screenshot();
  writeFileSync(
    join(import.meta.dirname, `../img/console-${name}.png`),
    await sharp(png).png({ palette: true, quality: 85, effort: 10 }).toBuffer(),
  );
}

await using door = await openConsoleDoor({ enrolled: Object.keys(names) });
await using browser = await openChromium();
for (const [person, name] of Object.entries(names)) await door.ask('admin', 'people.rename', { person, name });
for (const person of ['p02', 'p09', 'p03', 'p01', 'p12']) await door.show(person, 6);
const over = new AbortController();
const filming = film(door, over.signal);
for (const shot of shots) await take(door, browser, shot);
over.abort();
await filming;
