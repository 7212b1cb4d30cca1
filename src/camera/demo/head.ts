/**
 * A head that turns in front of the camera: where somebody stands and how they hold their head goes in; the way back
 * from canvas pixels to their studio picture comes out. The depth is that of a head-shaped bowl with a nose, so nose,
 * cheeks, ears and what is behind move by different amounts, as on a real head and on no flat thing.
 *
 * What it does not model: hair and ears that come into sight, skin that moves, shadows that follow the light, and the
 * difference from one person's head to another's.
 */
import { studioEyes } from './cut-out.ts';
import type { WayBack } from './drape.ts';

/** How somebody stands before the camera. */
export interface Stand {
  /** Between the eyes of a head that is not turned, canvas pixels. */
  readonly x: number;
  readonly y: number;
  /** Canvas pixels for one studio pixel. */
  readonly scale: number;
  /** Clockwise in the picture, degrees. */
  readonly rollDeg: number;
  /** To the right of the picture, and down, degrees: up to 28 either way. */
  readonly yawDeg: number;
  readonly pitchDeg: number;
}

/** Focal length of the door's camera, canvas pixels: 49 degrees across. */
const focalPx = 700;
/** How far away the studio's camera was, studio pixels (0.72 mm each). */
const studioDistance = 2500;
/** The depth at which `scale` holds. */
const meanDepth = 60;
/** A head nods about this point, relative to the eyes: the top of the neck. */
const nod = { y: 150, z: -20 };

const bump = (u: number, v: number, x: number, y: number, width: number, height: number): number =>
  Math.exp(-0.5 * (((u - x) / width) ** 2 + ((v - y) / height) ** 2));

const step = (from: number, to: number, v: number): number => {
  const t = Math.min(1, Math.max(0, (v - from) / (to - from)));
  return t * t * (3 - 2 * t);
};

/** Towards the camera from the axis about which the head turns, studio pixels. */
function depthAt(u: number, v: number): number {
  const r2 = ((u - 297) / 130) ** 2 + ((v - 300) / 190) ** 2;
  // A paraboloid, rounded off where it meets the neck and the hair.
  const bowl = r2 < 0.7 ? 1 - r2 : 0.3 * Math.max(0, 1 - (r2 - 0.7) / 0.6) ** 2;
  const head = 100 * bowl + 28 * bump(u, v, 297, 335, 15, 24) + 10 * bump(u, v, 297, 420, 30, 18);
  const sockets = 9 * (bump(u, v, 253, 280, 22, 14) + bump(u, v, 341, 280, 22, 14));
  return head - sockets - 15 * step(430, 520, v);
}

const mapStep = 4;
const mapSide = 151;

/** The depth is asked many times a frame: it is kept for every fourth studio pixel. */
const depths = Float32Array.from({ length: mapSide * mapSide }, (_, i) =>
  depthAt((i % mapSide) * mapStep, Math.floor(i / mapSide) * mapStep),
);

function keptDepth(u: number, v: number): number {
  const x = Math.min(mapSide - 2, Math.max(0, u / mapStep));
  const y = Math.min(mapSide - 2, Math.max(0, v / mapStep));
  const i = (y | 0) * mapSide + (x | 0);
  const fx = x - (x | 0);
  const fy = y - (y | 0);
  const upper = (depths[i] as number) * (1 - fx) + (depths[i + 1] as number) * fx;
  const lower = (depths[i + mapSide] as number) * (1 - fx) + (depths[i + mapSide + 1] as number) * fx;
  return upper * (1 - fy) + lower * fy;
}

/** Where a point of the studio picture is seen, canvas pixels. Written into `to`. */
export type WayOut = (u: number, v: number, to: Float64Array) => void;

export function headSeen({ x, y, scale, rollDeg, yawDeg, pitchDeg }: Stand): WayOut {
  const distance = focalPx / scale;
  const yaw = (yawDeg * Math.PI) / 180;
  const pitch = (pitchDeg * Math.PI) / 180;
  const roll = (rollDeg * Math.PI) / 180;
  const [cosRoll, sinRoll] = [Math.cos(roll), Math.sin(roll)];
  return (u, v, to) => {
    const depth = keptDepth(u, v);
    // What the studio's camera saw as nearer was drawn larger.
    const drawn = 1 - (depth - meanDepth) / studioDistance;
    const px = (u - studioEyes.x) * drawn;
    const py = (v - studioEyes.y) * drawn;
    // The shoulders stay where they are.
    const turns = 1 - step(425, 540, v);
    const [cosYaw, sinYaw] = [Math.cos(yaw * turns), Math.sin(yaw * turns)];
    const [cosPitch, sinPitch] = [Math.cos(pitch * turns), Math.sin(pitch * turns)];
    const x1 = px * cosYaw + depth * sinYaw;
    const z1 = depth * cosYaw - px * sinYaw - nod.z;
    const y2 = nod.y + (py - nod.y) * cosPitch + z1 * sinPitch;
    const z2 = nod.z + z1 * cosPitch - (py - nod.y) * sinPitch;
    const seen = scale / (1 - (z2 - meanDepth) / distance);
    to[0] = x + seen * (x1 * cosRoll - y2 * sinRoll);
    to[1] = y + seen * (x1 * sinRoll + y2 * cosRoll);
  };
}

/** By fixed-point steps: the way out changes less than the point does, up to 28 degrees. */
export function headBack(stand: Stand): WayBack {
  const out = headSeen(stand);
  const roll = (stand.rollDeg * Math.PI) / 180;
  const cos = Math.cos(roll) / stand.scale;
  const sin = Math.sin(roll) / stand.scale;
  const seen = new Float64Array(2);
  return (x, y, to) => {
    let u = studioEyes.x + (x - stand.x) * cos + (y - stand.y) * sin;
    let v = studioEyes.y + (y - stand.y) * cos - (x - stand.x) * sin;
    for (let turn = 0; turn < 14; turn++) {
      out(u, v, seen);
      const dx = x - (seen[0] as number);
      const dy = y - (seen[1] as number);
      u += dx * cos + dy * sin;
      v += dy * cos - dx * sin;
      if (dx * dx + dy * dy < 1e-3) break;
    }
    to[0] = u;
    to[1] = v;
  };
}

/** The part of the canvas that somebody covers who stands so. */
export function standBox({ x, y, scale }: Stand): { left: number; top: number; right: number; bottom: number } {
  const reach = (studioEyes.x + 70) * scale;
  return { left: x - reach, right: x + reach, top: y - (studioEyes.y + 50) * scale, bottom: Number.POSITIVE_INFINITY };
}
