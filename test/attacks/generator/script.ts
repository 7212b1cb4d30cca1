/**
 * What somebody does before the camera: a seed, a way to behave and, where the door asks, what it asks go in; how they
 * hold their head, their eyes and their mouth at each moment comes out. Pure.
 */
import { type Chance, chance } from '../../../src/camera/demo/chance.ts';
import type { Expression } from '../../../src/camera/demo/expression.ts';
import type { Stand } from '../../../src/camera/demo/head.ts';
import type { Challenge } from '../../../src/liveness/port.ts';

/** `stands`: what a body does that stands still: breathes, sways, blinks. */
export const manners = ['stands', 'turns', 'nods', 'sways', 'approaches', 'talks'] as const;
export type Manner = (typeof manners)[number];

/** A challenge; `issuedAtMs` counts from the beginning of the clip. */
export type Asked = Pick<Challenge, 'kind' | 'issuedAtMs'> & Partial<Pick<Challenge, 'times' | 'code' | 'slotMs'>>;

export interface Moment {
  readonly stand: Stand;
  readonly expression: Expression;
}

/** Milliseconds from the beginning of the clip. */
export type Script = (atMs: number) => Moment;

export interface Behaviour {
  readonly seed: number;
  readonly manner?: Manner;
  readonly asked?: Asked | undefined;
  /** Length of the clip. */
  readonly durationMs: number;
}

/** Slow movement without a beat: three sines, together between −1 and 1. */
export function wander(luck: Chance, slowestHz: number, fastestHz: number): (s: number) => number {
  const waves = [0.5, 0.3, 0.2].map((share) => ({ share, hz: luck.between(slowestHz, fastestHz), at: luck.between(0, 2 * Math.PI) }));
  return (s) => waves.reduce((sum, { share, hz, at }) => sum + share * Math.sin(2 * Math.PI * hz * s + at), 0);
}

/** Rises from 0 to 1 and back. */
const hump = (s: number, from: number, riseS: number, holdS: number): number => {
  const t = s - from;
  const share = Math.min(t / riseS, (2 * riseS + holdS - t) / riseS, 1);
  return share <= 0 ? 0 : share * share * (3 - 2 * share);
};

const blinkS = 0.24;

export function scriptOf({ seed, manner = 'stands', asked, durationMs }: Behaviour): Script {
  const luck = chance(seed);
  const at = { x: luck.between(280, 360), y: luck.between(195, 230), scale: luck.between(0.74, 0.86) };
  const drift = {
    x: wander(luck, 0.1, 0.5),
    y: wander(luck, 0.1, 0.5),
    roll: wander(luck, 0.1, 0.6),
    yaw: wander(luck, 0.15, 0.8),
    pitch: wander(luck, 0.15, 0.8),
    near: wander(luck, 0.2, 0.35),
  };
  const answer = asked && answerOf(asked, luck);
  const side = luck.next() < 0.5 ? -1 : 1;
  const firstS = luck.between(0.2, 0.9);
  const blinks: number[] = [];
  for (let s = luck.between(0.3, 2.2); s < durationMs / 1000; s += luck.between(1.6, 4.5)) blinks.push(s);
  const moving = (kind: Manner, s: number) => (manner === kind ? hump(s, firstS, 0.5, 0.3) - 0.6 * hump(s, firstS + 1.4, 0.5, 0.3) : 0);
  return (atMs) => {
    const s = atMs / 1000;
    const did = answer?.(s);
    const sway = manner === 'sways' ? 26 * Math.sin(2 * Math.PI * 0.45 * s + side) : 0;
    const shut = Math.max(0, ...[...blinks, ...(did?.blinks ?? [])].map((from) => hump(s, from, 0.08, blinkS - 0.16)));
    const approach = manner === 'approaches' ? 0.62 + 0.38 * hump(s, 0, durationMs / 1250, durationMs) : 1;
    return {
      stand: {
        x: at.x + sway + 5 * drift.x(s),
        // Breathing lifts the head a little.
        y: at.y + 2.5 * drift.y(s) + 0.8 * Math.sin(2 * Math.PI * 0.27 * s),
        scale: at.scale * approach * (1 + 0.012 * drift.near(s)) * (did?.near ?? 1),
        rollDeg: 1.3 * drift.roll(s) + sway / 12,
        yawDeg: 3 * drift.yaw(s) + 16 * side * moving('turns', s) + (did?.yawDeg ?? 0),
        pitchDeg: 2 * drift.pitch(s) + 11 * moving('nods', s) + (did?.pitchDeg ?? 0),
      },
      expression: { eyesOpen: 1 - shut, mouthOpen: manner === 'talks' ? Math.max(0, Math.sin(2 * Math.PI * 2.3 * s) * 0.7) : 0 },
    };
  };
}

/**
 * The answer to a challenge, after the time that a person needs; it ends as it began, facing the camera. Left and right
 * are the person's own: to turn left is to the right of the picture.
 */
function answerOf(
  { kind, times = 2, issuedAtMs }: Asked,
  luck: Chance,
): (s: number) => Partial<{ yawDeg: number; pitchDeg: number; near: number; blinks: number[] }> {
  const from = issuedAtMs / 1000 + luck.between(0.35, 0.9);
  const size = luck.between(0.85, 1.1);
  const rise = luck.between(0.35, 0.55);
  const hold = luck.between(0.2, 0.5);
  const blinks = Array.from({ length: times }, (_, i) => from + i * luck.between(0.5, 0.62));
  return (s) => {
    const done = size * hump(s, from, rise, hold);
    if (kind === 'turn-left') return { yawDeg: 23 * done };
    if (kind === 'turn-right') return { yawDeg: -23 * done };
    if (kind === 'look-up') return { pitchDeg: -18 * done };
    if (kind === 'look-down') return { pitchDeg: 18 * done };
    if (kind === 'closer') return { near: 1 + 0.35 * done };
    if (kind === 'blink') return { blinks };
    return {};
  };
}

/** Whether the lamp is on: 0 or 1. */
export function lampAt({ kind, code = [], slotMs = 100, issuedAtMs }: Asked, atMs: number): number {
  const slot = Math.floor((atMs - issuedAtMs) / slotMs);
  return kind === 'light' && code[slot] ? 1 : 0;
}
