/**
 * What a door knows of living faces before its own camera: confirmed visits go in; the threshold of this camera, and
 * how strange a visit is to it and to the person, come out. Pure. What is learned tightens freely; it loosens by half a
 * logit at most, because beyond that more replayed attacks pass than at the shipped threshold (docs/research/log.md).
 */
import { firstBands, type KnownLive } from './judge.ts';
import type { FrameEvidence } from './port.ts';

/** What one network said of a visit: the mean over its frames. */
export interface NetworkView {
  readonly network: string;
  readonly logit: number;
  readonly features?: Float32Array;
}

/** A visit whose person was confirmed otherwise than by their face. */
export interface LiveVisit {
  readonly personId: string;
  readonly views: readonly NetworkView[];
}

/** From so many visits on a door knows its camera, and from so many of their own a person. */
const [leastOfCamera, leastOfPerson] = [20, 5];
/** The newest visits, of all: comparing each with each takes 2 ms then. */
const mostOfCamera = 60;
/** The lowest share of the camera's own visits that may be unsure, and the room below. */
const [unsureShare, room] = [0.03, 0.5];
const [lowest, highest] = [-0.5, 3];
/** Of 560 attacks on those data sets 1 % reach this at a camera whose threshold is known. */
const surely = 2;
/** How many visits are near, and what a logit a distance (1 − cosine) of 1 is worth. */
const [near, weight] = [3, 4];
/** A visit is unlike a person's own if it is farther from all of them than they are from each other, by this factor. */
const unlikeFactor = 1.5;
/**
 * Five visits of one evening resemble each other more than those of a person do. With this as the least distance that
 * they count for, 5 % of the live visits in another light are unlike in place of 41 % (docs/research/log.md).
 */
const leastSpread = 0.05;

/** `visits`: the newest last, all of these networks. */
export function knownLive(visits: readonly LiveVisit[], networks: number): KnownLive {
  const isUnlike = unlikeOwn(visits);
  const ofCamera = visits.filter(({ views }) => views.length === networks).slice(-mostOfCamera);
  if (ofCamera.length < leastOfCamera) return { bands: firstBands, networks, isUnlike };
  const distances = ofCamera.map(
    (visit) =>
      distanceTo(
        visit.views,
        ofCamera.filter((other) => other !== visit),
      ) ?? 0,
  );
  const usual = sorted(distances)[distances.length >> 1] ?? 0;
  // Never in favour of a face: whoever teaches the door odd visits must not loosen it.
  const shiftAt = (distance: number) => weight * Math.max(0, distance - usual);
  const scores = sorted(ofCamera.map(({ views }, at) => meanOf(views.map(({ logit }) => logit)) - shiftAt(distances[at] as number)));
  const live = Math.min(highest, Math.max(lowest, (scores[Math.floor(unsureShare * scores.length)] as number) - room));
  return {
    bands: { live, spoof: firstBands.spoof, sure: Math.max(surely, live) },
    networks,
    isUnlike,
    shift: (frames) => {
      const distance = distanceTo(viewsOf(frames), ofCamera);
      return distance === undefined ? 0 : shiftAt(distance);
    },
  };
}

/** A visit's frames, by network. */
export function viewsOf(frames: readonly FrameEvidence[]): NetworkView[] {
  const byNetwork = Map.groupBy(
    frames.flatMap(({ passive }) => passive ?? []),
    ({ network }) => network,
  );
  return [...byNetwork].map(([network, looks]) => {
    const features = looks.flatMap((look) => look.features ?? []);
    return {
      network,
      logit: meanOf(looks.map(({ logit }) => logit)),
      ...(features.length === looks.length && { features: meanVector(features) }),
    };
  });
}

function unlikeOwn(visits: readonly LiveVisit[]): NonNullable<KnownLive['isUnlike']> {
  const byPerson = Map.groupBy(visits, ({ personId }) => personId);
  // Only when somebody comes: most never do between two changes.
  const spreads = new Map<string, number>();
  return (frames, personId) => {
    const own = byPerson.get(personId) ?? [];
    if (own.length < leastOfPerson) return false;
    const spread =
      spreads.get(personId) ??
      Math.max(
        leastSpread,
        ...own.map(
          (visit) =>
            distanceTo(
              visit.views,
              own.filter((o) => o !== visit),
              1,
            ) ?? 0,
        ),
      );
    spreads.set(personId, spread);
    const distance = distanceTo(viewsOf(frames), own, 1);
    return distance !== undefined && distance > unlikeFactor * spread;
  };
}

/** Mean over the networks of the distance to the nearest visits. Undefined where a network gives no features. */
function distanceTo(views: readonly NetworkView[], visits: readonly LiveVisit[], count = near): number | undefined {
  const distances = views.map(({ network, features }) => {
    const others = visits.flatMap((visit) => visit.views.find((view) => view.network === network)?.features ?? []);
    if (!features || others.length === 0) return undefined;
    return meanOf(sorted(others.map((other) => 1 - cosine(features, other))).slice(0, count));
  });
  const known = distances.filter((distance) => distance !== undefined);
  return known.length > 0 && known.length === distances.length ? meanOf(known) : undefined;
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i] as number, b[i] ?? 0];
    dot += x * y;
    aa += x * x;
    bb += y * y;
  }
  return dot / (Math.sqrt(aa * bb) || 1);
}

function meanVector(vectors: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(vectors[0]?.length ?? 0);
  for (const vector of vectors) for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] as number) + (vector[i] ?? 0) / vectors.length;
  return mean;
}

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b);
const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
