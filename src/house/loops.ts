/**
 * The running house: the loops over frames and time, and their supervision. What fails outside (camera, reader) is
 * journalled and tried again after growing waits; everything else ends the daemon.
 */
import type { Controller } from '../access/controller.ts';
import type { Observation, Sighting } from '../access/port.ts';
import { asFault, Fault, isBadPicture, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import type { Camera, Frame } from '../camera/port.ts';
import type { CutOptions, FaceReader, Mask, Reading } from '../face/port.ts';
import { type DamageWatch, damageWatch } from './damage-watch.ts';
import { type SceneWatch, sceneWatch } from './scene-watch.ts';
import type { View } from './view.ts';

export interface DaemonParts {
  readonly camera: Camera;
  readonly openReader: () => Promise<FaceReader>;
  readonly reader: FaceReader;
  readonly sight: (frame: Frame, reading: Reading) => Sighting | Promise<Sighting>;
  readonly controller: Pick<Controller, 'submit' | 'record' | 'settled'>;
  /** What the reader cuts out of the next picture; absent: nothing. */
  readonly cuts?: () => CutOptions | undefined;
  /** What of the picture counts; absent: everything. */
  readonly view?: View;
  /** Called every second: takes in what other processes changed. True: there is more, call it at the next tick. */
  readonly refresh: () => boolean;
  /** Called at every tick (ten a second). */
  readonly onTick?: () => void;
  readonly clock: Clock;
  readonly log: Log;
  readonly retry: { readonly minMs: number; readonly maxMs: number };
  /**
   * Frames a second that are looked at once the visitor is decided on, or while nobody is there and the scene changes;
   * 0: all.
   */
  readonly idleFps: number;
  readonly onMoment?: (moment: Observation) => void;
}

export interface DaemonStatus {
  readonly camera: 'opening' | 'running' | 'failed';
  readonly frames: number;
  readonly unreadable: number;
  /** Frames of which a part was missing. */
  readonly damaged: number;
  /**
   * Counts every turn of each loop: a frame dealt with, an attempt or a second of the wait for a camera or reader, a
   * tick. A loop whose number does not change hangs.
   */
  readonly turns: { readonly camera: number; readonly time: number };
}

export interface Loops {
  /** Runs until `signal` is aborted or a replay has been played to its end. */
  run(signal: AbortSignal): Promise<void>;
  readonly status: DaemonStatus;
}

const tickMs = 100;
const refreshMs = 1000;
const idleAfterMs = 2000;
/** A loop that waits turns at least this often. */
const waitTurnMs = 1000;
/** A camera that ran this long before it failed is tried again at once, not after the last wait. */
const steadyMs = 10_000;
/** Not the door's own camera, or not what it sees: somebody should look. */
const foreign: ReadonlySet<string> = new Set(['camera-replaced', 'camera-looped']);
/** More unreadable pictures in a row than this are a broken camera, not a bad frame. */
const mostUnreadable = 30;

interface State extends DaemonParts {
  readonly status: {
    camera: DaemonStatus['camera'];
    frames: number;
    unreadable: number;
    damaged: number;
    readonly turns: { camera: number; time: number };
  };
  reader: FaceReader;
  unreadableInARow: number;
  readonly damage: DamageWatch;
  /** Absent where all frames are looked at. */
  readonly scene: SceneWatch | undefined;
  lastFaceMs: number;
  lastLookMs: number;
  /** The failure of the camera that goes on, if one does. */
  failedAtMs: number | undefined;
  failedWith: string | undefined;
  /** Since when something else is in the place of the door's own camera. */
  foreignSinceMs: number | undefined;
}

/** The loops over their parts; nothing runs yet. */
export function daemonLoops(parts: DaemonParts): Loops {
  const state: State = {
    ...parts,
    status: { camera: 'opening', frames: 0, unreadable: 0, damaged: 0, turns: { camera: 0, time: 0 } },
    unreadableInARow: 0,
    damage: damageWatch(),
    scene: parts.idleFps > 0 ? sceneWatch(parts.idleFps) : undefined,
    lastFaceMs: parts.clock.now(),
    lastLookMs: Number.NEGATIVE_INFINITY,
    failedAtMs: undefined,
    failedWith: undefined,
    foreignSinceMs: undefined,
  };
  return { status: state.status, run: (signal) => runLoops(state, signal) };
}

async function runLoops(state: State, signal: AbortSignal): Promise<void> {
  const played = new AbortController();
  const both = AbortSignal.any([signal, played.signal]);
  try {
    const loops = [watchCamera(state, both), watchTime(state, both)].map((loop) => loop.finally(() => played.abort()));
    // Both have ended before the reader is closed: one of them may be opening another.
    const broken = (await Promise.allSettled(loops)).find((loop) => loop.status === 'rejected');
    if (broken) throw broken.reason;
  } finally {
    await state.reader[Symbol.asyncDispose]();
  }
}

async function watchCamera(state: State, signal: AbortSignal): Promise<void> {
  const { camera, clock, retry, status } = state;
  let openedAtMs = clock.now();
  for (let waitMs = retry.minMs; !signal.aborted; ) {
    try {
      status.camera = 'opening';
      status.turns.camera++;
      openedAtMs = clock.now();
      for await (const frame of camera.frames(signal)) {
        status.camera = 'running';
        status.frames++;
        noteRestored(state);
        await look(state, frame, signal);
        status.turns.camera++;
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Fault)) throw error;
      if (status.camera === 'running' && clock.now() - openedAtMs > steadyMs) waitMs = retry.minMs;
      noteFailed(state, error, waitMs);
      await wait(state, waitMs, signal);
      waitMs = Math.min(retry.maxMs, waitMs * 2);
    }
  }
}

function noteRestored(state: State): void {
  const { clock, log, controller, failedAtMs } = state;
  if (failedAtMs === undefined) return;
  const afterMs = Math.round(clock.now() - failedAtMs);
  log.info({ room: 'camera', afterMs }, 'camera restored');
  controller.record({ kind: 'camera.restored', afterMs });
  if (state.foreignSinceMs !== undefined)
    controller.record({ kind: 'tamper.cleared', what: 'camera', afterMs: Math.round(clock.now() - state.foreignSinceMs) });
  state.foreignSinceMs = undefined;
  state.failedAtMs = undefined;
  state.failedWith = undefined;
}

/** A camera that stays away is journalled once for each reason, not at every attempt. */
function noteFailed(state: State, fault: Fault, retryInMs: number): void {
  const { clock, log, controller, status } = state;
  const [code, detail] = [fault.code, messageOf(fault)];
  state.failedAtMs ??= clock.now();
  status.camera = 'failed';
  if (state.failedWith !== code) controller.record({ kind: 'camera.failed', code, detail, retryInMs });
  state.failedWith = code;
  if (foreign.has(code) && state.foreignSinceMs === undefined) {
    state.foreignSinceMs = clock.now();
    controller.record({ kind: 'tamper.raised', what: 'camera', blockedMs: 0 });
  }
  log.error({ room: 'camera', code, err: detail, retryInMs }, 'camera failed');
}

/** Waits before what failed is tried again. */
async function wait({ clock, status }: State, ms: number, signal: AbortSignal): Promise<void> {
  for (const endMs = clock.now() + ms; !signal.aborted && clock.now() < endMs; ) {
    await clock.sleep(Math.min(waitTurnMs, endMs - clock.now()), signal).catch(() => undefined);
    status.turns.camera++;
  }
}

async function look(state: State, frame: Frame, signal: AbortSignal): Promise<void> {
  const { clock, controller } = state;
  if (!isDue(state, frame)) return;
  state.lastLookMs = frame.capturedAtMs;
  const mask = state.view?.mask();
  const reading = await read(state, frame, mask, signal);
  if (!reading) return;
  if (reading.faces.length > 0) state.lastFaceMs = clock.now();
  const sighting = await state.sight(frame, reading);
  await controller.submit({ kind: 'sighting', atMs: clock.now(), sighting, ...(frame.scene ? { visit: frame.scene.visit } : {}) });
  state.onMoment?.({ frame, reading, sighting, ...(mask && { mask }) });
}

/** All frames while somebody waits for the door to decide; fewer of a visitor it has decided on, and of nobody. */
function isDue({ clock, controller, idleFps, scene, lastFaceMs, lastLookMs }: State, { picture, capturedAtMs }: Frame): boolean {
  if (!scene) return true;
  if (clock.now() - lastFaceMs > idleAfterMs) return scene.isDue(picture, capturedAtMs);
  // A little less than the period, or the jitter of a camera would halve the rate.
  if (controller.settled && capturedAtMs - lastLookMs < 900 / idleFps) return false;
  scene.busy(capturedAtMs);
  return true;
}

async function read(state: State, frame: Frame, mask: Mask | undefined, signal: AbortSignal): Promise<Reading | undefined> {
  try {
    const cuts = state.cuts?.();
    const reading = await state.reader.read(frame.picture, { ...(mask && { mask }), ...(cuts && { cuts }) });
    state.view?.saw(reading);
    state.unreadableInARow = 0;
    noteDamage(state, false);
    return reading;
  } catch (error) {
    if (signal.aborted) return undefined;
    const fault = asFault(error, 'reader-failed', 'A frame could not be read');
    if (isBadPicture(fault)) noteUnreadable(state, fault);
    else await reopenReader(state, fault, signal);
    return undefined;
  }
}

/** Throws Fault `camera-ended` where the camera sends nothing else. */
function noteUnreadable(state: State, fault: Fault): void {
  const damaged = fault.code === 'picture-damaged';
  if (damaged) state.status.damaged++;
  else state.status.unreadable++;
  noteDamage(state, damaged);
  if (state.unreadableInARow++ === 0) state.log.warn({ room: 'camera', err: messageOf(fault) }, 'unreadable frame');
  if (state.unreadableInARow <= mostUnreadable) return;
  const why = `The camera sends pictures that cannot be read (${mostUnreadable} in a row): ${messageOf(fault)}`;
  throw new Fault('camera-ended', why, fault);
}

/** A camera that sends many damaged pictures is journalled: its cable, its hub or its power is not good enough. */
function noteDamage({ damage, controller, log }: State, damaged: boolean): void {
  const many = damage.saw(damaged);
  if (!many) return;
  log.warn({ room: 'camera', ...many }, 'the camera sends damaged pictures');
  controller.record({ kind: 'camera.damage-seen', ...many });
}

/** As with the camera, journalled once for each reason. */
async function reopenReader(state: State, fault: Fault, signal: AbortSignal): Promise<void> {
  const { clock, log, controller, retry } = state;
  const failedAtMs = clock.now();
  let told: string | undefined;
  for (let waitMs = retry.minMs, why = messageOf(fault); !signal.aborted; waitMs = Math.min(retry.maxMs, waitMs * 2)) {
    log.error({ room: 'face', err: why, retryInMs: waitMs }, 'face reader failed');
    if (why !== told) controller.record({ kind: 'reader.failed', detail: why, retryInMs: waitMs });
    told = why;
    await state.reader[Symbol.asyncDispose]();
    await wait(state, waitMs, signal);
    if (signal.aborted) return;
    try {
      state.reader = await state.openReader();
      controller.record({ kind: 'reader.restored', afterMs: Math.round(clock.now() - failedAtMs) });
      return;
    } catch (error) {
      why = messageOf(error);
    }
  }
}

async function watchTime(state: State, signal: AbortSignal): Promise<void> {
  const { clock, controller, status } = state;
  for (let nextRefreshMs = 0; !signal.aborted; ) {
    await controller.submit({ kind: 'tick', atMs: clock.now() });
    status.turns.time++;
    state.onTick?.();
    if (clock.now() >= nextRefreshMs) {
      nextRefreshMs = state.refresh() ? 0 : clock.now() + refreshMs;
    }
    await clock.sleep(tickMs, signal).catch(() => undefined);
  }
}
