/**
 * The light that an infrared camera's own lamp adds. In: the latest grey frames of a camera whose lamp is on in every
 * second frame, as those for face unlocking do. Out: the newest frame with the lamp and the one without it beside it.
 */

/** One byte a pixel, rows from top to bottom. */
export interface GreyFrame {
  readonly capturedAtMs: number;
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
}

export interface LitPair {
  readonly lit: GreyFrame;
  readonly unlit: GreyFrame;
}

/** A head moves by few pixels in this time. Milliseconds. */
const mostApartMs = 100;
/** Mean levels (of 255) by which a frame with the lamp is brighter, at the least. */
const leastLight = 2;

/** Undefined where no two neighbours differ as lit and unlit frames do: the lamp is off, outshone, or always on. */
export function litPair(frames: readonly GreyFrame[]): LitPair | undefined {
  for (let index = frames.length - 1; index > 0; index--) {
    const [before, now] = [frames[index - 1], frames[index]];
    if (!before || !now || before.width !== now.width || before.height !== now.height) continue;
    if (now.capturedAtMs - before.capturedAtMs > mostApartMs) continue;
    const more = meanOf(now) - meanOf(before);
    if (Math.abs(more) >= leastLight) return more > 0 ? { lit: now, unlit: before } : { lit: before, unlit: now };
  }
  return undefined;
}

/** Of every 16th pixel: enough for a mean. */
function meanOf({ pixels }: GreyFrame): number {
  let sum = 0;
  let count = 0;
  for (let at = 0; at < pixels.length; at += 16, count++) sum += pixels[at] as number;
  return count === 0 ? 0 : sum / count;
}
