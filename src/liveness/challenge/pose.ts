/**
 * Answers that move the head: a direction, or a step closer. In: the frames around the challenge. Out: the movement.
 * Pure. Left and right are the person's own; in a picture that is not mirrored the person's left is on the right, which
 * is where a positive yaw points.
 *
 * Whether a head is turned shows in its landmarks. Whether it nods does not: on 300 pictures of LFW nine of ten
 * measured pitches lie between -3° and 2°, while the yaws reach 24°. So a nod is measured by the eyes, which it moves
 * up or down by a third of their distance and more. A picture can be moved like that too, and closer: for these
 * answers the points on the face have to move as those of something solid (answer.ts).
 */
import type { ChallengeKind } from '../../events.ts';
import type { FrameEvidence } from '../port.ts';
import { type MovedFrame, type Movement, movementOf } from './excursion.ts';
import { median, type Track } from './track.ts';

/**
 * What counts as clear. On a talking head (640×360, 35 pixels between the eyes) the yaw jitters by 2° from frame to
 * frame, one frame in twenty by three times that. A turn of 20° is measured as 13° to 23°.
 */
const clearYawDeg = 12;
/** How far the eyes go up or down, in distances between them; they jitter by 0.03. A nod of 18°: 0.21 up, 0.32 down. */
const clearRise = 0.2;
/** A step towards the camera: the eyes are this many times further apart. */
const clearGrowth = 1.25;

export type Direction = Extract<ChallengeKind, 'turn-left' | 'turn-right' | 'look-up' | 'look-down'>;

const directions: Readonly<Record<Direction, readonly [axis: 'yaw' | 'down', sign: 1 | -1]>> = {
  'turn-left': ['yaw', 1],
  'turn-right': ['yaw', -1],
  'look-up': ['down', -1],
  'look-down': ['down', 1],
};

/** Out in the asked direction and back to where the face was before. */
export function headTurned(direction: Direction, { before, after }: Track): Movement {
  const [axis, sign] = directions[direction];
  const other = axis === 'yaw' ? 'down' : 'yaw';
  const moved = offsetsOf(before, after).map(
    (offset): MovedFrame => ({ atMs: offset.atMs, asked: sign * offset[axis], other: Math.abs(offset[other]) }),
  );
  return movementOf(moved, 'back');
}

/** Nearer, and stays there. The head may turn a little meanwhile; turned away it does not count. */
export function closer({ before, after }: Track): Movement {
  const moved = offsetsOf(before, after).map(({ atMs, yaw, growth }): MovedFrame => ({ atMs, asked: growth, other: Math.abs(yaw) / 1.5 }));
  return movementOf(moved, 'held');
}

/** For answers that need no movement: a head that turns, nods or comes closer clearly answers something else. */
export function heldStill({ before, after }: Track): Movement {
  const moved = offsetsOf(before, after).map(
    ({ atMs, yaw, down, growth }): MovedFrame => ({ atMs, asked: 0, other: Math.max(Math.abs(yaw), Math.abs(down), growth) }),
  );
  return movementOf(moved, 'held');
}

/** How long a face has to stand still before it is asked, and how much it may move from one half to the other. */
const stillMs = 600;
/** Of what counts as a clear movement. */
const stillShare = 0.3;
/** Sideways, in distances between the eyes. */
const stillAside = 0.2;

/** Whether the face of the newest frames has stood still for a moment: what moves then is an answer. */
export function isStill(frames: readonly FrameEvidence[]): boolean {
  const nowMs = frames.at(-1)?.capturedAtMs ?? 0;
  const latest = frames.filter(({ capturedAtMs }) => capturedAtMs >= nowMs - stillMs);
  const isNew = ({ capturedAtMs }: FrameEvidence) => capturedAtMs > nowMs - stillMs / 2;
  const [earlier, later] = [latest.filter((frame) => !isNew(frame)), latest.filter(isNew)];
  if (earlier.length === 0 || latest.length < leastResting) return false;
  const moved = offsetsOf(earlier, later);
  const aside = median(later.map(({ place }) => place.x)) - median(earlier.map(({ place }) => place.x));
  const by = (axis: 'yaw' | 'down' | 'growth') => Math.abs(median(moved.map((offset) => offset[axis])));
  return (
    Math.max(by('yaw'), by('down'), by('growth')) <= stillShare &&
    Math.abs(aside) <= stillAside * median(later.map(({ place }) => place.interEye))
  );
}

/** Against how the face was before the challenge, in shares of what is clear. */
interface Offset {
  readonly atMs: number;
  /** To the right of the picture. */
  readonly yaw: number;
  readonly down: number;
  readonly growth: number;
}

/** Of fast cameras each frame is steadied by its neighbours. */
const neighbourMs = 45;

/**
 * The resting pose is that of the end: whoever was still turning to the camera when the vote was won would never come
 * back to where they were a second ago.
 */
const restingMs = 400;
const leastResting = 3;

function restingIn(before: readonly FrameEvidence[]): readonly FrameEvidence[] {
  const fromMs = (before.at(-1)?.capturedAtMs ?? 0) - restingMs;
  const latest = before.filter(({ capturedAtMs }) => capturedAtMs >= fromMs);
  return latest.length >= leastResting ? latest : before.slice(-leastResting);
}

function offsetsOf(seen: readonly FrameEvidence[], after: readonly FrameEvidence[]): Offset[] {
  const before = restingIn(seen);
  const yawDeg = median(before.map(({ pose }) => pose.yawDeg));
  const y = median(before.map(({ place }) => place.y));
  const interEye = median(before.map(({ place }) => place.interEye));
  const plain = after.map(
    ({ capturedAtMs: atMs, pose, place }): Offset => ({
      atMs,
      yaw: (pose.yawDeg - yawDeg) / clearYawDeg,
      down: (place.y - y) / interEye / clearRise,
      growth: Math.log(place.interEye / interEye) / Math.log(clearGrowth),
    }),
  );
  return plain.map((own, i) => {
    const near = plain.slice(Math.max(0, i - 1), i + 2).filter(({ atMs }) => Math.abs(atMs - own.atMs) <= neighbourMs);
    // The middle of two would be a frame on the way that nobody saw.
    const [a, b, c] = near;
    if (!a || !b || !c) return own;
    return {
      ...{ atMs: own.atMs, yaw: middle(a.yaw, b.yaw, c.yaw) },
      ...{ down: middle(a.down, b.down, c.down), growth: middle(a.growth, b.growth, c.growth) },
    };
  });
}

const middle = (a: number, b: number, c: number): number => Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
