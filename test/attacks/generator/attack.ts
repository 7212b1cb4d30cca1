/**
 * Clips of attacks: an instrument, the person whose picture it shows, and a seed go in; JPEG frames come out. The
 * instruments are of ISO/IEC 30107-3's kind: prints and screens held before the camera, and pictures fed in its place.
 *
 * What is not modelled: masks and puppets, a print's highlights, OLED screens, fingers, glass that is dirty, and an
 * attacker who tries until it works. A check that stops every clip here need not stop a person at a door.
 */
import { type Chance, chance } from '../../../src/camera/demo/chance.ts';
import { type Sprite, studioEyes } from '../../../src/camera/demo/cut-out.ts';
import { type Canvas, drape, type WayBack } from '../../../src/camera/demo/drape.ts';
import { withExpression } from '../../../src/camera/demo/expression.ts';
import { headBack, standBox } from '../../../src/camera/demo/head.ts';
import {
  bezels,
  deviceOf,
  glowAt,
  glowOf,
  type Hold,
  homographyOf,
  paperOf,
  planeBack,
  planeBox,
  portraitParts,
  type Shown,
  seenAt,
} from '../../../src/camera/demo/held.ts';
import { holdOf, type Question } from '../../../src/camera/demo/movement.ts';
import { type ChallengeKind, challengeKinds } from '../../../src/events.ts';
import type { Challenge } from '../../../src/liveness/port.ts';
import { type Clip, type ClipFrame, type ClipOptions, cameraOf, filmOf, lampLight, layRoom, type Truth } from './live.ts';
import { lampAt, scriptOf } from './script.ts';
import { jpegOf, newCanvas, type Sitter, type Studio } from './studio.ts';

export const instruments = [
  /** A portrait on paper, flat. */
  'print',
  /** The same, bent about a vertical axis. */
  'bent',
  /** The same with holes for eyes, and somebody's eyes behind them. */
  'cut',
  /** A phone with a portrait, or with a video of the person. */
  'phone',
  'tablet',
  /** A tablet that shows one portrait after the other. */
  'slideshow',
  /** A video of the person that answers another challenge, on a phone. */
  'replay',
  /** One frame, fed in place of the camera. */
  'still',
  /** A few frames again and again, fed in place of the camera. */
  'looped',
] as const;
export type Instrument = (typeof instruments)[number];

export interface AttackOptions extends ClipOptions {
  readonly instrument: Instrument;
}

/** Draws what is before the camera. */
type Scene = (canvas: Canvas, atMs: number, lamp: number) => Truth | Promise<Truth>;

export async function attackClip(studio: Studio, options: AttackOptions): Promise<Clip> {
  const { instrument, person, fps = 15, frames = 30, asked } = options;
  const made: ClipFrame[] = [];
  const shoot = await shooter(studio, options);
  for (let i = 0; i < frames; i++) {
    const atMs = Math.round((i * 1000) / fps);
    made.push({ atMs, ...(await shoot(i, atMs, asked ? lampAt(asked, atMs) : 0)) });
  }
  return { instrument, person, fps, frames: made };
}

type Shoot = (index: number, atMs: number, lamp: number) => Promise<Omit<ClipFrame, 'atMs'>>;

async function shooter(studio: Studio, options: AttackOptions): Promise<Shoot> {
  const { instrument, seed } = options;
  if (instrument === 'still' || instrument === 'looped') return fed(studio, options);
  const canvas = newCanvas();
  const camera = cameraOf(studio, seed);
  const scene = await sceneOf(studio, options);
  return async (_, atMs, lamp) => {
    const truth = await scene(canvas, atMs, lamp);
    return { jpeg: await camera(canvas), truth };
  };
}

/** Frames that were recorded once. Every second seed adds a trace of fresh noise, so that no two are equal. */
async function fed(studio: Studio, options: AttackOptions): Promise<Shoot> {
  const { instrument, seed, fps = 15 } = options;
  const luck = chance(seed ^ 0xfed);
  const count = instrument === 'still' ? 1 : 8 + luck.below(8);
  const draw = await filmOf(studio, options);
  const canvas = newCanvas();
  const recorded: Uint8ClampedArray[] = [];
  for (let i = 0; i < count; i++) {
    draw(canvas, Math.round((i * 1000) / fps), 0);
    studio.sensor(canvas, { gain: 1, noise: 2.4 }, luck);
    recorded.push(canvas.pixels.slice());
  }
  return async (index) => {
    canvas.pixels.set(recorded[index % count] as Uint8ClampedArray);
    if (seed % 2 === 1) studio.sensor(canvas, { gain: 1, noise: 0.7 }, luck);
    const jpeg = await jpegOf(canvas, 90);
    // No camera delivers the same bytes twice; what follows the end of a JPEG is not decoded.
    return { jpeg: Buffer.concat([jpeg, Buffer.from(`${index}`)]), truth: { lamp: 0 } };
  };
}

async function sceneOf(studio: Studio, options: AttackOptions): Promise<Scene> {
  const { instrument, seed } = options;
  const luck = chance(seed ^ 0xa77ac);
  const room = await studio.room(seed % 7);
  const sitter = await studio.sitter(options.person);
  if (instrument === 'cut') return await cutEyes(studio, options, room, luck);
  if (instrument === 'print' || instrument === 'bent') {
    const paper = await paperOf(sitter.portrait, portraitParts.print, luck);
    const hold = holdOf(luck, luck.between(0.72, 0.92));
    const bend = instrument === 'bent' ? luck.between(190, 320) * (luck.next() < 0.5 ? -1 : 1) : undefined;
    return (canvas, atMs, lamp) => {
      layRoom(canvas, room, lamp);
      return layPaper(canvas, paper, hold(atMs / 1000), lamp, bend);
    };
  }
  return await screen(studio, options, room, luck);
}

function layPaper(canvas: Canvas, paper: Sprite, hold: Hold, lamp: number, bend?: number): Truth {
  const light = 1 + lampLight.near * lamp;
  const homography = homographyOf(paper, hold);
  const back = bend === undefined ? planeBack(homography) : bentBack(paper, hold, bend);
  drape(canvas, paper, { back, box: planeBox(paper, homography), light: [light, light, light] });
  return bend === undefined ? { lamp, homography } : { lamp };
}

/** Paper on a cylinder: a point of it lies deeper, or nearer, the further it is from the middle. */
function bentBack(paper: Sprite, hold: Hold, radius: number): WayBack {
  const middle = paper.width / 2;
  const flat = planeBack(homographyOf(paper, hold));
  return (x, y, to) => {
    flat(x, y, to);
    const [u0, v0] = [to[0] as number, to[1] as number];
    let u = u0;
    for (let turn = 0; turn < 6; turn++)
      u = middle + radius * Math.asin(Math.max(-0.98, Math.min(0.98, (u0 - middle) / radius / depthFactor(u, middle, radius, hold.scale))));
    const factor = depthFactor(u, middle, radius, hold.scale);
    to[0] = u;
    to[1] = paper.height / 2 + (v0 - paper.height / 2) / factor;
  };
}

/** How much smaller a column is seen because it lies deeper. */
const depthFactor = (u: number, middle: number, radius: number, scale: number): number =>
  1 / (1 + ((1 - Math.cos((u - middle) / radius)) * radius * scale) / 700);

async function cutEyes(
  studio: Studio,
  { person, seed, fps = 15, frames = 30 }: AttackOptions,
  room: Uint8Array,
  luck: Chance,
): Promise<Scene> {
  const sitter = await studio.sitter(person);
  const others = studio.people.filter((id) => id !== person);
  const attacker = await studio.sitter(others[luck.below(others.length)] as string);
  const margin = 18;
  const paper = withHoles(await paperOf(sitter.portrait, portraitParts.print, luck, margin), sitter, margin);
  const hold = holdOf(luck, luck.between(0.78, 0.92));
  const script = scriptOf({ seed, durationMs: (frames * 1000) / fps });
  const middle = { x: (sitter.marks.eyes[0].x + sitter.marks.eyes[1].x) / 2, y: sitter.marks.eyes[0].y };
  return (canvas, atMs, lamp) => {
    layRoom(canvas, room, lamp);
    const held = hold(atMs / 1000);
    const { stand, expression } = script(atMs);
    const at = seenAt(homographyOf(paper, held), middle.x - portraitParts.print.left + margin, middle.y - portraitParts.print.top + margin);
    // The attacker looks through the holes; their head moves a little against the paper.
    const behind = {
      ...stand,
      x: at.x + 0.2 * (stand.x - 320),
      y: at.y + (studioEyes.y - attacker.marks.eyes[0].y) * held.scale,
      scale: held.scale * 0.93,
    };
    const light = 0.8 + lampLight.near * lamp;
    drape(canvas, withExpression(attacker.cutOut[0], attacker.marks, expression), {
      back: headBack(behind),
      box: standBox(behind),
      light: [light, light, light],
      continues: true,
    });
    return layPaper(canvas, paper, held, lamp);
  };
}

function withHoles(paper: Sprite, { marks }: Sitter, margin: number): Sprite {
  const pixels = paper.pixels.slice();
  for (const eye of marks.eyes)
    for (let dy = -13; dy <= 13; dy++)
      for (let dx = -26; dx <= 26; dx++) {
        const at = (eye.y - portraitParts.print.top + margin + dy) * paper.width + eye.x - portraitParts.print.left + margin + dx;
        if ((dx / 25) ** 2 + (dy / 12) ** 2 < 1) pixels[at] = 0;
      }
  return { ...paper, pixels };
}

/** Phones and tablets. */
async function screen(studio: Studio, options: AttackOptions, room: Uint8Array, luck: Chance): Promise<Scene> {
  const { instrument } = options;
  const isPhone = instrument === 'phone' || instrument === 'replay';
  const bezel = isPhone ? bezels.phone : bezels.tablet;
  const glow = glowOf(luck);
  const show = await contentOf(studio, options, isPhone, luck);
  const first = await show(0);
  const hold = holdOf(luck, luck.between(0.74, 0.9) * first.enlarged);
  let shown: { readonly of: Shown; readonly device: Sprite } | undefined;
  return async (canvas, atMs, lamp) => {
    const { picture, part } = await show(atMs);
    if (shown?.of !== picture || picture.pixels instanceof Uint8ClampedArray)
      shown = { of: picture, device: await deviceOf(picture, part, bezel) };
    layRoom(canvas, room, lamp);
    const homography = homographyOf(shown.device, hold(atMs / 1000));
    const light = 1 + lampLight.screen * lamp;
    drape(canvas, shown.device, {
      back: planeBack(homography),
      box: planeBox(shown.device, homography),
      light: [light, light, light],
      tint: glowAt(glow, atMs / 1000),
    });
    return { lamp, homography };
  };
}

interface Content {
  readonly picture: Shown;
  readonly part: { left: number; top: number; width: number; height: number };
  /** Studio pixels for one pixel of the content. */
  readonly enlarged: number;
}

/** What the screen shows at a time. */
async function contentOf(
  studio: Studio,
  options: AttackOptions,
  isPhone: boolean,
  luck: Chance,
): Promise<(atMs: number) => Promise<Content>> {
  const { instrument, person, seed, asked } = options;
  const part = isPhone ? portraitParts.phone : portraitParts.tablet;
  if (instrument === 'replay' || (instrument !== 'slideshow' && luck.next() < 0.5)) {
    const { asked: _, ...rest } = options;
    const answers = instrument === 'replay' ? otherThan(asked, luck) : undefined;
    const draw = await filmOf(studio, { ...rest, seed: seed + 1000, ...(answers && { answers }) });
    const canvas = newCanvas();
    const left = Math.round(draw(canvas, 0, 0).stand.x) - (isPhone ? 120 : 180);
    const seen = { left, top: 0, width: isPhone ? 240 : 360, height: 480 };
    return async (atMs) => {
      // The video has its own thirty frames a second.
      draw(canvas, Math.floor((atMs * 30) / 1000) * (1000 / 30), 0);
      return { picture: canvas, part: seen, enlarged: 1.2 };
    };
  }
  const portraits = [(await studio.sitter(person)).portrait, (await studio.sitter(person, 'neutral')).portrait];
  const eachMs = instrument === 'slideshow' ? luck.between(450, 900) : Number.POSITIVE_INFINITY;
  return async (atMs) => ({ picture: portraits[Math.floor(atMs / eachMs) % 2] as Shown, part, enlarged: 1 });
}

/** A challenge of another kind, or the other way about; asked at the same time. */
function otherThan(asked: Question | undefined, luck: Chance): Question {
  const kinds: readonly ChallengeKind[] = challengeKinds.filter((kind) => kind !== 'light' && kind !== asked?.kind);
  return { kind: kinds[luck.below(kinds.length)] as Challenge['kind'], issuedAtMs: asked?.issuedAtMs ?? 500 };
}
