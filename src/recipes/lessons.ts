/**
 * What a twin is taught robustness by: aligned faces in; batches of worse pictures of them out, each with the embedding that its clean picture has. A face
 * laid over another one or two is a face that nobody has: so a door of few people has as many to learn from as it wants.
 */

import { newRandom } from '../base/random.ts';
import type { Embedding } from '../face/port.ts';
import { seedOf } from './cohort.ts';
import { degrade, drawDegradation, evening } from './degrade.ts';
import { toUnit } from './projection.ts';

/** A clean picture: one face, or several laid over each other. */
interface Lesson {
  readonly faces: readonly Uint8Array[];
  /** Of each face, 0…1; together 1. */
  readonly shares: readonly number[];
}

export interface LessonsOptions {
  /** Of an aligned face, pixels; interleaved RGB. */
  readonly width: number;
  readonly height: number;
  /** Each person's aligned faces: of the door, and of people who are nobody there. */
  readonly door: readonly (readonly Uint8Array[])[];
  readonly others: readonly (readonly Uint8Array[])[];
  /** Embeds a clean picture. */
  readonly embed: (aligned: Uint8Array) => Promise<Embedding>;
  readonly seed: number;
  /** Faces laid over each other for each face of the door. */
  readonly mixedPerFace: number;
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

export interface Lessons {
  /** How many clean pictures there are. */
  readonly count: number;
  /**
   * The batch of a step, the same whenever it is asked for: `lay` is given each picture; the result holds their targets (rows × dimension).
   */
  batch(step: number, rows: number, lay: (aligned: Uint8Array, row: number) => void): Promise<Float32Array>;
}

/** Faces laid over each other, at most. */
const mostMixed = 4500;
/** Shares of the batches: people who are nobody at the door, where there are any; of the rest, faces laid over each other; and of all, pictures left as they are. */
const [othersShare, mixedShare, cleanShare] = [0.6, 0.8, 0.2];

/** Embeds every clean picture: what it is taught is what it knows already of those. */
export async function openLessons({
  width,
  height,
  door,
  others,
  embed,
  seed,
  mixedPerFace,
  onProgress,
  signal,
}: LessonsOptions): Promise<Lessons> {
  const random = newRandom(seed);
  const whole = (face: Uint8Array): Lesson => ({ faces: [face], shares: [1] });
  const own = door.flat().map(whole);
  const theirs = others.flat().map(whole);
  const groups = door.length > 1 ? door : others;
  const mixed = Array.from({ length: groups.length > 1 ? Math.min(mostMixed, mixedPerFace * own.length) : 0 }, () => mix(groups, random));
  const all = [own, mixed, theirs];
  const total = own.length + mixed.length + theirs.length;
  const targets = new Map<Lesson, Embedding>();
  for (const lesson of all.flat()) {
    signal.throwIfAborted();
    targets.set(lesson, await embed(pictureOf(lesson)));
    onProgress(targets.size, total);
  }
  const dimension = [...targets.values()][0]?.length ?? 0;

  return {
    count: total,
    batch: async (step, rows, lay) => {
      const target = new Float32Array(rows * dimension);
      await Promise.all(
        Array.from({ length: rows }, async (_, row) => {
          const chance = newRandom(seedOf(`${seed} ${step} ${row}`));
          const lesson = draw(all, chance);
          target.set(toUnit(targets.get(lesson) as Embedding), row * dimension);
          const moved = move(pictureOf(lesson), width, height, chance);
          lay(chance() < cleanShare ? moved : await degrade({ width, height, rgb: moved }, drawDegradation(chance, evening), chance), row);
        }),
      );
      return target;
    },
  };
}

type Random = () => number;
const pick = <T>(from: readonly T[], random: Random): T => from[Math.floor(random() * from.length)] as T;

function draw([own = [], mixed = [], theirs = []]: readonly (readonly Lesson[])[], random: Random): Lesson {
  if (theirs.length > 0 && random() < othersShare) return pick(theirs, random);
  return pick(mixed.length > 0 && random() < mixedShare ? mixed : own, random);
}

/** Two or three people's faces over each other, no share below a sixth. */
function mix(people: readonly (readonly Uint8Array[])[], random: Random): Lesson {
  const count = Math.min(people.length, random() < 0.5 ? 2 : 3);
  const chosen = new Set<number>();
  while (chosen.size < count) chosen.add(Math.floor(random() * people.length));
  const first = 0.3 + 0.4 * random();
  const faces = [...chosen].map((index) => pick(people[index] as readonly Uint8Array[], random));
  return { faces, shares: faces.map((_, index) => (index === 0 ? first : (1 - first) / (count - 1))) };
}

function pictureOf({ faces, shares }: Lesson): Uint8Array {
  const [only] = faces;
  if (faces.length === 1 && only) return only;
  const sums = new Float32Array((only as Uint8Array).length);
  for (const [index, face] of faces.entries())
    for (let at = 0; at < sums.length; at++) sums[at] = (sums[at] as number) + (shares[index] as number) * (face[at] as number);
  return Uint8Array.from(sums, Math.round);
}

/** As another detection might have aligned it: shifted, turned (±4°) and scaled (±5 %) a little, or mirrored. */
function move(rgb: Uint8Array, width: number, height: number, random: Random): Uint8Array {
  const between = (most: number) => (2 * random() - 1) * most;
  const [angle, scale, dx, dy, mirrored] = [
    between(0.07),
    1 + between(0.05),
    between(0.022 * width),
    between(0.022 * height),
    random() < 0.5,
  ];
  const [cos, sin, cx, cy] = [Math.cos(angle) * scale, Math.sin(angle) * scale, width / 2, height / 2];
  const out = new Uint8Array(rgb.length);
  for (let y = 0; y < height; y++)
    for (let column = 0; column < width; column++) {
      const x = mirrored ? width - 1 - column : column;
      const u = Math.min(width - 1.001, Math.max(0, cos * (x - cx) - sin * (y - cy) + cx + dx));
      const v = Math.min(height - 1.001, Math.max(0, sin * (x - cx) + cos * (y - cy) + cy + dy));
      const [left, top] = [Math.floor(u), Math.floor(v)];
      const [fx, fy] = [u - left, v - top];
      for (let c = 0; c < 3; c++) {
        const at = (top * width + left) * 3 + c;
        const row = (from: number) => (rgb[from] as number) * (1 - fx) + (rgb[from + 3] as number) * fx;
        out[(y * width + column) * 3 + c] = row(at) * (1 - fy) + row(at + 3 * width) * fy + 0.5;
      }
    }
  return out;
}
