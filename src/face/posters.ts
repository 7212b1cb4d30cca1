/**
 * Notices faces that never move: posters, screens, a face in a pattern. In: what was read in each frame. Out: the
 * places that the next frame leaves out, and what has changed.
 *
 * A person who stands still moves more than a picture on a wall: a standing head sways by some 2 cm within a minute, a
 * seventh of its width. So a place is left out only after the face there has stayed within a twenty-fifth of its width
 * (smoothed over the noise of the camera) for the whole time, with the same embedding. It counts again as soon as it
 * moves, or another face is in its place: once a second, a face that is left out is embedded to see whose it is.
 */
import { intersectionOverUnion } from './mask.ts';
import type { Box, Embedding, Face, Mask, Reading } from './port.ts';

export interface PosterNews {
  readonly kind: 'noticed' | 'ended';
  readonly box: Box;
  readonly forMs: number;
  readonly why?: 'moved' | 'another' | 'gone';
}

export interface PosterWatch {
  /** What the next frame leaves out. */
  mask(atMs: number): Omit<Mask, 'zones'>;
  /** Takes in what was read under that mask. */
  saw(reading: Reading, atMs: number): readonly PosterNews[];
  /** Faces that are left out. */
  readonly count: number;
}

interface Track {
  /** Smoothed over the last frames: centre, and width and height. */
  at: Place;
  /** Where it was when it came to rest. */
  rest: Place;
  embedding: Embedding | undefined;
  sinceMs: number;
  seenMs: number;
  /** Since when it is left out. */
  outSinceMs: number | undefined;
  /** Frames in a row in which it was not at rest. */
  strayed: number;
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface State {
  readonly stillMs: number;
  tracks: Track[];
  checkedMs: number;
}

/** Share of a new frame in the smoothed place. */
const weight = 0.25;
/** How far the smoothed place, and one frame, may be from the place of rest. Widths of the face. */
const driftWidths = 0.04;
const jumpWidths = 0.15;
/** Small faces move by parts of a pixel. */
const leastDriftPx = 1.5;
/** How much the smoothed size, and one frame's, may differ. */
const driftGrowth = 0.08;
const jumpGrowth = 0.25;
/** Before that the place of rest is only being found. Milliseconds. */
const settleMs = 1000;
/** A face that is not found for this long begins again. Milliseconds. */
const gapMs = 5000;
/** Cosine. The same picture gives at least 0.89 under strong noise; other people's are around 0. */
const sameFace = 0.8;
/** In dusk and lamp light the same poster still gives more. Cosine. */
const notAnother = 0.5;
/** So many frames in a row show that it was not noise. */
const strayedFrames = 3;
const checkEveryMs = 1000;
/** A night, in which nothing is found, does not end it. Milliseconds. */
const goneMs = 12 * 3_600_000;

/** `stillMs`: how long a face must not move; 0: nothing is left out. */
export function posterWatch(stillMs: number): PosterWatch {
  const state: State = { stillMs, tracks: [], checkedMs: Number.NEGATIVE_INFINITY };
  return {
    mask: (atMs) => {
      const still = state.tracks.filter(isOut).map(({ rest }) => boxOf(rest));
      return { still, check: still.length > 0 && atMs - state.checkedMs >= checkEveryMs };
    },
    saw: (reading, atMs) => (stillMs > 0 ? saw(state, reading, atMs) : []),
    get count() {
      return state.tracks.filter(isOut).length;
    },
  };
}

const isOut = ({ outSinceMs }: Track): boolean => outSinceMs !== undefined;

function saw(state: State, { faces, still = [] }: Reading, atMs: number): PosterNews[] {
  const news: PosterNews[] = [];
  if (still.some(({ embedding }) => embedding)) state.checkedMs = atMs;
  for (const face of still) {
    const track = nearest(state.tracks.filter(isOut), face.box);
    const why = track && endOf(track, face, atMs);
    if (track && why) news.push(ended(state, track, why, atMs));
  }
  for (const face of faces) {
    const moving = state.tracks.filter((track) => !isOut(track));
    const track = nearest(moving, face.box);
    if (track && isAtRest(track, face, atMs)) {
      settle(track, face, atMs);
      if (atMs - track.sinceMs >= state.stillMs) news.push(noticed(track, atMs));
    } else {
      state.tracks = [...state.tracks.filter((other) => other !== track), begun(face, atMs)];
    }
  }
  for (const track of state.tracks.filter(isOut)) if (hasLeft(track, faces, atMs)) news.push(ended(state, track, 'moved', atMs));
  for (const track of state.tracks.filter(isOut)) if (atMs - track.seenMs > goneMs) news.push(ended(state, track, 'gone', atMs));
  state.tracks = state.tracks.filter((track) => isOut(track) || atMs - track.seenMs <= gapMs);
  return news;
}

function begun({ box, embedding }: Face, atMs: number): Track {
  const place = placeOf(box);
  return { at: place, rest: place, embedding, sinceMs: atMs, seenMs: atMs, outSinceMs: undefined, strayed: 0 };
}

function isAtRest(track: Track, { box, embedding }: Face, atMs: number): boolean {
  if (atMs - track.seenMs > gapMs) return false;
  if (embedding && track.embedding && cosine(embedding, track.embedding) < sameFace) return false;
  return isNear(track, placeOf(box));
}

/** Takes the frame into the smoothed place. */
function isNear(track: Track, now: Place): boolean {
  const { rest } = track;
  const grown = (place: Place) => Math.max(ratio(place.width, rest.width), ratio(place.height, rest.height)) - 1;
  if (distance(now, rest) > jumpWidths * rest.width || grown(now) > jumpGrowth) return false;
  track.at = between(track.at, now);
  return grown(track.at) <= driftGrowth && distance(track.at, rest) <= Math.max(leastDriftPx, driftWidths * rest.width);
}

function settle(track: Track, { embedding }: Face, atMs: number): void {
  track.seenMs = atMs;
  track.embedding ??= embedding;
  if (atMs - track.sinceMs < settleMs) track.rest = track.at;
}

/** Its face is elsewhere in this frame, and not in its place. */
function hasLeft({ embedding, seenMs }: Track, faces: readonly Face[], atMs: number): boolean {
  if (!embedding || seenMs === atMs) return false;
  return faces.some((face) => face.embedding && cosine(face.embedding, embedding) >= sameFace);
}

function noticed(track: Track, atMs: number): PosterNews {
  track.outSinceMs = atMs;
  return { kind: 'noticed', box: boxOf(track.rest), forMs: atMs - track.sinceMs };
}

/** Why a face that is left out counts again; undefined while it is as it was. */
function endOf(track: Track, { box, embedding }: Face, atMs: number): PosterNews['why'] {
  track.seenMs = atMs;
  if (embedding && (!track.embedding || cosine(embedding, track.embedding) < notAnother)) return 'another';
  if (embedding && track.embedding) track.embedding = mixed(track.embedding, embedding);
  track.strayed = isNear(track, placeOf(box)) ? 0 : track.strayed + 1;
  return track.strayed >= strayedFrames ? 'moved' : undefined;
}

function ended(state: State, track: Track, why: NonNullable<PosterNews['why']>, atMs: number): PosterNews {
  state.tracks = state.tracks.filter((other) => other !== track);
  return { kind: 'ended', box: boxOf(track.rest), forMs: atMs - (track.outSinceMs ?? atMs), why };
}

function nearest(tracks: readonly Track[], box: Box): Track | undefined {
  const near = tracks.map((track) => ({ track, shared: intersectionOverUnion(boxOf(track.rest), box) }));
  return near.filter(({ shared }) => shared > 0.5).toSorted((a, b) => b.shared - a.shared)[0]?.track;
}

const placeOf = ({ x1, y1, x2, y2 }: Box): Place => ({ x: (x1 + x2) / 2, y: (y1 + y2) / 2, width: x2 - x1, height: y2 - y1 });

const boxOf = ({ x, y, width, height }: Place): Box => ({ x1: x - width / 2, y1: y - height / 2, x2: x + width / 2, y2: y + height / 2 });

const distance = (a: Place, b: Place): number => Math.hypot(a.x - b.x, a.y - b.y);

const ratio = (a: number, b: number): number => Math.max(a, b) / Math.max(1e-6, Math.min(a, b));

const step = (from: number, to: number): number => from + weight * (to - from);

const between = (a: Place, b: Place): Place => ({
  x: step(a.x, b.x),
  y: step(a.y, b.y),
  width: step(a.width, b.width),
  height: step(a.height, b.height),
});

const cosine = (a: Embedding, b: Embedding): number => a.reduce((sum, v, i) => sum + v * (b[i] ?? 0), 0);

/** Follows slow changes of the light. */
function mixed(a: Embedding, b: Embedding): Embedding {
  const sum = a.map((v, i) => 0.9 * v + 0.1 * (b[i] ?? 0));
  const length = Math.hypot(...sum) || 1;
  return sum.map((v) => v / length);
}
