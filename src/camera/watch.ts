/**
 * Watches over a camera: its frames pass through, newest first. A camera that stops, repeats the same picture, or shows
 * only darkness is closed and becomes a fault.
 */
import { setImmediate as turn } from 'node:timers/promises';
import sharp from 'sharp';
import { Fault } from '../base/errors.ts';
import type { Clock } from '../base/time.ts';
import type { Camera, Frame } from './port.ts';
import { repeats } from './repeats.ts';
import { newest } from './slot.ts';
import { stillness } from './stillness.ts';

export interface WatchOptions {
  /** No new picture for this long, or the same picture byte for byte, is a frozen camera. Milliseconds. */
  readonly freezeMs: number;
  /**
   * How long the first picture may take (a network camera waits for a key frame). At least `freezeMs`. Milliseconds.
   */
  readonly openMs?: number;
  /**
   * Nothing new for this long but in a small part of the picture (a clock) is a frozen camera; 0 or absent turns the
   * check off. Milliseconds.
   */
  readonly stillMs?: number;
  /** Whether a recording that is played over and over is a fault. */
  readonly refuseLoops?: boolean;
  /** A mean brightness below this is dark, 0…255; 0 turns the check off. */
  readonly darkLevel: number;
  /** How long it must be dark. Milliseconds. */
  readonly darkMs: number;
  /** Wanted frames per second: a slow camera is not frozen between two frames. */
  readonly fps?: number;
  readonly clock: Clock;
}

const defaultOpenMs = 15_000;
const lumaEveryMs = 1000;
/** A clock in the picture takes less of it; of the stillest scene with noise, half is new. */
const smallPart = 0.25;
/** A camera that does not close within this time is abandoned. Milliseconds. */
const closeMs = 4000;
/** A gap shorter than this is not a freeze. Frame periods. */
const missablePeriods = 3;

/**
 * `camera`, watched. It is read independently of the consumer, so that a busy consumer does not look like a frozen
 * camera.
 */
export function watched(camera: Camera, options: WatchOptions): Camera {
  return {
    label: camera.label,
    frames: (signal) => newest<Frame>((push, stop) => watch(camera, options, push, stop), signal),
  };
}

/** Reads the camera into `push` until it ends, fails, is stopped, or is found frozen or dark; always closes it. */
async function watch(camera: Camera, options: WatchOptions, push: (frame: Frame) => void, stop: AbortSignal): Promise<void> {
  const { clock } = options;
  const over = new AbortController();
  const both = AbortSignal.any([stop, over.signal]);
  const found = Promise.withResolvers<never>();
  const freezing = freezeWatch(camera.label, options);
  const darkness = darkWatch(camera.label, options, found.reject);
  const still = stillWatch(camera.label, options, found.reject);
  const looping = loopWatch(camera.label, options);
  const source = camera.frames(both)[Symbol.asyncIterator]();
  const drain = async () => {
    for (let next = await source.next(); !next.done && !both.aborted; next = await source.next()) {
      freezing.saw(next.value);
      darkness.saw(next.value);
      still.saw(next.value);
      looping.saw(next.value);
      push(next.value);
    }
  };
  const draining = drain();
  try {
    await Promise.race([draining, freezing.run(both), found.promise]);
  } finally {
    over.abort();
    // A source that obeys the signal has ended its `next` by now; one that hangs must not hang the daemon.
    const closed = Promise.allSettled([draining, source.return?.()]);
    const enough = new AbortController();
    await Promise.race([closed, clock.sleep(closeMs, enough.signal).catch(() => undefined)]);
    enough.abort();
  }
}

/** Notices that no frame arrives, or always the same picture. */
function freezeWatch(label: string, { freezeMs, openMs = defaultOpenMs, fps, clock }: WatchOptions) {
  const patienceMs = Math.max(freezeMs, fps ? (missablePeriods * 1000) / fps : 0);
  const startMs = clock.now();
  let last: { readonly picture: Uint8Array; readonly atMs: number; readonly changedAtMs: number } | undefined;
  const dueMs = () => (last ? last.atMs + patienceMs : startMs + Math.max(openMs, patienceMs));
  const fault = (what: string, sinceMs: number) =>
    new Fault(
      'camera-frozen',
      `The camera ${label} is frozen: ${what} for ${Math.round(clock.now() - sinceMs)} ms (camera.freezeMs ${freezeMs}); check its cable and power`,
    );
  return {
    saw: ({ picture }: Frame) => {
      const nowMs = clock.now();
      const same = last !== undefined && Buffer.compare(last.picture, picture) === 0;
      const changedAtMs = same && last ? last.changedAtMs : nowMs;
      last = { picture, atMs: nowMs, changedAtMs };
      if (nowMs - changedAtMs >= patienceMs) throw fault('the same picture, byte for byte,', changedAtMs);
    },
    /** Throws when a frame is overdue; ends when `signal` is aborted. */
    run: async (signal: AbortSignal) => {
      while (!signal.aborted) {
        // Never longer than patienceMs: the first frame moves the deadline forward.
        await clock.sleep(Math.min(patienceMs, Math.max(1, dueMs() - clock.now())), signal).catch(() => undefined);
        if (signal.aborted || clock.now() < dueMs()) continue;
        // After this process was busy, read the frames that wait in the pipes before deciding.
        await turn();
        await turn();
        if (!signal.aborted && clock.now() >= dueMs()) throw fault(last ? 'no new picture' : 'no picture at all', last?.atMs ?? startMs);
      }
    },
  };
}

/** Throws the fault of a camera that delivers a recording again. */
function loopWatch(label: string, { refuseLoops = false }: WatchOptions) {
  const recording = repeats();
  return {
    saw: ({ picture }: Frame) => {
      const ago = refuseLoops ? recording.saw(picture) : undefined;
      if (ago === undefined) return;
      throw new Fault(
        'camera-looped',
        `The camera ${label} plays a recording over and over (the same ${ago} pictures, byte for byte): look what is connected in its place`,
      );
    },
  };
}

/** Looks at about one frame per second; reports the fault of a picture that stands still but for a small part. */
function stillWatch(label: string, { stillMs = 0, clock }: WatchOptions, report: (fault: Fault) => void) {
  const picture = stillness(stillMs);
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let looking = false;
  const look = async (frame: Frame) => {
    const changed = await picture.look(frame.picture, frame.capturedAtMs);
    looking = false;
    if (changed > smallPart) return;
    report(
      new Fault(
        'camera-frozen',
        `The camera ${label} is frozen: for ${Math.round(stillMs / 1000)} s nothing in its picture was new but in ${Math.round(100 * changed)} % of it, such as a clock (camera.stillMs ${stillMs}); restart the camera`,
      ),
    );
  };
  return {
    saw: (frame: Frame) => {
      if (stillMs <= 0 || looking || clock.now() - lookedAtMs < lumaEveryMs) return;
      lookedAtMs = clock.now();
      looking = true;
      void look(frame);
    },
  };
}

/** Checks about one frame per second; calls `report` with the fault when all of them were dark for `darkMs`. */
function darkWatch(label: string, { darkLevel, darkMs, clock }: WatchOptions, report: (fault: Fault) => void) {
  const everyMs = Math.min(lumaEveryMs, darkMs / 4);
  let lookedAtMs = Number.NEGATIVE_INFINITY;
  let looking = false;
  let darkSinceMs: number | undefined;
  const look = async (frame: Frame) => {
    const luma = await meanLuma(frame.picture);
    looking = false;
    if (luma === undefined || luma >= darkLevel) {
      darkSinceMs = undefined;
      return;
    }
    darkSinceMs ??= frame.capturedAtMs;
    if (frame.capturedAtMs - darkSinceMs < darkMs) return;
    const seconds = ((frame.capturedAtMs - darkSinceMs) / 1000).toFixed(1);
    report(
      new Fault(
        'camera-dark',
        `The camera ${label} has seen nothing but darkness for ${seconds} s (brightness ${luma.toFixed(1)} of 255, camera.darkLevel ${darkLevel}): uncover its lens or light the door`,
      ),
    );
  };
  return {
    saw: (frame: Frame) => {
      if (darkLevel <= 0 || looking || clock.now() - lookedAtMs < everyMs) return;
      lookedAtMs = clock.now();
      looking = true;
      void look(frame);
    },
  };
}

/**
 * Mean luma of an encoded picture, 0…255; undefined if sharp cannot read it (the face reader decides what that means).
 */
export async function meanLuma(picture: Uint8Array): Promise<number | undefined> {
  try {
    const small = sharp(picture, { failOn: 'none', limitInputPixels: 50_000_000 }).resize(32, 32, { fit: 'fill' });
    const pixels = await small.flatten().toColourspace('b-w').raw({ depth: 'uchar' }).toBuffer();
    return pixels.reduce((sum, v) => sum + v, 0) / pixels.length;
  } catch {
    return undefined;
  }
}
