/**
 * What a flat thing cannot do: the frames of one face go in, one after the other; what each check says of the frames up
 * to this one comes out. The worker of the liveness room opens it and owns it; it keeps what it saw of one track.
 *
 * `live` means that a check saw enough and found no sign of its kind of attack. Only `flat` saw more than that: the
 * depth of a head. A video of a head has that depth too.
 */
import type { Box, Landmarks, Point } from '../../face/port.ts';
import type { LivenessFrame, MotionCheck } from '../port.ts';
import { type Border, borderAround, borderOpinion } from './border.ts';
import { stepOf } from './cut.ts';
import { faceFrame, type PlaceOnFace } from './depth.ts';
import { type FlatOpinion, flatOpinion, leastFacePoints } from './flat.ts';
import { loopWatch } from './looped.ts';
import { type Moved, medianOf } from './plane.ts';
import { type Followed, type FollowedPoint, followAll, followed, pointsOf } from './points.ts';
import { type FollowedPlace, type Pyramid, pyramidOf } from './tracks.ts';

export interface Motion {
  /** Empty: too few frames yet. After a gap, or another face, it starts again. */
  look(frame: LivenessFrame): readonly MotionCheck[];
}

/** The frame that the others are compared with. */
interface Key {
  readonly points: readonly FollowedPoint[];
  readonly place: PlaceOnFace;
  readonly interEyePx: number;
  readonly atMs: number;
  readonly sharpness: number;
  readonly border: Border | undefined;
  readonly shifts: { readonly x: number; readonly y: number }[];
  /** Whether a picture since then was no plane. */
  wasDeep: boolean;
}

/** Frames in which flatness or depth was seen. */
interface FlatTrack {
  flatFrames: number;
  deepFrames: number;
  value: number | undefined;
}

/** Frames in which a border went about with the face, and in which it stayed while the face moved. */
interface BorderTrack {
  frames: number;
  restingFrames: number;
  /** The latest that was seen, and how large the face was. */
  seen: (Pick<Border, 'reach'> & { readonly interEyePx: number }) | undefined;
  /** How far it went, shares of the distance between the eyes. */
  value: number | undefined;
}

interface State {
  key: Key | undefined;
  last: { readonly atMs: number; readonly x: number; readonly y: number; readonly size: number } | undefined;
  flat: FlatTrack;
  border: BorderTrack;
  loop: ReturnType<typeof loopWatch>;
  still: MotionCheck;
  /** How far the points were scattered in the latest frames. */
  steps: readonly number[];
}

/** A face that was not seen for this long is another visit. */
const gapMs = 1500;
/** A face that jumps by more than its width, or grows by more than this, is another one. */
const jumpWidths = 1;
const jumpGrowth = 1.5;
/** After this long the points are chosen again. Milliseconds. */
const keyMs = 2000;
const leastKept = 0.5;
const keyGrowth = 1.25;
/** A face that has become so much sharper shows points that were blurred before. */
const clearer = 2;
/** Fewer points on the face than this share of those in the frame before: it is cut. */
const keptOfFace = 0.65;
/** A point that is less exact than this is left out. Pixels. */
const mostErrorPx = 0.3;
/** Flat in so many frames, without one between them that was certainly no plane. */
const flatFrames = 3;
const certainlyDeep = 0.88;
/** A camera that shakes moves the whole picture; within this time a head moves on its own. Milliseconds. */
const shakenMs = 900;
const deepFrames = 3;
/** How long a face has to be looked at before its stillness means something. */
const stillMs = 1500;
const stillFrames = 8;
/**
 * Root mean square of the way of the face, shares of the distance between the eyes: 0.05 mm. A head sways by more;
 * the middle of all points is exact to a third of it.
 */
const stillShare = 0.0008;
/** Smaller faces are not followed exactly enough. Pixels of the grey picture. */
const stillInterEyePx = 25;
const borderFrames = 3;
/** How many frames say how far points usually are scattered. */
const usualSteps = 8;
/** Frames that came back. */
const loopedFrames = 4;

const fresh = (): State => ({
  key: undefined,
  last: undefined,
  flat: { flatFrames: 0, deepFrames: 0, value: undefined },
  border: { frames: 0, restingFrames: 0, seen: undefined, value: undefined },
  loop: loopWatch(),
  still: { kind: 'still', outcome: 'unsure' },
  steps: [],
});

export function openMotion(): Motion {
  let state = fresh();
  return {
    look: (frame) => {
      if (isAnother(state.last, frame)) state = fresh();
      return look(state, frame);
    },
  };
}

function isAnother(last: State['last'], { capturedAtMs, box }: LivenessFrame): boolean {
  if (!last) return false;
  const size = box.x2 - box.x1;
  const way = Math.hypot((box.x1 + box.x2) / 2 - last.x, (box.y1 + box.y2) / 2 - last.y);
  const growth = Math.max(size / last.size, last.size / size);
  return capturedAtMs - last.atMs > gapMs || capturedAtMs < last.atMs || way > jumpWidths * last.size || growth > jumpGrowth;
}

function look(state: State, frame: LivenessFrame): readonly MotionCheck[] {
  const { capturedAtMs: atMs, box, cuts } = frame;
  const ms = atMs - (state.last?.atMs ?? atMs);
  state.last = { atMs, x: (box.x1 + box.x2) / 2, y: (box.y1 + box.y2) / 2, size: box.x2 - box.x1 };
  const pyramid = pyramidOf(cuts.grey);
  const looped = loopedCheck(state.loop.look(cuts.grey, inGrey(frame).box, atMs));
  if (!state.key) {
    state.key = keyOf(pyramid, frame);
    return [];
  }
  const key = state.key;
  const before = onFace(key.points);
  const from = key.points.map(({ now }) => now);
  followAll(key.points, pyramid);
  const { steps, place } = stepsOf(key, from);
  const step = stepOf(steps, place, { interEyePx: key.interEyePx, ms, usual: medianOf(state.steps) });
  state.steps = step ? [...state.steps, step.scatter].slice(-usualSteps) : [];
  if (step?.isCut || onFace(key.points) < keptOfFace * before) {
    // Another picture in the same place.
    state.key = keyOf(pyramid, frame);
    state.flat.deepFrames = 0;
    return [flatCheck(state.flat), state.still, borderCheck(state.border), ...looped];
  }
  const points = followed(key.points).filter(({ errorPx }) => errorPx <= mostErrorPx);
  noteBorder(state.border, frame, key, points);
  const face = points.filter(({ region }) => region === 'face');
  const flat = flatOpinion(points, key.place, key.interEyePx);
  noteFlat(state.flat, flat, key, atMs);
  state.still = stillOf(key, face, atMs) ?? state.still;
  const isWornOut = atMs - key.atMs >= keyMs || points.length < leastKept * key.points.length || flat.isScattered;
  renew(state, key, isWornOut, pyramid, frame);
  return [flatCheck(state.flat), state.still, borderCheck(state.border), ...looped];
}

/** Chooses the points again where the old ones tell little of this frame. */
function renew(state: State, key: Key, isWornOut: boolean, pyramid: Pyramid, frame: LivenessFrame): void {
  const growth = interEyeOf(inGrey(frame).marks) / key.interEyePx;
  const isAnotherSize = growth > keyGrowth || growth < 1 / keyGrowth;
  const isClearer = frame.quality.sharpness > clearer * key.sharpness;
  const tellsNothing = onFace(key.points) < leastFacePoints;
  if (!(isWornOut || isAnotherSize || isClearer || tellsNothing)) return;
  const next = keyOf(pyramid, frame);
  if (!(isWornOut || isAnotherSize) && onFace(next.points) < leastFacePoints) return;
  state.key = next;
  forgetBorder(state.border, next, frame);
}

/**
 * Hair at the sides of a small face looks like an upright edge. A border would have grown with the face, and be in the
 * picture still.
 */
function forgetBorder(track: BorderTrack, { border, interEyePx }: Key, frame: LivenessFrame): void {
  if (border || !track.seen || interEyePx < keyGrowth * track.seen.interEyePx) return;
  const { x1, x2 } = inGrey(frame).box;
  const reachPx = (track.seen.reach * (x2 - x1)) / 2;
  const middle = (x1 + x2) / 2;
  if (middle - reachPx > 0 && middle + reachPx < frame.cuts.grey.width) track.seen = undefined;
}

/** The points on the face that were followed from the frame before to this one, and the face's place in that frame. */
function stepsOf({ points, place }: Key, from: readonly (FollowedPlace | undefined)[]) {
  const followed = points.flatMap(({ region, now, patch }, i) => {
    const was = from[i];
    return region === 'face' && now && was ? [{ now, was, patch }] : [];
  });
  const steps = followed.map(
    ({ now, was }): Moved => ({ x: was.x, y: was.y, nowX: now.x, nowY: now.y, errorPx: Math.hypot(was.errorPx, now.errorPx) }),
  );
  const x = medianOf(followed.map(({ was, patch }) => was.x - patch.x));
  const y = medianOf(followed.map(({ was, patch }) => was.y - patch.y));
  const placeThen: PlaceOnFace = (px, py) => place(px - x, py - y);
  return { steps, place: placeThen };
}

const onFace = (points: readonly FollowedPoint[]): number => points.filter(({ region, now }) => now && region === 'face').length;

function keyOf(pyramid: Pyramid, frame: LivenessFrame): Key {
  const { box, marks } = inGrey(frame);
  return {
    points: pointsOf(pyramid, box, marks),
    place: faceFrame(marks),
    interEyePx: interEyeOf(marks),
    atMs: frame.capturedAtMs,
    sharpness: frame.quality.sharpness,
    border: borderAround(frame.cuts.grey, box),
    shifts: [],
    wasDeep: false,
  };
}

const interEyeOf = ([right, left]: Landmarks): number => Math.hypot(left.x - right.x, left.y - right.y);

/** Box and landmarks in pixels of the grey picture. */
function inGrey({ width, box, landmarks, cuts }: LivenessFrame): { readonly box: Box; readonly marks: Landmarks } {
  const scale = cuts.grey.width / width;
  const [a, b, c, d, e] = landmarks.map(({ x, y }) => ({ x: x * scale, y: y * scale })) as [Point, Point, Point, Point, Point];
  return { box: { x1: box.x1 * scale, y1: box.y1 * scale, x2: box.x2 * scale, y2: box.y2 * scale }, marks: [a, b, c, d, e] };
}

function noteFlat(track: FlatTrack, { value, outcome, whole }: FlatOpinion, key: Key, atMs: number): void {
  if (outcome === 'live') {
    key.wasDeep = true;
    track.deepFrames++;
    track.flatFrames = 0;
    track.value = value;
  } else if (value !== undefined) {
    track.value = value;
    key.wasDeep ||= outcome !== 'spoof';
    const counts = outcome === 'spoof' && (!whole || (!key.wasDeep && atMs - key.atMs >= shakenMs));
    if (counts) track.flatFrames++;
    else if (value < certainlyDeep) track.flatFrames = 0;
  }
}

function flatCheck({ flatFrames: flat, deepFrames: deep, value }: FlatTrack): MotionCheck {
  const outcome = flat >= flatFrames ? 'spoof' : deep >= deepFrames ? 'live' : 'unsure';
  return { kind: 'flat', outcome, ...(value !== undefined && { value }) };
}

function noteBorder(track: BorderTrack, frame: LivenessFrame, { border, interEyePx }: Key, points: readonly Followed[]): void {
  if (!border) return;
  track.seen = { reach: border.reach, interEyePx };
  const { value, outcome } = borderOpinion(border, frame.cuts.grey, inGrey(frame).box, points);
  track.value = Math.max(track.value ?? 0, value / interEyePx);
  if (outcome === 'spoof') track.frames++;
  if (outcome === 'live') track.restingFrames++;
}

/** A border that nobody has moved before may be a door frame, or a display that is held at rest. */
function borderCheck({ frames, restingFrames, seen, value }: BorderTrack): MotionCheck {
  const outcome = frames >= borderFrames ? 'spoof' : seen && restingFrames < borderFrames ? 'unsure' : 'live';
  return { kind: 'border', outcome, ...(value !== undefined && { value }) };
}

/** Undefined: too early to tell. */
function stillOf(key: Key, face: readonly Followed[], atMs: number): MotionCheck | undefined {
  if (face.length === 0) return undefined;
  key.shifts.push({ x: medianOf(face.map(({ x, nowX }) => nowX - x)), y: medianOf(face.map(({ y, nowY }) => nowY - y)) });
  if (atMs - key.atMs < stillMs || key.shifts.length < stillFrames || key.interEyePx < stillInterEyePx) return undefined;
  const way = rootMeanSquare(key.shifts) / key.interEyePx;
  return { kind: 'still', outcome: way <= stillShare ? 'spoof' : 'live', value: stillShare / Math.max(1e-6, way) };
}

function rootMeanSquare(shifts: Key['shifts']): number {
  const mean = (of: (shift: { x: number; y: number }) => number) => shifts.reduce((sum, shift) => sum + of(shift), 0) / shifts.length;
  const [x, y] = [mean((shift) => shift.x), mean((shift) => shift.y)];
  return Math.sqrt(mean((shift) => (shift.x - x) ** 2 + (shift.y - y) ** 2));
}

function loopedCheck(frames: number | undefined): MotionCheck[] {
  return frames === undefined ? [] : [{ kind: 'looped', outcome: frames >= loopedFrames ? 'spoof' : 'live', value: frames }];
}
