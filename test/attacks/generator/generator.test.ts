/** The generated clips are what they say: flat things obey a homography, heads do not, answers fit, seeds repeat. */
import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { modelFolder } from '../../../src/adapters/basics.ts';
import { headSeen, type Stand } from '../../../src/camera/demo/head.ts';
import { homographyOf, seenAt } from '../../../src/camera/demo/held.ts';
import type { Question } from '../../../src/camera/demo/movement.ts';
import { openFaceReader } from '../../../src/face/reader.ts';
import { qualityLimits } from '../../fakes/quality-limits.ts';
import { attackClip, type Instrument, instruments } from './attack.ts';
import { type Clip, type ClipFrame, liveClip } from './live.ts';
import { type Moment, scriptOf } from './script.ts';
import { openStudio } from './studio.ts';

const studio = openStudio();

interface Spot {
  readonly x: number;
  readonly y: number;
}

/** Root mean square of what the best homography leaves, pixels (direct linear transform). */
function residual(from: readonly Spot[], to: readonly Spot[]): number {
  const rows = from.flatMap(({ x, y }, i) => {
    const { x: X, y: Y } = to[i] as Spot;
    return [
      [x, y, 1, 0, 0, 0, -X * x, -X * y, -X],
      [0, 0, 0, x, y, 1, -Y * x, -Y * y, -Y],
    ].map((row) => row.map((value, j) => value / [320, 240, 1, 320, 240, 1, 320 ** 2, 320 ** 2, 320][j]!));
  });
  const v = new SingularValueDecomposition(new Matrix(rows), { autoTranspose: true }).rightSingularVectors;
  const h = v.getColumn(8).map((value, j) => value / [320, 240, 1, 320, 240, 1, 320 ** 2, 320 ** 2, 320][j]!);
  const errors = from.map(({ x, y }, i) => {
    const at = seenAt(h as unknown as Parameters<typeof seenAt>[0], x, y);
    return (at.x - to[i]!.x) ** 2 + (at.y - to[i]!.y) ** 2;
  });
  return Math.sqrt(errors.reduce((sum, each) => sum + each, 0) / errors.length);
}

/** Nose, brows, cheeks, mouth, chin, ears and hair of the studio picture. */
const face = [
  [297, 335],
  [255, 260],
  [340, 260],
  [240, 340],
  [355, 340],
  [297, 380],
  [297, 430],
  [205, 300],
  [390, 300],
  [297, 170],
  [230, 210],
  [365, 210],
] as const;

function headPoints(stand: Stand): Spot[] {
  const seen = headSeen(stand);
  const to = new Float64Array(2);
  return face.map(([u, v]) => {
    seen(u, v, to);
    return { x: to[0] as number, y: to[1] as number };
  });
}

/** What somebody does who was asked, frame by frame of 3.2 seconds. */
function acted({ seed, fps, asked }: { readonly seed: number; readonly fps: number; readonly asked: Question }): Moment[] {
  const durationMs = 3200;
  const script = scriptOf({ seed, durationMs, asked });
  return Array.from({ length: (durationMs * fps) / 1000 }, (_, i) => script((i * 1000) / fps));
}

const grey = async ({ jpeg }: ClipFrame) => new Uint8Array(await sharp(jpeg).greyscale().raw().toBuffer());

/** Mean absolute difference of two patches of 15×15 pixels. */
function unlike(a: Uint8Array, at: Spot, b: Uint8Array, to: Spot): number {
  let sum = 0;
  for (let dy = -7; dy <= 7; dy++)
    for (let dx = -7; dx <= 7; dx++) {
      const pixel = (of: Uint8Array, { x, y }: Spot) => of[(Math.round(y) + dy) * 640 + Math.round(x) + dx] as number;
      sum += Math.abs(pixel(a, at) - pixel(b, to));
    }
  return sum / 225;
}

const bytesOf = ({ frames }: Clip) => Buffer.concat(frames.map(({ jpeg }) => jpeg));

const person = 'p04';

/** Two frames of each kind. */
const clipOf = (instrument: Instrument | 'live', seed: number): Promise<Clip> => {
  const options = { person, frames: 2, seed };
  return instrument === 'live' ? liveClip(studio, options) : attackClip(studio, { ...options, instrument });
};
const made = new Map<Instrument | 'live', Clip>();
beforeAll(async () => {
  for (const instrument of ['live', ...instruments] as const) made.set(instrument, await clipOf(instrument, 5));
});

describe('every clip', () => {
  it.each(['live', ...instruments] as const)(
    'is 640×480 JPEG frames, the same for the same seed and others for another: %s',
    async (instrument) => {
      const one = made.get(instrument)!;
      expect(bytesOf(one).equals(bytesOf(await clipOf(instrument, 5)))).toBe(true);
      expect(bytesOf(one).equals(bytesOf(await clipOf(instrument, 6)))).toBe(false);
      expect(await sharp(one.frames[0]!.jpeg).metadata()).toMatchObject({ format: 'jpeg', width: 640, height: 480 });
    },
  );
});

describe('a flat thing', () => {
  it.each(['print', 'phone', 'tablet', 'slideshow'] as const)('is moved as a whole: %s', async (instrument) => {
    const { frames } = await attackClip(studio, { instrument, person, seed: 11, frames: 2, fps: 1 });
    const [first, last] = [frames[0]!.truth.homography!, frames.at(-1)!.truth.homography!];
    const points = face.map(([u, v]) => [u - 150, v - 60] as const);
    const seen = (h: typeof first) => points.map(([u, v]) => seenAt(h, u, v));
    const moved = seen(first).map(({ x, y }, i) => Math.hypot(x - seen(last)[i]!.x, y - seen(last)[i]!.y));
    expect(Math.max(...moved)).toBeGreaterThan(2);
    expect(residual(seen(first), seen(last))).toBeLessThan(0.01);
  });

  it('is drawn where its homography says', async () => {
    const { frames } = await attackClip(studio, { instrument: 'print', person, seed: 8, frames: 2, fps: 0.5 });
    const first = await grey(frames[0]!);
    const [from, to] = [frames[0]!.truth.homography!, frames[1]!.truth.homography!];
    const last = await grey(frames[1]!);
    const eyes = [seenAt(from, 121, 245), seenAt(from, 211, 245)];
    const now = [seenAt(to, 121, 245), seenAt(to, 211, 245)];
    expect(Math.hypot(eyes[0]!.x - now[0]!.x, eyes[0]!.y - now[0]!.y)).toBeGreaterThan(3);
    for (const i of [0, 1]) expect(unlike(first, eyes[i]!, last, now[i]!)).toBeLessThan(0.7 * unlike(first, eyes[i]!, last, eyes[i]!));
  });

  it('keeps its middle where it is held, whatever the tilt', () => {
    const sprite = { width: 300, height: 400, scale: 1, pixels: new Uint32Array() };
    const hold = { x: 300, y: 200, scale: 0.8, rollDeg: 10, yawDeg: 20, pitchDeg: -15 };
    expect(seenAt(homographyOf(sprite, hold), 150, 200)).toEqual({ x: expect.closeTo(300, 9), y: expect.closeTo(200, 9) });
  });
});

describe('a live head', () => {
  const stand: Stand = { x: 320, y: 210, scale: 0.8, rollDeg: 0, yawDeg: 0, pitchDeg: 0 };

  it.each([
    ['turns', { yawDeg: 12 }],
    ['nods', { pitchDeg: 9 }],
    ['comes closer', { scale: 1.05 }],
  ] as const)('that %s obeys no homography', (_, change) => {
    expect(residual(headPoints(stand), headPoints({ ...stand, ...change }))).toBeGreaterThan(0.4);
  });

  it('moves before a background that stays', async () => {
    const { frames } = await liveClip(studio, { person, seed: 3, frames: 2, fps: 0.75, manner: 'sways' });
    const [a, b] = [await grey(frames[0]!), await grey(frames[1]!)];
    for (const spot of [
      { x: 40, y: 100 },
      { x: 600, y: 200 },
    ])
      expect(unlike(a, spot, b, spot)).toBeLessThan(6);
    const nose = (frame: ClipFrame) => headPoints(frame.truth.moment!.stand)[0]!;
    const [from, to] = [nose(frames[0]!), nose(frames[1]!)];
    expect(Math.hypot(from.x - to.x, from.y - to.y)).toBeGreaterThan(8);
    expect(unlike(a, from, b, to)).toBeLessThan(0.6 * unlike(a, from, b, from));
  });

  it('closes its eyes as often as it was asked to blink', () => {
    const open = acted({ seed: 12, fps: 25, asked: { kind: 'blink', times: 2, issuedAtMs: 0 } }).map(
      ({ expression }) => expression.eyesOpen,
    );
    const starts = open.filter((value, i) => value < 0.5 && (open[i - 1] ?? 1) >= 0.5);
    expect(starts.length).toBeGreaterThanOrEqual(2);
    expect(Math.min(...open)).toBeLessThan(0.1);
  });
});

describe('an answer', () => {
  it.each([
    ['turn-left', ({ yawDeg }: Stand) => yawDeg, 15],
    ['turn-right', ({ yawDeg }: Stand) => -yawDeg, 15],
    ['look-up', ({ pitchDeg }: Stand) => -pitchDeg, 12],
    ['look-down', ({ pitchDeg }: Stand) => pitchDeg, 12],
    ['closer', ({ scale }: Stand) => scale / 0.8, 1.15],
  ] as const)('to %s begins after it was asked, and the head faces the camera again', (kind, of, least) => {
    const stands = acted({ seed: 21, fps: 15, asked: { kind, issuedAtMs: 500 } }).map(({ stand }) => stand);
    const values = stands.map(of);
    expect(Math.max(...values)).toBeGreaterThan(least);
    for (const i of [0, 7]) expect(values[i]).toBeLessThan(least * 0.95);
    const { yawDeg, pitchDeg } = stands.at(-1)!;
    expect(Math.max(Math.abs(yawDeg), Math.abs(pitchDeg))).toBeLessThan(5);
  });

  it('of the lamp is on skin, hardly on the room, and hardly on a screen', async () => {
    const asked = { kind: 'light', code: [false, true], slotMs: 500, issuedAtMs: 0 } as const;
    const common = { person, seed: 4, frames: 2, fps: 2, asked };
    const ratio = async ({ frames }: Clip, spot: Spot) => {
      const mean = async (frame: ClipFrame) => {
        const pixels = await grey(frame);
        let sum = 0;
        for (let dy = -6; dy <= 6; dy++) for (let dx = -6; dx <= 6; dx++) sum += pixels[(spot.y + dy) * 640 + spot.x + dx] as number;
        return sum;
      };
      return (await mean(frames[1]!)) / (await mean(frames[0]!));
    };
    const live = await liveClip(studio, common);
    const { x, y } = live.frames[0]!.truth.moment!.stand;
    const cheek = { x: Math.round(x), y: Math.round(y) - 35 };
    expect(await ratio(live, cheek)).toBeGreaterThan(1.15);
    expect(await ratio(live, { x: 30, y: 230 })).toBeLessThan(1.1);
    const phone = await attackClip(studio, { ...common, instrument: 'phone' });
    expect(await ratio(phone, { x: 320, y: 200 })).toBeLessThan(1.15);
  });
});

describe('what is fed in place of the camera', () => {
  it.each([
    ['still', 1],
    ['looped', 8],
  ] as [Instrument, number][])('comes back, pixel for pixel: %s', async (instrument, least) => {
    const { frames } = await attackClip(studio, { instrument, person, seed: 2, frames: 18 });
    const pictures = await Promise.all(frames.map(grey));
    const period = pictures.findIndex((each, i) => i > 0 && Buffer.compare(each, pictures[0]!) === 0);
    expect(period).toBeGreaterThanOrEqual(least);
    expect(Buffer.compare(pictures[period + 1]!, pictures[1]!)).toBe(0);
    expect(new Set(frames.map(({ jpeg }) => Buffer.from(jpeg).toString('latin1'))).size).toBe(18);
  });
});

describe('before the real detector', () => {
  it('every clip shows one face, and a head that turns left turns to the right of the picture', async () => {
    const folders = { detector: modelFolder('detector'), embedder: modelFolder('embedder') };
    await using reader = await openFaceReader({ ...folders, threads: 1, limits: qualityLimits });
    for (const [instrument, { frames }] of made)
      expect([instrument, (await reader.read(frames[1]!.jpeg, { embed: 'none' })).faces.length]).toEqual([instrument, 1]);
    const { frames } = await liveClip(studio, { person, seed: 5, frames: 10, fps: 5, asked: { kind: 'turn-left', issuedAtMs: 0 } });
    const most = frames.toSorted((a, b) => b.truth.moment!.stand.yawDeg - a.truth.moment!.stand.yawDeg)[0]!;
    const { faces } = await reader.read(most.jpeg, { embed: 'none' });
    expect(faces[0]!.quality.yawDeg).toBeGreaterThan(10);
  });
});
