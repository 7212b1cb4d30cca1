/** Enrolment with the door's own camera: the frames of the running door go in, judged pictures and prompts come out. */

import { Fault, messageOf } from '../base/errors.ts';
import type { Clock } from '../base/time.ts';
import type { Frame } from '../camera/port.ts';
import { takePictures } from './camera-pictures.ts';
import type { PictureOutcome } from './port.ts';

/** The camera that the running door holds; it is watched, never opened a second time. */
export interface DoorCamera {
  watch(signal: AbortSignal): AsyncIterable<Frame>;
  /** False while it gives nothing. */
  readonly working: boolean;
}

export interface DoorTaking {
  readonly camera: DoorCamera;
  readonly clock: Clock;
  readonly count: number;
  readonly intervalMs: number;
  /** A camera that shows nothing for this long has failed, milliseconds. */
  readonly silenceMs: number;
  readonly judge: (source: string, picture: Uint8Array) => Promise<PictureOutcome>;
  readonly onPrompt: (prompt: string) => void;
  readonly signal: AbortSignal;
}

/** Takes the pictures; returns why it could not, or undefined. Ends without a reason when `signal` is aborted. */
export async function takeAtDoor({ camera, clock, count, intervalMs, silenceMs, judge, onPrompt, signal }: DoorTaking) {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  let seenMs = clock.now();
  let number = 0;
  const frames = async function* () {
    for await (const frame of camera.watch(either)) {
      seenMs = clock.now();
      yield frame;
    }
  };
  const listen = async () => {
    while (!either.aborted) {
      await clock.sleep(silenceMs, either).catch(() => undefined);
      if (clock.now() - seenMs >= silenceMs) over.abort();
    }
  };
  const listening = listen();
  try {
    await takePictures({
      frames: frames(),
      count,
      intervalMs,
      judge: (picture) => judge(`camera-${++number}`, picture),
      onPrompt,
      onComplaint: () => undefined,
    });
    return undefined;
  } catch (error) {
    if (signal.aborted) return undefined;
    if (!(error instanceof Fault)) throw error;
    return over.signal.aborted ? `The camera showed nothing for ${silenceMs} ms.` : messageOf(error);
  } finally {
    over.abort();
    await listening;
  }
}
