/**
 * Is a half of a face covered, by a mask, a scarf or sunglasses? The network looks at the aligned face three times: as
 * it is, and with its lower and its upper half painted over. That changes much in what it sees, unless there was no
 * mouth, or no eyes, to begin with. Glasses are small beside the half that they cover, so the rule sees the eyes as a
 * few pixels too. It is linear, its numbers are in the manifest, and it says for each half whether it is covered. Pure.
 */
import type { Embedding, Half } from './port.ts';

/** The rule for one half: covered where bias + Σ weights·embeddings + Σ eyes·pixels is above 0. */
export interface CoverRule {
  /** One for each number of each look's embedding, look after look. */
  readonly weights: Float32Array;
  /** One for each number of `aroundEyes`; absent where the rule does without. */
  readonly eyes?: Float32Array;
  readonly bias: number;
}

export type CoverRules = Readonly<Record<Half, CoverRule>>;

/** What the rules look at: unit vectors, one for each look, and `aroundEyes`. */
export interface FaceSeen {
  readonly seen: readonly Embedding[];
  readonly eyes: Float32Array;
}

type Template = readonly (readonly [x: number, y: number])[];

/** As it is, without the lower half, without the upper half. */
export const looks = 3;
const grey = 127;
/** Where the halves meet, as a share of the way from the eyes to the mouth: at the upper end of the nose. */
const meetAt = 0.4;
/** The picture of the eyes: columns and rows of three colours. */
const [columns, rows] = [24, 14];
export const eyeNumbers = columns * rows * 3;

/** The looks at an aligned face (interleaved RGB). `template`: where its five landmarks are, pixels. */
export function looksAt(aligned: Uint8Array, width: number, template: Template): readonly Uint8Array[] {
  const { eyesY, eyesToMouth } = heights(template);
  const at = Math.round(eyesY + meetAt * eyesToMouth) * width * 3;
  return [aligned, aligned.slice().fill(grey, at), aligned.slice().fill(grey, 0, at)];
}

/**
 * The part of an aligned face around the eyes, shrunk to a few pixels, less its mean and divided by its standard
 * deviation: neither light nor contrast of the picture is left in it.
 */
export function aroundEyes(aligned: Uint8Array, width: number, template: Template): Float32Array {
  const { eyesY, eyesToMouth } = heights(template);
  const [top, bottom] = [eyesY - 0.65 * eyesToMouth, eyesY + 0.75 * eyesToMouth];
  const [left, right] = [0.06 * width, 0.94 * width];
  const place = (from: number, to: number, share: number) => Math.round(from + (to - from) * share);
  const eyes = new Float32Array(eyeNumbers);
  for (let row = 0, out = 0; row < rows; row++) {
    const [y0, y1] = [place(top, bottom, row / rows), place(top, bottom, (row + 1) / rows)];
    for (let column = 0; column < columns; column++) {
      const [x0, x1] = [place(left, right, column / columns), place(left, right, (column + 1) / columns)];
      for (let channel = 0; channel < 3; channel++) eyes[out++] = meanOf(aligned, width, [x0, y0, x1, y1], channel);
    }
  }
  return standardised(eyes);
}

/** The mean of one colour in a rectangle; outside the picture there is nothing to add. */
function meanOf(rgb: Uint8Array, width: number, [x0, y0, x1, y1]: readonly [number, number, number, number], channel: number): number {
  let [sum, n] = [0, 0];
  for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++, n++) sum += y >= 0 ? (rgb[3 * (y * width + x) + channel] ?? 0) : 0;
  return n > 0 ? sum / n / 255 : 0;
}

function standardised(values: Float32Array): Float32Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) || 1;
  return values.map((value) => (value - mean) / deviation);
}

function heights([right, left, , mouthRight, mouthLeft]: Template): { readonly eyesY: number; readonly eyesToMouth: number } {
  const eyesY = ((right?.[1] ?? 0) + (left?.[1] ?? 0)) / 2;
  return { eyesY, eyesToMouth: ((mouthRight?.[1] ?? 0) + (mouthLeft?.[1] ?? 0)) / 2 - eyesY };
}

/** How sure the rule is that the half is covered, 0 at its limit. */
export function coverLogit({ weights, eyes, bias }: CoverRule, looked: FaceSeen): number {
  let [sum, at] = [bias, 0];
  for (const embedding of looked.seen)
    for (let i = 0; i < embedding.length; i++, at++) sum += (weights[at] as number) * (embedding[i] as number);
  if (eyes) for (let i = 0; i < eyes.length; i++) sum += (eyes[i] as number) * (looked.eyes[i] as number);
  return sum;
}

/** The half that is covered; the surer one where both are. */
export function coveredHalf(rules: CoverRules, looked: FaceSeen): Half | undefined {
  const [lower, upper] = [coverLogit(rules.lower, looked), coverLogit(rules.upper, looked)];
  if (Math.max(lower, upper) <= 0) return undefined;
  return lower > upper ? 'lower' : 'upper';
}
