/**
 * Clips of somebody who stands before the camera: a person, a seed and what they do go in, JPEG frames come out.
 *
 * It is no real person: one head for everybody, warped from one portrait, with no hair that swings, no skin that folds
 * and no light that wanders over the face. Figures measured on these clips say whether a check does what it is meant to
 * do; they are no claims about people at doors.
 */
import { chance } from '../../../src/camera/demo/chance.ts';
import { type Canvas, drape } from '../../../src/camera/demo/drape.ts';
import { withExpression } from '../../../src/camera/demo/expression.ts';
import { headBack, standBox } from '../../../src/camera/demo/head.ts';
import type { Homography } from '../../../src/camera/demo/held.ts';
import type { Question } from '../../../src/camera/demo/movement.ts';
import { type Behaviour, lampAt, type Manner, type Moment, scriptOf } from './script.ts';
import { jpegOf, newCanvas, type Sitter, type Studio } from './studio.ts';

/** What a frame truly shows. */
export interface Truth {
  readonly moment?: Moment;
  /** The door's lamp, 0 or 1. */
  readonly lamp: number;
  /** Of a flat thing: its pixels to those of the frame. */
  readonly homography?: Homography;
}

export interface ClipFrame {
  readonly atMs: number;
  readonly jpeg: Uint8Array;
  readonly truth: Truth;
}

export interface Clip {
  readonly instrument: string;
  readonly person: string;
  readonly fps: number;
  readonly frames: readonly ClipFrame[];
}

export interface ClipOptions {
  readonly person: string;
  readonly seed: number;
  /** Default 15; fewer than 1 for two moments of a clip that lie far apart. */
  readonly fps?: number;
  /** Number of frames. Default 30. */
  readonly frames?: number;
  /** What the door asks, and when. */
  readonly asked?: Question;
}

export interface LiveOptions extends ClipOptions {
  readonly manner?: Manner;
  /** What the person answers, if it is not what was asked. */
  readonly answers?: Question;
}

/** What the door's lamp adds to skin or paper near the camera, to the room behind, and to a screen. */
export const lampLight = { near: 0.28, room: 0.04, screen: 0.05 };

export async function liveClip(studio: Studio, options: LiveOptions): Promise<Clip> {
  const { person, seed, fps = 15, frames = 30, asked } = options;
  const draw = await filmOf(studio, options);
  const canvas = newCanvas();
  const shoot = cameraOf(studio, seed);
  const made: ClipFrame[] = [];
  for (let i = 0; i < frames; i++) {
    const atMs = Math.round((i * 1000) / fps);
    const lamp = asked ? lampAt(asked, atMs) : 0;
    const moment = draw(canvas, atMs, lamp);
    made.push({ atMs, jpeg: await shoot(canvas), truth: { moment, lamp } });
  }
  return { instrument: 'live', person, fps, frames: made };
}

/** Draws somebody in a room, without the camera's sensor; says how they stood. */
export type Film = (canvas: Canvas, atMs: number, lamp: number) => Moment;

export async function filmOf(studio: Studio, options: LiveOptions): Promise<Film> {
  const { person, seed, fps = 15, frames = 30, manner, answers = options.asked } = options;
  const sitter = await studio.sitter(person);
  const room = await studio.room(seed % 7);
  const behaviour: Behaviour = { seed, durationMs: (frames * 1000) / fps, asked: answers, ...(manner && { manner }) };
  const script = scriptOf(behaviour);
  return (canvas, atMs, lamp) => {
    const moment = script(atMs);
    layRoom(canvas, room, lamp);
    standIn(canvas, sitter, moment, 1 + lampLight.near * lamp);
    return moment;
  };
}

export function layRoom({ pixels }: Canvas, room: Uint8Array, lamp: number): void {
  if (lamp === 0) pixels.set(room);
  else for (let i = 0; i < room.length; i++) pixels[i] = (room[i] as number) * (1 + lampLight.room * lamp);
}

function standIn(canvas: Canvas, { cutOut, marks }: Sitter, { stand, expression }: Moment, light: number): void {
  const sprite = cutOut.findLast(({ scale }) => scale >= stand.scale) ?? cutOut[0];
  drape(canvas, withExpression(sprite, marks, expression), {
    back: headBack(stand),
    box: standBox(stand),
    light: [light, light, light],
    continues: true,
  });
}

/** A camera of a seed: noise, an exposure that flickers, JPEG. */
export function cameraOf(studio: Studio, seed: number): (canvas: Canvas) => Promise<Uint8Array> {
  const luck = chance(seed ^ 0x5eed);
  const noise = luck.between(1.6, 3.4);
  const quality = 78 + luck.below(15);
  const flicker = luck.between(0.003, 0.02);
  return (canvas) => {
    studio.sensor(canvas, { gain: 1 + luck.between(-flicker, flicker), noise }, luck);
    return jpegOf(canvas, quality);
  };
}
