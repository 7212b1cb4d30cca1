/** Simulated pictures of an infrared camera with a lamp beside its lens: heads, paper and displays before a wall. */
import { normal, type Random } from '../../../src/base/random.ts';
import type { GreyFrame } from '../../../src/liveness/infrared/pulse.ts';

export interface Shown {
  readonly what: 'head' | 'paper' | 'bent-paper' | 'display';
  /** Metres from the camera. */
  readonly distance: number;
  /** The wall behind, metres from the camera. */
  readonly wall: number;
  /** Share of the lamp's light that the skin or paper gives back, 0…1. */
  readonly albedo: number;
  /** Levels that daylight gives a white surface. */
  readonly daylight: number;
  /** Turned about the upright axis, radians. */
  readonly turn: number;
  /** Standard deviation of the noise, levels. */
  readonly noise: number;
}

const size = { width: 120, height: 120 } as const;
const focal = 114;
/** Half the width and height of a face, metres; how far it bulges. */
const half = { x: 0.075, y: 0.11, z: 0.09 } as const;
/** Level that a white surface one metre away gives the lamp. */
const lamp = 60;

/** The face's box in the picture, and a frame with and without the lamp, `apartMs` apart. */
export function infraredScene(shown: Shown, random: Random, apartMs = 33) {
  const { width, height } = size;
  const box = {
    x1: width / 2 - (focal * half.x) / shown.distance,
    x2: width / 2 + (focal * half.x) / shown.distance,
    y1: height / 2 - (focal * half.y) / shown.distance,
    y2: height / 2 + (focal * half.y) / shown.distance,
  };
  const lit = new Uint8Array(width * height);
  const unlit = new Uint8Array(width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const { albedo, cosine, distance, own } = hit(
        shown,
        ((x - width / 2) * shown.distance) / focal,
        ((y - height / 2) * shown.distance) / focal,
      );
      const ambient = shown.daylight * albedo + own;
      const back = (lamp * albedo * cosine) / distance ** 2;
      const put = (to: Uint8Array, level: number) => {
        to[y * width + x] = Math.max(0, Math.min(255, Math.round(level + shown.noise * normal(random))));
      };
      put(lit, ambient + back);
      put(unlit, ambient);
    }
  const frame = (pixels: Uint8Array, capturedAtMs: number): GreyFrame => ({ capturedAtMs, width, height, pixels });
  return { box, pair: { lit: frame(lit, apartMs), unlit: frame(unlit, 0) } };
}

/** What the ray through (x, y) in the plane of the face meets. `own`: light of its own, levels. */
function hit({ what, distance, wall, albedo, turn }: Shown, x: number, y: number) {
  const behind = { albedo: 0.6, cosine: 1, distance: wall, own: 0 };
  if (what === 'head') {
    const inside = 1 - (x / half.x) ** 2 - (y / half.y) ** 2;
    if (inside <= 0) return behind;
    const z = half.z * Math.sqrt(inside);
    const normalTo = { x: x / half.x ** 2, y: y / half.y ** 2, z: z / half.z ** 2 };
    const turned = normalTo.z * Math.cos(turn) + normalTo.x * Math.sin(turn);
    const cosine = Math.max(0, turned) / Math.hypot(normalTo.x, normalTo.y, normalTo.z);
    return { albedo: albedo * features(x, y), cosine, distance: distance - z, own: 0 };
  }
  // Sheets and displays go on beyond the face.
  if (Math.abs(x) > 0.16 || Math.abs(y) > 0.2) return behind;
  if (what === 'display') return { albedo: 0.015, cosine: 1, distance, own: 0 };
  const angle = what === 'bent-paper' ? x / 0.12 : turn;
  const away = what === 'bent-paper' ? 0.12 * (1 - Math.cos(angle)) : x * Math.sin(turn);
  return { albedo: albedo * (0.7 + 0.3 * features(x, y)), cosine: Math.cos(angle), distance: distance + away, own: 0 };
}

/** Eyes and mouth give back less. */
function features(x: number, y: number): number {
  const near = (cx: number, cy: number, rx: number, ry: number) => ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1;
  return near(-0.032, -0.02, 0.014, 0.007) || near(0.032, -0.02, 0.014, 0.007) || near(0, 0.06, 0.025, 0.008) ? 0.5 : 1;
}
