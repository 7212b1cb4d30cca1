/**
 * A real Chromium for tests of the console's pages; one process serves a file of tests. Each test gets a page that knows
 * nothing of the others: an emptied one, since a new one starts two processes. What a page complains of (errors, what its
 * policy refused) is collected, and a test asks for it.
 */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

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

export interface TestBrowser extends AsyncDisposable {
  open(options?: BrowserContextOptions): Promise<TestPage>;
}

/** A phone of usual size. */
export const phone: BrowserContextOptions = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };
const desktop: BrowserContextOptions = { viewport: { width: 1280, height: 800 } };

/** `cameraClip`: a Y4M or MJPEG file that its camera shows. */
export async function openChromium(cameraClip?: string): Promise<TestBrowser> {
  if (!existsSync(executable)) throw new Error(`The tests need Chromium at ${executable}: install the Debian package chromium`);
  const browser: Browser = await chromium.launch({
    executablePath: executable,
    args: [
      ...[
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        '--use-fake-ui-for-media-stream',
        '--use-fake-device-for-media-stream',
      ],
      ...(cameraClip === undefined ? [] : [`--use-file-for-fake-video-capture=${cameraClip}`]),
    ],
  });
  const idle = new Map<string, Page[]>();
  return {
    open: async (options = desktop) => {
      const kind = JSON.stringify(options);
      const page = idle.get(kind)?.pop() ?? (await newPage(browser, options));
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
          if (state.isOwn || !(await emptied(page))) await page.context().close();
          else idle.set(kind, [...(idle.get(kind) ?? []), page]);
        },
      };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

const newPage = async (browser: Browser, options: BrowserContextOptions): Promise<Page> =>
  (await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin', ...options })).newPage();

/** Takes from a page all that a test left in it. False: it could not be. */
async function emptied(page: Page): Promise<boolean> {
  try {
    await page.removeAllListeners(undefined, { behavior: 'ignoreErrors' });
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await page.evaluate('localStorage.clear(); sessionStorage.clear()');
    await page.goto('about:blank');
    await page.context().clearCookies();
    return true;
  } catch {
    return false;
  }
}
