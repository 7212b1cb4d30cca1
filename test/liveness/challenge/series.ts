/**
 * People before a door, as the evidence of their frames: a seed and what they do go in, frames come out. Nobody is
 * behind it. The noise is that of the shipped detector on a talking head, 35 pixels between the eyes: yaw 2°, one frame
 * in twenty three times that; eye distance 2 %. The eye network sees most open eyes open in every frame, and of one
 * person in six only one of them (clips of people before webcams and phones); one frame in twenty is wrong. That it
 * does not see some people's eyes close is not in here.
 */
import { newRandom, normal, type Random } from '../../../src/base/random.ts';
import type { Challenge, FrameEvidence } from '../../../src/liveness/port.ts';

export const issuedAtMs = 10_000;

/** What moves: added to how the person stands. Milliseconds are after the challenge. */
export interface Act {
  readonly yawDeg?: (ms: number) => number;
  readonly pitchDeg?: (ms: number) => number;
  /** How far what is shown is moved down, in eye distances. */
  readonly rise?: (ms: number) => number;
  /** Times the eye distance. */
  readonly growth?: (ms: number) => number;
  readonly closed?: (ms: number) => boolean;
  /** Whether the lamp that shines on them is on. */
  readonly lamp?: (ms: number) => boolean;
  /** What the lamp adds to the light on skin and on what is around it, shares. */
  readonly answers?: { readonly skin: number; readonly surround: number };
  /** Level of the skin, 0…255, without the lamp. */
  readonly skin?: number;
  /** Flat things do not change the pose that is measured. */
  readonly still?: boolean;
  readonly flat?: 'live' | 'spoof';
}

export interface Filming {
  readonly fps: number;
  readonly untilMs: number;
  /** From the light to the time of the frame. */
  readonly delayMs?: number;
}

const between = (random: Random, from: number, to: number): number => from + random() * (to - from);

/** The frames from a second before the challenge. */
export function filmed(random: Random, act: Act, { fps, untilMs, delayMs = 60 }: Filming): FrameEvidence[] {
  const [yaw0, pitch0, eye0] = [between(random, -8, 8), between(random, -6, 6), between(random, 0.07, 0.14)];
  const [x0, phase, surround0] = [between(random, 0.4, 0.6), between(random, 0, 6), between(random, 50, 160)];
  const skin0 = act.skin ?? between(random, 60, 170);
  const exposureMs = between(random, 12, 33);
  const right = eyeOf(random);
  const left = eyeOf(random, right);
  const blinks = ownBlinks(random, untilMs);
  const jitter = (sigma: number) => normal(random) * sigma * (random() < 0.05 ? 3 : 1);
  const frames: FrameEvidence[] = [];
  for (let ms = -1000 + between(random, 0, 1000 / fps); ms <= untilMs; ms += 1000 / fps) {
    if (random() < 0.02) continue;
    const sway = act.still ? 0 : 1;
    const then = ms - delayMs;
    const yaw = act.yawDeg?.(then) ?? 0;
    const pitch = act.pitchDeg?.(then) ?? 0;
    const eye = eye0 * (act.growth?.(then) ?? 1) * Math.cos((yaw * Math.PI) / 180) * (1 + jitter(0.02));
    const isClosed = act.closed?.(then) || (!act.still && blinks.some(([from, to]) => then >= from && then < to));
    const lit = exposed(act.lamp, then, exposureMs);
    const flicker = 1 + 0.01 * Math.sin(ms / 90) + 0.02 * Math.sin(ms / 1700 + phase);
    frames.push({
      capturedAtMs: issuedAtMs + ms + jitter(3),
      pose: {
        yawDeg: yaw0 + yaw + sway * 2 * Math.sin(ms / 900 + phase) + jitter(2),
        // The landmarks hardly show a nod.
        pitchDeg: pitch0 + 0.15 * pitch + sway * 1.2 * Math.sin(ms / 700 + phase) + jitter(1),
        rollDeg: jitter(1),
      },
      place: {
        x: x0 + eye0 * (0.4 * Math.sin((yaw * Math.PI) / 180) + sway * 0.1 * Math.sin(ms / 800)) + jitter(0.02 * eye0),
        y: 0.4 + eye0 * (nodded(pitch) + (act.rise?.(then) ?? 0) + sway * 0.04 * Math.sin(ms / 1100 + phase)) + jitter(0.02 * eye0),
        interEye: eye,
      },
      eyesOpen: [eyeSeen(random, isClosed, right), eyeSeen(random, isClosed, left)],
      skin: colour(skin0, flicker * (1 + lit * (act.answers?.skin ?? 0)), random),
      surround: colour(surround0, flicker * (1 + lit * (act.answers?.surround ?? 0)), random),
      ...(act.flat && ms > 0 && { motion: [{ kind: 'flat', outcome: act.flat }] }),
    });
  }
  return frames;
}

/** How far the eyes of a nodding head go down, in eye distances. */
const nodded = (pitchDeg: number): number => (pitchDeg > 0 ? 1.2 : 0.85) * Math.sin((pitchDeg * Math.PI) / 180);

/** Seventeen blinks a minute that nobody means. */
function ownBlinks(random: Random, untilMs: number): [number, number][] {
  const blinks: [number, number][] = [];
  let ms = -1000;
  while (ms < untilMs) {
    ms += -Math.log(1 - random()) * 3500;
    blinks.push([ms, ms + between(random, 90, 200)]);
  }
  return blinks;
}

/** What the network says of one person's eye: `blind` where it takes it for closed, whatever it does. */
interface EyeSeen {
  readonly blind?: 'closed';
}

function eyeOf(random: Random, other?: EyeSeen): EyeSeen {
  const kind = random();
  if (other?.blind) return {};
  return kind < 0.08 ? { blind: 'closed' } : {};
}

function eyeSeen(random: Random, isClosed: boolean | undefined, { blind }: EyeSeen): number {
  const closed = blind === 'closed' || isClosed === true;
  if (random() < 0.05) return random();
  return closed ? between(random, 0, 0.2) : between(random, 0.95, 1);
}

function exposed(lamp: Act['lamp'], atMs: number, exposureMs: number): number {
  if (!lamp) return 0;
  let on = 0;
  for (let i = 0; i < 10; i++) if (lamp(atMs - (exposureMs * (i + 0.5)) / 10)) on++;
  return on / 10;
}

function colour(level: number, light: number, random: Random): [number, number, number] {
  const at = (share: number) => Math.min(255, Math.max(0, level * share * light ** (1 / 2.2) + normal(random) * 0.4));
  return [at(1.15), at(0.97), at(0.85)];
}

/** From 0 to 1 and back: begins, takes `outMs`, stays for `holdMs`, takes `backMs`. */
const thereAndBack = (startMs: number, outMs: number, holdMs: number, backMs: number) => (ms: number) => {
  const smooth = (x: number) => (x <= 0 ? 0 : x >= 1 ? 1 : x * x * (3 - 2 * x));
  return smooth((ms - startMs) / outMs) - smooth((ms - startMs - outMs - holdMs) / backMs);
};

export const lampOf =
  ({ code = [], slotMs = 1 }: Pick<Challenge, 'code' | 'slotMs'>) =>
  (ms: number): boolean =>
    ms >= 0 && code[Math.floor(ms / slotMs)] === true;

/** Somebody who does what they are asked. */
export function answerTo(random: Random, challenge: Pick<Challenge, 'kind' | 'times' | 'code' | 'slotMs'>): Act {
  const startMs = between(random, 350, 1500);
  const course = thereAndBack(startMs, between(random, 280, 800), between(random, 100, 700), between(random, 280, 800));
  const turn = between(random, 22, 42);
  switch (challenge.kind) {
    case 'turn-left':
    case 'turn-right': {
      const sign = challenge.kind === 'turn-left' ? 1 : -1;
      const nod = between(random, -4, 4);
      return { yawDeg: (ms) => sign * turn * course(ms), pitchDeg: (ms) => nod * course(ms) };
    }
    case 'look-up':
    case 'look-down': {
      const sign = challenge.kind === 'look-up' ? -1 : 1;
      const [nod, aside] = [between(random, 18, 32), between(random, -5, 5)];
      return { pitchDeg: (ms) => sign * nod * course(ms), yawDeg: (ms) => aside * course(ms), flat: 'live' };
    }
    case 'closer': {
      const grown = between(random, 1.35, 1.7);
      const step = thereAndBack(startMs, between(random, 500, 1500), 1e9, 1);
      return { growth: (ms) => 1 + (grown - 1) * step(ms), flat: 'live' };
    }
    case 'blink':
      return { closed: closings(random, challenge.times ?? 0, startMs) };
    case 'light': {
      const skin = between(random, 0.12, 0.7);
      return { lamp: lampOf(challenge), answers: { skin, surround: skin * between(random, 0.1, 0.5) }, flat: 'live' };
    }
  }
}

function closings(random: Random, times: number, startMs: number): (ms: number) => boolean {
  const spans: [number, number][] = [];
  for (let i = 0, ms = startMs; i < times; i++) {
    const end = ms + between(random, 380, 700);
    spans.push([ms, end]);
    ms = end + between(random, 250, 600);
  }
  return (ms) => spans.some(([from, to]) => ms >= from && ms < to);
}

export const seeded = (seed: number): Random => newRandom(seed);
