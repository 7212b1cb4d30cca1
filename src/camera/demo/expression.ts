/**
 * Eyes that close and a mouth that opens: a sprite and how open they are go in, a changed copy comes out. The lid is
 * the skin above the eye, pulled down; the lower lip is moved down, and it is dark behind it.
 */
import { type Sprite, studioEyes } from './cut-out.ts';

/** 0 closed … 1 as in the studio picture; of the mouth 0 as in the picture … 1 wide open. */
export interface Expression {
  readonly eyesOpen: number;
  readonly mouthOpen: number;
}

/** Where a person's eyes and the line between the lips are, studio pixels. */
export interface Marks {
  readonly eyes: readonly [right: Spot, left: Spot];
  readonly mouth: Spot;
}

interface Spot {
  readonly x: number;
  readonly y: number;
}

interface Found extends Spot {
  readonly value: number;
}

/**
 * Looks for two pupils on one level, which are darker than what is to their left and right (the brows are not), and for
 * the dark line of the mouth under them.
 */
export function marksOf(sprite: Sprite): Marks {
  const luma = meanLuma(sprite);
  const pupil = (u: number, v: number) => luma(u, v, 4) - 0.5 * (luma(u - 14, v, 3) + luma(u + 14, v, 3));
  const eye = (x: number, y: number) => least({ left: x - 8, right: x + 8, top: y - 3, bottom: y + 3 }, pupil);
  let best: { readonly right: Found; readonly left: Found } | undefined;
  for (let y = studioEyes.y - 18; y <= studioEyes.y + 30; y += 3) {
    const found = { right: eye(studioEyes.x - 43, y), left: eye(studioEyes.x + 47, y) };
    if (!best || found.right.value + found.left.value < best.right.value + best.left.value) best = found;
  }
  const { right, left } = best as NonNullable<typeof best>;
  const mouth = least({ left: 290, right: 304, top: right.y + 80, bottom: right.y + 112 }, (u, v) => luma(u, v, 3));
  return { eyes: [right, left], mouth };
}

/** Of green, over a square around a studio pixel. */
function meanLuma({ pixels, width, scale }: Sprite): (u: number, v: number, radius: number) => number {
  return (u, v, radius) => {
    let [sum, count] = [0, 0];
    for (let dy = -radius; dy <= radius; dy += 2)
      for (let dx = -radius; dx <= radius; dx += 2, count++)
        sum += ((pixels[Math.round((v + dy) * scale) * width + Math.round((u + dx) * scale)] as number) >>> 8) & 255;
    return sum / count;
  };
}

function least(within: { left: number; right: number; top: number; bottom: number }, value: (u: number, v: number) => number): Found {
  let best: Found = { x: 0, y: 0, value: Number.POSITIVE_INFINITY };
  for (let y = within.top; y <= within.bottom; y++)
    for (let x = within.left; x <= within.right; x++) {
      const found = value(x, y);
      if (found < best.value) best = { x, y, value: found };
    }
  return best;
}

/** Half width of an eye, and of what moves when the mouth opens, studio pixels. */
const eyeHalf = 24;
const mouthHalf = 36;
/** From the pupil: where the lid's skin begins, the lid's edge in an open eye, and in a closed one. */
const lid = { from: -19, open: -9, closed: 10 };

/** The sprite with this expression; the sprite itself where nothing changes. */
export function withExpression(sprite: Sprite, { eyes, mouth }: Marks, { eyesOpen, mouthOpen }: Expression): Sprite {
  if (eyesOpen >= 1 && mouthOpen <= 0) return sprite;
  const pixels = sprite.pixels.slice();
  if (eyesOpen < 1) for (const eye of eyes) closeEye(sprite, pixels, eye, 1 - eyesOpen);
  if (mouthOpen > 0) openMouth(sprite, pixels, mouth, mouthOpen);
  return { ...sprite, pixels };
}

function closeEye({ pixels, width, scale }: Sprite, to: Uint32Array, { x, y }: Spot, closed: number): void {
  for (let column = Math.round((x - eyeHalf) * scale); column <= (x + eyeHalf) * scale; column++) {
    const across = (column / scale - x) / eyeHalf;
    const share = closed * Math.max(0, 1 - across * across);
    const edge = lid.open + share * (lid.closed - lid.open);
    const stretch = (lid.open - lid.from) / (edge - lid.from);
    for (let row = Math.round((y + lid.from) * scale); row <= (y + edge + 2) * scale; row++) {
      const down = row / scale - y;
      const i = row * width + column;
      // The lashes: a dark line, two pixels deep.
      if (down > edge) to[i] = darkened(to[i] as number, 1 - 0.55 * share);
      else to[i] = sampled(pixels, width, column, (y + lid.from + (down - lid.from) * stretch) * scale);
    }
  }
}

function openMouth({ pixels, width, scale }: Sprite, to: Uint32Array, { x, y }: Spot, open: number): void {
  for (let column = Math.round((x - mouthHalf) * scale); column <= (x + mouthHalf) * scale; column++) {
    const across = (column / scale - x) / mouthHalf;
    const gap = open * 16 * Math.max(0, 1 - across * across);
    const reach = 60;
    for (let row = Math.round(y * scale); row <= (y + reach) * scale; row++) {
      const down = row / scale - y;
      const i = row * width + column;
      if (down < gap) to[i] = darkened(pixels[i] as number, 0.25);
      else to[i] = sampled(pixels, width, column, (y + ((down - gap) * reach) / (reach - gap)) * scale);
    }
  }
}

/** One column's pixel between two rows. */
function sampled(pixels: Uint32Array, width: number, column: number, row: number): number {
  const top = Math.floor(row);
  const low = Math.round((row - top) * 256);
  const a = pixels[top * width + column] as number;
  const b = pixels[(top + 1) * width + column] as number;
  const rb = (Math.imul(a & 0xff00ff, 256 - low) + Math.imul(b & 0xff00ff, low)) >>> 8;
  const ga = Math.imul((a >>> 8) & 0xff00ff, 256 - low) + Math.imul((b >>> 8) & 0xff00ff, low);
  return ((ga & 0xff00ff00) | (rb & 0xff00ff)) >>> 0;
}

function darkened(pixel: number, factor: number): number {
  const part = (shift: number) => Math.round(((pixel >>> shift) & 255) * factor) << shift;
  return ((pixel & 0xff000000) | part(16) | part(8) | part(0)) >>> 0;
}
