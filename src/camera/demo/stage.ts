/**
 * Draws the demo's frames: a staging goes in (who stands where, how bright, how blurred), a 640×480 JPEG comes out,
 * composed from the hallway and the cut-out people.
 */
import sharp from 'sharp';
import type { Chance } from './chance.ts';
import { type CutOut, type Sprite, studioEyes } from './cut-out.ts';
import type { Pose, Staging } from './plan.ts';

const width = 640;
const height = 480;
/** Bytes of a row of the canvas. */
const stride = width * 3;

/** Number of places in one long row of noise at which a frame's grain can start. */
const grainShifts = 1 << 16;

export interface Stage {
  /**
   * The picture as a JPEG. `cutOuts` belong to the staging's poses, in the same order. One call at a time: there is one
   * canvas.
   */
  draw(staging: Staging, cutOuts: readonly CutOut[], luck: Chance): Promise<Uint8Array>;
}

/** Sets the stage: draws the hallway once. */
export async function setStage(noise: Chance): Promise<Stage> {
  const hallway = new Uint8Array(await sharp(Buffer.from(hallwaySvg())).flatten({ background: '#000' }).removeAlpha().raw().toBuffer());
  const words = hallway.length / 4;
  const grain = new Uint32Array(words + grainShifts).map(() => noise.below(2 ** 32) & 0x01010101);
  const canvas = new Uint8ClampedArray(hallway.length);
  const bytes = Buffer.from(canvas.buffer);
  return {
    draw: async ({ poses, brightness, blurPx }, cutOuts, luck) => {
      canvas.set(hallway);
      for (const [i, pose] of poses.entries()) {
        const cutOut = cutOuts[i];
        if (cutOut) lay(canvas, spriteFor(cutOut, pose.scale), pose);
      }
      if (blurPx > 1) blur(canvas, blurPx);
      const shift = luck.below(grainShifts);
      expose(canvas, brightness, grain.subarray(shift, shift + words));
      return await sharp(bytes, { raw: { width, height, channels: 3 } })
        .jpeg({ quality: 88 })
        .toBuffer();
    },
  };
}

/** The smallest size that need not be enlarged, so that bilinear sampling does not alias. */
function spriteFor(cutOut: CutOut, scale: number): Sprite {
  return cutOut.findLast((sprite) => sprite.scale >= scale) ?? cutOut[0];
}

/**
 * Lays a person on the canvas. Each canvas pixel is mapped back into the sprite (undo tilt and scale, move the middle
 * of the face to the side for a turned head) and sampled there bilinearly. Below the sprite its last row, the jacket,
 * continues.
 */
function lay(canvas: Uint8ClampedArray, sprite: Sprite, pose: Pose): void {
  const { pixels, width: sw, height: sh } = sprite;
  const shrink = sprite.scale / pose.scale;
  const angle = (-pose.rollDeg * Math.PI) / 180;
  const cos = Math.cos(angle) * shrink;
  const sin = Math.sin(angle) * shrink;
  const reach = (studioEyes.x + 60) * pose.scale;
  const left = Math.max(0, Math.floor(pose.x - reach));
  const right = Math.min(width, Math.ceil(pose.x + reach));
  const top = Math.max(0, Math.floor(pose.y - (studioEyes.y + 20) * pose.scale));
  const turned = turnTable(sprite, pose.turn);
  for (let y = top; y < height; y++) {
    let u = (left - pose.x) * cos - (y - pose.y) * sin + studioEyes.x * sprite.scale;
    let v = (left - pose.x) * sin + (y - pose.y) * cos + studioEyes.y * sprite.scale;
    for (let x = left, at = y * stride + left * 3; x < right; x++, at += 3, u += cos, v += sin) {
      if (u < 0 || v < 0 || u >= sw - 2) continue;
      const s = turned ? (turned[u | 0] as number) + u : u;
      const sx = s | 0;
      const sy = v >= sh - 2 ? sh - 2 : v | 0;
      const i = sy * sw + sx;
      const p00 = pixels[i] as number;
      const p01 = pixels[i + 1] as number;
      const p10 = pixels[i + sw] as number;
      const p11 = pixels[i + sw + 1] as number;
      if ((p00 | p01 | p10 | p11) >>> 24 === 0) continue;
      const fx = ((s - sx) * 256) | 0;
      const fy = v >= sh - 2 ? 255 : ((v - sy) * 256) | 0;
      const w11 = (fx * fy) >> 8;
      const w01 = fx - w11;
      const w10 = fy - w11;
      const w00 = 256 - fx - w10;
      // Two bytes at a time: weights add up to 256, so neither half overflows into the other.
      const rb =
        (Math.imul(p00 & 0xff00ff, w00) +
          Math.imul(p01 & 0xff00ff, w01) +
          Math.imul(p10 & 0xff00ff, w10) +
          Math.imul(p11 & 0xff00ff, w11)) >>>
        8;
      const ga =
        (Math.imul((p00 >>> 8) & 0xff00ff, w00) +
          Math.imul((p01 >>> 8) & 0xff00ff, w01) +
          Math.imul((p10 >>> 8) & 0xff00ff, w10) +
          Math.imul((p11 >>> 8) & 0xff00ff, w11)) >>>
        8;
      const rest = 255 - ((ga >>> 16) & 255);
      canvas[at] = (rb & 255) + (((canvas[at] as number) * rest) >> 8);
      canvas[at + 1] = (ga & 255) + (((canvas[at + 1] as number) * rest) >> 8);
      canvas[at + 2] = ((rb >>> 16) & 255) + (((canvas[at + 2] as number) * rest) >> 8);
    }
  }
}

/** Sideways offset for each sprite column: the middle of the head moves to the side, as it does when a head turns. */
function turnTable(sprite: Sprite, turn: number): Float32Array | undefined {
  if (turn === 0) return undefined;
  const half = 125 * sprite.scale;
  return Float32Array.from({ length: sprite.width }, (_, x) => {
    const n = (x - studioEyes.x * sprite.scale) / half;
    return Math.abs(n) < 1 ? -turn * 0.3 * half * (1 - n * n) ** 2 : 0;
  });
}

/**
 * Mean over `length` pixels to the right and half of that downwards, in place: motion blur and defocus. Running sums,
 * so the cost does not depend on the length.
 */
function blur(canvas: Uint8ClampedArray, length: number): void {
  const row = new Uint8ClampedArray(stride);
  for (let start = 0; start < canvas.length; start += stride) {
    row.set(canvas.subarray(start, start + stride));
    for (let c = 0; c < 3; c++) {
      let sum = 0;
      for (let x = c; x < length * 3; x += 3) sum += row[x] as number;
      for (let x = c; x < stride; x += 3) {
        canvas[start + x] = sum / length;
        sum += (row[Math.min(stride - 3 + c, x + length * 3)] as number) - (row[x] as number);
      }
    }
  }
  const lines = Math.ceil(length / 2);
  const before = canvas.slice();
  const sums = new Int32Array(stride);
  for (let i = 0; i < lines * stride; i++) sums[i % stride] = (sums[i % stride] as number) + (before[i] as number);
  for (let y = 0; y < height; y++) {
    const next = Math.min(height - 1, y + lines) * stride;
    for (let i = 0, at = y * stride; i < stride; i++, at++) {
      canvas[at] = (sums[i] as number) / lines;
      sums[i] = (sums[i] as number) + (before[next + i] as number) - (before[at] as number);
    }
  }
}

/**
 * Light, and the sensor's grain in the last bit of every byte (four bytes at a time: this is every pixel of every
 * frame).
 */
function expose(canvas: Uint8ClampedArray, brightness: number, grain: Uint32Array): void {
  if (brightness !== 1) for (let i = 0; i < canvas.length; i++) canvas[i] = (canvas[i] as number) * brightness;
  const words = new Uint32Array(canvas.buffer, 0, grain.length);
  for (let i = 0; i < words.length; i++) words[i] = ((words[i] as number) & 0xfefefefe) | (grain[i] as number);
}

/** The hallway behind the visitors, as a camera beside the door sees it: wall, panelling, a window, a lamp, a plant. */
function hallwaySvg(): string {
  const planks = Array.from(
    { length: 9 },
    (_, i) => `<rect x="${i * 80 + 6}" y="352" width="68" height="112" rx="3" fill="none" stroke="#0003" stroke-width="3"/>`,
  );
  const leaves = [-62, -38, -16, 8, 30, 56].map(
    (deg, i) =>
      `<path d="M582 330 q-14 -${44 + (i % 3) * 12} 0 -${92 + (i % 2) * 22} q14 ${40 + (i % 3) * 8} 0 ${92 + (i % 2) * 22}" fill="${['#5f7d54', '#4f6d47', '#6f8d60'][i % 3]}" transform="rotate(${deg} 582 330)"/>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
<defs><linearGradient id="wall" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#d9cdb8"/><stop offset="1" stop-color="#a8987f"/></linearGradient>
<radialGradient id="lamp" cx="0.27" cy="0.08" r="0.75"><stop offset="0" stop-color="#fff6dd" stop-opacity="0.75"/><stop offset="1" stop-color="#fff6dd" stop-opacity="0"/></radialGradient>
<linearGradient id="sky" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#a9c3d6"/><stop offset="0.6" stop-color="#cfdbe0"/><stop offset="1" stop-color="#8fa583"/></linearGradient>
<filter id="soft"><feGaussianBlur stdDeviation="1.6"/></filter></defs>
<g filter="url(#soft)"><rect width="${width}" height="${height}" fill="url(#wall)"/>
<rect x="452" y="46" width="132" height="176" fill="#efe9dc"/><rect x="462" y="56" width="112" height="156" fill="url(#sky)"/>
<path d="M518 56 V212 M462 134 H574" stroke="#efe9dc" stroke-width="7"/>
<rect x="62" y="66" width="118" height="92" fill="#6d5a45"/><rect x="70" y="74" width="102" height="76" fill="#e6ddc9"/>
<path d="M76 144 L108 100 L128 124 L142 108 L168 144 Z" fill="#8c9c8a"/><circle cx="150" cy="92" r="8" fill="#d9b36c"/>
<rect y="336" width="${width}" height="144" fill="#8d765a"/><rect y="330" width="${width}" height="10" fill="#6f5b43"/>${planks.join('')}
${leaves.join('')}<path d="M556 326 h52 l-8 62 h-36 z" fill="#a5654a"/>
<rect width="${width}" height="${height}" fill="url(#lamp)"/></g></svg>`;
}
