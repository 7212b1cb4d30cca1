/**
 * The USB camera through the package node-webcam and the program fswebcam, one still at a time: a device and the wanted size go in,
 * a fresh JPEG comes out whenever the consumer is ready. Slower than v4l2.ts (about a second a still), for cameras that ffmpeg cannot open.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import nodeWebcam, { type Webcam } from 'node-webcam';
import { Fault } from '../base/errors.ts';
import type { Clock } from '../base/time.ts';
import { findVideoDevice, forbidden, occupied, shown } from './devices.ts';
import type { Camera } from './port.ts';
import { redacted } from './redact.ts';
import { findTool, needTool } from './tool.ts';

export interface WebcamOptions {
  /** A name in /dev/v4l/by-id, or a path. */
  readonly device: string;
  /** Pixels, whole; fswebcam takes the nearest that the camera offers. */
  readonly width: number;
  readonly height: number;
  /** At most so many stills per second. */
  readonly fps: number;
  readonly clock: Clock;
  /** The real path of a device; looks in /dev unless a test knows better. */
  readonly find?: (device: string) => Promise<string>;
}

/** fswebcam waits ten seconds for a camera that is stuck; seconds. */
const stillTimeoutS = 12;

/**
 * A camera that takes stills of `device`. node-webcam builds shell commands out of what it is given, so that nothing reaches it but whole
 * numbers, /dev/videoN and a path made here.
 * @throws Fault when opened: `camera-missing`, `tool-missing`, `bad-config` for sizes that are no whole numbers; later `camera-ended`.
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
      const folder = await mkdtemp(join(safeTemporaryFolder(), 'facelatch-webcam-'));
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
        // A program that was told to end makes no still, and a wait that is cut short throws.
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

/** The kernel's own name of a camera, which holds nothing that a shell would read. */
function safeDevice(path: string): string {
  if (/^\/dev\/video\d+$/.test(path)) return path;
  throw new Fault(
    'camera-missing',
    `${shown(path)} (camera.device) is not a camera in /dev (/dev/videoN), and the webcam camera opens no other`,
  );
}

/** The temporary folder, unless its name holds something that a shell would read. */
function safeTemporaryFolder(): string {
  return /^[\w./-]+$/.test(tmpdir()) ? tmpdir() : '/tmp';
}

interface StillOptions {
  readonly path: string;
  readonly width: number;
  readonly height: number;
  readonly folder: string;
}

/** A function that takes one still; it ends the program and gives up when the signal is aborted. */
function stills({ path, width, height, folder }: StillOptions): (signal: AbortSignal) => Promise<Buffer> {
  const file = join(folder, 'still.jpg');
  const pidFile = join(folder, 'pid');
  const saidFile = join(folder, 'said');
  const webcam: Webcam = new nodeWebcam.FSWebcam({
    ...{ width, height, device: path, quality: 92, skip: 2 },
    ...{ output: 'jpeg', callbackReturn: 'buffer', saveShots: false, verbose: false },
  });
  // node-webcam keeps its child to itself: the shell writes its number down and becomes the program, which has its own time limit.
  const limited = findTool('timeout') ? `timeout -k 1 ${stillTimeoutS} fswebcam` : 'fswebcam';
  // fswebcam exits with 0 whatever happened, and node-webcam then throws away what it said.
  webcam.bin = `echo $$ > ${pidFile}; exec 2> ${saidFile} ${limited}`;
  return async (signal) => {
    await rm(file, { force: true });
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
    }
  };
}

/** Sends SIGTERM to the program whose number is, or will be, in the file; `timeout` hands it on and follows with SIGKILL. */
async function endProgram(pidFile: string, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
    if (over.aborted) return;
    if (Number.isSafeInteger(pid) && pid > 1) {
      try {
        process.kill(pid, 'SIGTERM');
      } catch {
        // It ended by itself in this moment.
      }
      return;
    }
    await delay(20);
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
