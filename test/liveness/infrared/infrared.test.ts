/** What the infrared lamp tells of heads, paper and displays, on simulated pictures; and where a face is in both pictures. */
import { describe, expect, it } from 'vitest';
import { newRandom } from '../../../src/base/random.ts';
import type { Landmarks } from '../../../src/face/port.ts';
import { type GreyFrame, litPair } from '../../../src/liveness/infrared/pulse.ts';
import { apart, leastFaces, registered, type SeenTwice } from '../../../src/liveness/infrared/registration.ts';
import { infraredReturn } from '../../../src/liveness/infrared/returned.ts';
import { infraredScene, type Shown } from './scene.ts';

const random = newRandom(18);
const between = (low: number, high: number) => low + (high - low) * random();

/** 40 different scenes of one kind. */
const scenes = (what: Shown['what'], more: () => Partial<Shown> = () => ({})) =>
  Array.from({ length: 40 }, () =>
    infraredScene(
      {
        what,
        distance: between(0.4, 0.8),
        wall: between(1.6, 4),
        albedo: between(0.35, 0.7),
        daylight: between(0, 60),
        turn: between(-0.3, 0.3),
        noise: between(1, 3),
        ...more(),
      },
      random,
    ),
  );
const outcomes = (of: ReturnType<typeof scenes>) => {
  const counts = { live: 0, spoof: 0, unsure: 0 };
  for (const { pair, box } of of) counts[infraredReturn(pair, box).outcome]++;
  return counts;
};

describe('the light of the infrared lamp', () => {
  it('comes back from heads as from heads, light and dark skin alike, by day and by night', () => {
    const { live, spoof } = outcomes(scenes('head'));
    expect(spoof).toBe(0);
    expect(live).toBeGreaterThanOrEqual(32);
  });

  it.each(['paper', 'display'] as const)('comes back from %s as from something flat', (what) => {
    const { live, spoof } = outcomes(scenes(what));
    expect(live).toBe(0);
    expect(spoof).toBeGreaterThanOrEqual(36);
  });

  it('never comes back from bent paper as from a head', () => {
    expect(outcomes(scenes('bent-paper')).live).toBe(0);
  });

  it('says nothing under the sun', () => {
    expect(outcomes(scenes('head', () => ({ daylight: 600 })))).toEqual({ live: 0, spoof: 0, unsure: 40 });
  });

  it('says nothing of a face that the picture cuts', () => {
    const [{ pair, box }] = scenes('head') as [ReturnType<typeof infraredScene>];
    const moved = { ...box, x1: box.x1 - 90, x2: box.x2 - 90 };
    expect(infraredReturn(pair, moved)).toMatchObject({ outcome: 'unsure', why: 'cut-off' });
  });
});

describe('the frames of a lamp that is on in every second one', () => {
  const frame = (capturedAtMs: number, level: number, width = 40): GreyFrame => ({
    ...{ capturedAtMs, width, height: 40 },
    pixels: new Uint8Array(width * 40).fill(level),
  });

  it('are the newest two neighbours, whichever came first', () => {
    expect(litPair([frame(0, 0), frame(33, 20), frame(66, 0)])).toMatchObject({ lit: { capturedAtMs: 33 }, unlit: { capturedAtMs: 66 } });
    expect(litPair([frame(0, 20), frame(33, 0), frame(66, 20)])).toMatchObject({ lit: { capturedAtMs: 66 }, unlit: { capturedAtMs: 33 } });
  });

  it.each([
    ['the lamp is always on', [frame(0, 20), frame(33, 20), frame(66, 20)]],
    ['frames are missing', [frame(0, 0), frame(400, 20)]],
    ['the size changes', [frame(0, 0), frame(33, 20, 80)]],
    ['there is one', [frame(0, 20)]],
    ['there is none', []],
  ])('are not found where %s', (_, frames) => {
    expect(litPair(frames)).toBeUndefined();
  });
});

describe('a face in both pictures', () => {
  /** Two cameras 3 cm apart, the second turned a little and with another lens; `off`: pixels that the face is elsewhere. */
  const seen = (jitter: number, off = 0): SeenTwice => {
    const [x, y, metres] = [between(-0.2, 0.2), between(-0.15, 0.15), between(0.4, 1.5)];
    const points = [
      [-0.032, -0.03],
      [0.032, -0.03],
      [0, 0.01],
      [-0.025, 0.04],
      [0.025, 0.04],
    ] as const;
    const at = (focal: number, shift: number, cx: number, cy: number, by: number) =>
      points.map(([px, py]) => ({
        x: cx + (focal * (x + px - shift)) / metres + by + between(-jitter, jitter),
        y: cy + (focal * (y + py)) / metres + between(-jitter, jitter),
      })) as unknown as Landmarks;
    return { first: at(600, 0, 320, 240, 0), infrared: at(380, 0.03, 210, 195, off) };
  };
  const mapping = registered(Array.from({ length: 20 }, () => seen(0.5)));

  it('is where the mapping puts it, near and far', () => {
    for (let i = 0; i < 50; i++) expect(apart(mapping!, seen(0.5))).toBeLessThan(0.1);
  });

  it('is another one where it is elsewhere: a photo for one camera and a face for the other', () => {
    for (let i = 0; i < 50; i++) expect(apart(mapping!, seen(0.5, 60))).toBeGreaterThan(0.5);
  });

  it('needs some faces before anything is said', () => {
    expect(registered(Array.from({ length: leastFaces - 1 }, () => seen(0.5)))).toBeUndefined();
  });
});
