/**
 * A running door with its console, for tests of the pages: the real house, the real face reader and the real console
 * process on a port of its own; the camera shows what the test pushes (pictures of the demo's people, who do not exist),
 * and the relay remembers what it was asked to do. Accounts are made beside the sign-in, which has tests of its own.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { demoPeopleFolder } from '../../src/adapters/basics.ts';
import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import type { Role } from '../../src/command/port.ts';
import { openAccounts } from '../../src/console/accounts/accounts.ts';
import { passwordWork } from '../../src/console/accounts/password.ts';
import type { Event } from '../../src/events.ts';
import { rosterOf } from '../../src/identity/roster.ts';
import type { Config } from '../../src/settings/load.ts';
import { type House, wire } from '../../src/wire.ts';
import type { TestBrowser, TestPage } from './browser.ts';
import { type FakeCamera, fakeCamera } from './camera.ts';
import { doorConfig } from './config.ts';
import { type FakeRelay, fakeRelay } from './relay.ts';

/** Of every account that a test makes. */
export const consolePassword = 'correct horse battery staple';

export interface ConsoleDoor extends AsyncDisposable {
  readonly house: House;
  readonly config: Config;
  readonly camera: FakeCamera;
  readonly relay: FakeRelay;
  readonly events: readonly Event[];
  /** `http://localhost:PORT`. */
  readonly url: string;
  /** Shows the door pictures of a demo person (`p01` … `p16`), each a new frame. Resolves when they were looked at. */
  show(person: string, frames?: number): Promise<void>;
  /** A name with that role, which can sign in with `consolePassword`. */
  account(role: Role): Promise<string>;
  /** The cookie of a new session of a new account, as browsers send it: `NAME=SECRET`. */
  cookie(role: Role): Promise<string>;
  /**
   * A page on which somebody with that role is signed in, at `#/…`. Between two tests it rests at the account, signed in:
   * to load it again is to load eighty files.
   */
  signedIn(browser: TestBrowser, role: Role, place?: string, options?: BrowserContextOptions): Promise<TestPage>;
  /** What the API answers somebody with that role: `POST` with a body, else `GET`. */
  ask(role: Role, path: string, body?: unknown): Promise<Response>;
  /** Stops the house; with `again`, the state stays and the house runs again (a daemon that restarts). */
  restart(): Promise<void>;
}

export const demoPicture = (person: string, look: 'neutral' | 'smiling' = 'neutral'): Uint8Array =>
  readFileSync(join(demoPeopleFolder, `${person}-${look}.jpg`));

/** `enrolled`: demo people, by the names of their pictures. `ownCamera`: the camera and the relay that the settings name. `workshop`: a module in place of the shipped recipes. */
export async function openConsoleDoor({
  enrolled = ['p01', 'p02'],
  settings = {},
  ownCamera = false,
  workshop,
}: {
  readonly enrolled?: readonly string[];
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly ownCamera?: boolean;
  readonly workshop?: string;
} = {}): Promise<ConsoleDoor> {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-console-door-'));
  const port = await freePort();
  const config = doorConfig({
    ...{
      'state.folder': folder,
      'console.enabled': true,
      'console.port': port,
      'face.idleFps': 0,
      'relay.pulseMs': 100,
      'access.cooldownMs': 0,
    },
    ...settings,
  });
  const events: Event[] = [];
  const cookies = new Map<Role, string>();
  let running = await run(config, events, { ownCamera, workshop });
  await enrol(running.house, enrolled);
  const url = `http://localhost:${port}`;
  const accounts = () =>
    openAccounts({ file: join(folder, 'console', 'console.sqlite'), clock: systemClock, work: passwordWork({ n: 32, r: 8, p: 1 }) });
  let made = 0;
  const account = async (role: Role) => {
    using opened = accounts();
    const name = `${role}${++made}`;
    await opened.join(opened.invitations.make({ role, by: 'test' }).secret, name, { password: consolePassword });
    return name;
  };
  const cookie = async (role: Role) => {
    const name = await account(role);
    using opened = accounts();
    return `facelatch-${port}=${opened.sessions.open(name, { browser: 'a test', address: '127.0.0.1' }).secret}`;
  };
  return {
    get house() {
      return running.house;
    },
    get camera() {
      return running.camera;
    },
    get relay() {
      return running.relay;
    },
    ...{ config, events, url, account, cookie },
    show: async (person, frames = 8) => {
      const picture = demoPicture(person);
      for (let n = 0; n < frames; n++) await running.camera.push(tagged(picture));
    },
    signedIn: async (browser, role, place = '', options) => {
      const opened = await browser.open(options, { what: `${role} at ${url}`, rests: (page) => rests(page, url) });
      const { page } = opened;
      const isNew = !page.url().startsWith(url);
      if (isNew) {
        const [name = '', value = ''] = (await cookie(role)).split('=');
        await page.context().addCookies([{ name, value, url, httpOnly: true, sameSite: 'Strict' }]);
      }
      await page.goto(`${url}/#/${place}`);
      if (!isNew && !place.startsWith('account')) await page.locator('account-view').waitFor({ state: 'detached' });
      return opened;
    },
    ask: async (role, path, body) => {
      const own = cookies.get(role) ?? (await cookie(role));
      cookies.set(role, own);
      const headers = { cookie: own, origin: url, 'x-facelatch': '1' };
      if (body === undefined) return await fetch(`${url}/api/v1/${path}`, { headers });
      const sent = { method: 'POST', headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) };
      return await fetch(`${url}/api/v1/${path}`, sent);
    },
    restart: async () => {
      await running.stop();
      running = await run(config, events, { ownCamera, workshop });
    },
    [Symbol.asyncDispose]: async () => {
      await running.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Whatever a view holds goes with it. */
async function rests(page: Page, url: string): Promise<boolean> {
  if (!page.url().startsWith(`${url}/#/`) || page.url().startsWith(`${url}/#/account`)) return false;
  await page.goto(`${url}/#/account`);
  await page.locator('account-view h1').waitFor({ timeout: 5000 });
  await page.evaluate("localStorage.clear(); sessionStorage.clear(); document.documentElement.dataset.theme = 'auto'");
  return true;
}

async function run(
  config: Config,
  events: Event[],
  { ownCamera, workshop }: { readonly ownCamera: boolean; readonly workshop: string | undefined },
) {
  const camera = fakeCamera();
  const relay = fakeRelay();
  const house = await wire(config, openLog('silent'), {
    ...(ownCamera ? {} : { camera, relay }),
    ...(workshop !== undefined && { workshop }),
    onEvent: (event) => events.push(event),
  });
  const end = new AbortController();
  const over = house.run(end.signal);
  const stop = async () => {
    end.abort(new Error('the test is over'));
    await over;
    await house[Symbol.asyncDispose]();
  };
  return { camera, relay, house, stop };
}

async function enrol({ gallery, reader, journal }: House, names: readonly string[]): Promise<void> {
  const roster = rosterOf({ gallery, journal });
  for (const name of names) {
    const picture = demoPicture(name);
    const [face] = (await reader.read(picture)).faces;
    if (!face?.embedding) throw new Error(`no good face in the picture of ${name}`);
    roster.enrol({ name, pictures: [{ picture, template: face.embedding, source: `${name}.jpg` }] });
  }
}

const frames = { count: 0 };

/** The same picture with another comment in it: a frame that is shown twice counts once. JPEG: after the first marker. */
function tagged(picture: Uint8Array): Uint8Array {
  const comment = Buffer.from(`frame ${++frames.count}`);
  const head = Buffer.from([0xff, 0xfe, 0, comment.length + 2]);
  return Buffer.concat([picture.subarray(0, 2), head, comment, picture.subarray(2)]);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  if (!address || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}
