/** The infrared camera beside the door's own: unsure until it has learned how the pictures lie on each other; then it tells heads from paper. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Fault } from '../../../src/base/errors.ts';
import { openLog } from '../../../src/base/log.ts';
import { newRandom } from '../../../src/base/random.ts';
import type { Camera, Frame } from '../../../src/camera/port.ts';
import type { Face, Landmarks, Reading } from '../../../src/face/port.ts';
import { openInfraredWatch } from '../../../src/house/liveness/infrared-watch.ts';
import type { GreyFrame } from '../../../src/liveness/infrared/pulse.ts';
import { leastFaces } from '../../../src/liveness/infrared/registration.ts';
import { temporaryFolder } from '../../cli/facelatch.ts';
import { fakeClock } from '../../fakes/clock.ts';
import { infraredScene, type Shown } from '../../liveness/infrared/scene.ts';

const random = newRandom(3);
const shown = { what: 'head', distance: 0.5, wall: 2.5, albedo: 0.5, daylight: 5, turn: 0, noise: 1.5 } satisfies Shown;
/** The face in the infrared picture; the first camera sees it twice as large, 40 pixels to the right. */
const { box } = infraredScene(shown, random);
const points = (x: number, y: number, scale: number): Landmarks =>
  [
    [-8, -8],
    [8, -8],
    [0, 2],
    [-6, 10],
    [6, 10],
  ].map(([dx, dy]) => ({ x: x + scale * (dx ?? 0), y: y + scale * (dy ?? 0) })) as unknown as Landmarks;
const [cx, cy] = [(box.x1 + box.x2) / 2, (box.y1 + box.y2) / 2];
/** The same head, some pixels elsewhere. */
const face = (dx = 0, dy = 0) =>
  ({
    box: { x1: 2 * (box.x1 + dx) + 40, x2: 2 * (box.x2 + dx) + 40, y1: 2 * (box.y1 + dy), y2: 2 * (box.y2 + dy) },
    landmarks: points(2 * (cx + dx) + 40, 2 * (cy + dy), 2),
  }) as Pick<Face, 'box' | 'landmarks'>;

let place: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  place = temporaryFolder();
});
afterEach(() => place[Symbol.dispose]());

const jpeg = ({ pixels, width, height }: GreyFrame) =>
  sharp(pixels, { raw: { width, height, channels: 1 } })
    .jpeg({ quality: 95 })
    .toBuffer();

/** A watch whose camera sends frames when it is told to, and whose reader finds a face where it is told to. */
function setUp(fails = 0) {
  const clock = fakeClock();
  const waiting: Frame[] = [];
  let wake = Promise.withResolvers<void>();
  let attempts = 0;
  const camera: Camera = {
    label: 'infrared',
    frames: async function* (signal) {
      if (attempts++ < fails) throw new Fault('camera-missing', 'not there');
      while (!signal.aborted) {
        const next = waiting.shift();
        if (next) yield next;
        else {
          await wake.promise;
          wake = Promise.withResolvers<void>();
        }
      }
    },
  };
  const found = { dx: 0, dy: 0, faces: 1 };
  const reader = {
    read: async (): Promise<Reading> => ({
      ...{ width: 120, height: 120, timings: { decode: 0, detect: 0, align: 0, embed: 0 } },
      faces: Array.from({ length: found.faces }, () => ({ landmarks: points(cx + found.dx, cy + found.dy, 1) }) as Face),
    }),
  };
  const file = join(place.path, 'infrared.json');
  const watch = openInfraredWatch({ camera, reader: () => reader, file, clock, log: openLog('silent'), retryMs: 1000 });
  const stop = new AbortController();
  const running = watch.run(stop.signal);
  const show = async (what: Partial<Shown> = {}) => {
    const { pair } = infraredScene({ ...shown, ...what }, random);
    for (const frame of [pair.unlit, pair.lit]) {
      await clock.advance(33);
      waiting.push({ seq: 1, capturedAtMs: clock.now(), picture: await jpeg(frame) });
      wake.resolve();
      while (waiting.length > 0) await new Promise(setImmediate);
    }
    // The last one is decoded beside the test.
    await expect.poll(() => watch.check(face()).why).not.toBe('no-lamp');
  };
  const learn = async (times: number) => {
    for (let i = 0; i < times; i++) {
      Object.assign(found, { dx: (i % 3) * 5 - 5, dy: (i % 2) * 4 - 2 });
      await watch.confirmed(face(found.dx, found.dy));
    }
  };
  const end = async () => {
    stop.abort();
    wake.resolve();
    await running;
  };
  return { watch, show, learn, found, file, clock, end };
}

it('says that it is unsure until enough visitors were let in, then tells a head from paper and a display', async () => {
  const { watch, show, learn, end, file } = setUp();
  expect(watch.check(face())).toEqual({ outcome: 'unsure', why: 'no-lamp' });
  await show();
  expect(watch.check(face())).toEqual({ outcome: 'unsure', why: 'not-registered' });
  await learn(leastFaces);
  expect(watch.check(face())).toMatchObject({ outcome: 'live', why: 'head' });
  for (const what of ['paper', 'display'] as const) {
    await show({ what });
    await expect.poll(() => watch.check(face()).outcome).toBe('spoof');
  }
  expect(JSON.parse(readFileSync(file, 'utf8'))).toHaveLength(leastFaces);
  await end();
  // The next start knows it.
  const again = setUp();
  await again.show();
  expect(again.watch.check(face())).toMatchObject({ outcome: 'live' });
  await again.end();
});

it('a face for the first camera and a head elsewhere for the infrared one is never live', async () => {
  const { watch, show, learn, end } = setUp();
  await show();
  await learn(leastFaces);
  expect(watch.check(face(30, 0)).outcome).not.toBe('live');
  await end();
});

it('learns nothing of several faces, and a damaged file is learned again', async () => {
  writeFileSync(join(place.path, 'infrared.json'), '[{"first":[]}]');
  const { watch, show, learn, found, file, end } = setUp();
  await show();
  found.faces = 2;
  await learn(leastFaces);
  expect(watch.check(face()).why).toBe('not-registered');
  found.faces = 1;
  await learn(leastFaces);
  expect(watch.check(face()).outcome).toBe('live');
  expect(existsSync(file)).toBe(true);
  await end();
});

it('a camera that is not there is tried again, and old frames say nothing', async () => {
  const { watch, show, clock, end } = setUp(2);
  for (let i = 0; i < 3; i++) {
    await new Promise(setImmediate);
    await clock.advance(1000);
  }
  await show();
  await clock.advance(400);
  expect(watch.check(face()).why).toBe('no-lamp');
  await end();
});
