/**
 * The USB camera through the package node-webcam and the program fswebcam, one still at a time: a device and the wanted
 * size go in, a fresh JPEG comes out each time the consumer is ready. For cameras that ffmpeg cannot open; slower than
 * v4l2.ts (about a second per still).
 */
import { accessSync, constants } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import nodeWebcam, { type Webcam } from 'node-webcam';
import { Fault } from '../base/errors.ts';
import type { Clock } from '../base/time.ts';
import { isAlive } from '../base/whole-file.ts';
import { findVideoDevice, forbidden, occupied, shown } from './devices.ts';
import type { Camera } from './port.ts';
import { redacted } from './redact.ts';
import { findTool, needTool } from './tool.ts';

export interface WebcamOptions {
  /** A name in /dev/v4l/by-id, or a path. */
  readonly device: string;
  /** Whole pixels; fswebcam uses the nearest size that the camera offers. */
  readonly width: number;
  readonly height: number;
  /** Most stills per second. */
  readonly fps: number;
  readonly clock: Clock;
  /** Finds the real path of a device; looks in /dev by default. */
  readonly find?: (device: string) => Promise<string>;
}

/** Longer than the ten seconds that fswebcam waits for a stuck camera. Seconds. */
const stillTimeoutS = 12;

/**
 * A camera that takes stills of `device`. node-webcam builds shell commands from what it is given: only whole numbers,
 * /dev/videoN and a path made here may reach it.
 * @throws Fault when opened: `camera-missing`, `tool-missing`, `bad-config` for sizes that are not whole numbers; later
 * `camera-ended`.
 */
export function webcamCamera({ device, width, height, fps, clock, find = findVideoDevice }: WebcamOptions): Camera {
  return {
    label: device,
    frames: async function* (signal) {
      if (signal.aborted) return;
      requireWhole('camera.width', width);
      requireWhole('camera.height', height);
      needTool('fswebcam', 'The webcam camera takes its stills with fswebcam');
      const path = safeDevice(await find(device));
      const folder = await makeFolder(placeOfStills());
      try {
        const take = stills({ path, width, height, folder });
        for (let seq = 1; !signal.aborted; seq++) {
          const startMs = clock.now();
          const picture = await take(signal);
          if (signal.aborted) return;
          yield { seq, capturedAtMs: clock.now(), picture };
          await clock.sleep(Math.max(0, startMs + 1000 / fps - clock.now()), signal);
        }
      } catch (error) {
        // A program that was stopped makes no still, and an interrupted wait throws.
        if (!signal.aborted) throw error;
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}

function requireWhole(setting: string, value: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > 16_384) {
    throw new Fault('bad-config', `${setting} must be a whole number of pixels, not ${shown(String(value))}`);
  }
}

/** The kernel's own name of a camera, which a shell reads as plain text. */
function safeDevice(path: string): string {
  if (/^\/dev\/video\d+$/.test(path)) return path;
  throw new Fault(
    'camera-missing',
    `${shown(path)} (camera.device) is not a camera in /dev (/dev/videoN), and the webcam camera opens no other`,
  );
}

/**
 * In memory, where there is such a folder: a still of a face must not lie on a card. The name of the folder means
 * nothing to a shell.
 */
function placeOfStills({ RUNTIME_DIRECTORY = '' } = process.env): string {
  const places = [RUNTIME_DIRECTORY.split(':')[0] ?? '', '/dev/shm', tmpdir()];
  return places.find((place) => /^\/[\w./-]+$/.test(place) && mayWriteTo(place)) ?? '/tmp';
}

function mayWriteTo(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

const prefix = 'facelatch-webcam-';

/** Longer than `timeout` waits before its own SIGKILL. */
const graceMs = 2000;

/** Of this process; those of killed ones go. */
async function makeFolder(place: string): Promise<string> {
  for (const name of await readdir(place)) {
    const pid = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN;
    // That of another user stays.
    if (pid > 0 && !isAlive(pid)) await rm(join(place, name), { recursive: true, force: true }).catch(() => undefined);
  }
  return await mkdtemp(join(place, `${prefix}${process.pid}-`));
}

interface StillOptions {
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly folder: string;
}

/** A function that takes one still. It stops the program and gives up when the signal is aborted. */
function stills({ path, width, height, folder }: StillOptions): (signal: AbortSignal) => Promise<Buffer> {
  const file = join(folder, 'still.jpg');
  const pidFile = join(folder, 'pid');
  const saidFile = join(folder, 'said');
  const webcam: Webcam = new nodeWebcam.FSWebcam({
    ...{ width, height, device: path, quality: 92, skip: 2 },
    ...{ output: 'jpeg', callbackReturn: 'buffer', saveShots: false, verbose: false },
  });
  // node-webcam hides its child: the shell writes down its process id and then becomes the program, with a time limit.
  const limited = findTool('timeout') ? `timeout -k 1 ${stillTimeoutS} fswebcam` : 'fswebcam';
  // fswebcam always exits with 0, and node-webcam then discards what it said.
  webcam.bin = `echo $$ > ${pidFile}; exec 2> ${saidFile} ${limited}`;
  return async (signal) => {
    const over = new AbortController();
    const stop = () => void endProgram(pidFile, over.signal);
    signal.addEventListener('abort', stop, { once: true });
    try {
      return await capture(webcam, file);
    } catch (error) {
      throw captureFault(path, await readFile(saidFile, 'utf8').catch(() => ''), error);
    } finally {
      over.abort();
      signal.removeEventListener('abort', stop);
      await rm(pidFile, { force: true });
      await rm(file, { force: true });
    }
  };
}

/**
 * Sends SIGTERM to the program whose process id is, or will be, in the file; `timeout` forwards it and follows with
 * SIGKILL. Where the signal comes while `timeout` starts its program, it may end without that program: then what is
 * left of their process group is killed, or it would keep the camera.
 */
async function endProgram(pidFile: string, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
    if (over.aborted) return;
    if (Number.isSafeInteger(pid) && pid > 1) {
      signalTo(pid, 'SIGTERM');
      await delay(graceMs);
      if (!over.aborted) signalTo(-pid, 'SIGKILL');
      return;
    }
    await delay(20);
  }
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended by itself.
  }
}

/** One still in `file`, read back. Rejects when there is none. */
function capture(webcam: Webcam, file: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    webcam.capture(file, (error, picture) => {
      if (error || picture.length === 0) reject(error ?? new Error('the still is empty'));
      else resolve(picture);
    });
  });
}

function captureFault(path: string, said: string, cause: unknown): Fault {
  if (/Permission denied/i.test(said)) return forbidden(path, cause);
  if (/Device or resource busy/i.test(said)) return occupied(path, cause);
  const lines = stripVTControlCharacters(said)
    .split('\n')
    .filter((line) => line.trim() !== '');
  const why = redacted(lines.join('; ')).slice(0, 300) || 'fswebcam made no picture';
  return new Fault('camera-ended', `The camera ${path} (camera.device) gives no still: ${why}`, cause);
}
