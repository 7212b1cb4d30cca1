/**
 * Answers that move the head: a direction, or a step closer. In: the frames around the challenge. Out: the movement.
 * Pure. Left and right are the person's own; in a picture that is not mirrored the person's left is on the right, which
 * is where a positive yaw points.
 */
import type { ChallengeKind, FrameEvidence } from '../port.ts';
import { type MovedFrame, type Movement, movementOf } from './excursion.ts';
import { median, type Track } from './track.ts';

/**
 * What counts as clear. The pose comes from five landmarks: on a talking head (640×360, 35 pixels between the eyes) it
 * jitters by 2° (yaw) and 1° (pitch) from frame to frame, one frame in twenty by three times that. A nod of 20° is
 * measured as about 12° down and 18° up.
 */
const clearDeg = { yaw: 15, pitch: 8 } as const;
/** A step towards the camera: the eyes are this many times further apart. */
const clearGrowth = 1.25;

export type Direction = Extract<ChallengeKind, 'turn-left' | 'turn-right' | 'look-up' | 'look-down'>;

const directions: Readonly<Record<Direction, readonly [axis: 'yaw' | 'pitch', sign: 1 | -1]>> = {
  'turn-left': ['yaw', 1],
  'turn-right': ['yaw', -1],
  'look-up': ['pitch', -1],
  'look-down': ['pitch', 1],
};

/** Out in the asked direction and back to where the face was before. */
export function headTurned(direction: Direction, { before, after }: Track): Movement {
  const [axis, sign] = directions[direction];
  const other = axis === 'yaw' ? 'pitch' : 'yaw';
  const poseOf = posesFrom(before);
  const steps = after.map((frame): MovedFrame => {
    const pose = poseOf(frame);
    return { atMs: frame.capturedAtMs, asked: sign * pose[axis], other: Math.abs(pose[other]) };
  });
  return movementOf(steps, 'back');
}

/** Nearer, and stays there. The head may turn a little meanwhile; turned away it does not count. */
export function closer({ before, after }: Track): Movement {
  const reference = median(before.map(({ place }) => place.interEye));
  const poseOf = posesFrom(before);
  const steps = after.map((frame): MovedFrame => {
    const { yaw, pitch } = poseOf(frame);
    return {
      atMs: frame.capturedAtMs,
      asked: Math.log(frame.place.interEye / reference) / Math.log(clearGrowth),
      // Eye distance and pose of a flat picture that is tilted change too.
      other: Math.max(Math.abs(yaw), Math.abs(pitch)) / 1.5,
    };
  });
  return movementOf(steps, 'held');
}

/** For answers that need no movement: a head that turns, or comes closer, clearly answers something else. */
export function heldStill({ before, after }: Track): Movement {
  const poseOf = posesFrom(before);
  const reference = median(before.map(({ place }) => place.interEye));
  const steps = after.map((frame): MovedFrame => {
    const { yaw, pitch } = poseOf(frame);
    const grown = Math.log(frame.place.interEye / reference) / Math.log(clearGrowth);
    return { atMs: frame.capturedAtMs, asked: 0, other: Math.max(Math.abs(yaw), Math.abs(pitch), grown) };
  });
  return movementOf(steps, 'held');
}

/** The pose against the one before the challenge, in shares of what is clear. */
function posesFrom(before: readonly FrameEvidence[]): (frame: FrameEvidence) => { readonly yaw: number; readonly pitch: number } {
  const [yawDeg, pitchDeg] = [median(before.map(({ pose }) => pose.yawDeg)), median(before.map(({ pose }) => pose.pitchDeg))];
  return ({ pose }) => ({ yaw: (pose.yawDeg - yawDeg) / clearDeg.yaw, pitch: (pose.pitchDeg - pitchDeg) / clearDeg.pitch });
}
