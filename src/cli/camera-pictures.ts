/** Enrolment at the camera: frames in, a handful of good pictures of different looks out, with prompts meanwhile. */
import type { Camera } from '../camera/port.ts';
import type { Config } from '../config.ts';
import { Fault } from '../errors.ts';
import type { FaceReader } from '../face/port.ts';
import { type Candidate, readCandidate } from './candidates.ts';
import { tell } from './context.ts';

export interface CameraPictureOptions {
  readonly camera: Camera;
  readonly reader: FaceReader;
  readonly config: Config;
  /** How many pictures. */
  readonly count: number;
  /** Least time between two pictures, milliseconds. */
  readonly interval: number;
  readonly stop: AbortSignal;
}

/** Different looks make templates that a turned head at the door still resembles. */
const prompts = [
  'Look straight at the camera',
  'Turn your head a little to the left',
  'Turn your head a little to the right',
  'Lift your chin a little',
  'Lower your chin a little',
];

/** The same complaint is told again only so often, milliseconds. */
const complainEveryMs = 2000;
/** So long without a good picture, and nobody is there who would follow the prompts, milliseconds. */
const patienceMs = 60_000;

/**
 * Takes `count` pictures.
 * @throws Faults of the camera; `camera-ended` when it ends before there are enough, `bad-picture` when none was good for a minute.
 */
export async function cameraPictures({ camera, reader, config, count, interval, stop }: CameraPictureOptions): Promise<Candidate[]> {
  const taken: Candidate[] = [];
  const complain = complaints();
  tell(`${camera.label}: ${count} pictures will be taken; Ctrl-C stops and stores nothing`);
  let readyAtMs = Number.NEGATIVE_INFINITY;
  let lastGoodMs: number | undefined;
  const prompt = () => tell(`[${taken.length + 1} of ${count}] ${prompts[taken.length % prompts.length]} …`);
  for await (const frame of camera.frames(stop)) {
    stop.throwIfAborted();
    const now = frame.capturedAtMs;
    if (lastGoodMs === undefined) {
      prompt();
      lastGoodMs = now;
      readyAtMs = now + interval;
    }
    if (now < readyAtMs) continue;
    const outcome = await readCandidate('camera', frame.picture, reader, config.face.quality);
    if (!outcome.accepted) {
      complain(outcome.detail, now);
      if (now - lastGoodMs > patienceMs)
        throw new Fault('bad-picture', `The camera showed no good picture for a minute, at last: ${outcome.detail}. Nothing was stored`);
    } else if (!taken.some((other) => Buffer.compare(other.picture, frame.picture) === 0)) {
      taken.push({ ...outcome, source: `camera-${taken.length + 1}` });
      tell(`        taken (${outcome.detail})`);
      if (taken.length === count) return taken;
      prompt();
      lastGoodMs = now;
      readyAtMs = now + interval;
    }
  }
  stop.throwIfAborted();
  throw new Fault('camera-ended', `The camera ended after ${taken.length} of ${count} pictures; nothing was stored`);
}

/** Says what is wrong when that changes, and now and then when it does not. */
function complaints(): (detail: string, nowMs: number) => void {
  let saidMs = Number.NEGATIVE_INFINITY;
  let said = '';
  return (detail, nowMs) => {
    // The measures in the text change with every frame; the words before the first figure tell whether it is the same complaint.
    const kind = detail.split(':')[0] ?? detail;
    if (nowMs - saidMs < (kind === said ? complainEveryMs : complainEveryMs / 4)) return;
    said = kind;
    saidMs = nowMs;
    tell(`        ${detail}`);
  };
}
