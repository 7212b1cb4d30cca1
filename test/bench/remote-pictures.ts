/**
 * Residents at a door that gets pictures from outside without end (12 megapixels, and some that mean harm, from four
 * operators at once): how many are let in, how fast, and how much memory that takes, against the same door without them
 * in the same run. The door runs in a process of its own; the senders take only the time that nobody else wants.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import type { Camera } from '../../src/camera/port.ts';
import { personFrame } from '../../src/cli/door/bench.ts';
import { quantile, type Row } from '../../src/cli/door/figures.ts';
import { newKey, publicKeyOf } from '../../src/command/keys.ts';
import { operatorsIn } from '../../src/command/operators.ts';
import { openMosquitto } from '../fakes/mosquitto.ts';
import { runHouse } from './daemon.ts';
import { benchCamera, emptyFrame, pictureOf } from './scene.ts';

const visits = 20;
const senders = 4;
const bin = fileURLToPath(new URL('../../bin/facelatch.mjs', import.meta.url));

interface Run {
  /** First frame captured → relay edge, milliseconds; infinite for a resident who was not let in. */
  readonly latencies: readonly number[];
  /** The most, MB: of the door's process, of the one that decodes, and of both at once without what they share twice (PSS). */
  readonly most: { readonly door: number; readonly decoder: number; readonly both: number };
  readonly judged: number;
  readonly seconds: number;
}

export async function benchRemotePictures(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-bench-'));
  try {
    const pictures = await writePictures(folder);
    const quiet = await run(join(folder, 'quiet'), []);
    const busy = await run(join(folder, 'busy'), pictures);
    const [before, during] = [quiet, busy].map(({ latencies }) => latencies.filter(Number.isFinite).length) as [number, number];
    const [quietP95, busyP95] = [quantile(quiet.latencies, 0.95), quantile(busy.latencies, 0.95)];
    return [
      { what: 'residents let in without pictures from outside', value: before, unit: `of ${visits}` },
      {
        what: 'let in while pictures come without end, of the quiet run',
        value: (during / before) * 100,
        unit: '%',
        target: 95,
        atLeast: true,
      },
      {
        ...{ what: '… first frame captured → relay edge, p95', value: busyP95, unit: 'ms', target: 1.5 * quietP95 },
        baseline: { what: 'quiet', value: quietP95 },
      },
      {
        ...{ what: '… p50', value: quantile(busy.latencies, 0.5), unit: 'ms' },
        baseline: { what: 'quiet', value: quantile(quiet.latencies, 0.5) },
      },
      {
        ...{ what: '… most memory of the door', value: busy.most.door, unit: 'MB', target: 400 },
        baseline: { what: 'quiet', value: quiet.most.door },
      },
      { what: '… of the process that decodes', value: busy.most.decoder, unit: 'MB', target: 400 },
      {
        what: '… of both at once (PSS)',
        value: busy.most.both,
        unit: 'MB',
        target: 400,
        baseline: { what: 'quiet', value: quiet.most.both },
      },
      { what: '… pictures answered', value: busy.judged / busy.seconds, unit: '/s' },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What four operators send again and again. */
async function writePictures(folder: string): Promise<readonly string[]> {
  const phone = sharp(pictureOf('p03-neutral')).resize(4032, 3024, { fit: 'cover' });
  const flat = (width: number, height: number) => sharp({ create: { width, height, channels: 3, background: '#777' } });
  const files: Readonly<Record<string, Buffer>> = {
    'phone.jpg': await phone.clone().jpeg().toBuffer(),
    'progressive.jpg': await phone.clone().jpeg({ progressive: true, chromaSubsampling: '4:4:4' }).toBuffer(),
    'phone.webp': await phone.clone().webp({ effort: 0 }).toBuffer(),
    'bomb.avif': await flat(7000, 7000).avif({ effort: 0, quality: 1 }).toBuffer(),
    'bomb.webp': await flat(4000, 3150).webp({ lossless: true, effort: 0 }).toBuffer(),
    'bomb.png': await flat(4000, 3150).ensureAlpha(0.5).png({ progressive: true }).toBuffer(),
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
  return Object.keys(files).map((name) => join(folder, name));
}

/** Visits at a door; while `pictures` are sent to it, unless there are none. */
async function run(state: string, pictures: readonly string[]): Promise<Run> {
  await using mosquitto = await openMosquitto();
  mkdirSync(state, { mode: 0o700 });
  const key = await newKey('Ed25519');
  const keyFile = `${state}.key`;
  writeFileSync(keyFile, JSON.stringify(key), { mode: 0o600 });
  const operator = { name: 'olga', role: 'admin', key: publicKeyOf(key, 'Ed25519'), addedAt: '2026-01-01T00:00:00.000Z' } as const;
  await operatorsIn(join(state, 'operators.json')).add(operator);
  const startedMs = performance.now();
  const door = spawn(process.execPath, [fileURLToPath(import.meta.url), mosquitto.url, state], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  door.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  const ended = once(door, 'close');
  const over = new AbortController();
  const sending = Array.from({ length: pictures.length > 0 ? senders : 0 }, (_, n) =>
    sendForEver(
      ['front-door', 'enrol', `Guest ${n}`, ...Array.from({ length: 6 }, () => pictures).flat()],
      state,
      keyFile,
      mosquitto.url,
      over.signal,
    ),
  );
  const most = watchMemory(door, over.signal);
  await ended;
  over.abort();
  const judged = (await Promise.all(sending)).reduce((sum, n) => sum + n, 0);
  const latencies = (JSON.parse(out) as (number | null)[]).map((ms) => ms ?? Number.POSITIVE_INFINITY);
  return { latencies, most: await most, judged, seconds: (performance.now() - startedMs) / 1000 };
}

/** How many pictures the door answered. */
async function sendForEver(args: readonly string[], state: string, key: string, url: string, signal: AbortSignal): Promise<number> {
  let judged = 0;
  while (!signal.aborted) {
    const command = ['-n', '19', process.execPath, '--disable-warning=ExperimentalWarning', bin, 'send', ...args];
    const sender = spawn('nice', [...command, '--key', key, '--broker', url, '--state', state], {
      signal,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    sender.on('error', () => undefined);
    sender.stderr.setEncoding('utf8').on('data', (text: string) => {
      judged += text.match(/^(accepted|refused )/gm)?.length ?? 0;
    });
    await new Promise((resolve) => sender.on('close', resolve));
  }
  return judged;
}

async function watchMemory({ pid }: ChildProcess, signal: AbortSignal): Promise<Run['most']> {
  const most = { door: 0, decoder: 0, both: 0 };
  const megabytes = (process: number, file: string, name: string) => {
    try {
      return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${process}/${file}`, 'utf8'))?.[1] ?? 0) / 1000;
    } catch {
      return 0; // it has ended
    }
  };
  const children = () => {
    try {
      return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
    } catch {
      return [];
    }
  };
  while (!signal.aborted && pid !== undefined) {
    const own = children();
    most.door = Math.max(most.door, megabytes(pid, 'status', 'VmRSS'));
    for (const child of own) most.decoder = Math.max(most.decoder, megabytes(child, 'status', 'VmHWM'));
    const both = [pid, ...own].reduce((sum, each) => sum + megabytes(each, 'smaps_rollup', 'Pss'), 0);
    most.both = Math.max(most.both, both);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return most;
}

/** Visits at 15 frames a second, each a second of face after about three of nobody. */
async function visitsHere(url: string, state: string): Promise<readonly number[]> {
  const [face, nobody] = [await personFrame('p01-smiling'), await emptyFrame()];
  const shown = Array.from({ length: visits }, (_, visit) => [
    ...Array.from({ length: 45 + ((7 * visit) % 15) }, () => 'nobody' as const),
    'first' as const,
    ...Array.from({ length: 14 }, () => 'face' as const),
  ]).flat();
  const base = benchCamera((seq) => (shown[seq] === 'nobody' ? nobody : face), 15, shown.length);
  const firstFrames: number[] = [];
  const camera: Camera = {
    label: base.label,
    frames: async function* (signal) {
      for await (const frame of base.frames(signal)) {
        if (shown[frame.seq] === 'first') firstFrames.push(frame.capturedAtMs);
        yield frame;
      }
    },
  };
  const settings = { 'state.folder': state, 'mqtt.enabled': true, 'mqtt.url': url, 'mqtt.clockCheck': false };
  const { edges } = await runHouse(camera, settings);
  const opened = edges.filter((edge) => edge.level === 'active').map((edge) => edge.atMs);
  return firstFrames.map((from) => (opened.find((at) => at > from && at < from + 2000) ?? Number.POSITIVE_INFINITY) - from);
}

const [, self, url, state] = process.argv;
if (self === fileURLToPath(import.meta.url) && url !== undefined && state !== undefined)
  process.stdout.write(JSON.stringify(await visitsHere(url, state)));
