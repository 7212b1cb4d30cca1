/** What moves before the camera is told from its movement: heads, sheets of paper, recordings, and what rests. */
import { describe, expect, it } from 'vitest';
import { openMotion } from '../../../src/liveness/motion/motion.ts';
import type { LivenessFrame, MotionCheck } from '../../../src/liveness/port.ts';
import { type Film, filmed, moved, type Shot, type Thing } from './scene.ts';

type Outcome = MotionCheck['outcome'];

/** Every outcome of one kind of check, frame by frame. */
function outcomesOf(kind: MotionCheck['kind'], frames: readonly LivenessFrame[]): Outcome[] {
  const motion = openMotion();
  return frames.flatMap((frame) =>
    motion
      .look(frame)
      .filter((check) => check.kind === kind)
      .map(({ outcome }) => outcome),
  );
}

const flatOf = (shots: readonly Shot[], film: Film = { seed: 1 }) => outcomesOf('flat', filmed(shots, film));

describe('a flat thing that moves', () => {
  const sheets: [string, (share: number) => Thing][] = [
    ['a print in the hand', (s) => ({ kind: 'sheet', pose: { x: 3 * s, yawDeg: 10 * s, rollDeg: 3 * s } })],
    ['a display a little larger than the face', (s) => ({ kind: 'sheet', wide: 17, high: 26, pose: { x: 3 * s, y: s } })],
    ['a print that comes nearer', (s) => ({ kind: 'sheet', pose: { z: 55 - 12 * s, x: s } })],
  ];
  it.each(sheets)('is called flat, and never live: %s', (_, thing) => {
    const outcomes = flatOf(moved(16, thing));
    expect(outcomes).toContain('spoof');
    expect(outcomes).not.toContain('live');
  });

  it('is called flat, and never live, where the one who carries it walks about behind it', () => {
    const shots = moved(16, (s) => ({ kind: 'sheet', wide: 24, high: 32, pose: { x: 3 * s, yawDeg: 6 * s } })).map((shot, i) => ({
      ...shot,
      beside: { kind: 'head', pose: { x: 12 + Math.sin(i), y: -6, z: 75, yawDeg: 9 * Math.sin(i / 2) } } as const,
    }));
    const outcomes = flatOf(shots, { seed: 14 });
    expect(outcomes).toContain('spoof');
    expect(outcomes).not.toContain('live');
  });

  it('is never live where it is cut out along the outline of the head', () => {
    expect(flatOf(moved(16, (s) => ({ kind: 'cut-out', pose: { x: 3 * s, yawDeg: 8 * s } })))).not.toContain('live');
  });

  it('is called flat where it fills the picture, after the time in which a head moves in a camera that shakes', () => {
    const shots = moved(18, (s) => ({ kind: 'sheet', wide: 100, high: 80, pose: { x: 3 * s, yawDeg: 5 * s } }));
    const outcomes = flatOf(shots);
    expect(outcomes.slice(0, 8)).not.toContain('spoof');
    expect(outcomes).toContain('spoof');
  });
});

describe('a person', () => {
  const heads: [string, (share: number) => Thing, Partial<Film>][] = [
    ['who turns', (s) => ({ kind: 'head', pose: { yawDeg: 14 * s } }), {}],
    ['who nods', (s) => ({ kind: 'head', pose: { pitchDeg: 10 * s } }), {}],
    ['who sways', (s) => ({ kind: 'head', pose: { x: 3 * s } }), {}],
    ['in a hood, before a bare wall', (s) => ({ kind: 'head', hood: true, pose: { x: 4 * s, z: 60 } }), { bareWall: true }],
  ];
  it.each(heads)('is not called flat, and is live: %s', (_, thing, film) => {
    const outcomes = flatOf(moved(16, thing), { seed: 2, ...film });
    expect(outcomes).not.toContain('spoof');
    expect(outcomes).toContain('live');
  });

  it.each([
    [
      'with a phone in the hand beside the face',
      (s: number): Thing => ({ kind: 'sheet', wide: 8, high: 16, bezel: 0.6, pose: { x: 14 + s, y: 3 * s, z: 45 } }),
    ],
    ['before a poster of a face', (): Thing => ({ kind: 'sheet', wide: 40, high: 50, pose: { x: -22, z: 120 } })],
    [
      'before a poster of a face that is carried past',
      (s: number): Thing => ({ kind: 'sheet', wide: 40, high: 50, pose: { x: -22 + 9 * s, z: 120 } }),
    ],
  ])('is not called a picture %s', (_, beside) => {
    const shots = moved(14, (s) => ({ kind: 'head', pose: { x: 1.5 * s, yawDeg: 8 * s } })).map((shot, i) => ({
      ...shot,
      beside: beside((1 - Math.cos((i / 13) * 2 * Math.PI)) / 2),
    }));
    const frames = filmed(shots, { seed: 12 });
    const flat = outcomesOf('flat', frames);
    expect(flat).not.toContain('spoof');
    expect(flat).toContain('live');
    expect(outcomesOf('border', frames)).not.toContain('spoof');
  });

  it('is not called a picture where the lamp glares on their glasses', () => {
    const shots = moved(14, (s) => ({ kind: 'head', pose: { x: 0.5 * s, yawDeg: 9 * s } })).map((shot, i) => ({
      ...shot,
      glare: 3 * Math.sin(i),
    }));
    const outcomes = flatOf(shots, { seed: 13 });
    expect(outcomes).not.toContain('spoof');
    expect(outcomes).toContain('live');
  });

  it('is not called flat before a camera that shakes', () => {
    const shots = moved(18, (s) => ({ kind: 'head', pose: { x: 0.3 * s } })).map((shot, i) => ({
      ...shot,
      camera: { yawDeg: 0.8 * Math.sin(2 * i), pitchDeg: 0.5 * Math.sin(1.3 * i) },
    }));
    expect(flatOf(shots)).not.toContain('spoof');
  });

  it('who does not move is neither flat nor live', () => {
    expect(new Set(flatOf(moved(10, () => ({ kind: 'head', pose: {} }))))).toEqual(new Set(['unsure']));
  });

  it('is followed while the light changes', () => {
    const shots = moved(14, (s) => ({ kind: 'head', pose: { yawDeg: 14 * s } })).map((shot, i) => ({ ...shot, gain: 1 + 0.03 * (i % 5) }));
    expect(flatOf(shots, { seed: 3 })).toContain('live');
  });
});

describe('a person whose face could not be seen well at first', () => {
  const turning = (count: number) => moved(count, (s) => ({ kind: 'head', pose: { yawDeg: 14 * s } }));
  /** Frames until it is live. */
  const untilLive = (frames: readonly LivenessFrame[]) => outcomesOf('flat', frames).indexOf('live');

  it('is live soon after the light went on', () => {
    const shots = turning(16).map((shot, i) => ({ ...shot, gain: i < 8 ? 0.02 : 1 }));
    const live = untilLive(filmed(shots, { seed: 2 }));
    expect(live).toBeGreaterThan(8);
    expect(live).toBeLessThan(13);
  });

  it('is live soon after a blur has gone', () => {
    const shots = moved(20, (s) => ({ kind: 'head', pose: { x: 6 - 6 * s, yawDeg: 8 * s } }));
    const live = untilLive(filmed(shots, { seed: 5 }).map((frame, i) => smeared(frame, 10 - i)));
    expect(live).toBeGreaterThan(2);
    expect(live).toBeLessThan(12);
  });
});

/** Blurred by a movement to the side. */
function smeared(frame: LivenessFrame, half: number): LivenessFrame {
  if (half <= 0) return frame;
  const { grey } = frame.cuts;
  const pixels = grey.pixels.map((_, i) => {
    const [row, x] = [i - (i % grey.width), i % grey.width];
    const [from, to] = [Math.max(0, x - half), Math.min(grey.width - 1, x + half)];
    return grey.pixels.subarray(row + from, row + to + 1).reduce((sum, level) => sum + level, 0) / (to - from + 1);
  });
  return { ...frame, quality: { ...frame.quality, sharpness: 1 / half ** 2 }, cuts: { ...frame.cuts, grey: { ...grey, pixels } } };
}

describe('straight edges beside a face', () => {
  const borderOf = (shots: readonly Shot[], film: Film = { seed: 9 }) => outcomesOf('border', filmed(shots, film));

  it('are called a border where they go about with it', () => {
    const outcomes = borderOf(moved(14, (s) => ({ kind: 'sheet', wide: 17, high: 30, bezel: 1.5, pose: { x: 3 * s } })));
    expect(outcomes).toContain('spoof');
  });

  it('are called a border where the face on a display moves on its own', () => {
    // A head within a frame that goes the other way.
    const frame = filmed(
      moved(14, (s) => ({ kind: 'sheet', wide: 17, high: 30, bezel: 1.5, pose: { x: -2 * s } })),
      { seed: 9 },
    );
    const head = filmed(
      moved(14, (s) => ({ kind: 'head', pose: { yawDeg: 8 * s } })),
      { seed: 9 },
    );
    const inner = frame.map((each, i) => within(each, head[i] as LivenessFrame));
    expect(outcomesOf('border', inner)).toContain('spoof');
  });

  it('are none where they stay, whatever the person before them does', () => {
    const outcomes = borderOf(
      moved(14, (s) => ({ kind: 'head', pose: { x: 2 * s, yawDeg: 8 * s } })),
      { seed: 10, posts: true },
    );
    expect(outcomes).not.toContain('spoof');
    // Not at once: a display that is held at rest looks like that too.
    expect([outcomes.at(0), outcomes.at(-1)]).toEqual(['unsure', 'live']);
  });

  it('are not known to be of the scene while the face before them rests', () => {
    const outcomes = borderOf(
      moved(14, () => ({ kind: 'head', pose: {} })),
      { seed: 10, posts: true },
    );
    expect(new Set(outcomes)).toEqual(new Set(['unsure']));
  });

  it('are none where a camera that shakes moves them', () => {
    const shots = moved(14, () => ({ kind: 'head', pose: {} })).map((shot, i) => ({
      ...shot,
      camera: { yawDeg: 0.8 * Math.sin(2 * i), pitchDeg: 0.3 * Math.sin(1.3 * i) },
    }));
    expect(borderOf(shots, { seed: 11, posts: true })).not.toContain('spoof');
  });

  it('are forgotten where a face that has come nearer has none', () => {
    const coming = moved(16, (s) => ({ kind: 'head', pose: { z: 72 - 26 * s } }));
    const [far, near] = [true, false].map((posts) => filmed(coming, { seed: 10, posts }));
    const outcomes = outcomesOf('border', [...far!.slice(0, 3), ...near!.slice(3)]);
    expect([outcomes.at(0), outcomes.at(-1)]).toEqual(['unsure', 'live']);
  });

  it('are not forgotten where a display is brought nearer, until its edges leave the picture', () => {
    const outcomes = borderOf(moved(16, (s) => ({ kind: 'sheet', wide: 17, high: 30, bezel: 1.5, pose: { z: 85 - 30 * s } })));
    expect(outcomes).not.toContain('live');
  });

  it('are none where there are none', () => {
    expect(new Set(borderOf(moved(8, (s) => ({ kind: 'head', pose: { x: 3 * s } }))))).toEqual(new Set(['live']));
  });
});

/** The middle of the second picture in the first. */
function within(outer: LivenessFrame, inner: LivenessFrame): LivenessFrame {
  const { grey } = outer.cuts;
  const pixels = grey.pixels.map((level, i) => (Math.abs((i % grey.width) - 160) < 42 ? (inner.cuts.grey.pixels[i] as number) : level));
  return { ...outer, box: inner.box, landmarks: inner.landmarks, cuts: { ...outer.cuts, grey: { ...grey, pixels } } };
}

describe('what rests', () => {
  const stillOf = (thing: Thing['kind'], swayCm: number) =>
    outcomesOf(
      'still',
      filmed(
        moved(22, (s) => ({ kind: thing, pose: { x: swayCm * s } })),
        { seed: 4 },
      ),
    ).at(-1);

  it('is called still where it is fixed before the camera', () => {
    expect(stillOf('sheet', 0)).toBe('spoof');
  });

  it('is not called still where it sways by a millimetre', () => {
    expect(stillOf('head', 0.1)).toBe('live');
  });
});

describe('a recording that is fed in place of the camera', () => {
  const head = (count: number) =>
    filmed(
      moved(count, (s) => ({ kind: 'head', pose: { yawDeg: 6 * s, x: 2 * s } })),
      { seed: 5 },
    );
  const again = (frames: readonly LivenessFrame[], count: number) =>
    Array.from({ length: count }, (_, i) => ({ ...(frames[i % frames.length] as LivenessFrame), capturedAtMs: (i * 1000) / 12 }));

  it('is noticed when it comes round', () => {
    expect(outcomesOf('looped', again(head(10), 20)).at(-1)).toBe('spoof');
  });

  it('is not seen in a person who does the same twice', () => {
    const shots = moved(10, (s) => ({ kind: 'head', pose: { yawDeg: 6 * s, x: 2 * s } }));
    const twice = filmed([...shots, ...shots.map((shot) => ({ ...shot, atMs: shot.atMs + 10_000 / 12 }))], { seed: 6 });
    expect(new Set(outcomesOf('looped', twice))).toEqual(new Set(['live']));
  });
});

it('starts again after a gap, and for a face elsewhere', () => {
  const [first, second, third] = filmed(
    moved(3, () => ({ kind: 'head', pose: {} })),
    { seed: 7 },
  ) as [LivenessFrame, LivenessFrame, LivenessFrame];
  const motion = openMotion();
  expect(motion.look(first)).toEqual([]);
  expect(motion.look(second)).not.toEqual([]);
  expect(motion.look({ ...third, capturedAtMs: 5000 })).toEqual([]);
  const { box } = third;
  expect(motion.look({ ...third, capturedAtMs: 5080, box: { ...box, x1: box.x1 + 150, x2: box.x2 + 150 } })).toEqual([]);
});

it('says nothing wrong about a picture without anything to hold on to', () => {
  const [frame] = filmed(
    moved(1, () => ({ kind: 'head', pose: {} })),
    { seed: 8 },
  ) as [LivenessFrame];
  const bare = { ...frame.cuts.grey, pixels: new Uint8Array(frame.cuts.grey.pixels.length).fill(90) };
  const frames = Array.from({ length: 24 }, (_, i) => ({ ...frame, capturedAtMs: i * 80, cuts: { ...frame.cuts, grey: bare } }));
  expect(new Set(outcomesOf('flat', frames))).toEqual(new Set(['unsure']));
  expect(new Set(outcomesOf('still', frames))).toEqual(new Set(['unsure']));
});
