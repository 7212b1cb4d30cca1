/** People who come to a door with a console, and go: the door has decided on them, and nobody is there afterwards. */
import { setTimeout as delay } from 'node:timers/promises';
import sharp from 'sharp';
import { vi } from 'vitest';
import type { ConsoleDoor } from './console-door.ts';

/** Settings with which visits are short, and pictures of them are kept. */
export const visitSettings = {
  'retrain.keepGrantsDays': 30,
  'retrain.keepUnknownsDays': 30,
  'access.absenceMs': 200,
  'access.denyAfterMs': 500,
  'access.lockOut.failures': 0,
  'access.lockOut.attempts': 0,
} as const;

const nobody = sharp({ create: { width: 200, height: 200, channels: 3, background: '#a88' } })
  .jpeg()
  .toBuffer();

/** As a camera does: pictures without end would leave no processor to the browser. */
const frameMs = 50;

/** Somebody stands before the camera until the signal. */
export async function stands(door: ConsoleDoor, person: string, until: AbortSignal): Promise<void> {
  while (!until.aborted) {
    await door.show(person, 1);
    await delay(frameMs);
  }
}

/** Nobody is there for so long: longer than `access.absenceMs`. */
export async function leave(door: ConsoleDoor, forMs = 400): Promise<void> {
  for (const from = performance.now(); performance.now() - from < forMs; await delay(frameMs)) await door.camera.push(await nobody);
}

/** One demo person after the other; pictures of each are kept when this resolves. */
export async function visits(door: ConsoleDoor, people: readonly string[]): Promise<void> {
  for (const person of people) {
    const decided = () => door.events.filter(({ kind }) => kind === 'access.granted' || kind === 'access.denied').length;
    const kept = () => door.house.journal.query({ kinds: ['picture.kept'] }).length;
    const [before, keptBefore] = [decided(), kept()];
    for (let n = 0; n < 200 && decided() === before; n++) await door.show(person, 1);
    await leave(door);
    await vi.waitUntil(() => kept() > keptBefore, { timeout: 10_000 });
  }
}
