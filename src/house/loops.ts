/**
 * The running house: the loops over frames and time, and their supervision. What fails outside (camera, reader) is journalled and tried again
 * with growing waits; everything else ends the daemon.
 */
import type { Controller } from '../access/controller.ts';
import type { Observation, Sighting } from '../access/port.ts';
import { asFault, Fault, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import type { Camera, Frame } from '../camera/port.ts';
import type { FaceReader, Reading } from '../face/port.ts';

export interface DaemonParts {
  readonly camera: Camera;
  readonly openReader: () => Promise<FaceReader>;
  readonly reader: FaceReader;
  readonly sight: (frame: Frame, reading: Reading) => Sighting;
  readonly controller: Pick<Controller, 'submit' | 'record' | 'settled'>;
  /** Called every second: takes in what other processes changed. */
  readonly refresh: () => void;
  /** Called at every tick (ten a second). */
  readonly onTick?: () => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly retry: { readonly minMs: number; readonly maxMs: number };
  /** Frames a second that are looked at while nobody is there, or all about the visitor is decided; 0: all. */
  readonly idleFps: number;
  readonly onMoment?: (moment: Observation) => void;
}

export interface DaemonStatus {
  readonly camera: 'opening' | 'running' | 'failed';
  readonly frames: number;
  readonly unreadable: number;
  /**
   * Counts up with every turn of each loop: a frame dealt with, a try or a second of the wait for a camera or reader, a tick. A number that
   * stands still is a loop that hangs.
   */
  readonly turns: { readonly camera: number; readonly time: number };
}

export interface Loops {
  /** Runs until `signal` is aborted or a replay has played all it had. */
  run(signal: AbortSignal): Promise<void>;
  readonly status: DaemonStatus;
}

const tickMs = 100;
const refreshMs = 1000;
const idleAfterMs = 2000;
/** A loop that waits for what failed turns at least so often. */
const waitTurnMs = 1000;
/** A camera that ran for so long before it failed is tried again at once, not after the last wait. */
const steadyMs = 10_000;
/** So many unreadable pictures in a row are a broken camera, not a bad frame. */
const mostUnreadable = 30;

/** The loops over their parts; nothing runs yet. */
export function daemonLoops(parts: DaemonParts): Loops {
  const { camera, controller, clock, log, retry, idleFps } = parts;
  const status = { camera: 'opening' as DaemonStatus['camera'], frames: 0, unreadable: 0, turns: { camera: 0, time: 0 } };
  let reader = parts.reader;
  let unreadableInARow = 0;
  let lastFaceMs = clock.now();
  let lastLookMs = Number.NEGATIVE_INFINITY;

  /** Waits before what failed is tried again. */
  const wait = async (ms: number, signal: AbortSignal) => {
    for (const endMs = clock.now() + ms; !signal.aborted && clock.now() < endMs; ) {
      await clock.sleep(Math.min(waitTurnMs, endMs - clock.now()), signal).catch(() => undefined);
      status.turns.camera++;
    }
  };

  const look = async (frame: Frame, signal: AbortSignal) => {
    const idle = idleFps > 0 && (clock.now() - lastFaceMs > idleAfterMs || controller.settled);
    // A little less than the period, or the jitter of a camera would halve the rate.
    if (idle && frame.capturedAtMs - lastLookMs < 900 / idleFps) return;
    lastLookMs = frame.capturedAtMs;
    const reading = await read(frame, signal);
    if (!reading) return;
    if (reading.faces.length > 0) lastFaceMs = clock.now();
    const sighting = parts.sight(frame, reading);
    await controller.submit({ kind: 'sighting', atMs: clock.now(), sighting, ...(frame.scene ? { visit: frame.scene.visit } : {}) });
    parts.onMoment?.({ frame, reading, sighting });
  };

  const read = async (frame: Frame, signal: AbortSignal): Promise<Reading | undefined> => {
    try {
      const reading = await reader.read(frame.picture);
      unreadableInARow = 0;
      return reading;
    } catch (error) {
      if (signal.aborted) return undefined;
      const fault = asFault(error, 'reader-failed', 'A frame could not be read');
      if (fault.code !== 'bad-picture') {
        await reopenReader(fault, signal);
        return undefined;
      }
      status.unreadable++;
      if (unreadableInARow++ === 0) log.warn({ room: 'camera', err: fault.message }, 'unreadable frame');
      if (unreadableInARow > mostUnreadable)
        throw new Fault(
          'camera-ended',
          `The camera sends pictures that cannot be read (${mostUnreadable} in a row): ${fault.message}`,
          fault,
        );
      return undefined;
    }
  };

  const reopenReader = async (fault: Fault, signal: AbortSignal) => {
    const failedAtMs = clock.now();
    for (let waitMs = retry.minMs, why = fault.message; !signal.aborted; waitMs = Math.min(retry.maxMs, waitMs * 2)) {
      log.error({ room: 'face', err: why, retryInMs: waitMs }, 'face reader failed');
      controller.record({ kind: 'reader.failed', detail: why, retryInMs: waitMs });
      await reader[Symbol.asyncDispose]();
      await wait(waitMs, signal);
      if (signal.aborted) return;
      try {
        reader = await parts.openReader();
        controller.record({ kind: 'reader.restored', afterMs: Math.round(clock.now() - failedAtMs) });
        return;
      } catch (error) {
        why = messageOf(error);
      }
    }
  };

  const watchCamera = async (signal: AbortSignal) => {
    let failedAtMs: number | undefined;
    let failedWith: string | undefined;
    let openedAtMs = clock.now();
    for (let waitMs = retry.minMs; !signal.aborted; ) {
      try {
        status.camera = 'opening';
        status.turns.camera++;
        openedAtMs = clock.now();
        for await (const frame of camera.frames(signal)) {
          status.camera = 'running';
          status.frames++;
          if (failedAtMs !== undefined) {
            const afterMs = Math.round(clock.now() - failedAtMs);
            log.info({ room: 'camera', afterMs }, 'camera restored');
            controller.record({ kind: 'camera.restored', afterMs });
            failedAtMs = undefined;
            failedWith = undefined;
          }
          await look(frame, signal);
          status.turns.camera++;
        }
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof Fault)) throw error;
        if (status.camera === 'running' && clock.now() - openedAtMs > steadyMs) waitMs = retry.minMs;
        failedAtMs ??= clock.now();
        status.camera = 'failed';
        // A camera that stays away is journalled once for each reason, not at every try.
        if (failedWith !== error.code)
          controller.record({ kind: 'camera.failed', code: error.code, detail: error.message, retryInMs: waitMs });
        failedWith = error.code;
        log.error({ room: 'camera', code: error.code, err: error.message, retryInMs: waitMs }, 'camera failed');
        await wait(waitMs, signal);
        waitMs = Math.min(retry.maxMs, waitMs * 2);
      }
    }
  };

  const watchTime = async (signal: AbortSignal) => {
    for (let nextRefreshMs = 0; !signal.aborted; ) {
      await controller.submit({ kind: 'tick', atMs: clock.now() });
      status.turns.time++;
      parts.onTick?.();
      if (clock.now() >= nextRefreshMs) {
        parts.refresh();
        nextRefreshMs = clock.now() + refreshMs;
      }
      await clock.sleep(tickMs, signal).catch(() => undefined);
    }
  };

  return {
    get status() {
      return status;
    },
    run: async (signal) => {
      const played = new AbortController();
      const both = AbortSignal.any([signal, played.signal]);
      try {
        await Promise.all([watchCamera(both).finally(() => played.abort()), watchTime(both).finally(() => played.abort())]);
      } finally {
        await reader[Symbol.asyncDispose]();
      }
    },
  };
}
