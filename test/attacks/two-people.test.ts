/** Two people before the camera: what one is let in or turned away for is not the other's. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../cli/facelatch.ts';
import type { InCrowd } from '../fakes/crowd.ts';
import { openCrowdDoor } from '../fakes/crowd-door.ts';

/** The door, and what it decided. A frame number stands for its time. */
async function openDoor(folder: string) {
  const { show, stop, events } = await openCrowdDoor(join(folder, 'state'), { 'access.window': 8 });
  const told = () =>
    events.flatMap((event) => (event.kind === 'access.granted' ? ['granted'] : event.kind === 'access.denied' ? [event.reason] : []));
  return {
    show: (seconds: number, faces: (frame: number) => readonly InCrowd[]) => show(seconds, (second) => faces(4 * second)),
    stop,
    told,
  };
}

const ada = (x: number, width: number): InCrowd => ({ face: 10, x, width });
const stranger = (x: number, width: number): InCrowd => ({ face: 150, x, width });

describe('two people', () => {
  it('a stranger who steps up after a resident was let in, in the picture all the time, is an attempt of their own', async () => {
    using folder = temporaryFolder();
    const { show, stop, told } = await openDoor(folder.path);
    await show(2, (i) => [ada(320 + i, 160), stranger(520, 60)]);
    expect(told()).toEqual(['granted']);
    await show(1, (i) => [ada(320 + i, 160), stranger(400, 130)]);
    await show(8, (i) => [stranger(330 + i, 160)]);
    expect(told()).toEqual(['granted', 'unknown']);
    await stop();
  });

  it('a resident who waited behind a stranger is let in when it is their turn, and the stranger is told apart', async () => {
    using folder = temporaryFolder();
    const { show, stop, told } = await openDoor(folder.path);
    await show(5, (i) => [stranger(320 + i, 160), ada(520, 60)]);
    expect(told()).not.toContain('granted');
    await show(4, (i) => [ada(320 + i, 160)]);
    expect(told()).toEqual(['unknown', 'granted']);
    await stop();
  });

  it('side by side nobody is let in, and the one who stays is', async () => {
    using folder = temporaryFolder();
    const { show, stop, told } = await openDoor(folder.path);
    await show(7, (i) => [stranger(200 + i, 150), ada(440 + i, 150)]);
    expect(told()).toEqual(['ambiguous']);
    await show(3, (i) => [ada(440 - 10 * i, 150)]);
    expect(told()).toEqual(['ambiguous', 'granted']);
    await stop();
  });

  it('a stranger in front whose face is found in every fourth picture only does not get in on the resident behind', async () => {
    using folder = temporaryFolder();
    const { show, stop, told } = await openDoor(folder.path);
    await show(12, (i) => (i % 4 === 0 ? [stranger(320 + (i % 5), 160), ada(520, 60)] : [ada(520, 60)]));
    expect(told()).not.toContain('granted');
    await stop();
  });
});
