/**
 * A tablet that shows pictures of somebody in turn: two photographs are alike enough to be followed from one to the
 * other, and what differs looks like the depth of a head that moves.
 */
import { expect, it } from 'vitest';
import { answered } from '../../src/liveness/challenge/answer.ts';
import { openMotion } from '../../src/liveness/motion/motion.ts';
import type { Challenge } from '../../src/liveness/port.ts';
import { filmed, issuedAtMs, seeded } from '../liveness/challenge/series.ts';
import { type Shot, filmed as sceneOf } from '../liveness/motion/scene.ts';

it.each([
  [66, 9, 0.8, 4],
  [133, 4, 1.3, 4],
  [200, 3, 1.6, 2],
])('views of a head that are shown in turn, each a little higher or lower, are never live: a frame every %i ms', (ms, each, cm, deg) => {
  const shots: Shot[] = Array.from({ length: 6 * each }, (_, i) => {
    const isOther = Math.floor(i / each) % 2 === 1;
    return { atMs: i * ms, thing: { kind: 'head', pose: { y: isOther ? -cm : 0, pitchDeg: isOther ? -deg : 0, x: 0.02 * (i % each) } } };
  });
  const motion = openMotion();
  const outcomes = sceneOf(shots, { seed: 3 }).flatMap((frame) => motion.look(frame).filter(({ kind }) => kind === 'flat'));
  expect(outcomes.map(({ outcome }) => outcome)).not.toContain('live');
});

const turn: Challenge = { id: 'a', kind: 'turn-left', issuedAtMs, deadlineMs: issuedAtMs + 8000 };

// The pictures lie 15° apart, and the hand that holds them drifts by 5°: that brings frames on the way.
it.each([15, 30])(
  'poses that are shown in turn seldom answer by leaping to another pose: 3 of 100 at most at %i frames a second',
  (fps) => {
    const passed = Array.from({ length: 100 }, (_, seed) => {
      const shown = (ms: number) => Math.floor(ms / 600) % 2;
      const yawDeg = (ms: number) => 15 * shown(ms) + 5 * Math.sin(ms / 400 + seed);
      const frames = filmed(seeded(seed), { yawDeg }, { fps, untilMs: 8200 });
      const over = frames.findIndex((_, i) => answered(turn, frames.slice(0, i + 1)) !== 'waiting');
      return answered(turn, frames.slice(0, over + 1));
    }).filter((answer) => answer === 'passed');
    expect(passed.length).toBeLessThanOrEqual(3);
  },
);
