/**
 * A real Chromium for tests of the console's pages. Each test gets a browser of its own profile; one process serves a
 * file of tests. What a page complains of (errors, what its policy refused) is collected, and a test asks for it.
 */
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const executable = process.env.FACELATCH_CHROMIUM ?? '/usr/bin/chromium';

/** The name under which a test's own script runs in a page: what the page's policy refuses that script is no fault of the page. */
export const examiner = 'examiner.js';

export interface TestPage extends AsyncDisposable {
  readonly page: Page;
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
  return {
    open: async (options = desktop) => {
      const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin', ...options });
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error' && message.location().url !== examiner) complaints.push(message.text());
      });
      return { page, context, complaints, [Symbol.asyncDispose]: () => context.close() };
    },
    [Symbol.asyncDispose]: () => browser.close(),
  };
}
