/**
 * The demo's camera: made-up people come to a door, enrolled ones and strangers, in different manners. The folder of
 * their pictures and a seed go in; 640×480 JPEG frames come out that carry what they truly show (`scene`).
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Fault, messageOf } from '../../base/errors.ts';
import type { Clock } from '../../base/time.ts';
import { paced, type Shot } from '../pace.ts';
import type { Camera, Scene } from '../port.ts';
import { chance } from './chance.ts';
import { type CutOut, cutOut } from './cut-out.ts';
import { demoSchedule, type Staging, stagings, type Visit, type Visitor } from './plan.ts';
import { setStage } from './stage.ts';

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
   * Empty frames (without `scene`) after each visit. Default: 0.8 s, longer than the door needs to see that a visit is
   * over.
   */
  readonly gapFrames?: number;
}

/** The demo visits as a Camera. Its frames throw Fault `camera-missing` when a picture of the cast cannot be read. */
export function demoVisits(options: DemoOptions): Camera {
  return {
    label: 'replay demo',
    frames: (signal) => paced(oneAhead(shots(options)), options, signal),
  };
}

async function* shots({ folder, seed, fps, gapFrames = Math.ceil(0.8 * fps), ...cast }: DemoOptions): AsyncGenerator<Shot, void, void> {
  const stage = await setStage(chance(seed));
  const grain = chance(seed + 1);
  const wardrobe = keptCutOuts(folder);
  const rooms: Uint8Array[] = [];
  for (const visit of demoSchedule(seed, cast)) {
    const cutOuts = await Promise.all(visit.visitors.map(wardrobe));
    let left = visit.frames;
    for (const staging of stagings(visit)) {
      yield { picture: await stage.draw(staging, cutOuts, grain), scene: sceneOf(visit, --left === 0) };
    }
    for (let i = 0; i < gapFrames; i++) {
      if (rooms.length < emptyRooms) rooms.push(await stage.draw(empty, [], grain));
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

function sceneOf({ visit, manner, visitors }: Visit, last: boolean): Scene {
  return { visit, manner, people: visitors.map(({ id, enrolled }) => (enrolled ? id : `stranger:${id}`)), last };
}

/** Jacket colours; a person always wears the same one. */
const jackets = ['#3a536e', '#6e3b3b', '#41604a', '#5d4c3d', '#474a52', '#7a6a3f', '#5a4468'];

/** Cut-outs are made once for each person and picture and kept: about 2 MB each. */
function keptCutOuts(folder: string): (visitor: Visitor) => Promise<CutOut> {
  const kept = new Map<string, Promise<CutOut>>();
  return ({ id, expression }) => {
    const name = `${id}-${expression}.jpg`;
    const jacket = jackets[[...id].reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7) % jackets.length] ?? '#474a52';
    const made = kept.get(name) ?? cutOutOf(join(folder, name), jacket);
    kept.set(name, made);
    return made;
  };
}

async function cutOutOf(file: string, jacket: string): Promise<CutOut> {
  try {
    return await cutOut(await readFile(file), jacket);
  } catch (error) {
    throw new Fault(
      'camera-missing',
      `The demo person's picture ${file} cannot be read (${messageOf(error)}): camera.replay.enrolled takes ids of the pictures in that folder, such as p01`,
      error,
    );
  }
}
