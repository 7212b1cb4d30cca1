/**
 * Flat things that somebody holds before the camera: a picture goes in; a sheet of paper or a device that shows it
 * comes out, and how it looks from the camera. Whatever a hand does to it, its points move by one homography.
 *
 * What it does not model: fingers, a glossy print's highlight, a screen's own JPEG of a video, an OLED at night.
 */
import sharp from 'sharp';
import type { Chance } from './chance.ts';
import type { Sprite } from './cut-out.ts';
import type { Drape, WayBack } from './drape.ts';

/** How a flat thing is held: its middle, canvas pixels; its size; turned about its own axes. */
export interface Hold {
  readonly x: number;
  readonly y: number;
  /** Canvas pixels for one pixel of the thing. */
  readonly scale: number;
  readonly rollDeg: number;
  readonly yawDeg: number;
  readonly pitchDeg: number;
}

/** Row by row: takes a point of the thing (x, y, 1), its pixels from the top left corner, to the canvas. */
export type Homography = readonly [number, number, number, number, number, number, number, number, number];

const focalPx = 700;

export function homographyOf({ width, height }: Sprite, { x, y, scale, rollDeg, yawDeg, pitchDeg }: Hold): Homography {
  const [roll, yaw, pitch] = [rollDeg, yawDeg, pitchDeg].map((deg) => (deg * Math.PI) / 180) as [number, number, number];
  const [cr, sr, cy, sy, cp, sp] = [Math.cos(roll), Math.sin(roll), Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];
  // Columns of the rotation: where the thing's own axes point. Depth towards the camera.
  const right = [cr * cy - sr * sp * sy, sr * cy + cr * sp * sy, -cp * sy] as const;
  const down = [-sr * cp, cr * cp, sp] as const;
  const nearer = scale / focalPx;
  const row = (i: 0 | 1, at: number) => [scale * right[i] - at * nearer * right[2], scale * down[i] - at * nearer * down[2], at] as const;
  const rows = [row(0, x), row(1, y), [-nearer * right[2], -nearer * down[2], 1] as const];
  const moved = rows.flatMap(([a, b, c]) => [a, b, c - (a * width) / 2 - (b * height) / 2]);
  return moved as unknown as Homography;
}

/** Where the homography takes a point. */
export function seenAt([a, b, c, d, e, f, g, h, i]: Homography, u: number, v: number): { x: number; y: number } {
  const w = g * u + h * v + i;
  return { x: (a * u + b * v + c) / w, y: (d * u + e * v + f) / w };
}

/** The way back, by the adjugate. */
export function planeBack([a, b, c, d, e, f, g, h, i]: Homography): WayBack {
  const inverse = [
    e * i - f * h,
    c * h - b * i,
    b * f - c * e,
    f * g - d * i,
    a * i - c * g,
    c * d - a * f,
    d * h - e * g,
    b * g - a * h,
    a * e - b * d,
  ];
  const [A, B, C, D, E, F, G, H, I] = inverse as unknown as Homography;
  return (x, y, to) => {
    const w = G * x + H * y + I;
    to[0] = (A * x + B * y + C) / w;
    to[1] = (D * x + E * y + F) / w;
  };
}

/** The part of the canvas that a thing covers. */
export function planeBox({ width, height }: Sprite, homography: Homography): Drape['box'] {
  const corners = [
    seenAt(homography, 0, 0),
    seenAt(homography, width, 0),
    seenAt(homography, 0, height),
    seenAt(homography, width, height),
  ];
  const [xs, ys] = [corners.map(({ x }) => x), corners.map(({ y }) => y)];
  return { left: Math.min(...xs) - 1, right: Math.max(...xs) + 1, top: Math.min(...ys) - 1, bottom: Math.max(...ys) + 1 };
}

/** A picture in memory: interleaved RGB. */
export interface Shown {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array | Uint8ClampedArray;
}

/** A studio picture, 600×600. */
export async function portraitOf(picture: Uint8Array): Promise<Shown> {
  const pixels = await sharp(picture).resize(600, 600, { fit: 'fill' }).removeAlpha().toColourspace('srgb').raw().toBuffer();
  return { width: 600, height: 600, pixels };
}

/** The part of the picture that is shown, its pixels. */
interface ShownPart {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const cut = ({ width, height, pixels }: Shown, part: ShownPart) =>
  sharp(pixels, { raw: { width, height, channels: 3 } }).extract({
    left: part.left,
    top: part.top,
    width: part.width,
    height: part.height,
  });

/** What of a portrait (600×600) a thing shows. */
export const portraitParts = {
  print: { left: 150, top: 60, width: 300, height: 430 },
  phone: { left: 162, top: 30, width: 270, height: 540 },
  tablet: { left: 105, top: 60, width: 384, height: 512 },
} as const;
/** Width of a device's frame, pixels of the portrait. */
export const bezels = { phone: 9, tablet: 24 } as const;

/** A print: a white margin, less contrast and colour than the picture, the raster of the printer. */
export async function paperOf(picture: Shown, part: ShownPart, luck: Chance, margin = 18): Promise<Sprite> {
  const contrast = luck.between(0.72, 0.86);
  const ink = await cut(picture, part)
    .blur(0.7)
    .modulate({ saturation: luck.between(0.7, 0.95) })
    .linear(contrast, 255 * (1 - contrast) * 0.55)
    .removeAlpha()
    .raw()
    .toBuffer();
  for (let i = 0; i < ink.length; i += 3) {
    const grain = luck.between(-5, 5);
    for (let c = 0; c < 3; c++) ink[i + c] = Math.min(255, Math.max(0, (ink[i + c] as number) + grain));
  }
  return await framed({ ...part, pixels: ink }, margin, { r: 236, g: 234, b: 228 }, 0);
}

/** A device: the picture in a dark frame with round corners. */
export async function deviceOf(picture: Shown, part: ShownPart, bezel: number): Promise<Sprite> {
  const screen = await cut(picture, part).removeAlpha().raw().toBuffer();
  return await framed({ ...part, pixels: screen }, bezel, { r: 18, g: 18, b: 20 }, 1.6 * bezel);
}

async function framed(
  { width, height, pixels }: Shown,
  margin: number,
  colour: { r: number; g: number; b: number },
  corner: number,
): Promise<Sprite> {
  const [w, h] = [width + 2 * margin, height + 2 * margin];
  const mask = `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}"><rect width="${w}" height="${h}" rx="${corner}" fill="#fff"/></svg>`;
  const rgba = await sharp(pixels, { raw: { width, height, channels: 3 } })
    .extend({ top: margin, bottom: margin, left: margin, right: margin, background: colour })
    .ensureAlpha()
    .composite([{ input: Buffer.from(mask), blend: 'dest-in' }])
    .raw()
    .toBuffer();
  for (let i = 0; i < rgba.length; i += 4)
    for (let c = 0; c < 3; c++) rgba[i + c] = ((rgba[i + c] as number) * (rgba[i + 3] as number)) / 255;
  return { width: w, height: h, scale: 1, pixels: new Uint32Array(new Uint8Array(rgba).buffer) };
}

/** What a screen adds to its picture. */
export interface Glow {
  /** Its own brightness, which does not follow the light of the room; and its white. */
  readonly white: readonly [r: number, g: number, b: number];
  /** Strength of the moiré, 0…1, and display pixels for one pixel of the thing. */
  readonly moire: number;
  readonly pitch: number;
  /** Strength of the bands that run over it, 0…1, how many are in sight, and how many pass in a second. */
  readonly bands: number;
  readonly bandCount: number;
  readonly bandsPerS: number;
  /** Strength of what the glass reflects, levels; it stays where it is while the screen moves. */
  readonly glare: number;
  readonly glareX: number;
}

export function glowOf(luck: Chance): Glow {
  const white = luck.between(0.85, 1.25);
  const cold = luck.between(0.96, 1.1);
  return {
    white: [white / cold, white, white * cold],
    moire: luck.between(0.05, 0.14),
    pitch: luck.between(1.15, 2.6),
    bands: luck.between(0.04, 0.16),
    bandCount: luck.between(1.2, 3.5),
    bandsPerS: luck.between(-3, 3),
    glare: luck.between(0.04, 0.22),
    glareX: luck.between(0, 640),
  };
}

/** The factors of a screen's pixels at a time, seconds. The grid of the display beats with that of the sensor. */
export function glowAt(glow: Glow, s: number): NonNullable<Drape['tint']> {
  const { moire, pitch, bands, bandCount, bandsPerS, white } = glow;
  const shines = shinesOf(glow);
  let [row, band] = [Number.NaN, 1];
  return (u, v, x, y, to) => {
    // Pixels come row by row.
    if (y !== row) band = 1 - bands * (0.5 + 0.5 * Math.sin(2 * Math.PI * ((bandCount * y) / 480 - bandsPerS * s)));
    row = y;
    const lit = band * (shines[2 * x - y + shinesBefore] as number);
    const rows = 0.4 * Math.cos(2 * Math.PI * v * pitch);
    const columns = 2 * Math.PI * u * pitch;
    const [near, far] = [-0.5 * Math.cos(columns), Math.sin(columns) * thirdSine];
    to[0] = (to[0] as number) * white[0] * lit * (1 + moire * (-1.2 * near + rows));
    to[1] = (to[1] as number) * white[1] * lit * (1 + moire * (0.6 * (near - far) + rows));
    to[2] = (to[2] as number) * white[2] * lit * (1 + moire * (0.6 * (near + far) + rows));
  };
}

/** The sine of a third of a turn: red, green and blue lie so far apart. */
const thirdSine = Math.sin((2 * Math.PI) / 3);

/** What the glass reflects where 2x − y is so many pixels, behind as many as a picture is high. */
const shinesBefore = 2048;
const shinesOf = ({ glare, glareX }: Glow): Float64Array =>
  Float64Array.from({ length: 3 * shinesBefore }, (_, i) => 1 + glare * Math.exp(-((((i - shinesBefore) / 2 - glareX) / 90) ** 2)));
