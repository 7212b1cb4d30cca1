/**
 * The USB camera, through one long-lived ffmpeg: a device and the wanted size and rate go in, JPEG pictures come out,
 * exactly as the camera made them if it can make JPEG.
 */
import { execFile } from 'node:child_process';
import { Fault } from '../base/errors.ts';
import type { Clock } from '../base/time.ts';
import { camerasInWords, findVideoDevice, forbidden, occupied } from './devices.ts';
import { endInWords, type FfmpegEnd, ffmpegFrames, needFfmpeg } from './ffmpeg.ts';
import { type Mounting, mountingFilters, turnedFrames, upright } from './mounting.ts';
import type { Camera } from './port.ts';
import { rateGate } from './rate-gate.ts';
import { findTool } from './tool.ts';
import { chooseMode, type Mode, type Offer, parseFfmpegFormats, parseV4l2CtlFormats, type WantedMode } from './v4l2-modes.ts';

export interface V4l2Options extends WantedMode {
  /** A name in /dev/v4l/by-id, or a path. */
  readonly device: string;
  readonly mounting?: Mounting;
  readonly clock: Clock;
  /** Finds the real path of a device; looks in /dev by default. */
  readonly find?: (device: string) => Promise<string>;
}

const listingTimeoutMs = 5000;

/**
 * A camera that opens `device` in the mode nearest to the wanted one, and delivers at most the wanted frames per
 * second.
 * @throws Fault when opened: `camera-missing` (not there, not a camera, not for this user, in use), `tool-missing`;
 * later `camera-ended`.
 */
export function v4l2Camera({ device, mounting = upright, clock, find = findVideoDevice, ...wanted }: V4l2Options): Camera {
  return {
    label: device,
    frames: async function* (signal) {
      if (signal.aborted) return;
      const path = await find(device);
      const offers = await offersOf(path, signal);
      if (signal.aborted) return;
      const mode = chooseMode(offers.offers, wanted);
      if (!mode) throw (await refusal(path, offers.said)) ?? (await noPictures(path, offers.said));
      const run = { what: `The camera ${device}`, args: v4l2Args(path, mode, mounting), onEnd: (end: FfmpegEnd) => endOf(path, end) };
      const frames = ffmpegFrames(run, clock, signal, rateGate(wanted.fps, clock));
      yield* turnedFrames(frames, mode.format === 'mjpeg' ? mounting : upright);
    },
  };
}

/** ffmpeg's arguments to read `path` in `mode`. A JPEG of the camera passes as it is, however the camera is mounted. */
export function v4l2Args(path: string, { format, width, height, fps }: Mode, mounting: Mounting = upright): readonly string[] {
  const input = ['-f', 'v4l2', '-input_format', format, '-video_size', `${width}x${height}`, '-framerate', String(fps), '-i', path];
  if (format === 'mjpeg') return [...input, '-c:v', 'copy'];
  const filters = mountingFilters(mounting);
  const turn = filters.length > 0 ? ['-vf', filters.join(',')] : [];
  return ['-fflags', 'nobuffer', '-flags', 'low_delay', ...input, ...turn, '-c:v', 'mjpeg', '-q:v', '3', '-pix_fmt', 'yuvj420p'];
}

/** What the camera offers: v4l2-ctl's listing if it is installed (it knows the rates), else ffmpeg's. */
async function offersOf(path: string, signal: AbortSignal): Promise<{ readonly offers: readonly Offer[]; readonly said: string }> {
  const ctl = findTool('v4l2-ctl');
  if (ctl) {
    const offers = parseV4l2CtlFormats(await listing(ctl, ['-d', path, '--list-formats-ext'], signal));
    if (offers.length > 0) return { offers, said: '' };
  }
  const said = await listing(needFfmpeg(), ['-hide_banner', '-nostdin', '-f', 'v4l2', '-list_formats', 'all', '-i', path], signal);
  return { offers: parseFfmpegFormats(said), said };
}

/**
 * Everything that a listing program prints. Both fail afterwards, by design or by accident: their exit codes mean
 * nothing.
 */
function listing(program: string, args: readonly string[], signal: AbortSignal): Promise<string> {
  const options = {
    timeout: listingTimeoutMs,
    killSignal: 'SIGKILL',
    maxBuffer: 1024 * 1024,
    signal,
    env: { ...process.env, LC_ALL: 'C' },
  } as const;
  return new Promise((resolve) => {
    execFile(program, [...args], options, (_, stdout, stderr) => resolve(`${stdout}\n${stderr}`));
  });
}

function endOf(path: string, end: FfmpegEnd): Fault | undefined {
  return end.pictures === 0 ? refusal(path, endInWords(end)) : undefined;
}

/** The fault behind what ffmpeg says when it cannot open a device. */
function refusal(path: string, said: string): Fault | undefined {
  if (/Permission denied|Operation not permitted/i.test(said)) return forbidden(path);
  return /Device or resource busy/i.test(said) ? occupied(path) : undefined;
}

async function noPictures(path: string, said: string): Promise<Fault> {
  const last =
    said
      .trim()
      .split('\n')
      .at(-1)
      ?.replace(/^\[[^\]]*\]\s*/, '') ?? '';
  const why = last ? ` (${last.slice(0, 200)})` : '';
  return new Fault(
    'camera-missing',
    `The device ${path} (camera.device) offers no pictures that can be read${why}. ${await camerasInWords()}`,
  );
}
