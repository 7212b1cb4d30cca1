/**
 * What `finetune` trains on. Aligned faces go in; batches of degraded pictures come out, each with the embedding of its
 * clean picture as the target. A blend of two or three faces is a face that nobody has: so a door of few people has
 * enough to learn from.
 */
import { newRandom, type Random } from '../base/random.ts';
import type { Embedding } from '../face/port.ts';
import { degrade, drawDoorCamera } from './degrade.ts';
import { seedOf } from './embed-versions.ts';
import { toUnit } from './embeddings.ts';

/** A clean picture: one face, or a blend of several. */
interface Lesson {
  readonly faces: readonly Uint8Array[];
  /** The weight of each face, 0…1; their sum is 1. */
  readonly shares: readonly number[];
}

interface LessonsOptions {
  /** Size of an aligned face, pixels. */
  readonly width: number;
  readonly height: number;
  /** Each person's aligned faces (interleaved RGB): people of the door, and strangers to it. */
  readonly door: readonly (readonly Uint8Array[])[];
  readonly others: readonly (readonly Uint8Array[])[];
  /** What the network says before it is trained. */
  readonly judge: (aligned: Uint8Array) => Promise<{ readonly embedding: Embedding; readonly fitness?: number }>;
  readonly seed: number;
  /** Blends for each face of the door; at most `mostMixed` in all. */
  readonly mixedPerFace: number;
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

export interface Lessons {
  /** The number of clean pictures. */
  readonly count: number;
  /**
   * The batch of a step, always the same for the same step: `lay` receives each picture, the result is their targets
   * (rows × dimension), and the fitness that each has, if the network tells it.
   */
  batch(
    step: number,
    rows: number,
    lay: (aligned: Uint8Array, row: number) => void,
  ): Promise<{ readonly targets: Float32Array; readonly qualities?: Float32Array }>;
}

const mostMixed = 4500;
/**
 * Shares of a batch: strangers, if there are any; blends, of the rest; pictures that are not degraded, of all; and
 * unfit ones, of all: turned or half covered, in which the network must go on to see what it saw.
 */
const [othersShare, mixedShare, cleanShare, unfitShare] = [0.6, 0.8, 0.15, 0.15];

/** Embeds every clean picture: these embeddings are the targets. */
export async function openLessons({
  width,
  height,
  door,
  others,
  judge,
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
    targets.set(lesson, (await judge(pictureOf(lesson))).embedding);
    onProgress(targets.size, total);
  }
  const dimension = [...targets.values()][0]?.length ?? 0;

  const drawOne = async (chance: Random) => {
    const lesson = draw(all, chance);
    const moved = move(pictureOf(lesson), width, height, chance);
    const kind = chance();
    if (kind < unfitShare) return { picture: unfit(moved, width, height, chance), target: undefined };
    const target = targets.get(lesson) as Embedding;
    if (kind < unfitShare + cleanShare) return { picture: moved, target };
    return { picture: await degrade({ width, height, rgb: moved }, drawDoorCamera(chance), chance), target };
  };
  return {
    count: total,
    batch: async (step, rows, lay) => {
      const chances = Array.from({ length: rows }, (_, row) => newRandom(seedOf(`${seed} ${step} ${row}`)));
      const drawn = await Promise.all(chances.map(drawOne));
      const made = { targets: new Float32Array(rows * dimension), qualities: new Float32Array(rows) };
      let judged = true;
      for (const [row, { picture, target }] of drawn.entries()) {
        const { embedding, fitness } = await judge(picture);
        made.targets.set(toUnit((target ?? embedding).slice()), row * dimension);
        made.qualities[row] = fitness ?? 0;
        judged &&= fitness !== undefined;
        lay(picture, row);
      }
      return judged ? made : { targets: made.targets };
    },
  };
}

/** Turned by a quarter or a half (of a square picture), or with its upper or lower half painted over. */
function unfit(rgb: Uint8Array, width: number, height: number, random: Random): Uint8Array {
  const turns = width === height ? 1 + Math.floor(3 * random()) : 2;
  if (random() < 0.5) return turned(rgb, width, height, turns);
  const half = 3 * width * Math.round(height * (0.4 + 0.2 * random()));
  return random() < 0.5 ? rgb.slice().fill(127, half) : rgb.slice().fill(127, 0, half);
}

export function turned(rgb: Uint8Array, width: number, height: number, quarters: number): Uint8Array {
  const out = new Uint8Array(rgb.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [u, v] = quarters === 1 ? [y, width - 1 - x] : quarters === 2 ? [width - 1 - x, height - 1 - y] : [height - 1 - y, x];
      for (let c = 0; c < 3; c++) out[3 * (y * width + x) + c] = rgb[3 * (v * width + u) + c] as number;
    }
  return out;
}

const pick = <T>(from: readonly T[], random: Random): T => from[Math.floor(random() * from.length)] as T;

function draw([own = [], mixed = [], theirs = []]: readonly (readonly Lesson[])[], random: Random): Lesson {
  if (theirs.length > 0 && random() < othersShare) return pick(theirs, random);
  return pick(mixed.length > 0 && random() < mixedShare ? mixed : own, random);
}

/** A blend of faces of two or three people, no weight below 0.15. */
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

/** As another detection might align it: shifted a little, rotated (±4°), scaled (±5 %), or mirrored. */
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
