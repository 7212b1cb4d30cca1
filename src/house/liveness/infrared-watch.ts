/**
 * The infrared camera beside the door's own. wire.ts opens it; it owns the loop over its frames and what it has learned
 * of how the two pictures lie on each other, which is kept in the state folder; it ends with its signal. Without it the
 * door goes on, and says that it is unsure.
 */
import { readFileSync } from 'node:fs';
import { Fault, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { Compile, Type } from '../../base/schema.ts';
import type { Clock } from '../../base/time.ts';
import { jsonText, writeWhole } from '../../base/whole-file.ts';
import { greyPicture } from '../../camera/grey.ts';
import type { Camera } from '../../camera/port.ts';
import type { Face, FaceReader, Landmarks } from '../../face/port.ts';
import { type GreyFrame, litPair } from '../../liveness/infrared/pulse.ts';
import { boxThere, type Registration, registered, type SeenTwice } from '../../liveness/infrared/registration.ts';
import { infraredReturn } from '../../liveness/infrared/returned.ts';
import type { InfraredReturn } from '../../liveness/port.ts';

export interface InfraredWatch {
  /** What the lamp says of a face of the first camera. Half a millisecond. */
  check(face: Pick<Face, 'box' | 'landmarks'>): InfraredReturn;
  /** A visitor was let in with this face: how the pictures lie on each other is learned from it. */
  confirmed(face: Pick<Face, 'landmarks'>): Promise<void>;
  /** Reads the camera until the signal. */
  run(signal: AbortSignal): Promise<void>;
}

export interface InfraredWatchOptions {
  readonly camera: Camera;
  readonly reader: () => Pick<FaceReader, 'read'>;
  /** Where the faces that were seen in both pictures are kept. */
  readonly file: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly retryMs: number;
}

interface SeenFrame extends GreyFrame {
  readonly picture: Uint8Array;
}

/** Enough for a lit and an unlit neighbour where some are dropped. */
const keptFrames = 6;
/** A lamp's frame says nothing of a face this much later. Milliseconds. */
const mostOldMs = 300;
/** More tell nothing new. */
const mostFaces = 60;

const point = Type.Object({ x: Type.Number(), y: Type.Number() });
const landmarks = Type.Tuple([point, point, point, point, point]);
const kept = Compile(Type.Array(Type.Object({ first: landmarks, infrared: landmarks }), { maxItems: mostFaces }));

interface State extends InfraredWatchOptions {
  readonly frames: SeenFrame[];
  faces: readonly SeenTwice[];
  mapping: Registration | undefined;
}

export function openInfraredWatch(options: InfraredWatchOptions): InfraredWatch {
  const faces = keptFaces(options);
  const state: State = { ...options, frames: [], faces, mapping: registered(faces) };
  return {
    check: (face) => check(state, face),
    confirmed: (face) => learn(state, face),
    run: (signal) => watch(state, signal),
  };
}

/** A file that cannot be read is as none: the pictures are learned again from the next visitors who are let in. */
function keptFaces({ file, log }: InfraredWatchOptions): readonly SeenTwice[] {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (kept.Check(value)) return value;
    log.warn({ file }, 'what was learned of the infrared camera is damaged and is learned again');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT')
      log.warn({ file, err: messageOf(error) }, 'what was learned of the infrared camera cannot be read');
  }
  return [];
}

const unsure = (why: InfraredReturn['why']): InfraredReturn => ({ outcome: 'unsure', why });

function check({ frames, mapping, clock }: State, { box, landmarks: first }: Pick<Face, 'box' | 'landmarks'>): InfraredReturn {
  const since = clock.now() - mostOldMs;
  const pair = litPair(frames.filter(({ capturedAtMs }) => capturedAtMs >= since));
  if (!pair) return unsure('no-lamp');
  if (!mapping) return unsure('not-registered');
  return infraredReturn(pair, boxThere(mapping, box, first));
}

async function learn(state: State, { landmarks: first }: Pick<Face, 'landmarks'>): Promise<void> {
  const { faces, frames, reader, file, log } = state;
  const lit = litPair(frames)?.lit as SeenFrame | undefined;
  if (faces.length >= mostFaces || !lit) return;
  try {
    const found = await reader().read(lit.picture, { embed: 'none' });
    const [only, another] = found.faces;
    if (!only || another) return;
    state.faces = [...faces, { first: plain(first), infrared: plain(only.landmarks) }];
    state.mapping = registered(state.faces);
    writeWhole(file, jsonText(state.faces));
  } catch (error) {
    log.warn({ err: messageOf(error) }, 'nothing learned of the infrared camera');
  }
}

const plain = (points: Landmarks): Landmarks => points.map(({ x, y }) => ({ x, y })) as unknown as Landmarks;

async function watch(state: State, signal: AbortSignal): Promise<void> {
  const { camera, clock, log, retryMs, frames } = state;
  for (let last = ''; !signal.aborted; ) {
    try {
      for await (const { picture, capturedAtMs } of camera.frames(signal)) {
        last = '';
        const grey = await greyPicture(picture);
        if (grey) frames.push({ ...grey, capturedAtMs, picture });
        if (frames.length > keptFrames) frames.shift();
      }
      return;
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Fault)) throw error;
      frames.length = 0;
      if (last !== error.code) log.error({ code: error.code, err: messageOf(error) }, 'the infrared camera failed');
      last = error.code;
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
  }
}
