/**
 * What somebody does before the camera: a seed, a way to behave and, where the door asks, what it asks go in; how they
 * hold their head, their eyes and their mouth at each moment comes out. Pure.
 */
import { chance } from '../../../src/camera/demo/chance.ts';
import type { Expression } from '../../../src/camera/demo/expression.ts';
import type { Stand } from '../../../src/camera/demo/head.ts';
import { eyesOpenAt, headAnswer, hump, type Question, wander } from '../../../src/camera/demo/movement.ts';

/** `stands`: what a body does that stands still: breathes, sways, blinks. */
export const manners = ['stands', 'turns', 'nods', 'sways', 'approaches', 'talks'] as const;
export type Manner = (typeof manners)[number];

export interface Moment {
  readonly stand: Stand;
  readonly expression: Expression;
}

/** Milliseconds from the beginning of the clip. */
export type Script = (atMs: number) => Moment;

export interface Behaviour {
  readonly seed: number;
  readonly manner?: Manner;
  /** `issuedAtMs` counts from the beginning of the clip. */
  readonly asked?: Question | undefined;
  /** Length of the clip. */
  readonly durationMs: number;
}

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
  const answer = asked && headAnswer(asked, luck);
  const side = luck.next() < 0.5 ? -1 : 1;
  const firstS = luck.between(0.2, 0.9);
  const blinks: number[] = [];
  for (let s = luck.between(0.3, 2.2); s < durationMs / 1000; s += luck.between(1.6, 4.5)) blinks.push(s);
  const moving = (kind: Manner, s: number) => (manner === kind ? hump(s, firstS, 0.5, 0.3) - 0.6 * hump(s, firstS + 1.4, 0.5, 0.3) : 0);
  return (atMs) => {
    const s = atMs / 1000;
    const did = answer?.(s);
    const sway = manner === 'sways' ? 26 * Math.sin(2 * Math.PI * 0.45 * s + side) : 0;
    const approach = manner === 'approaches' ? 0.62 + 0.38 * hump(s, 0, durationMs / 1250, durationMs) : 1;
    return {
      stand: {
        x: at.x + sway + 5 * drift.x(s),
        // Breathing lifts the head a little.
        y: at.y + 2.5 * drift.y(s) + 0.8 * Math.sin(2 * Math.PI * 0.27 * s),
        scale: at.scale * approach * (1 + 0.012 * drift.near(s)) * (did?.nearer ?? 1),
        rollDeg: 1.3 * drift.roll(s) + sway / 12,
        yawDeg: 3 * drift.yaw(s) + 16 * side * moving('turns', s) + (did?.yawDeg ?? 0),
        pitchDeg: 2 * drift.pitch(s) + 11 * moving('nods', s) + (did?.pitchDeg ?? 0),
      },
      expression: {
        eyesOpen: eyesOpenAt(s, blinks, did?.closingsS),
        mouthOpen: manner === 'talks' ? Math.max(0, Math.sin(2 * Math.PI * 2.3 * s) * 0.7) : 0,
      },
    };
  };
}

/** Whether the lamp is on: 0 or 1. */
export function lampAt({ kind, code = [], slotMs = 100, issuedAtMs }: Question, atMs: number): number {
  const slot = Math.floor((atMs - issuedAtMs) / slotMs);
  return kind === 'light' && code[slot] ? 1 : 0;
}
