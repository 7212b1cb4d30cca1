/**
 * The demo's camera: made-up people come to a door, enrolled ones and strangers, in different manners, and
 * others with pictures of the enrolled. The folder of
 * their pictures and a seed go in; 640×480 JPEG frames come out that carry what they truly show (`scene`).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, messageOf } from '../../base/errors.ts';
import type { Clock } from '../../base/time.ts';
import { paced, type Shot } from '../pace.ts';
import type { Camera, Scene } from '../port.ts';
import { chance } from './chance.ts';
import { cutOut, type Sprite } from './cut-out.ts';
import { marksOf } from './expression.ts';
import { bezels, deviceOf, glowOf, paperOf, portraitOf, portraitParts, type Shown } from './held.ts';
import { type Attack, type DoorSaid, demoSchedule, type Staging, stagings, type Visit, type Visitor } from './plan.ts';
import { type OnStage, setStage } from './stage.ts';

export interface DemoOptions {
  /** Folder with `<id>-neutral.jpg` and `<id>-smiling.jpg` of everybody in the cast. */
  readonly folder: string;
  /** Ids (`p01`) of the people who are enrolled from their neutral picture; the visits show them smiling. */
  readonly enrolled: readonly string[];
  /** Ids of people who are not. */
  readonly strangers: readonly string[];
  /** Number of visits; 0: it never ends. */
  readonly visits: number;
  /** The visits of one seed are always the same, to the byte. */
  readonly seed: number;
  /** Frames per second at speed 1. */
  readonly fps: number;
  /** 1: real time; 0: lock-step, a frame is made when the consumer asks; another factor: that many times faster. */
  readonly speed: number;
  readonly clock: Clock;
  /**
   * Empty frames (without `scene`) after each visit. Default: 2 s, longer than the door needs to see that a visit is
   * over and to forget how the face before has moved.
   */
  readonly gapFrames?: number;
  /** Visits that are not shown are left out. Default: all are. */
  readonly shows?: (visit: Visit) => boolean;
  /** What the door has said to the people of a visit; they answer. Default: it asks nothing and lets everybody in. */
  readonly said?: (visit: number) => DoorSaid;
}

/** The demo visits as a Camera. Its frames throw Fault `camera-missing` when a picture of the cast cannot be read. */
export function demoVisits(options: DemoOptions): Camera {
  return {
    label: 'replay demo',
    frames: (signal) => paced(oneAhead(shots(options)), options, signal),
  };
}

async function* shots(options: DemoOptions): AsyncGenerator<Shot, void, void> {
  const { folder, seed, fps, gapFrames = Math.ceil(2 * fps), shows, said, ...cast } = options;
  const stage = await setStage(chance(seed));
  const grain = chance(seed + 1);
  const wardrobe = keptPeople(folder);
  const rooms: Uint8Array[] = [];
  for (const visit of demoSchedule(seed, cast)) {
    if (shows?.(visit) === false) continue;
    const people = await Promise.all(visit.visitors.map(wardrobe.dressed));
    const prop = visit.shown && (await propOf(visit.manner as Attack, visit.shown, visit.seed, wardrobe));
    const frames = stagings(visit, { fps, ...(said && { said: () => said(visit.visit) }) });
    for (let now = frames.next(); now.value; ) {
      const staging = now.value;
      const held = staging.held && prop?.(staging.held.s);
      const picture = await stage.draw(staging, { people, ...(held && { held }) }, grain);
      now = frames.next();
      yield { picture, scene: sceneOf(visit, now.done === true) };
    }
    for (let i = 0; i < gapFrames; i++) {
      if (rooms.length < emptyRooms) rooms.push(await stage.draw(empty, { people: [] }, grain));
      // No camera delivers the same bytes twice; what follows the end of a JPEG is not decoded.
      yield { picture: Buffer.concat([rooms[i % rooms.length] ?? Buffer.alloc(0), Buffer.from(`${visit.visit}.${i}`)]) };
    }
  }
}

/** Draws the next picture while the consumer works on this one: at full speed this uses a second core. */
async function* oneAhead(shots: AsyncGenerator<Shot, void, void>): AsyncGenerator<Shot, void, void> {
  try {
    for (let next = shots.next(); ; ) {
      const { value, done } = await next;
      if (done) return;
      next = shots.next();
      // A fault in the next picture is thrown when it is asked for, not before.
      next.catch(() => undefined);
      yield value;
    }
  } finally {
    await shots.return();
  }
}

/** Pictures of the empty room differ only in their grain: a few are drawn and shown in turn. */
const emptyRooms = 8;
const empty: Staging = { poses: [], brightness: 1, blurPx: 0 };

function sceneOf({ visit, manner, visitors, shown }: Visit, last: boolean): Scene {
  const people = visitors.map(({ id, enrolled }) => (enrolled ? id : `stranger:${id}`));
  return { visit, manner, people: shown ? [`picture:${shown.id}`] : people, last };
}

/** A picture changes on a slideshow after this time. Seconds. */
const slideS = 0.6;

/** What is held before the camera, at a time of the visit in seconds. */
async function propOf(on: Attack, shown: Visitor, seed: number, wardrobe: Wardrobe): Promise<(s: number) => NonNullable<OnStage['held']>> {
  const luck = chance(seed);
  const portrait = await wardrobe.portrait(shown);
  if (on === 'printed photo') {
    const sprite = await paperOf(portrait, portraitParts.print, luck);
    return () => ({ sprite });
  }
  const glow = glowOf(luck);
  if (on === 'phone') {
    const sprite = await deviceOf(portrait, portraitParts.phone, bezels.phone);
    return () => ({ sprite, glow });
  }
  const other = await wardrobe.portrait({ ...shown, expression: 'neutral' });
  const slides = await Promise.all([portrait, other].map((each) => deviceOf(each, portraitParts.tablet, bezels.tablet)));
  return (s) => ({ sprite: slides[Math.floor(s / slideS) % slides.length] as Sprite, glow });
}

/** Jacket colours; a person always wears the same one. */
const jackets = ['#3a536e', '#6e3b3b', '#41604a', '#5d4c3d', '#474a52', '#7a6a3f', '#5a4468'];

interface Wardrobe {
  readonly dressed: (visitor: Visitor) => Promise<OnStage['people'][number]>;
  /** The whole picture, as it hangs on a wall. */
  readonly portrait: (visitor: Visitor) => Promise<Shown>;
}

/** Cut-outs are made once for each person and picture and kept: about 2 MB each. */
function keptPeople(folder: string): Wardrobe {
  const kept = new Map<string, ReturnType<Wardrobe['dressed']>>();
  return {
    dressed: ({ id, expression }) => {
      const name = `${id}-${expression}.jpg`;
      const jacket = jackets[[...id].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % jackets.length] ?? '#474a52';
      const made = kept.get(name) ?? readDemo(join(folder, name), (picture) => dressed(picture, jacket));
      kept.set(name, made);
      return made;
    },
    portrait: ({ id, expression }) => readDemo(join(folder, `${id}-${expression}.jpg`), portraitOf),
  };
}

async function dressed(picture: Uint8Array, jacket: string): Promise<OnStage['people'][number]> {
  const made = await cutOut(picture, jacket);
  return { cutOut: made, marks: marksOf(made[0]) };
}

async function readDemo<T>(file: string, made: (picture: Uint8Array) => Promise<T>): Promise<T> {
  try {
    return await made(await readFile(file));
  } catch (error) {
    throw new Fault(
      'camera-missing',
      `The demo person's picture ${file} cannot be read (${messageOf(error)}): camera.replay.enrolled takes ids of the pictures in that folder, such as p01`,
      error,
    );
  }
}
