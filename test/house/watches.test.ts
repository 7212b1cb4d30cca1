/** What the running door notices about its camera: damaged pictures, and a picture that lies on its side. */
import { describe, expect, it } from 'vitest';
import type { Frame } from '../../src/camera/port.ts';
import { damageWatch } from '../../src/house/damage-watch.ts';
import { type MountingFound, mountingOf, mountingWatch, rotateFor } from '../../src/house/mounting-watch.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { type Drawing, drawing, drawingReader } from '../fakes/reader.ts';

describe('damaged pictures', () => {
  const reports = (pictures: readonly boolean[]) => {
    const watch = damageWatch();
    return pictures.flatMap((damaged, i) => (watch.saw(damaged) ? [i + 1] : []));
  };
  const every = (nth: number, count: number) => Array.from({ length: count }, (_, i) => (i + 1) % nth === 0);

  it('now and then are not reported', () => expect(reports(every(20, 2000))).toEqual([]));
  it('in a tenth of the frames are reported once', () => expect(reports(every(10, 2000))).toEqual([100]));
  it('one after the other are reported at the tenth', () => expect(reports(every(1, 50))).toEqual([10]));
  it('are reported again after a good stretch', () =>
    expect(reports([...every(1, 10), ...Array<boolean>(100).fill(false), ...every(1, 10)])).toEqual([10, 120]));
});

describe('the mounting', () => {
  const upright: MountingFound = { kind: 'upright' };
  const upsideDown: MountingFound = { kind: 'turned', byDeg: 180 };
  it.each<[string, MountingFound[], MountingFound | undefined]>([
    ['is not known from three frames', [upsideDown, upsideDown, upsideDown], undefined],
    ['is what four of five frames say', [upsideDown, upright, upsideDown, upsideDown, upsideDown], upsideDown],
    ['is upright likewise', [upright, upright, upright, upright], upright],
    [
      'is not known where they contradict each other',
      [upsideDown, upright, upsideDown, { kind: 'turned', byDeg: 90 }, upsideDown],
      undefined,
    ],
  ])('%s', (_, found, known) => expect(mountingOf(found)).toEqual(known));

  /** Shows drawings a second apart; tells what was reported and how often the reader was asked. */
  async function watched(drawings: readonly Drawing[], settled = true) {
    const reader = drawingReader();
    const told: number[] = [];
    let asked = 0;
    const read: typeof reader.read = async (picture, options) => {
      asked++;
      return await reader.read(picture, options);
    };
    const watch = mountingWatch({ reader: { read }, onTurned: (deg) => told.push(deg) });
    for (const [i, of] of drawings.entries()) {
      const frame: Frame = { seq: i, capturedAtMs: i * 1000, picture: drawing({ ...of, tag: `${i}` }) };
      watch.looked({ frame, reading: await reader.read(frame.picture) }, settled);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return { told, asked };
  }

  it('that is wrong is told once, and then nothing is asked any more', async () =>
    expect(await watched(Array<Drawing>(20).fill({ face: 0, turn: 180 }))).toEqual({ told: [180], asked: 4 }));
  it('that is right is not told, and then nothing is asked any more', async () =>
    expect(await watched(Array<Drawing>(20).fill({ face: 0 }))).toEqual({ told: [], asked: 4 }));
  it('is not looked at while a visitor waits for the decision', async () =>
    expect(await watched(Array<Drawing>(20).fill({ face: 0, turn: 90 }), false)).toEqual({ told: [], asked: 0 }));
  it('is looked at each ten seconds while nobody is there', async () =>
    expect(await watched(Array<Drawing>(31).fill({}))).toEqual({ told: [], asked: 4 }));

  it('is put right by a value that counts what is set already', () => {
    const camera = loadConfig({}).config.camera;
    expect(rotateFor(camera, 90)).toBe(90);
    expect(rotateFor({ ...camera, rotate: 270 }, 180)).toBe(90);
    expect(rotateFor({ ...camera, rotate: '90', mirror: true }, 90)).toBe(0);
  });
});
