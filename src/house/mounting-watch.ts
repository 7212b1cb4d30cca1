/**
 * Whether the camera is mounted on its side or upside down: a few frames with a face are read in all four orientations;
 * what most of them say comes out. The running door asks for frames that decide nothing any more, so that nobody waits.
 */
import type { Controller } from '../access/controller.ts';
import type { Observation } from '../access/port.ts';
import type { FaceReader, QuarterTurn, Reading } from '../face/port.ts';
import type { Config } from '../settings/load.ts';
import type { Rooms } from './rooms.ts';

/** Frames with a face that are enough, and how many of them have to agree. */
export const conclusiveFrames = 5;
const agreeing = 4;
/** Time between two readings, without and with a face in the frame. Milliseconds. */
const everyMs = { nobody: 10_000, face: 1000 } as const;
/** Then it is given up: nobody has been seen for an hour. */
const mostReadings = 360;

export type MountingFound = { readonly kind: 'upright' } | { readonly kind: 'turned'; readonly byDeg: QuarterTurn };

/** What one reading with purpose `stored` says; undefined without a face, or if the face may be either way up. */
export function mountingIn({ faces, turn }: Pick<Reading, 'faces' | 'turn'>): MountingFound | undefined {
  if (turn) return { kind: 'turned', byDeg: turn.byDeg };
  return faces[0] && !faces[0].quality.reasons.includes('turned') ? { kind: 'upright' } : undefined;
}

/** What at least four of five readings agree on; undefined while there are fewer, or they contradict each other. */
export function mountingOf(found: readonly MountingFound[]): MountingFound | undefined {
  const latest = found.slice(-conclusiveFrames);
  return latest.find((one) => {
    const same = latest.filter((other) => other.kind === one.kind && (one.kind === 'upright' || turnIn(other) === one.byDeg));
    return same.length >= agreeing;
  });
}

const turnIn = (found: MountingFound): QuarterTurn | undefined => (found.kind === 'turned' ? found.byDeg : undefined);

export interface MountingWatch {
  /** A frame that was dealt with. `settled`: whoever it shows does not wait for the door to decide. */
  looked(moment: Pick<Observation, 'frame' | 'reading'>, settled: boolean): void;
}

export interface MountingWatchOptions {
  readonly reader: Pick<FaceReader, 'read'>;
  readonly onTurned: (byDeg: QuarterTurn) => void;
}

/** Watches until it knows. */
export function mountingWatch({ reader, onTurned }: MountingWatchOptions): MountingWatch {
  const state = { found: [] as MountingFound[], readings: 0, readAtMs: Number.NEGATIVE_INFINITY, busy: false, over: false };
  const read = async (picture: Uint8Array) => {
    try {
      const one = mountingIn(await reader.read(picture, { embed: 'none', purpose: 'stored' }));
      if (one) state.found.push(one);
      const all = mountingOf(state.found);
      if (all || state.readings >= mostReadings) state.over = true;
      if (all?.kind === 'turned') onTurned(all.byDeg);
    } catch {
      // Whatever is wrong with the picture or the reader is seen by the loop over the frames.
    } finally {
      state.busy = false;
    }
  };
  return {
    looked: ({ frame: { picture, capturedAtMs }, reading: { faces } }, settled) => {
      if (state.over || state.busy || (faces.length > 0 && !settled)) return;
      if (capturedAtMs - state.readAtMs < everyMs[faces.length > 0 ? 'face' : 'nobody']) return;
      Object.assign(state, { busy: true, readAtMs: capturedAtMs, readings: state.readings + 1 });
      void read(picture);
    },
  };
}

/** The value of `camera.rotate` that turns a picture, which it may turn and mirror already, by `byDeg` more. */
export function rotateFor({ rotate, mirror }: Config['camera'], byDeg: QuarterTurn): number {
  const now = Number(rotate) || 0;
  return (now + (mirror ? 360 - byDeg : byDeg)) % 360;
}

/**
 * The watch of a running house, unless `camera.rotate` says how the camera is mounted. It only proposes: a picture on a
 * screen before the camera must not turn it.
 */
export function watchMounting({ config, log, camera, eyes }: Rooms, controller: Pick<Controller, 'record'>): MountingWatch | undefined {
  if (config.camera.rotate !== 'auto') return undefined;
  return mountingWatch({
    reader: eyes.reader,
    onTurned: (byDeg) => {
      const rotate = rotateFor(config.camera, byDeg);
      log.warn({ room: 'camera', camera: camera.label, rotate }, 'the camera is mounted on its side or upside down: set camera.rotate');
      controller.record({ kind: 'camera.turned', rotate });
    },
  });
}
