/**
 * Draws docs/img/console-*.png (`npm run picture`): the console of a demo door in Chromium, on a phone and on a desktop, dark and light. The people do not exist
 * (config/demo-people). With names of pictures, only those: `node docs/generate/console-pictures.ts system learning`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import sharp from 'sharp';
import { openChromium, phone, type TestBrowser } from '../../test/fakes/browser.ts';
import { type ConsoleDoor, demoPicture, openConsoleDoor } from '../../test/fakes/console-door.ts';
import { leave, visitSettings } from '../../test/fakes/console-visits.ts';

interface Shot {
  readonly name: string;
  readonly place: string;
  readonly options: BrowserContextOptions;
  readonly theme: 'dark' | 'light';
  /** What must be there first. */
  readonly wait: string;
  /** What is scrolled to. */
  readonly at?: string;
  /** What is done before. */
  readonly act?: (page: Page) => Promise<unknown>;
}

const desktop: BrowserContextOptions = { viewport: { width: 1120, height: 720 } };
const tall: BrowserContextOptions = { viewport: { width: 1120, height: 900 } };
/** Of a door that nobody is at: what is measured of its people stays as it is. */
const quiet: readonly Shot[] = [
  { name: 'learning', place: 'learning', options: tall, theme: 'light', wait: '.strictness .u-over', at: '.strictness' },
  { name: 'learning-phone', place: 'learning', options: phone, theme: 'dark', wait: '.strictness .u-over', at: '.strictness' },
  { name: 'system', place: 'system', options: tall, theme: 'light', wait: 'main .card', act: asAtADoor },
  {
    ...{ name: 'system-settings', place: 'system/settings', options: desktop, theme: 'dark', wait: '.settings .card' },
    act: (page) => page.getByRole('searchbox').fill('access.cooldownMs'),
  },
];
const filmed: readonly Shot[] = [
  { name: 'live', place: 'live', options: desktop, theme: 'light', wait: '.verdict', act: bothCame },
  { name: 'live-phone', place: 'live', options: phone, theme: 'dark', wait: '.verdict', act: bothCame },
  { name: 'people', place: 'people', options: desktop, theme: 'light', wait: 'main .card' },
  { name: 'timeline', place: 'timeline', options: desktop, theme: 'dark', wait: 'main h1' },
  { name: 'camera', place: 'system/camera', options: phone, theme: 'light', wait: 'zone-editor svg' },
];
const names: Readonly<Record<string, string>> = { p01: 'Ada', p02: 'Ben', p03: 'Cleo', p04: 'Dora' };

/** The devices and folder of a door in place of those of this picture. */
const devices = [
  ['fake camera', 'usb-HD_Webcam-video-index0, 640×480'],
  ['fake relay', 'line 17 of pinctrl-bcm2711'],
  ['facelatch-console-door-', '/var/lib/facelatch'],
] as const;

function asAtADoor(page: Page): Promise<unknown> {
  // As text: the page's own types are not those of this program.
  return page.evaluate(`for (const leaf of document.querySelectorAll('main dd, main dd *')) {
    if (leaf.childElementCount > 0) continue;
    const found = ${JSON.stringify(devices)}.find(([own]) => leaf.textContent.includes(own));
    if (found) leaf.textContent = found[1];
  }`);
}

/** A stranger comes and goes, then Ada stands before the camera for some seconds. */
async function film(door: ConsoleDoor, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const [person, frames] of [
      ['p09', 10],
      ['p01', 60],
    ] as const) {
      for (let n = 0; n < frames && !signal.aborted; n++) {
        await door.show(person, 1);
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
      if (!signal.aborted) await leave(door, 1000);
    }
  }
}

/** Both have come, the stranger first. */
async function bothCame(page: Page): Promise<void> {
  const happened = page.locator('.events');
  while (!/Ada was let in.*Not let in/s.test(await happened.innerText())) await page.waitForTimeout(100);
}

/** Somebody comes, as on another day: other light, another look. */
async function visit(door: ConsoleDoor, person: string, light: number): Promise<void> {
  const before = door.events.length;
  const decided = () => door.events.slice(before).some(({ kind }) => kind === 'access.granted' || kind === 'access.denied');
  for (let n = 0; n < 30 && !decided(); n++) {
    const image = sharp(demoPicture(person, 'smiling')).modulate({ brightness: light });
    await door.camera.push(await image.jpeg({ quality: 90 - n }).toBuffer());
  }
  await leave(door, 1000);
}

/** A second picture of everybody, in other light: how alike people are to themselves. */
async function enrolOthers({ house: { gallery, reader } }: ConsoleDoor): Promise<void> {
  for (const { name } of gallery.list()) {
    const picture = await sharp(demoPicture(name, 'smiling')).modulate({ brightness: 0.7 }).jpeg().toBuffer();
    const template = (await reader.read(picture)).faces[0]?.embedding;
    if (template) gallery.enrol({ name, pictures: [{ picture, template, source: 'smiling' }] });
  }
}

async function take(door: ConsoleDoor, browser: TestBrowser, { name, place, options, theme, wait, at, act }: Shot): Promise<void> {
  await using opened = await door.signedIn(browser, 'admin', place, { ...options, colorScheme: theme });
  const { page } = opened;
  await page.locator(wait).first().waitFor();
  await page.waitForLoadState('load');
  await act?.(page);
  // Pictures of people and of the camera come after the page.
  await page.waitForTimeout(place === 'live' ? 300 : 2500);
  if (at) await page.evaluate(`scrollTo(0, document.querySelector('${at}').getBoundingClientRect().top + scrollY - 80)`);
  const png = await page.screenshot();
  writeFileSync(
    join(import.meta.dirname, `../img/console-${name}.png`),
    await sharp(png).png({ palette: true, quality: 85, effort: 10 }).toBuffer(),
  );
}

const asked = process.argv.slice(2);
const wanted = (shots: readonly Shot[]) => shots.filter(({ name }) => asked.length === 0 || asked.includes(name));
/** As a door has them, and pictures of visits. */
const settings = { ...visitSettings, 'access.cooldownMs': 5000, 'access.denyAfterMs': 5000, 'access.absenceMs': 700 };
await using door = await openConsoleDoor({ enrolled: Object.keys(names), settings });
await using browser = await openChromium();
await enrolOthers(door);
for (const [person, light] of [
  ['p01', 0.8],
  ['p02', 1],
  ['p03', 0.6],
  ['p04', 0.9],
  ['p09', 1],
  ['p02', 0.5],
  ['p01', 1.2],
  ['p12', 1],
] as const)
  await visit(door, person, light);
for (const [person, name] of Object.entries(names)) await door.ask('admin', 'people.rename', { person, name });
for (const shot of wanted(quiet)) await take(door, browser, shot);
for (const person of ['p02', 'p09', 'p03', 'p01', 'p12']) await door.show(person, 6);
const over = new AbortController();
const filming = wanted(filmed).length > 0 ? film(door, over.signal) : undefined;
for (const shot of wanted(filmed)) await take(door, browser, shot);
over.abort();
await filming;
