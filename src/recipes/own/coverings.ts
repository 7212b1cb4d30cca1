/**
 * Faces behind masks, scarves and sunglasses, to fit and to measure the rules for covered faces. A picture with the
 * five landmarks of an uncovered face and a seeded generator go in; the picture with the covering drawn on it comes
 * out.
 */
import sharp from 'sharp';
import { below, type Random } from '../../base/random.ts';
import type { Landmarks, Point } from '../../face/port.ts';
import type { Pixels } from '../degrade.ts';
import { type Brush, type CoveringKind, drawings, within } from './covering-drawings.ts';

interface Scene {
  readonly width: number;
  readonly height: number;
  /** Of the uncovered face, pixels. */
  readonly landmarks: Landmarks;
  /** How bright the face is, 0…1: a covering is lit as the face is. */
  readonly light: number;
  /** A black-and-white picture. */
  readonly isGrey?: boolean;
}

/** The drawing of a covering as an SVG of the size of the scene. */
function drawCovering(kind: CoveringKind, scene: Scene, random: Random): string {
  const brush = brushOf(scene, random);
  const shapes = drawings[kind](brush);
  // Light from one side, as on the face behind it, and the sharpness of the picture.
  const [x, y] = [within(random, -1, 1), within(random, -1, 1)];
  const blur = brush.long(within(random, 0.004, 0.018));
  const shade = within(random, 0.05, 0.45);
  const grain = within(random, 0.02, 0.12);
  const seed = below(random, 10_000);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${scene.width}" height="${scene.height}"><defs>
<linearGradient id="shade" x1="${0.5 - x / 2}" y1="${0.5 - y / 2}" x2="${0.5 + x / 2}" y2="${0.5 + y / 2}"><stop offset="0" stop-color="#fff" stop-opacity="${shade / 4}"/><stop offset="0.4" stop-color="#000" stop-opacity="0"/><stop offset="1" stop-color="#000" stop-opacity="${shade}"/></linearGradient>
<filter id="soft" x="-20%" y="-20%" width="140%" height="140%"><feGaussianBlur stdDeviation="${blur.toFixed(2)}"/></filter>
<filter id="grain" x="0" y="0" width="100%" height="100%"><feTurbulence type="fractalNoise" baseFrequency="${within(random, 0.05, 0.6).toFixed(3)}" numOctaves="2" seed="${seed}"/><feColorMatrix values="0 0 0 0 0  0 0 0 0 0  0 0 0 0 0  ${(4 * grain).toFixed(2)} 0 0 0 ${(-1.6 * grain).toFixed(2)}"/><feComposite in2="SourceAlpha" operator="in"/></filter>
</defs><g filter="url(#soft)">${shapes}</g></svg>`;
}

function brushOf({ landmarks, light, isGrey = false }: Scene, random: Random): Brush {
  const [right, left, nose, mouthRight, mouthLeft] = landmarks;
  const eyes = middle(right, left);
  const mouth = middle(mouthRight, mouthLeft);
  const across = { x: left.x - right.x, y: left.y - right.y };
  const distance = Math.hypot(across.x, across.y);
  const down = { x: mouth.x - eyes.x, y: mouth.y - eyes.y };
  // A turned head shows its nose beside the line from eyes to mouth: what is worn there goes along.
  const turn = ((nose.x - (eyes.x + mouth.x) / 2) * across.x + (nose.y - (eyes.y + mouth.y) / 2) * across.y) / distance ** 2;
  const dim = Math.min(1.15, Math.max(0.12, light * within(random, 1.1, 1.7)));
  return {
    random,
    at: (x, y) => {
      const side = x + turn * Math.max(0, 1 - x * x) * Math.min(1, Math.max(0, y * 2));
      return `${(eyes.x + side * across.x + y * down.x).toFixed(1)} ${(eyes.y + side * across.y + y * down.y).toFixed(1)}`;
    },
    long: (eyeDistances) => eyeDistances * distance,
    ink: ([hue, saturation, lightness], factor = 1) =>
      `hsl(${hue.toFixed(0)},${(100 * (isGrey ? 0 : saturation)).toFixed(0)}%,${(100 * Math.min(0.98, lightness * dim * factor)).toFixed(1)}%)`,
  };
}

const middle = (a: Point, b: Point): Point => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 });

/** A picture whose face wears something. The landmarks are those of the uncovered face. */
export async function covered(picture: Pixels, landmarks: Landmarks, kind: CoveringKind, random: Random): Promise<Pixels> {
  const { width, height, rgb } = picture;
  const scene = { width, height, landmarks, light: lightOn(picture, landmarks), isGrey: isGrey(rgb) };
  const image = sharp(rgb, { raw: { width, height, channels: 3 } }).composite([{ input: Buffer.from(drawCovering(kind, scene, random)) }]);
  return { width, height, rgb: await image.removeAlpha().raw().toBuffer() };
}

/** Mean brightness of the face between its landmarks, 0…1. */
function lightOn({ width, height, rgb }: Pixels, landmarks: Landmarks): number {
  const within = (v: number, size: number) => Math.min(size - 1, Math.max(0, Math.round(v)));
  const [xs, ys] = [landmarks.map(({ x }) => within(x, width)), landmarks.map(({ y }) => within(y, height))];
  let [sum, n] = [0, 0];
  for (let y = Math.min(...ys); y <= Math.max(...ys); y++)
    for (let x = Math.min(...xs); x <= Math.max(...xs); x++, n++) {
      const at = 3 * (y * width + x);
      sum += 0.299 * (rgb[at] ?? 0) + 0.587 * (rgb[at + 1] ?? 0) + 0.114 * (rgb[at + 2] ?? 0);
    }
  return sum / n / 255;
}

function isGrey(rgb: Uint8Array): boolean {
  let [difference, n] = [0, 0];
  for (let i = 0; i + 2 < rgb.length; i += 303, n++)
    difference += Math.abs((rgb[i] ?? 0) - (rgb[i + 1] ?? 0)) + Math.abs((rgb[i + 1] ?? 0) - (rgb[i + 2] ?? 0));
  return difference / n < 3;
}
