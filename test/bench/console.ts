/**
 * The console: how much a browser loads and how soon the page can be used, what a live view costs, and whether a door
 * decides as fast while five browsers watch, requests come without end and pictures are uploaded, against the same door
 * between such floods.
 */
import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { quantile, type Row } from '../../src/cli/door/figures.ts';
import { openChromium, type TestBrowser } from '../fakes/browser.ts';
import { type ConsoleDoor, openConsoleDoor } from '../fakes/console-door.ts';

const loads = 5;
const viewers = 5;
/** Alternating stretches, and visits in each. */
const stretches = 6;
const framesEach = 40;
const liveS = 10;
/** The senders take only the time that nobody else wants. */
const loadProgram = fileURLToPath(new URL('./console-load.ts', import.meta.url));
const loadStartsMs = 4000;

export async function benchConsole(): Promise<Row[]> {
  await using door = await openConsoleDoor({ enrolled: ['p01', 'p02'] });
  await using browser = await openChromium();
  const first = await firstLoads(door, browser);
  const live = await liveCost(door, browser);
  const { quiet, busy, judgedPerS } = await underLoad(door);
  return [
    { what: 'console: first load, compressed', value: first.kb, unit: 'kB', target: 150 },
    { what: '… until it can be used, median', value: first.ms, unit: 'ms', target: 1000 },
    { what: 'live view: processor of the console process at 5 frames/s', value: live.watched * 100, unit: '% of a core', target: 10 },
    { what: '… once it is closed', value: live.closed * 100, unit: '% of a core', target: 1 },
    {
      what: `frame to relay with ${viewers} viewers, a flood and uploads, p95`,
      value: busy,
      unit: 'ms',
      target: quiet * 1.1,
      baseline: { what: 'quiet', value: quiet },
    },
    { what: '… pictures judged meanwhile', value: judgedPerS, unit: '/s', target: 0.5, atLeast: true },
  ];
}

/** Each in a browser that has nothing of it yet. */
async function firstLoads(door: ConsoleDoor, browser: TestBrowser) {
  const times: number[] = [];
  let bytes = 0;
  for (let n = 0; n < loads; n++) {
    await using opened = await door.signedIn(browser, 'viewer', 'account');
    const { page, context } = opened;
    await page.goto('about:blank');
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    await session.send('Network.clearBrowserCache');
    bytes = 0;
    session.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength;
    });
    const startMs = performance.now();
    await page.goto(`${door.url}/#/live`);
    await page.locator('main h1').waitFor();
    times.push(performance.now() - startMs);
  }
  return { kb: bytes / 1000, ms: middle(times) };
}

/** Shares of a core, of the console process alone. */
async function liveCost(door: ConsoleDoor, browser: TestBrowser) {
  const opened = await door.signedIn(browser, 'viewer', 'live');
  await opened.page.locator('main h1').waitFor();
  const over = new AbortController();
  const filming = film(door, over.signal);
  await opened.page.locator('canvas').waitFor();
  const watched = await shareOf(liveS);
  await opened.context.close();
  const closed = await shareOf(liveS);
  over.abort();
  await filming;
  return { watched, closed };
}

async function film(door: ConsoleDoor, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await door.show('p05', 1);
    await pause(200);
  }
}

/** What its children use: the console process is the only one of this program. */
async function shareOf(seconds: number): Promise<number> {
  const before = childSeconds();
  await pause(seconds * 1000);
  return (childSeconds() - before) / seconds;
}

/** proc(5), stat: user and system time at 14 and 15, in hundredths of a second. */
function childSeconds(): number {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ');
  return children
    .filter((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('src/console/main.ts'))
    .reduce((sum, pid) => {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ');
      return sum + (Number(fields[11]) + Number(fields[12])) / 100;
    }, 0);
}

async function underLoad(door: ConsoleDoor) {
  const cookies = await Promise.all(Array.from({ length: viewers }, () => door.cookie('viewer')));
  const admin = await door.cookie('admin');
  // Begun before the flood, which takes all that one address may ask for.
  const told = JSON.stringify({ url: door.url, viewers: cookies, admin, session: await enrolmentOf(door, admin) });
  const times: Record<'quiet' | 'busy', number[]> = { quiet: [], busy: [] };
  let judged = 0;
  let busyMs = 0;
  for (let n = 0; n < stretches; n++) {
    const kind = n % 2 === 0 ? 'quiet' : 'busy';
    const load = kind === 'busy' ? loadOn(told, () => judged++) : undefined;
    const startMs = performance.now();
    if (load) await pause(loadStartsMs);
    for (let frame = 0; frame < framesEach; frame++) times[kind].push(await frameMs(door));
    if (!load) continue;
    busyMs += performance.now() - startMs;
    load.kill('SIGKILL');
  }
  return { quiet: quantile(times.quiet, 0.95), busy: quantile(times.busy, 0.95), judgedPerS: (1000 * judged) / busyMs };
}

function loadOn(told: string, onJudged: () => void): ChildProcess {
  const stdio: StdioOptions = ['ignore', 'ignore', 'ignore', 'ipc'];
  return spawn('nice', ['-n', '19', process.execPath, loadProgram, told], { stdio }).on('message', onJudged);
}

async function enrolmentOf({ url }: ConsoleDoor, cookie: string): Promise<string> {
  const headers = { cookie, origin: url, 'x-facelatch': '1', 'content-type': 'application/json' };
  const answer = await fetch(`${url}/api/v1/enrol.start`, { method: 'POST', headers, body: '{"name":"Guest"}' });
  const { session } = (await answer.json()) as { session?: string };
  if (session === undefined) throw new Error(`no enrolment session: status ${answer.status}`);
  return session;
}

/** From the frame to what follows of it: a grant for who is enrolled has pulsed the relay by then. */
async function frameMs(door: ConsoleDoor): Promise<number> {
  const startMs = performance.now();
  await door.show('p01', 1);
  return performance.now() - startMs;
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const middle = (values: readonly number[]): number => quantile(values, 0.5);
