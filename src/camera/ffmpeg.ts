/**
 * One long-lived ffmpeg child: arguments go in, the JPEG pictures of its standard output come out, and an end that
 * nobody asked for is a fault. The loop over the pictures starts the child and owns it; the child never outlives that
 * loop.
 */
import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { pipeline, type Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { Fault } from '../base/errors.ts';
import type { Clock } from '../base/time.ts';
import { jpegSplitter } from './jpeg-splitter.ts';
import type { Frame } from './port.ts';
import { type LastLines, lastLines } from './redact.ts';
import { newest } from './slot.ts';
import { findTool, needTool } from './tool.ts';

/** How an ffmpeg that ended by itself did so. */
export interface FfmpegEnd {
  /** Exit code; null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Its last error lines without secrets, joined; '' if there were none. */
  readonly said: string;
  /** Number of pictures that it delivered. */
  readonly pictures: number;
}

export interface FfmpegRun {
  /** Everything between the program's name and the output, which is always MJPEG on standard output. */
  readonly args: readonly string[];
  /** What ffmpeg reads as `pipe:0`; the caller ends it. */
  readonly input?: Readable | undefined;
  /** Subject of the messages: `The camera /dev/video0`. */
  readonly what: string;
  /** Removes secrets that only the caller knows from what ffmpeg says. */
  readonly hide?: (text: string) => string;
  /**
   * The fault for an end that nobody asked for, if the caller knows more than `camera-ended`; 'regular' if the end is
   * not a fault.
   */
  readonly onEnd?: (end: FfmpegEnd) => Fault | 'regular' | undefined;
}

/** Time for ffmpeg to close its device after SIGTERM, and for the kernel to remove it after SIGKILL. Milliseconds. */
const termMs = 500;
const killMs = 2000;

/**
 * The pictures of an ffmpeg, one each time the consumer asks (ffmpeg waits meanwhile). Ends without a fault when
 * `signal` is aborted. When the iteration has ended, or the loop was left, the child is gone.
 * @throws Fault `tool-missing` without ffmpeg, `camera-ended` (or what `onEnd` gives) when ffmpeg ends by itself, with
 * whatever exit code: it exits 0 when a USB camera is pulled out.
 */
export async function* ffmpegPictures(run: FfmpegRun, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
  if (signal.aborted) return;
  const child = startFfmpeg(run);
  const stop = () => void child.stop();
  signal.addEventListener('abort', stop, { once: true });
  const splitter = jpegSplitter();
  let pictures = 0;
  try {
    for await (const chunk of child.output) {
      for (const picture of splitter.push(chunk)) {
        pictures++;
        yield picture;
        if (signal.aborted) return;
      }
    }
    const end = { ...(await child.ended), said: child.lines.text(), pictures };
    if (signal.aborted) return;
    const known = run.onEnd?.(end);
    if (known !== 'regular') throw known ?? new Fault('camera-ended', `${run.what} ended: ${endInWords(end)}`);
  } catch (error) {
    // Stopping closes the output under the loop, which then throws.
    if (!signal.aborted || error instanceof Fault) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
    await child.stop();
  }
}

/** The frames of a live ffmpeg: read as they come, newest wins, with the time at which they reached this process. */
export function ffmpegFrames(run: FfmpegRun, clock: Clock, signal: AbortSignal, take: () => boolean = () => true): AsyncIterable<Frame> {
  return newest<Frame>(async (push, stop) => {
    let seq = 0;
    for await (const picture of ffmpegPictures(run, stop)) {
      if (take()) push({ seq: ++seq, capturedAtMs: clock.now(), picture });
    }
  }, signal);
}

/** `ffmpeg was ended by SIGKILL`, `ffmpeg exited with code 1: Connection refused`. */
export function endInWords({ code, signal, said }: Omit<FfmpegEnd, 'pictures'>): string {
  const how = signal ? `ffmpeg was ended by ${signal}` : `ffmpeg exited with code ${code}`;
  return said ? `${how}: ${said}` : how;
}

/**
 * The major version of the installed ffmpeg (5 for 5.1.9), or Infinity for a development build.
 * @throws Fault `tool-missing`.
 */
export async function ffmpegMajor(signal: AbortSignal): Promise<number> {
  const program = needFfmpeg();
  return new Promise((resolve) => {
    execFile(program, ['-version'], { timeout: 5000, signal }, (_, said) => {
      const major = /^ffmpeg version n?(\d+)\./.exec(said)?.[1];
      resolve(major ? Number(major) : Number.POSITIVE_INFINITY);
    });
  });
}

/** The path of ffmpeg. @throws Fault `tool-missing`. */
export function needFfmpeg(): string {
  return needTool('ffmpeg', 'Cameras and videos are read by ffmpeg');
}

interface RunningFfmpeg {
  readonly output: Readable;
  readonly lines: LastLines;
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
  /**
   * Ends the child and waits until it is gone, for a limited time: a process that is stuck in its driver ignores even
   * SIGKILL.
   */
  stop(): Promise<void>;
}

function startFfmpeg({ args, input, hide }: FfmpegRun): RunningFfmpeg {
  const all = ['-hide_banner', '-nostdin', '-loglevel', 'error', ...args, '-f', 'mjpeg', 'pipe:1'];
  const child = spawnTied(needFfmpeg(), all, input ? 'pipe' : 'ignore');
  feed(child, input);
  const lines = lastLines(child.stderr, hide);
  const closed = Promise.withResolvers<{ code: number | null; signal: NodeJS.Signals | null }>();
  child.once('error', (error) => closed.reject(new Fault('tool-missing', `ffmpeg cannot be started: ${error.message}`, error)));
  child.once('close', (code, signal) => closed.resolve({ code, signal }));
  // A caller that stops the child without waiting for its end does not care why it failed to start.
  closed.promise.catch(() => undefined);
  const over = () => child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  const kill = () => void child.kill('SIGKILL');
  // For an end of this process that leaves no time to wait. A killed process cannot do this: see spawnTied.
  process.once('exit', kill);
  let stopped: Promise<void> | undefined;
  const stop = async () => {
    child.stdout.destroy();
    for (const [signal, patienceMs] of [['SIGTERM', termMs] as const, ['SIGKILL', killMs] as const]) {
      if (over()) break;
      child.kill(signal);
      await within(patienceMs, gone);
    }
    child.stderr.destroy();
    process.removeListener('exit', kill);
  };
  return { output: child.stdout, lines, ended: closed.promise, stop: () => (stopped ??= stop()) };
}

/**
 * A child that the kernel kills when this process dies, however it dies (prctl(2), PR_SET_PDEATHSIG). Needs setpriv of
 * util-linux. The system-call filter of the unit does not allow setpriv, because it also sets capabilities; there
 * systemd ends what is left.
 */
function spawnTied(
  program: string,
  args: readonly string[],
  stdin: 'ignore' | 'pipe',
): ChildProcess & { readonly stdout: Readable; readonly stderr: Readable } {
  const options = { stdio: [stdin, 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'], env: childEnvironment() };
  const setpriv = findTool('setpriv');
  const tie = ['--pdeathsig', 'KILL', '--'];
  const mayTie = setpriv !== undefined && spawnSync(setpriv, [...tie, 'true'], { stdio: 'ignore', timeout: 2000 }).status === 0;
  return mayTie ? spawn(setpriv, [...tie, program, ...args], options) : spawn(program, args, options);
}

/** Nobody needs this program's settings in a child: the address of a camera may be among them. */
function childEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('FACELATCH_'));
  return { ...Object.fromEntries(kept), LC_ALL: 'C' };
}

/** Pipes `input` into the child; when it ends or fails, the child reads the end of its input. */
function feed({ stdin }: ChildProcess, input: Readable | undefined): void {
  if (!stdin || !input) return;
  stdin.on('error', () => undefined);
  pipeline(input, stdin, () => undefined);
}

/** Waits for `promise`, but no longer than `ms`. */
async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  const enough = new AbortController();
  await Promise.race([promise, delay(ms, undefined, { signal: enough.signal })]);
  enough.abort();
}
