/**
 * Judges the answer to a challenge. In: the challenge and the frames of the presentation. Out: waiting, passed or
 * failed. Pure and total; whatever cannot be told is never `passed`.
 *
 * A recording of an answer passes when the challenge that is drawn happens to be the one it answers. With the four
 * directions and `closer` allowed, that is 1 in 5; where `blink` is allowed too, 1 in 12 for a number of closings; the
 * lamp's code is 1 of 504 (three different ones of nine). A recording that answers several fails at the first that was
 * not asked for. Whoever holds a display and plays what is asked for passes here: that is for the other checks. A
 * photograph can be held closer, higher or lower, and paper answers light as skin does: these answers pass only where
 * the points on the face moved as no plane does.
 */
import type { AnswerOf, Challenge, FrameEvidence } from '../port.ts';
import { closingsOf } from './blink.ts';
import { lightMs } from './draw.ts';
import type { Movement } from './excursion.ts';
import { isLightAnswered } from './light.ts';
import { closer, headTurned, heldStill } from './pose.ts';
import { type Track, trackOf } from './track.ts';

/** Frames after the challenge that an answer needs. */
const leastFrames = 6;
/** After the last closing the eyes stay open this long: only then it was the last one. Milliseconds. */
const quietMs = 900;

export const answered: AnswerOf = (challenge, frames) => {
  const track = trackOf(challenge, frames);
  if (track === 'broken') return 'failed';
  const inTime = { ...track, after: track.after.filter(({ capturedAtMs }) => capturedAtMs <= challenge.deadlineMs) };
  const answer = answerIn(challenge, inTime);
  const isOver = track.after.length > inTime.after.length;
  return answer === 'waiting' && isOver ? 'failed' : answer;
};

type Answer = ReturnType<AnswerOf>;

function answerIn(challenge: Challenge, track: Track): Answer {
  if (track.after.length < leastFrames) return 'waiting';
  switch (challenge.kind) {
    case 'turn-left':
    case 'turn-right':
      return moved(headTurned(challenge.kind, track));
    case 'look-up':
    case 'look-down':
      return moved(headTurned(challenge.kind, track), isSolid(track.after, 0));
    case 'closer':
      return moved(closer(track), isSolid(track.after));
    case 'blink':
      return blinked(challenge.times ?? 0, track);
    case 'light':
      return lit(challenge, track);
  }
}

function moved(movement: Movement, isEnough = true): Answer {
  if (movement.kind === 'wrong') return 'failed';
  return movement.kind === 'right' && movement.endedAtMs !== undefined && isEnough ? 'passed' : 'waiting';
}

/** Who has come closer holds still at the end: depth has to have been seen so shortly before. Milliseconds. */
const heldMs = 1000;

/** Whether the points on the face moved as those of something solid, and lately: a picture may have come since. */
function isSolid(frames: readonly FrameEvidence[], withinMs = heldMs): boolean {
  const sinceMs = (frames.at(-1)?.capturedAtMs ?? 0) - withinMs;
  const isSo = (outcome: 'live' | 'spoof') => (frame: FrameEvidence) =>
    frame.motion?.some((check) => check.kind === 'flat' && check.outcome === outcome) === true;
  return !frames.some(isSo('spoof')) && frames.filter(({ capturedAtMs }) => capturedAtMs >= sinceMs).some(isSo('live'));
}

function blinked(times: number, track: Track): Answer {
  if (heldStill(track).kind === 'wrong') return 'failed';
  const closings = closingsOf(track);
  if (!closings || times < 1) return 'waiting';
  if (closings.count > times) return 'failed';
  const nowMs = track.after.at(-1)?.capturedAtMs ?? 0;
  const isQuiet = closings.openSinceMs !== undefined && nowMs - closings.openSinceMs >= quietMs;
  return closings.count === times && isQuiet ? 'passed' : 'waiting';
}

function lit({ code, slotMs, issuedAtMs }: Challenge, { before, after }: Track): Answer {
  if (!code || slotMs === undefined || slotMs <= 0) return 'failed';
  const frames = [...before, ...after];
  if (isSolid(frames) && isLightAnswered({ code, slotMs, issuedAtMs }, frames)) return 'passed';
  return (after.at(-1)?.capturedAtMs ?? 0) > issuedAtMs + lightMs + 200 ? 'failed' : 'waiting';
}
