/** Draws a challenge. In: random numbers, the kinds that the policy allows, and its time. Out: one challenge. Pure. */
import { below, type Random, shuffled } from '../../base/random.ts';
import type { ChallengeKind } from '../../events.ts';
import type { Challenge, FrameEvidence } from '../port.ts';
import { eyesSeen } from './blink.ts';
import { median } from './track.ts';

/** Fewest and most closings of the eyes that are asked for. */
const closings = { least: 2, most: 3 } as const;

/**
 * The lamp blinks in bursts: a code of six slots within 400 ms, then dark. A burst has at most three flashes, and
 * bursts begin more than a second apart: more than three flashes in a second can set off a seizure (WCAG 2.3.1).
 */
export const lightForm = {
  slotMs: 66,
  /** Dark slots before the first burst. */
  leadSlots: 4,
  burstSlots: 6,
  /** From the beginning of a burst to that of the next. */
  periodSlots: 17,
  bursts: 3,
} as const;

/**
 * The codes of a burst: three of six slots are on, the first one always, and not all three in a row. The delay of the
 * camera is unknown, so a code that begins later would be the same code; one long flash also comes from a passing car.
 */
export const burstCodes: readonly (readonly boolean[])[] = [
  '110100',
  '110010',
  '110001',
  '101100',
  '101010',
  '101001',
  '100110',
  '100101',
  '100011',
].map((code) => Array.from(code, (slot) => slot === '1'));

/** When the last burst, and the camera's delay, are over. Milliseconds after the challenge was issued. */
export const lightMs =
  (lightForm.leadSlots + lightForm.periodSlots * (lightForm.bursts - 1) + lightForm.burstSlots) * lightForm.slotMs + 250;

/**
 * One of the `allowed` kinds, each with the same chance; undefined if there is none. `light` is left out where the time
 * is too short for it. `random` must not be predictable at the door: take it from the system, not from a seed.
 */
export function drawChallenge(
  random: Random,
  allowed: readonly ChallengeKind[],
  { issuedAtMs, deadlineMs }: { readonly issuedAtMs: number; readonly deadlineMs: number },
): Challenge | undefined {
  const possible = [...new Set(allowed)].filter((kind) => kind !== 'light' || deadlineMs - issuedAtMs >= lightMs);
  const kind = possible[below(random, possible.length)];
  if (!kind) return undefined;
  const id = Array.from({ length: 8 }, () => below(random, 16).toString(16)).join('');
  const drawn = { id, kind, issuedAtMs, deadlineMs };
  if (kind === 'blink') return { ...drawn, times: closings.least + below(random, closings.most - closings.least + 1) };
  if (kind === 'light') return { ...drawn, code: lightCode(random), slotMs: lightForm.slotMs };
  return drawn;
}

/** Longest time from frame to frame with which a kind can be answered. Milliseconds. */
const longestPeriodMs: Readonly<Record<ChallengeKind, number>> = {
  'turn-left': 250,
  'turn-right': 250,
  'look-up': 250,
  'look-down': 250,
  closer: 250,
  blink: 110,
  light: 80,
};
/** Eyes further apart than this share of the picture's width: no room to come closer. */
const nearEnough = 0.2;

/** Whether a person could answer this kind, as the door sees them now: it would keep them out otherwise. */
export function isAnswerable(kind: ChallengeKind, frames: readonly FrameEvidence[]): boolean {
  const latest = frames.slice(-10);
  const periods = latest.slice(1).map(({ capturedAtMs }, i) => capturedAtMs - (latest[i]?.capturedAtMs ?? capturedAtMs));
  if (periods.length === 0 || median(periods) > longestPeriodMs[kind]) return false;
  if (kind === 'blink') return eyesSeen(latest).length > 0;
  return kind !== 'closer' || median(latest.map(({ place }) => place.interEye)) < nearEnough;
}

/** Every burst has another code. */
function lightCode(random: Random): boolean[] {
  const dark = (slots: number): boolean[] => Array.from({ length: slots }, () => false);
  const bursts = shuffled(burstCodes, random).slice(0, lightForm.bursts);
  const rest = dark(lightForm.periodSlots - lightForm.burstSlots);
  return [...dark(lightForm.leadSlots), ...bursts.flatMap((code, i) => [...code, ...(i + 1 < bursts.length ? rest : [])])];
}
