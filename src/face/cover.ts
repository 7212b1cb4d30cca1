/**
 * Is a half of a face covered, by a mask, a scarf or sunglasses? The network looks at the aligned face several times: as
 * it is, and with a part of it painted over. Painting over an eye or a mouth changes much in what the network sees,
 * unless there was none to begin with. A linear rule on these embeddings, whose numbers are in the manifest, says for
 * each half whether it is covered. Pure.
 */
import type { Embedding, Half } from './port.ts';

/** The rule for one half: covered where bias + Σ weights·embeddings is above 0. */
export interface CoverRule {
  /** One for each number of each look's embedding, look after look. */
  readonly weights: Float32Array;
  readonly bias: number;
}

export type CoverRules = Readonly<Record<Half, CoverRule>>;

type Template = readonly (readonly [x: number, y: number])[];

/** Where an aligned face has its eyes and its mouth, pixels. */
interface Places {
  readonly eyes: readonly (readonly [x: number, y: number])[];
  readonly eyesY: number;
  readonly eyeDistance: number;
  readonly eyesToMouth: number;
}

/** Paints over a part of an aligned face (interleaved RGB) of this width. */
type Paint = (rgb: Uint8Array, width: number, at: Places) => void;

const grey = 127;
const black = 20;
/** Where the halves meet, as a share of the way from the eyes to the mouth: at the upper end of the nose. */
const meetAt = 0.4;

const rows = (rgb: Uint8Array, width: number, from: number, to: number) =>
  rgb.fill(grey, Math.max(0, Math.round(from)) * width * 3, Math.max(0, Math.round(to)) * width * 3);

/** What is painted over in each look, in the order of the weights. */
export const looks: readonly Paint[] = [
  () => undefined,
  (rgb, width, { eyesY, eyesToMouth }) => rows(rgb, width, eyesY + meetAt * eyesToMouth, rgb.length / width / 3),
  (rgb, width, { eyesY, eyesToMouth }) => rows(rgb, width, 0, eyesY + meetAt * eyesToMouth),
  (rgb, width, { eyesY, eyesToMouth }) => rows(rgb, width, eyesY - 0.32 * eyesToMouth, eyesY + 0.28 * eyesToMouth),
  paintLenses,
];

/** Two dark lenses before the eyes. */
function paintLenses(rgb: Uint8Array, width: number, { eyes, eyeDistance }: Places): void {
  for (const [eyeX, eyeY] of eyes)
    for (let i = 0; i < rgb.length / 3; i++) {
      const across = ((i % width) - eyeX) / (0.41 * eyeDistance);
      const down = (Math.floor(i / width) - eyeY - 0.03 * eyeDistance) / (0.29 * eyeDistance);
      if (across ** 4 + down ** 4 < 1) rgb.fill(black, 3 * i, 3 * i + 3);
    }
}

/** The looks at an aligned face. `template`: where its five landmarks are, pixels. */
export function looksAt(aligned: Uint8Array, width: number, template: Template): readonly Uint8Array[] {
  const at = placesOf(template);
  return looks.map((paint) => {
    const rgb = aligned.slice();
    paint(rgb, width, at);
    return rgb;
  });
}

function placesOf(template: Template): Places {
  const [right, left, , mouthRight, mouthLeft] = template;
  const eyes = [right ?? [0, 0], left ?? [0, 0]] as const;
  const eyesY = (eyes[0][1] + eyes[1][1]) / 2;
  const mouthY = ((mouthRight?.[1] ?? 0) + (mouthLeft?.[1] ?? 0)) / 2;
  return { eyes, eyesY, eyeDistance: eyes[1][0] - eyes[0][0], eyesToMouth: mouthY - eyesY };
}

/** How sure the rule is that the half is covered, 0 at its limit. `seen`: unit vectors, one for each look. */
export function coverLogit({ weights, bias }: CoverRule, seen: readonly Embedding[]): number {
  let [sum, at] = [bias, 0];
  for (const embedding of seen) for (let i = 0; i < embedding.length; i++, at++) sum += (weights[at] as number) * (embedding[i] as number);
  return sum;
}

/** The half that is covered; the surer one where both are. */
export function coveredHalf(rules: CoverRules, seen: readonly Embedding[]): Half | undefined {
  const [lower, upper] = [coverLogit(rules.lower, seen), coverLogit(rules.upper, seen)];
  if (Math.max(lower, upper) <= 0) return undefined;
  return lower > upper ? 'lower' : 'upper';
}
