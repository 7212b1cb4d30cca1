/**
 * Residents at a door that gets pictures from outside without end (12 megapixels, and some that mean harm, from four
 * operators at once): how many are let in, how fast, and how much memory that takes, against the same door between
 * such floods. The door runs in a process of its own; the senders take only the time that nobody else wants.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
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

/** Alternately without and with pictures, so that whatever else the machine does counts for both. */
const blocks = 8;
const visitsOfBlock = 6;
const senders = 4;
const bin = fileURLToPath(new URL('../../bin/facelatch.mjs', import.meta.url));
const isBusy = (visit: number) => Math.floor(visit / visitsOfBlock) % 2 === 1;

/** The most, MB: of the door's process, of the one that decodes, and of both without what they share twice (PSS). */
interface Memory {
  door: number;
  decoder: number;
  both: number;
}

export async function benchRemotePictures(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-bench-'));
  try {
    const { latencies, before, during, judged, seconds } = await run(folder, await writePictures(folder));
    const quiet = latencies.filter((_, visit) => !isBusy(visit));
    const busy = latencies.filter((_, visit) => isBusy(visit));
    const [letIn, letInBusy] = [quiet, busy].map((all) => all.filter(Number.isFinite).length) as [number, number];
    const baseline = (q: number) => ({ baseline: { what: 'quiet', value: quantile(quiet, q) } });
    const target = { target: 1.5 * quantile(quiet, 0.95) };
    return [
      { what: 'residents let in without pictures from outside', value: letIn, unit: `of ${quiet.length}` },
      {
        what: 'let in while pictures come without end, of the quiet ones',
        value: (letInBusy / letIn) * 100,
        unit: '%',
        target: 95,
        atLeast: true,
      },
      { what: '… first frame captured → relay edge, p95', value: quantile(busy, 0.95), unit: 'ms', ...target, ...baseline(0.95) },
      { what: '… p50', value: quantile(busy, 0.5), unit: 'ms', ...baseline(0.5) },
      { what: '… most memory of the door', value: during.door, unit: 'MB', target: 400, baseline: { what: 'before', value: before.door } },
      { what: '… of the process that decodes', value: during.decoder, unit: 'MB', target: 400 },
      { what: '… of both at once (PSS)', value: during.both, unit: 'MB', target: 400, baseline: { what: 'before', value: before.both } },
      { what: '… pictures answered', value: judged / seconds, unit: '/s' },
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

/** Visits at a door; in every second block `pictures` are sent to it. */
async function run(folder: string, pictures: readonly string[]) {
  await using mosquitto = await openMosquitto();
  const state = join(folder, 'state');
  mkdirSync(state, { mode: 0o700 });
  const key = await newKey('Ed25519');
  const keyFile = join(folder, 'key');
  writeFileSync(keyFile, JSON.stringify(key), { mode: 0o600 });
  const operator = { name: 'olga', role: 'admin', key: publicKeyOf(key, 'Ed25519'), addedAt: '2026-01-01T00:00:00.000Z' } as const;
  await operatorsIn(join(state, 'operators.json')).add(operator);
  const door = fork(fileURLToPath(import.meta.url), [mosquitto.url, state], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = once(door, 'close');
  const over = new AbortController();
  const [before, during]: [Memory, Memory] = [
    { door: 0, decoder: 0, both: 0 },
    { door: 0, decoder: 0, both: 0 },
  ];
  const sending = Array.from({ length: senders }, (_, n) => {
    const args = ['front-door', 'enrol', `Guest ${n}`, ...Array.from({ length: 6 }, () => pictures).flat()];
    return sender([...args, '--key', keyFile, '--broker', mosquitto.url, '--state', state], over.signal);
  });
  let [started, busyMs, sinceMs] = [false, 0, 0];
  let latencies: readonly number[] = [];
  door.on('message', (told: { readonly busy: boolean } | { readonly latencies: readonly (number | null)[] }) => {
    if ('latencies' in told) latencies = told.latencies.map((ms) => ms ?? Number.POSITIVE_INFINITY);
    else {
      started ||= told.busy;
      if (told.busy) sinceMs = performance.now();
      else if (started) busyMs += performance.now() - sinceMs;
      for (const { go } of sending) go(told.busy);
    }
  });
  await watchMemory(door, () => (started ? during : before));
  await ended;
  over.abort();
  const answered = await Promise.all(sending.map(({ judged }) => judged));
  return { latencies, before, during, judged: answered.reduce((sum, n) => sum + n, 0), seconds: busyMs / 1000 };
}

/** Sends all of it again and again while it may go; `judged`: how many pictures the door answered. */
function sender(args: readonly string[], signal: AbortSignal) {
  let going = Promise.withResolvers<void>();
  let child: ChildProcess | undefined;
  let judged = 0;
  const over = once(signal, 'abort');
  const run = async () => {
    for (;;) {
      await Promise.race([going.promise, over]);
      if (signal.aborted) {
        child?.kill('SIGKILL');
        return judged;
      }
      const command = ['-n', '19', process.execPath, '--disable-warning=ExperimentalWarning', bin, 'send', ...args];
      child = spawn('nice', command, { stdio: ['ignore', 'ignore', 'pipe'] });
      child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        judged += text.match(/^(accepted|refused )/gm)?.length ?? 0;
      });
      await Promise.race([once(child, 'close'), over]);
    }
  };
  const go = (may: boolean) => {
    if (may) going.resolve();
    else going = Promise.withResolvers();
    child?.kill(may ? 'SIGCONT' : 'SIGSTOP');
  };
  return { go, judged: run() };
}

async function watchMemory(door: ChildProcess, now: () => Memory): Promise<void> {
  const { pid } = door;
  const megabytes = (process: number | undefined, file: string, name: string) => {
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
  while (door.exitCode === null && door.signalCode === null) {
    const [most, own] = [now(), children()];
    most.door = Math.max(most.door, megabytes(pid, 'status', 'VmRSS'));
    for (const child of own) most.decoder = Math.max(most.decoder, megabytes(child, 'status', 'VmHWM'));
    const both = [pid, ...own].reduce<number>((sum, each) => sum + megabytes(each, 'smaps_rollup', 'Pss'), 0);
    most.both = Math.max(most.both, both);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The resident a little to the side: a face that never moves is a poster. */
async function faceAt(offsetPx: number): Promise<Buffer> {
  const wide = await sharp(await personFrame('p01-smiling'))
    .extend({ left: 100, right: 100, background: '#b8b4ae' })
    .toBuffer();
  return await sharp(wide)
    .extract({ left: 100 + offsetPx, top: 0, width: 640, height: 480 })
    .jpeg({ quality: 85 })
    .toBuffer();
}

/** Visits at 15 frames a second, each a second of face after about three of nobody. Tells at each block whether it is a busy one. */
async function visitsHere(url: string, state: string): Promise<readonly number[]> {
  const nobody = await emptyFrame();
  const faces = await Promise.all(Array.from({ length: 8 }, (_, place) => faceAt(24 * place - 84)));
  const shown = Array.from({ length: blocks * visitsOfBlock }, (_, visit) => [
    ...Array.from({ length: 45 + ((7 * visit) % 15) }, () => 'nobody' as const),
    'first' as const,
    ...Array.from({ length: 14 }, () => 'face' as const),
  ]).flat();
  const base = benchCamera((seq) => (shown[seq] === 'nobody' ? nobody : (faces[seq % faces.length] ?? nobody)), 15, shown.length);
  const firstFrames: number[] = [];
  const tell = (busy: boolean) => void process.send?.({ busy });
  const camera: Camera = {
    label: base.label,
    frames: async function* (signal) {
      for await (const frame of base.frames(signal)) {
        if (shown[frame.seq] === 'first') firstFrames.push(frame.capturedAtMs);
        // The block after this visit begins when its face has gone.
        const next = firstFrames.length;
        if (shown[frame.seq] === 'nobody' && shown[frame.seq - 1] === 'face' && next % visitsOfBlock === 0) tell(isBusy(next));
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
if (self === fileURLToPath(import.meta.url) && url !== undefined && state !== undefined) {
  const latencies = await visitsHere(url, state);
  process.send?.({ latencies }, () => process.disconnect());
}
