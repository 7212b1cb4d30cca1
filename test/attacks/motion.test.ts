/** Generated clips through the reader and the checks of movement: what a flat thing cannot do is not seen in one. */
import sharp, { type Sharp } from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { modelFolder } from '../../src/adapters/basics.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { openMotion } from '../../src/liveness/motion/motion.ts';
import type { MotionCheck } from '../../src/liveness/port.ts';
import { qualityLimits } from '../fakes/quality-limits.ts';
import { attackClip } from './generator/attack.ts';
import { type Clip, liveClip } from './generator/live.ts';
import { openStudio } from './generator/studio.ts';

const studio = openStudio();
const reader = await openFaceReader({
  detector: modelFolder('detector'),
  embedder: modelFolder('embedder'),
  limits: qualityLimits,
  threads: 1,
});
afterAll(() => reader[Symbol.asyncDispose]());

/** Kinds of checks that said so in any frame. */
async function saidOf({ frames }: Clip): Promise<Record<MotionCheck['outcome'], Set<MotionCheck['kind']>>> {
  const motion = openMotion();
  const said = { live: new Set<MotionCheck['kind']>(), spoof: new Set<MotionCheck['kind']>(), unsure: new Set<MotionCheck['kind']>() };
  for (const { jpeg, atMs } of frames) {
    const { faces, cuts, width, height } = await reader.read(jpeg, { embed: 'none', cuts: { scales: [], side: 128, greyWidth: 320 } });
    const [face] = faces;
    if (!face || !cuts) continue;
    const { box, landmarks, quality } = face;
    for (const { kind, outcome } of motion.look({ capturedAtMs: atMs, width, height, box, landmarks, quality, cuts, passive: false }))
      said[outcome].add(kind);
  }
  return said;
}

/** Stillness is known after 1.5 s, depth after as long as somebody takes to move. A loop has at most 15 frames. */
const clip = { person: 'p04', fps: 8, frames: 20 };

describe('a generated attack', () => {
  it.each([
    ['replay', 1, 'border'],
    ['still', 2, 'still'],
    ['looped', 2, 'looped'],
  ] as const)('is noticed: %s', async (instrument, seed, kind) => {
    const frames = instrument === 'looped' ? 20 : 14;
    const { spoof } = await saidOf(await attackClip(studio, { ...clip, frames, instrument, seed }));
    expect(spoof).toContain(kind);
  });

  it.each(['print', 'bent'] as const)('is noticed, and shows no depth, where it is of paper: %s', async (instrument) => {
    const { live, spoof } = await saidOf(await attackClip(studio, { ...clip, frames: 14, instrument, seed: 3 }));
    expect(live).not.toContain('flat');
    expect(spoof.has('flat') || spoof.has('border')).toBe(true);
  });

  // Then the points are chosen again, and what was seen before is compared no more.
  it.each([
    ['in the dark', (picture: Sharp) => picture.linear(0.05, 0)],
    ['out of focus', (picture: Sharp) => picture.blur(5)],
  ])('shows no depth where it is of paper and %s at first', async (_, spoilt) => {
    const print = await attackClip(studio, { ...clip, instrument: 'print', seed: 3 });
    const frames = print.frames.map(async (frame, i) =>
      i < 8 ? { ...frame, jpeg: await spoilt(sharp(frame.jpeg)).jpeg().toBuffer() } : frame,
    );
    const { live, spoof } = await saidOf({ ...print, frames: await Promise.all(frames) });
    expect(live).not.toContain('flat');
    expect(spoof.has('flat') || spoof.has('border')).toBe(true);
  });
});

describe('a person of the generator', () => {
  it.each(['stands', 'turns', 'approaches', 'talks'] as const)('is refused by no check: %s', async (manner) => {
    const { live, spoof } = await saidOf(await liveClip(studio, { ...clip, seed: 21, manner }));
    expect([...spoof]).toEqual([]);
    if (manner !== 'approaches') expect(live).toContain('flat');
  });
});
