/**
 * How bodies and hands move: random numbers go in, functions of time (seconds) come out. Heads sway, blink and answer
 * what a door asks; a hand trembles and moves what it holds as a whole. Pure.
 */
import type { Challenge } from '../../liveness/port.ts';
import type { Chance } from './chance.ts';
import type { Hold } from './held.ts';

type OfTime = (s: number) => number;

/** Slow movement without a beat: three sines, together between −1 and 1. */
export function wander(luck: Chance, slowestHz: number, fastestHz: number): OfTime {
  const waves = [0.5, 0.3, 0.2].map((share) => ({ share, hz: luck.between(slowestHz, fastestHz), at: luck.between(0, 2 * Math.PI) }));
  return (s) => waves.reduce((sum, { share, hz, at }) => sum + share * Math.sin(2 * Math.PI * hz * s + at), 0);
}

/** Rises from 0 to 1, stays, and falls back. */
export function hump(s: number, fromS: number, riseS: number, holdS: number): number {
  const t = s - fromS;
  const share = Math.min(t / riseS, (2 * riseS + holdS - t) / riseS, 1);
  return share <= 0 ? 0 : share * share * (3 - 2 * share);
}

/**
 * How far the eyes are open, 0…1, of somebody who begins to blink, and to close them because they were asked, at these
 * times.
 */
export const eyesOpenAt = (s: number, blinksS: readonly number[], closingsS: readonly number[] = []): number =>
  1 - Math.max(0, ...blinksS.map((fromS) => hump(s, fromS, 0.08, 0.08)), ...closingsS.map((fromS) => hump(s, fromS, 0.08, 0.34)));

/** A challenge; the answer begins after `issuedAtMs`. */
export type Question = Pick<Challenge, 'kind' | 'issuedAtMs'> & Partial<Pick<Challenge, 'times' | 'code' | 'slotMs'>>;

/** What the answer adds to how somebody stands. */
export interface HeadAnswer {
  readonly yawDeg: number;
  readonly pitchDeg: number;
  /** Factor of the size. */
  readonly nearer: number;
  /** When the eyes begin to close. */
  readonly closingsS: readonly number[];
}

/** An answer has been given this long after the question. Seconds. */
export const answeredAfterS = 3.2;

/**
 * The answer to a challenge, after the time that a person needs; it ends facing the camera. Left and right
 * are the person's own: who turns left turns to the right of the picture.
 */
export function headAnswer({ kind, times = 2, issuedAtMs }: Question, luck: Chance): (s: number) => HeadAnswer {
  const fromS = issuedAtMs / 1000 + luck.between(0.35, 0.9);
  const size = luck.between(0.85, 1.1);
  const riseS = luck.between(0.35, 0.55);
  const holdS = luck.between(0.2, 0.5);
  const gapS = luck.between(0.9, 1);
  const closingsS = kind === 'blink' ? Array.from({ length: times }, (_, i) => fromS + i * gapS) : [];
  const yaw = kind === 'turn-left' ? 23 : kind === 'turn-right' ? -23 : 0;
  const pitch = kind === 'look-down' ? 18 : kind === 'look-up' ? -18 : 0;
  const near = kind === 'closer' ? 0.35 : 0;
  return (s) => {
    const done = size * hump(s, fromS, riseS, holdS);
    return {
      yawDeg: yaw * done,
      pitchDeg: pitch * done,
      nearer: 1 + near * size * Math.min(1, Math.max(0, (s - fromS) / (2 * riseS))),
      closingsS,
    };
  };
}

/** A hand: it drifts, tilts and trembles. */
export function holdOf(luck: Chance, scale: number): (s: number) => Hold {
  const [x, y] = [luck.between(295, 345), luck.between(225, 255)];
  const drift = () => wander(luck, 0.15, 0.9);
  const [dx, dy, roll, yaw, pitch, near] = [drift(), drift(), drift(), drift(), drift(), drift()];
  const tremor = { hz: luck.between(7, 10), size: luck.between(0.2, 0.7) };
  const strength = luck.between(0.5, 1.6);
  return (s) => ({
    x: x + 7 * strength * dx(s) + tremor.size * Math.sin(2 * Math.PI * tremor.hz * s),
    y: y + 5 * strength * dy(s) + tremor.size * Math.cos(2.3 * Math.PI * tremor.hz * s),
    scale: scale * (1 + 0.02 * strength * near(s)),
    rollDeg: 2.2 * strength * roll(s),
    yawDeg: 6 * strength * yaw(s),
    pitchDeg: 5 * strength * pitch(s),
  });
}
