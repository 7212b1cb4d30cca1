/**
 * What clips are made of: the demo people (they do not exist) cut out of their portraits, and rooms to stand in. A
 * folder of portraits and seeds go in.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { type Chance, chance } from '../../../src/camera/demo/chance.ts';
import { type CutOut, cutOut } from '../../../src/camera/demo/cut-out.ts';
import type { Canvas } from '../../../src/camera/demo/drape.ts';
import { type Marks, marksOf } from '../../../src/camera/demo/expression.ts';
import { portraitOf, type Shown } from '../../../src/camera/demo/held.ts';
import { newSensor, type Sensor } from '../../../src/camera/demo/sensor.ts';

const width = 640;
const height = 480;

export interface Sitter {
  readonly id: string;
  readonly cutOut: CutOut;
  readonly marks: Marks;
  /** The whole portrait, 600×600. */
  readonly portrait: Shown;
}

export interface Studio {
  /** `p01` … `p16`. */
  readonly people: readonly string[];
  readonly sitter: (id: string, expression?: 'neutral' | 'smiling') => Promise<Sitter>;
  /** The room of a seed: furniture, books and pictures that a tracker can hold on to. */
  readonly room: (seed: number) => Promise<Uint8Array>;
  readonly sensor: Sensor;
}

const demoPeople = fileURLToPath(new URL('../../../config/demo-people', import.meta.url));

export function openStudio(folder = demoPeople): Studio {
  const sitters = new Map<string, Promise<Sitter>>();
  const rooms = new Map<number, Promise<Uint8Array>>();
  return {
    people: Array.from({ length: 16 }, (_, i) => `p${String(i + 1).padStart(2, '0')}`),
    sitter: (id, expression = 'smiling') => {
      const name = `${id}-${expression}.jpg`;
      const made = sitters.get(name) ?? sitterOf(id, readFileSync(join(folder, name)));
      sitters.set(name, made);
      return made;
    },
    room: (seed) => {
      const made = rooms.get(seed) ?? roomOf(chance(seed));
      rooms.set(seed, made);
      return made;
    },
    sensor: newSensor(chance(9)),
  };
}

async function sitterOf(id: string, picture: Uint8Array): Promise<Sitter> {
  const made = await cutOut(picture, '#3a536e');
  return { id, cutOut: made, marks: marksOf(made[0]), portrait: await portraitOf(picture) };
}

async function roomOf(luck: Chance): Promise<Uint8Array> {
  const hue = Math.floor(luck.between(0, 360));
  const colour = (light: number) => `hsl(${Math.floor(hue + luck.between(-40, 40))} ${Math.floor(luck.between(10, 45))}% ${light}%)`;
  const wall = `<rect width="${width}" height="${height}" fill="hsl(${hue} 14% ${Math.floor(luck.between(55, 75))}%)"/>`;
  const shelves = Array.from({ length: 4 }, (_, row) => {
    let x = luck.between(0, 12);
    const books: string[] = [];
    while (x < width) {
      const w = luck.between(8, 30);
      const h = luck.between(45, 92);
      const base = 112 + row * 118;
      books.push(
        `<rect x="${x}" y="${base - h}" width="${w}" height="${h}" fill="${colour(luck.between(22, 68))}"/>`,
        `<rect x="${x + 2}" y="${base - h + luck.between(6, 30)}" width="${w - 4}" height="${luck.between(4, 12)}" fill="${colour(luck.between(60, 85))}"/>`,
      );
      x += w + (luck.next() < 0.15 ? luck.between(15, 50) : 1);
    }
    return `<rect y="${112 + row * 118}" width="${width}" height="9" fill="#5c4630"/>${books.join('')}`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${wall}${shelves.join('')}</svg>`;
  return new Uint8Array(await sharp(Buffer.from(svg)).flatten({ background: '#000' }).removeAlpha().blur(0.8).raw().toBuffer());
}

export const newCanvas = (): Canvas => ({ width, height, pixels: new Uint8ClampedArray(width * height * 3) });

export async function jpegOf({ pixels }: Canvas, quality: number): Promise<Uint8Array> {
  return await sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality })
    .toBuffer();
}

/** Frames of an empty room, as JPEG, no two alike. */
export async function emptyClip(studio: Studio, frames: number): Promise<Uint8Array[]> {
  const room = await studio.room(1);
  const canvas = newCanvas();
  const luck = chance(77);
  const made: Uint8Array[] = [];
  for (let i = 0; i < Math.min(frames, 8); i++) {
    canvas.pixels.set(room);
    studio.sensor(canvas, { gain: 1, noise: 2 }, luck);
    made.push(await jpegOf(canvas, 85));
  }
  // What follows the end of a JPEG is not decoded.
  return Array.from({ length: frames }, (_, i) => Buffer.concat([made[i % made.length] as Uint8Array, Buffer.from(`${i}`)]));
}
