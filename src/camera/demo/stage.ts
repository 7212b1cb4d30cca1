/**
 * Draws the demo's frames: a staging goes in (who stands where, how bright, how blurred), a 640×480 JPEG comes out,
 * composed from the hallway and the cut-out people.
 */
import sharp from 'sharp';
import type { Chance } from './chance.ts';
import type { CutOut, Sprite } from './cut-out.ts';
import { type Canvas, drape } from './drape.ts';
import { type Expression, type Marks, withExpression } from './expression.ts';
import { headBack, type Stand, standBox } from './head.ts';
import { type Glow, glowAt, homographyOf, planeBack, planeBox } from './held.ts';
import type { Staging } from './plan.ts';
import { newSensor } from './sensor.ts';

const width = 640;
const height = 480;
/** Bytes of a row of the canvas. */
const stride = width * 3;

/** What a staging's people look like, and what is held before the camera. */
export interface OnStage {
  /** Of each pose, in the same order. */
  readonly people: readonly { readonly cutOut: CutOut; readonly marks: Marks }[];
  readonly held?: { readonly sprite: Sprite; readonly glow?: Glow };
}

export interface Stage {
  /** The picture as a JPEG. One call at a time: there is one canvas. */
  draw(staging: Staging, cast: OnStage, luck: Chance): Promise<Uint8Array>;
}

/** Standard deviation of the sensor's noise, levels (of 255). */
const noise = 1.8;

/** Sets the stage: draws the hallway once. */
export async function setStage(luck: Chance): Promise<Stage> {
  const hallway = new Uint8Array(await sharp(Buffer.from(hallwaySvg())).flatten({ background: '#000' }).removeAlpha().raw().toBuffer());
  const sensor = newSensor(luck);
  const canvas: Canvas = { width, height, pixels: new Uint8ClampedArray(hallway.length) };
  const bytes = Buffer.from(canvas.pixels.buffer);
  return {
    draw: async ({ poses, held, brightness, blurPx }, cast, chance) => {
      canvas.pixels.set(hallway);
      for (const [i, { stand, expression }] of poses.entries()) {
        const person = cast.people[i];
        if (person) layPerson(canvas, person, stand, expression);
      }
      if (held && cast.held) layHeld(canvas, cast.held, held);
      if (blurPx > 1) blur(canvas.pixels, blurPx);
      sensor(canvas, { gain: brightness, noise }, chance);
      return await sharp(bytes, { raw: { width, height, channels: 3 } })
        .jpeg({ quality: 88 })
        .toBuffer();
    },
  };
}

function layPerson(canvas: Canvas, { cutOut, marks }: OnStage['people'][number], stand: Stand, expression: Expression): void {
  // The smallest size that need not be enlarged, so that bilinear sampling does not alias.
  const sprite = cutOut.findLast(({ scale }) => scale >= stand.scale) ?? cutOut[0];
  drape(canvas, withExpression(sprite, marks, expression), { back: headBack(stand), box: standBox(stand), continues: true });
}

function layHeld(canvas: Canvas, { sprite, glow }: NonNullable<OnStage['held']>, { hold, s }: NonNullable<Staging['held']>): void {
  const homography = homographyOf(sprite, hold);
  drape(canvas, sprite, {
    back: planeBack(homography),
    box: planeBox(sprite, homography),
    ...(glow && { tint: glowAt(glow, s) }),
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
