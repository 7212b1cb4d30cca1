/** Enrolment at the camera: frames go in; pictures of different looks are handed to `judge`, with prompts meanwhile. */

import { Fault } from '../base/errors.ts';
import type { Frame } from '../camera/port.ts';

export interface TakingOptions {
  readonly frames: AsyncIterable<Frame>;
  /** How many good pictures. */
  readonly count: number;
  /** Least time between two of them, milliseconds. */
  readonly intervalMs: number;
  /** Judges one picture, and keeps it if it is good. */
  readonly judge: (picture: Uint8Array) => Promise<{ readonly accepted: boolean; readonly detail: string }>;
  /** Told what the person should do now, before each picture. */
  readonly onPrompt: (prompt: string, taken: number) => void;
  /** Told of each good picture. */
  readonly onTaken?: (detail: string) => void;
  /** Told what is wrong, when it changes and from time to time. */
  readonly onComplaint: (detail: string) => void;
}

/** Different looks make templates that a turned head at the door still resembles. */
const prompts = [
  'Look straight at the camera',
  'Turn your head a little to the left',
  'Turn your head a little to the right',
  'Lift your chin a little',
  'Lower your chin a little',
];

/** The same complaint is repeated after this time, milliseconds. */
const complainEveryMs = 2000;
/** After this time without a good picture, nobody seems to follow the prompts, milliseconds. */
const patienceMs = 60_000;

/**
 * Takes `count` pictures.
 * @throws Faults of the camera; `camera-ended` where it ends too early, `bad-picture` where none was good for a minute.
 */
export async function takePictures(options: TakingOptions): Promise<void> {
  const { frames, count, intervalMs, judge, onPrompt, onTaken } = options;
  const complain = complaints(options.onComplaint);
  let taken = 0;
  let readyAtMs = Number.NEGATIVE_INFINITY;
  let lastGoodMs: number | undefined;
  const next = (nowMs: number) => {
    onPrompt(prompts[taken % prompts.length] ?? '', taken);
    lastGoodMs = nowMs;
    readyAtMs = nowMs + intervalMs;
  };
  for await (const { capturedAtMs: nowMs, picture } of frames) {
    if (lastGoodMs === undefined) next(nowMs);
    if (nowMs < readyAtMs) continue;
    const { accepted, detail } = await judge(picture);
    if (accepted) {
      taken++;
      onTaken?.(detail);
      if (taken === count) return;
      next(nowMs);
      continue;
    }
    complain(detail, nowMs);
    if (nowMs - (lastGoodMs ?? nowMs) > patienceMs)
      throw new Fault('bad-picture', `The camera showed no good picture for a minute, at last: ${detail}. Nothing was stored`);
  }
  throw new Fault('camera-ended', `The camera ended after ${taken} of ${count} pictures; nothing was stored`);
}

function complaints(tell: (detail: string) => void): (detail: string, nowMs: number) => void {
  let saidMs = Number.NEGATIVE_INFINITY;
  let said = '';
  return (detail, nowMs) => {
    // The measures in the text change with every frame; the words before the colon tell the complaint.
    const kind = detail.split(':')[0] ?? detail;
    if (nowMs - saidMs < (kind === said ? complainEveryMs : complainEveryMs / 4)) return;
    said = kind;
    saidMs = nowMs;
    tell(detail);
  };
}
