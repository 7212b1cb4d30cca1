/**
 * Whether the skin answers the lamp. In: the code, and the colours of skin and surround around it. Out: how well they
 * agree. Pure.
 *
 * What is compared is the logarithm of skin over surround. The camera's exposure and flicker of the room's light fall
 * out of it. A face stands before what is behind it, so the lamp lights it more. A print under the same lamp gets as
 * much light as the paper around the face: nothing is left. A display shines by itself and gives back a fiftieth of
 * what skin does, while the hand and the case around it answer: it goes the other way. In sunlight the lamp does not
 * show: no answer. Paper that is cut out, or hardly larger than the face, answers as a face does; so the points on the
 * face have to move as those of something solid besides (answer.ts).
 */
import type { FrameEvidence } from '../port.ts';
import { burstCodes, lightForm } from './draw.ts';

/** Delay from the lamp to the time of the frame; below 0 for a camera that tells the beginning of the exposure. */
const delaysMs = Array.from({ length: 19 }, (_, i) => i * 10 - 30);
/** The part of a frame's time in which it is exposed, before the time that it is given. */
const exposureMs = 30;
/** Least change of skin over surround between dark and lit: a glint on a display reaches 0.013. */
const leastChange = 0.03;
/** Correlation of what is seen in a burst with its code. */
const leastAgreement = { each: 0.6, mean: 0.8 } as const;
/** By so much it agrees better with its own code than with any other. */
const leastLead = 0.02;
const leastFrames = 6;
/** A colour at its limit shows no change. */
const [black, white] = [8, 247];

/** Whether the frames cover every burst to its end, and the skin answered each with its own code. */
export function isLightAnswered(
  { code, slotMs, issuedAtMs }: { readonly code: readonly boolean[]; readonly slotMs: number; readonly issuedAtMs: number },
  frames: readonly FrameEvidence[],
): boolean {
  const untilMs = frames.at(-1)?.capturedAtMs ?? Number.NEGATIVE_INFINITY;
  const starts = Array.from({ length: lightForm.bursts }, (_, i) => lightForm.leadSlots + i * lightForm.periodSlots);
  const begins = starts.map((slot) => ({ fromMs: issuedAtMs + slot * slotMs, code: code.slice(slot, slot + lightForm.burstSlots) }));
  if (begins.some(({ fromMs }) => fromMs + lightForm.burstSlots * slotMs + 200 > untilMs)) return false;
  const bursts = begins.map((burst): Burst => ({ ...burst, seen: around(frames, burst.fromMs, slotMs) }));
  return bursts.every(({ seen }) => seen.length >= leastFrames) && delaysMs.some((ms) => agreesAt(bursts, slotMs, ms));
}

interface Burst {
  readonly fromMs: number;
  readonly code: readonly boolean[];
  readonly seen: readonly Sample[];
}

interface Sample {
  readonly atMs: number;
  readonly skin: number;
  readonly ratio: number;
}

/** The frames from shortly before a burst until its light has arrived. Empty if one of them cannot show a change. */
function around(frames: readonly FrameEvidence[], fromMs: number, slotMs: number): Sample[] {
  const toMs = fromMs + lightForm.burstSlots * slotMs + 200;
  const near = frames.filter(({ capturedAtMs: at }) => at >= fromMs - 100 && at <= toMs);
  const samples = near.map(({ capturedAtMs: atMs, skin, surround }) => {
    const [s, r] = [lightOf(skin), lightOf(surround)];
    return { atMs, skin: Math.log(s), ratio: Math.log(s) - Math.log(r) };
  });
  return near.every(({ skin: [, green] }) => green >= black && green <= white) ? samples : [];
}

/** Light from a picture's levels: their curve is about a power of 2.2. Green: the red of skin is often at its limit. */
const lightOf = ([, green]: readonly [number, number, number]): number => Math.max(1, green) ** 2.2;

/** The same delay for all bursts; in each one its own code fits better than every other. */
function agreesAt(bursts: readonly Burst[], slotMs: number, delayMs: number): boolean {
  const agreements = bursts.map((burst) => {
    const fitOf = (code: readonly boolean[], of: (sample: Sample) => number) => fitted(burst, code, slotMs, delayMs, of);
    const own = fitOf(burst.code, ({ ratio }) => ratio);
    if (own.change < leastChange || fitOf(burst.code, ({ skin }) => skin).agreement <= 0) return 0;
    const others = burstCodes.filter((code) => !isSame(code, burst.code));
    return others.every((code) => fitOf(code, ({ ratio }) => ratio).agreement < own.agreement - leastLead) ? own.agreement : 0;
  });
  return agreements.every((one) => one >= leastAgreement.each) && mean(agreements) >= leastAgreement.mean;
}

const isSame = (a: readonly boolean[], b: readonly boolean[]): boolean => a.every((slot, i) => slot === b[i]);

/** Correlation of the samples with the code, and the change from dark to lit that fits best. */
function fitted(
  { fromMs, seen }: Burst,
  code: readonly boolean[],
  slotMs: number,
  delayMs: number,
  of: (sample: Sample) => number,
): { readonly agreement: number; readonly change: number } {
  const light = seen.map(({ atMs }) => lit(code, slotMs, atMs - delayMs - fromMs));
  const values = seen.map(of);
  const [meanLight, meanValue] = [mean(light), mean(values)];
  let [both, lights, all] = [0, 0, 0];
  for (let i = 0; i < seen.length; i++) {
    const [l, v] = [(light[i] as number) - meanLight, (values[i] as number) - meanValue];
    both += l * v;
    lights += l * l;
    all += v * v;
  }
  return lights > 0 && all > 0 ? { agreement: both / Math.sqrt(lights * all), change: both / lights } : { agreement: 0, change: 0 };
}

/** The share of an exposure that ends at `atMs` after the burst's beginning in which the lamp was on. */
function lit(code: readonly boolean[], slotMs: number, atMs: number): number {
  let onMs = 0;
  code.forEach((on, slot) => {
    if (on) onMs += Math.max(0, Math.min(atMs, (slot + 1) * slotMs) - Math.max(atMs - exposureMs, slot * slotMs));
  });
  return onMs / exposureMs;
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / (values.length || 1);
