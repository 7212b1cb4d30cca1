/**
 * Residents at a door that gets pictures from outside without end (12 megapixels, and some that mean harm, from four
 * operators at once): how many are let in, how fast, and how much memory that takes, against the same door between
 * such floods. The door runs in a process of its own; the senders take only the time that nobody else wants.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import type { Row } from '../../src/cli/door/figures.ts';
import { newKey, publicKeyOf } from '../../src/command/keys.ts';
import { operatorsIn } from '../../src/command/operators.ts';
import { openMosquitto } from '../fakes/mosquitto.ts';
import { residentRows, visitDoor } from './residents.ts';
import { pictureOf } from './scene.ts';

const senders = 4;
const bin = fileURLToPath(new URL('../../bin/facelatch.mjs', import.meta.url));

export async function benchRemotePictures(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-bench-'));
  try {
    const { visited, judged } = await run(folder, await writePictures(folder));
    const { before, during, seconds } = visited;
    return [
      ...residentRows('while pictures come without end', visited),
      { what: '… of the process that decodes', value: during.child, unit: 'MB', target: 400 },
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
  const over = new AbortController();
  const sending = Array.from({ length: senders }, (_, n) => {
    const args = ['front-door', 'enrol', `Guest ${n}`, ...Array.from({ length: 6 }, () => pictures).flat()];
    return sender([...args, '--key', keyFile, '--broker', mosquitto.url, '--state', state], over.signal);
  });
  const settings = { 'state.folder': state, 'mqtt.enabled': true, 'mqtt.url': mosquitto.url, 'mqtt.clockCheck': false };
  const visited = await visitDoor(settings, (busy) => {
    for (const { go } of sending) go(busy);
  });
  over.abort();
  const answered = await Promise.all(sending.map(({ judged }) => judged));
  return { visited, judged: answered.reduce((sum, n) => sum + n, 0) };
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
