/**
 * A real Chromium for tests of the console's pages; one process serves a worker. Each test gets a page that knows
 * nothing of the others: an emptied one, since a new one starts two processes; or one that keeps what the test names. What
 * a page complains of (errors, what its policy refused) is collected, and a test asks for it.
 */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { cameraClip } from './camera-clip.ts';

const executable = process.env.FACELATCH_CHROMIUM ?? '/usr/bin/chromium';

/** The name under which a test's own script runs in a page: what the page's policy refuses that script is no fault of the page. */
export const examiner = 'examiner.js';

export interface TestPage extends AsyncDisposable {
  readonly page: Page;
  /** Whoever asks for it may change what no emptying takes back: the page is not given to another test. */
  readonly context: BrowserContext;
  /** Errors of scripts, and complaints of the browser, so far. */
  readonly complaints: string[];
}

/** What a page keeps between two tests: `what` names it, and `rests` brings the page there. False: it could not. */
interface KeptState {
  readonly what: string;
  rests(page: Page): Promise<boolean>;
}

/** A page that no test has, and what it keeps. */
interface Idle {
  readonly page: Page;
  readonly options: BrowserContextOptions;
  readonly what: string;
}

export interface TestBrowser extends AsyncDisposable {
  /** `kept`: the page may be one that a test with the same state left. */
  open(options?: BrowserContextOptions, kept?: KeptState): Promise<TestPage>;
}

/** A phone of usual size. */
export const phone: BrowserContextOptions = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const desktop: BrowserContextOptions = { viewport: { width: 1280, height: 800 } };

/** A process of its own. */
export async function openChromium(): Promise<TestBrowser> {
  const browser = await launched([]);
  return pagesOf(browser, [], () => browser.close());
}

/** Whom the camera of `sharedChromium` shows. */
export const filmed = 'p03';
const shared = new Map<'chromium', Promise<Browser>>();
const sharedIdle: Idle[] = [];

/**
 * One process for all the files that a worker runs: its start and its end cost as much as six pages. It ends when the
 * worker does, whose pipe it holds; what a file opens ends with the file.
 */
export async function sharedChromium(): Promise<TestBrowser> {
  const running = shared.get('chromium') ?? filming();
  shared.set('chromium', running);
  return pagesOf(await running, sharedIdle, () => emptyAll(sharedIdle));
}

/** No page keeps anything of the file. */
async function emptyAll(idle: Idle[]): Promise<void> {
  for (const { page, options } of idle.splice(0)) await putBack(idle, page, options, empty);
}

/** The next file starts another where this one fails. */
async function filming(): Promise<Browser> {
  try {
    const browser = await launched([`--use-file-for-fake-video-capture=${await cameraClip(filmed)}`]);
    browser.once('disconnected', () => {
      shared.delete('chromium');
      sharedIdle.length = 0;
    });
    return browser;
  } catch (error) {
    shared.delete('chromium');
    throw error;
  }
}

async function launched(args: readonly string[]): Promise<Browser> {
  if (!existsSync(executable)) throw new Error(`The tests need Chromium at ${executable}: install the Debian package chromium`);
  const usual = ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'];
  const camera = ['--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'];
  // A worker that is told to end ends at once.
  return await chromium.launch({ executablePath: executable, args: [...usual, ...camera, ...args], handleSIGTERM: false });
}

function pagesOf(browser: Browser, idle: Idle[], close: () => Promise<void>): TestBrowser {
  const take = (options: BrowserContextOptions, { what }: KeptState): Page | undefined => {
    const at = idle.findLastIndex((each) => each.what === what && JSON.stringify(each.options) === JSON.stringify(options));
    return at < 0 ? undefined : idle.splice(at, 1)[0]?.page;
  };
  return {
    open: async (options = desktop, kept = empty) => {
      const page = take(options, kept) ?? take(options, empty) ?? (await newPage(browser, options));
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error' && message.location().url !== examiner) complaints.push(message.text());
      });
      const state = { isOwn: false };
      return {
        ...{ page, complaints },
        get context() {
          state.isOwn = true;
          return page.context();
        },
        [Symbol.asyncDispose]: async () => {
          if (state.isOwn) await page.context().close();
          else await putBack(idle, page, options, kept);
        },
      };
    },
    [Symbol.asyncDispose]: close,
  };
}

const newPage = async (browser: Browser, options: BrowserContextOptions): Promise<Page> =>
  (await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin', ...options })).newPage();

/** Ends what a test began in a page. One in which that fails is closed. */
async function putBack(idle: Idle[], page: Page, options: BrowserContextOptions, kept: KeptState): Promise<void> {
  try {
    await page.removeAllListeners(undefined, { behavior: 'ignoreErrors' });
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    const keeps = await kept.rests(page);
    if (!keeps) await empty.rests(page);
    idle.push({ page, options, what: keeps ? kept.what : empty.what });
  } catch {
    await page.context().close();
  }
}

const empty: KeptState = {
  what: 'nothing',
  rests: async (page) => {
    await page.evaluate('localStorage.clear(); sessionStorage.clear()');
    await page.goto('about:blank');
    await page.context().clearCookies();
    return true;
  },
};
