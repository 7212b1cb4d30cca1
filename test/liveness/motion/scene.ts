/**
 * Small scenes for the checks of motion: a head that is an ellipsoid, or a sheet of paper with its picture, before a
 * wall, as a camera with a noisy sensor sees them. Where things are in each frame goes in, LivenessFrames come out.
 * Seeded.
 */
import type { Landmarks, Point, Quality } from '../../../src/face/port.ts';
import type { LivenessFrame } from '../../../src/liveness/port.ts';
import { randomOf } from '../../fakes/embeddings.ts';

/** Centimetres; x to the right, y down, z away from the camera. */
export interface Pose {
  readonly x?: number;
  readonly y?: number;
  readonly z?: number;
  readonly yawDeg?: number;
  readonly pitchDeg?: number;
  readonly rollDeg?: number;
}

export interface Thing {
  /** A head, or a sheet with its picture (`wide` × `high`), or the picture of a head cut out along its outline. */
  readonly kind: 'head' | 'sheet' | 'cut-out';
  readonly pose: Pose;
  readonly wide?: number;
  readonly high?: number;
  /** A dark rim around the sheet, centimetres. */
  readonly bezel?: number;
  /** Cloth around the head that goes with it. */
  readonly hood?: boolean;
}

export interface Shot {
  readonly atMs: number;
  readonly thing: Thing;
  /** Something nearer to the camera or further away, with no face that counts. */
  readonly beside?: Thing;
  /** A reflection on the glasses: how far it has gone from the middle of each eye, pixels. */
  readonly glare?: number;
  /** How far the camera itself has turned, degrees. */
  readonly camera?: { readonly yawDeg: number; readonly pitchDeg: number };
  /** Brightness of everything. */
  readonly gain?: number;
}

export interface Film {
  readonly seed: number;
  /** Standard deviation, levels. */
  readonly noise?: number;
  /** A wall without anything on it. */
  readonly bareWall?: boolean;
  /** A dark post on the wall on each side of the face. */
  readonly posts?: boolean;
}

const [width, height] = [320, 240];
const focal = 330;
const distance = 55;
/** Semi-axes of the head. */
const [headX, headY, headZ] = [7.4, 10.5, 9];
const wallZ = 180;

type Vector = readonly [number, number, number];
type Texture = (x: number, y: number) => number;

/** Frames of these shots; the same for the same seed. */
export function filmed(shots: readonly Shot[], { seed, noise = 1.2, bareWall = false, posts = false }: Film): LivenessFrame[] {
  const random = randomOf(seed);
  const plain: Texture = bareWall ? () => 150 : texture(seed, 0.12, 60);
  const wall: Texture = posts ? (x, y) => (Math.abs(Math.abs(x) - 38) < 4 ? 20 : 60 + plain(x, y) / 2) : plain;
  const textures = { skin: texture(seed + 100, 0.7, 46), paper: texture(seed + 200, 0.5, 50), cloth: texture(seed + 300, 0.6, 40) };
  return shots.map((shot) => {
    const pixels = new Uint8Array(width * height);
    const camera = shot.camera && turnOf(shot.camera);
    const thing = sightOf(shot.thing, textures);
    const beside = shot.beside && sightOf(shot.beside, textures);
    for (let v = 0, i = 0; v < height; v++) {
      let grain = Math.floor(random() * (grains.length - width));
      for (let u = 0; u < width; u++, i++) {
        const ray = rayOf(u, v, camera);
        const scale = wallZ / ray[2];
        const level = isGlare(u, v, shot) ? 250 : (thing(ray) ?? beside?.(ray) ?? wall(ray[0] * scale, ray[1] * scale));
        pixels[i] = Math.min(255, Math.max(0, level * (shot.gain ?? 1) + noise * (grains[grain++] as number) + 0.5));
      }
    }
    return frameOf(shot, pixels);
  });
}

/** Poses of `count` frames at 12 a second, from one pose to another and back without a jerk. */
export function moved(count: number, thing: (share: number, atMs: number) => Thing): Shot[] {
  return Array.from({ length: count }, (_, i) => {
    const atMs = (i * 1000) / 12;
    return { atMs, thing: thing((1 - Math.cos((i / Math.max(1, count - 1)) * 2 * Math.PI)) / 2, atMs) };
  });
}

/** Two bright bars where the glasses of a head in the middle are. */
function isGlare(u: number, v: number, { glare }: Shot): boolean {
  if (glare === undefined) return false;
  const [x, y] = [Math.abs(u - width / 2 - glare) - 20, v - height / 2 + 12];
  return Math.abs(x) < 6 && Math.abs(y + 0.6 * x) < 4;
}

interface Textures {
  readonly skin: Texture;
  readonly paper: Texture;
  readonly cloth: Texture;
}

/** The level of a thing along a ray; undefined beside it. */
type Sight = (ray: Vector) => number | undefined;

function sightOf({ kind, pose, wide = 30, high = 40, bezel = 0, hood }: Thing, { skin, paper, cloth }: Textures): Sight {
  const turn = turnOf(pose);
  const centre: Vector = [pose.x ?? 0, pose.y ?? 0, pose.z ?? distance];
  if (kind === 'head') {
    const head = ellipsoid(centre, turn, [headX, headY, headZ]);
    const around = hood ? ellipsoid([centre[0], centre[1] - 1, centre[2] + 4], turn, [13, 16, 10]) : () => undefined;
    return (ray) => {
      const on = head(ray);
      if (on && on[2] < 0) return skin(on[0] + 50, on[1] + 50);
      const beyond = around(ray);
      return beyond && cloth(beyond[0] + 80, beyond[1] + 80);
    };
  }
  const plane = planeOf(centre, turn);
  return (ray) => {
    const at = plane(ray);
    if (!at) return undefined;
    if ((at[0] / headX) ** 2 + (at[1] / headY) ** 2 < 1) return skin(at[0] + 50, at[1] + 50);
    if (kind === 'cut-out') return undefined;
    const beyond = Math.max(Math.abs(at[0]) - wide / 2, Math.abs(at[1]) - high / 2);
    if (beyond < 0) return paper(at[0] + 20, at[1] + 20);
    return beyond < bezel ? 15 : undefined;
  };
}

function rayOf(u: number, v: number, camera: Turn | undefined): Vector {
  const ray: Vector = [(u - width / 2) / focal, (v - height / 2) / focal, 1];
  return camera ? turned(camera, ray) : ray;
}

/** Rows of a rotation from the thing to the camera. */
type Turn = readonly [Vector, Vector, Vector];

function turnOf({ yawDeg = 0, pitchDeg = 0, rollDeg = 0 }: Pose): Turn {
  const [y, p, r] = [yawDeg, pitchDeg, rollDeg].map((deg) => (deg * Math.PI) / 180) as [number, number, number];
  const [cy, sy, cp, sp, cr, sr] = [Math.cos(y), Math.sin(y), Math.cos(p), Math.sin(p), Math.cos(r), Math.sin(r)];
  return [
    [cr * cy - sr * sp * sy, -sr * cp, cr * sy + sr * sp * cy],
    [sr * cy + cr * sp * sy, cr * cp, sr * sy - cr * sp * cy],
    [-cp * sy, sp, cp * cy],
  ];
}

const dot = (a: Vector, b: Vector): number => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const turned = (turn: Turn, v: Vector): Vector => [dot(turn[0], v), dot(turn[1], v), dot(turn[2], v)];
const back = ([a, b, c]: Turn, v: Vector): Vector => [
  a[0] * v[0] + b[0] * v[1] + c[0] * v[2],
  a[1] * v[0] + b[1] * v[1] + c[1] * v[2],
  a[2] * v[0] + b[2] * v[1] + c[2] * v[2],
];

/** The place that a ray meets first, in the thing's own coordinates. */
function ellipsoid(centre: Vector, turn: Turn, axes: Vector): (ray: Vector) => Vector | undefined {
  const scaled = (v: Vector): Vector => [v[0] / axes[0], v[1] / axes[1], v[2] / axes[2]];
  const o = back(turn, [-centre[0], -centre[1], -centre[2]]);
  const q = scaled(o);
  const c = dot(q, q) - 1;
  return (ray) => {
    const d = back(turn, ray);
    const e = scaled(d);
    const [a, b] = [dot(e, e), dot(e, q)];
    const root = b * b - a * c;
    if (root <= 0) return undefined;
    const t = (-b - Math.sqrt(root)) / a;
    return [o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2]];
  };
}

function planeOf(centre: Vector, turn: Turn): (ray: Vector) => readonly [number, number] | undefined {
  const o = back(turn, [-centre[0], -centre[1], -centre[2]]);
  return (ray) => {
    const d = back(turn, ray);
    const t = -o[2] / d[2];
    return t > 0 ? [o[0] + t * d[0], o[1] + t * d[1]] : undefined;
  };
}

/** Eyes, nose and corners of the mouth on the head or on its picture, centimetres. */
const marks = [
  [-3.1, -2],
  [3.1, -2],
  [0, 1.8],
  [-2.4, 5],
  [2.4, 5],
] as const;

function frameOf({ atMs, thing, camera }: Shot, pixels: Uint8Array): LivenessFrame {
  const turn = turnOf(thing.pose);
  const project = (x: number, y: number): Point => {
    const z = thing.kind === 'head' ? -headZ * Math.sqrt(Math.max(0, 1 - (x / headX) ** 2 - (y / headY) ** 2)) : 0;
    const at = turned(turn, [x, y, z]);
    const seen: Vector = [at[0] + (thing.pose.x ?? 0), at[1] + (thing.pose.y ?? 0), at[2] + (thing.pose.z ?? distance)];
    const [a, b, c] = camera ? back(turnOf(camera), seen) : seen;
    return { x: (focal * a) / c + width / 2, y: (focal * b) / c + height / 2 };
  };
  const [a, b, c, d, e] = marks.map(([x, y]) => project(x, y)) as [Point, Point, Point, Point, Point];
  const landmarks: Landmarks = [a, b, c, d, e];
  const [left, right, top, bottom] = [project(-6.3, 0), project(6.3, 0), project(0, -7), project(0, 9)];
  const eye = new Uint8Array(32 * 32 * 3);
  return {
    capturedAtMs: atMs,
    width,
    height,
    box: { x1: left.x, x2: right.x, y1: top.y, y2: bottom.y },
    landmarks,
    quality,
    passive: true,
    cuts: { around: [], eyes: [eye, eye], grey: { width, height, pixels }, skin: [128, 128, 128], surround: [128, 128, 128] },
  };
}

const quality: Quality = {
  ...{ reasons: [], interEyePx: 38, luminance: 128, contrast: 40, noise: 1, clipped: 0, flat: 0, sharpness: 1 },
  ...{ yawDeg: 0, pitchDeg: 0, rollDeg: 0 },
};

/** Smooth noise of three sizes around mid grey; `fine`: cells of the coarsest, one over centimetres. */
function texture(seed: number, fine: number, contrast: number): Texture {
  let dots: Float32Array | undefined;
  return (x, y) => {
    dots ??= dotsOf(randomOf(seed), contrast);
    const [u, v] = [8 * fine * x, 8 * fine * y];
    const [x0, y0] = [Math.floor(u), Math.floor(v)];
    const [left, right] = [x0 & (drawn - 1), (x0 + 1) & (drawn - 1)];
    const [top, below] = [(y0 & (drawn - 1)) * drawn, ((y0 + 1) & (drawn - 1)) * drawn];
    const upper = (dots[top + left] as number) * (1 - u + x0) + (dots[top + right] as number) * (u - x0);
    return upper + (v - y0) * ((dots[below + left] as number) * (1 - u + x0) + (dots[below + right] as number) * (u - x0) - upper);
  };
}

/** Side of what a texture repeats: 32 cells of the coarsest noise, eight dots to each. */
const drawn = 256;

function dotsOf(random: () => number, contrast: number): Float32Array {
  const side = 64;
  const grid = Float32Array.from({ length: side * side }, () => 2 * random() - 1);
  const at = (x: number, y: number) => grid[(y & (side - 1)) * side + (x & (side - 1))] as number;
  const smooth = (x: number, y: number): number => {
    const [x0, y0] = [Math.floor(x), Math.floor(y)];
    const [fx, fy] = [x - x0, y - y0];
    const [sx, sy] = [fx * fx * (3 - 2 * fx), fy * fy * (3 - 2 * fy)];
    const upper = at(x0, y0) * (1 - sx) + at(x0 + 1, y0) * sx;
    const lower = at(x0, y0 + 1) * (1 - sx) + at(x0 + 1, y0 + 1) * sx;
    return upper * (1 - sy) + lower * sy;
  };
  const octaves = [1, 2, 4].map((octave) => [octave, 1 / octave ** 0.7] as const);
  const dots = new Float32Array(drawn * drawn);
  for (let i = 0; i < dots.length; i++) {
    const [x, y] = [(i % drawn) / 8, Math.floor(i / drawn) / 8];
    let sum = 0;
    for (const [octave, share] of octaves) sum += share * smooth(x * octave + 7 * octave, y * octave);
    dots[i] = 128 + contrast * sum;
  }
  return dots;
}

/** The sensor's noise, of standard deviation 1: drawn once, each row of a frame begins at a place of its own. */
const grains = normals(randomOf(99), 1 << 16);

function normals(random: () => number, count: number): Float32Array {
  return Float32Array.from({ length: count }, () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()));
}
