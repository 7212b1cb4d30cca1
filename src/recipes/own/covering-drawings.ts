/**
 * Drawings of masks, scarves, sunglasses and spectacles: a brush that knows where the face is goes in, the shapes of an
 * SVG come out.
 */
import { below, type Random } from '../../base/random.ts';

/** What hides the lower half of a face. */
export const maskKinds = ['surgical', 'cloth', 'ffp2', 'scarf'] as const;
/** What hides the eyes. */
export const sunglassKinds = ['dark', 'mirrored', 'gradient'] as const;
export type CoveringKind = (typeof maskKinds)[number] | (typeof sunglassKinds)[number] | 'spectacles';

/** A colour as hue (degrees), saturation and lightness (0…1). */
export type Colour = readonly [hue: number, saturation: number, lightness: number];

export interface Brush {
  readonly random: Random;
  /** A place on the face: x in eye distances from the middle of the face, y from the eyes (0) to the mouth (1). */
  readonly at: (x: number, y: number) => string;
  /** A length of so many eye distances, pixels. */
  readonly long: (eyeDistances: number) => number;
  readonly ink: (colour: Colour, factor?: number) => string;
}

export const within = (random: Random, low: number, high: number) => low + (high - low) * random();
const pick = <T>(random: Random, items: readonly T[]): T => items[below(random, items.length)] as T;

export const drawings: Readonly<Record<CoveringKind, (brush: Brush) => string>> = {
  surgical: (brush) => surgical(brush),
  cloth: (brush) => cloth(brush),
  ffp2: (brush) => ffp2(brush),
  scarf: (brush) => scarf(brush),
  dark: (brush) => glasses(brush, 'dark'),
  mirrored: (brush) => glasses(brush, 'mirrored'),
  gradient: (brush) => glasses(brush, 'gradient'),
  spectacles: (brush) => glasses(brush, 'clear'),
};

/** The outline of a mask, from the bridge of the nose to under the chin; `peak`: how far it stands out there. */
function outline({ random, at }: Brush, { top = within(random, 0.22, 0.5), bottom = within(random, 1.65, 2.05), peak = 0.1 } = {}): string {
  const side = within(random, 0.92, 1.15);
  const sideTop = top + within(random, 0.05, 0.28);
  const jaw = within(random, 1.15, 1.5);
  const chin = within(random, 0.4, 0.62);
  return (
    `M ${at(-side, sideTop)} Q ${at(-0.5, sideTop - 0.02)} ${at(-0.24, top + 0.08)} Q ${at(0, top - peak)} ${at(0.24, top + 0.08)}` +
    ` Q ${at(0.5, sideTop - 0.02)} ${at(side, sideTop)} Q ${at(side * 0.98, jaw)} ${at(chin, bottom - 0.12)}` +
    ` Q ${at(0, bottom + 0.06)} ${at(-chin, bottom - 0.12)} Q ${at(-side * 0.98, jaw)} ${at(-side, sideTop)} Z`
  );
}

function filled(path: string, fill: string): string {
  return `<path d="${path}" fill="${fill}"/><path d="${path}" fill="url(#shade)"/><path d="${path}" fill="#000" filter="url(#grain)"/>`;
}

const line = (from: string, by: string, to: string, colour: string, width: number, opacity = 1): string =>
  `<path d="M ${from} Q ${by} ${to}" fill="none" stroke="${colour}" stroke-width="${width.toFixed(2)}" stroke-opacity="${opacity.toFixed(2)}"/>`;

function straps({ random, at, long, ink }: Brush, colour: Colour): string {
  const width = long(within(random, 0.02, 0.05));
  return [-1, 1]
    .flatMap((side) => [
      line(at(side * 0.98, 0.55), at(side * 1.15, 0.35), at(side * 1.35, 0.15), ink(colour, 0.9), width),
      line(at(side * 0.9, 1.25), at(side * 1.15, 0.9), at(side * 1.35, 0.6), ink(colour, 0.9), width),
    ])
    .join('');
}

function surgical(brush: Brush): string {
  const { random, at, long, ink } = brush;
  const colour = pick<Colour>(random, [
    [200, 0.5, 0.72],
    [205, 0.35, 0.8],
    [190, 0.45, 0.68],
    [165, 0.35, 0.7],
    [0, 0, 0.9],
    [0, 0, 0.12],
    [330, 0.4, 0.8],
  ]);
  const top = within(random, 0.25, 0.48);
  const path = outline(brush, { top });
  const pleats = [0.78, 1.02, 1.26].map((y) => {
    const dy = y + within(random, -0.05, 0.05);
    return (
      line(at(-0.88, dy), at(0, dy + 0.12), at(0.88, dy), ink(colour, 0.72), long(within(random, 0.015, 0.04)), 0.8) +
      line(at(-0.88, dy + 0.05), at(0, dy + 0.17), at(0.88, dy + 0.05), ink(colour, 1.12), long(0.025), 0.5)
    );
  });
  const edge = line(at(-0.85, top + 0.16), at(0, top - 0.12), at(0.85, top + 0.16), ink([0, 0, 0.93]), long(0.05), 0.7);
  return straps(brush, [0, 0, 0.9]) + filled(path, ink(colour)) + pleats.join('') + edge;
}

function cloth(brush: Brush): string {
  const { random, at, long, ink } = brush;
  const colour = pick<Colour>(random, [
    [0, 0, 0.06],
    [0, 0, 0.12],
    [0, 0, 0.22],
    [225, 0.5, 0.2],
    [0, 0.6, 0.3],
    [120, 0.3, 0.25],
    [30, 0.3, 0.55],
    [0, 0, 0.85],
    [within(random, 0, 360), within(random, 0.2, 0.8), within(random, 0.2, 0.7)],
  ]);
  const path = outline(brush, { peak: within(random, 0.05, 0.2) });
  const seam = line(at(0, 0.35), at(within(random, -0.03, 0.03), 1.1), at(0, 1.8), ink(colour, 0.6), long(0.025), 0.8);
  const dots = random() < 0.3 ? pattern(brush, colour) : '';
  return straps(brush, colour) + filled(path, ink(colour)) + dots + (random() < 0.6 ? seam : '');
}

/** Dots or stripes on a mask, well inside its outline. */
function pattern({ random, at, long, ink }: Brush, [hue, saturation, lightness]: Colour): string {
  const light: Colour = [hue + 40, saturation, lightness > 0.5 ? lightness * 0.5 : Math.min(0.9, lightness + 0.4)];
  const shapes: string[] = [];
  for (let y = 0.65; y < 1.6; y += 0.18)
    for (let x = -0.55; x < 0.6; x += 0.22) {
      const [cx = '', cy = ''] = at(x + within(random, -0.04, 0.04), y + within(random, -0.04, 0.04)).split(' ');
      shapes.push(`<circle cx="${cx}" cy="${cy}" r="${long(within(random, 0.02, 0.05)).toFixed(2)}" fill="${ink(light)}"/>`);
    }
  return shapes.join('');
}

function ffp2(brush: Brush): string {
  const { random, at, long, ink } = brush;
  const colour = pick<Colour>(random, [
    [0, 0, 0.95],
    [0, 0, 0.88],
    [50, 0.08, 0.85],
    [0, 0, 0.6],
    [0, 0, 0.15],
  ]);
  const path = outline(brush, { top: within(random, 0.18, 0.4), peak: within(random, 0.15, 0.3), bottom: within(random, 1.7, 2) });
  const fold =
    random() < 0.5
      ? line(at(0, 0.25), at(within(random, 0.02, 0.1), 1), at(0, 1.85), ink(colour, 0.72), long(0.035), 0.9)
      : line(at(-0.9, 0.85), at(0, within(random, 0.5, 0.75)), at(0.9, 0.85), ink(colour, 0.75), long(0.03), 0.9) +
        line(at(-0.8, 1.25), at(0, within(random, 1.35, 1.6)), at(0.8, 1.25), ink(colour, 0.75), long(0.03), 0.9);
  const clip = line(at(-0.35, 0.5), at(0, within(random, 0.15, 0.35)), at(0.35, 0.5), ink(colour, 0.85), long(0.06), 0.6);
  return straps(brush, [0, 0, 0.9]) + filled(path, ink(colour)) + fold + clip;
}

function scarf(brush: Brush): string {
  const { random, at, long, ink } = brush;
  const colour: Colour = [within(random, 0, 360), within(random, 0.05, 0.7), within(random, 0.08, 0.75)];
  const top = within(random, 0.35, 0.72);
  const [low, high] = [top + within(random, -0.1, 0.15), top + within(random, -0.1, 0.15)];
  const path = `M ${at(-1.7, low)} Q ${at(-0.8, low + 0.05)} ${at(0, top)} Q ${at(0.8, high + 0.05)} ${at(1.7, high)} L ${at(1.9, 3)} L ${at(-1.9, 3)} Z`;
  const folds = Array.from({ length: 3 + below(random, 5) }, () => {
    const y = within(random, top + 0.12, 2.2);
    return line(
      at(-1.6, y + within(random, -0.2, 0.2)),
      at(0, y + within(random, -0.1, 0.3)),
      at(1.6, y + within(random, -0.2, 0.2)),
      ink(random() < 0.4 ? [colour[0] + 120, 0.5, 0.5] : colour, within(random, 0.5, 0.9)),
      long(within(random, 0.02, 0.14)),
      within(random, 0.4, 0.9),
    );
  });
  return filled(path, ink(colour)) + folds.join('');
}

/** Glasses before the eyes: `clear` ones are spectacles. */
function glasses(brush: Brush, lens: 'dark' | 'mirrored' | 'gradient' | 'clear'): string {
  const { random, at, long, ink } = brush;
  const clear = lens === 'clear';
  const frame = pick<Colour>(random, [
    [0, 0, 0.05],
    [0, 0, 0.1],
    [25, 0.5, 0.2],
    [45, 0.5, 0.5],
    [0, 0, 0.7],
    [0, 0.5, 0.25],
  ]);
  const wide = within(random, 0.34, clear ? 0.42 : 0.46);
  const [up, lowered] = [within(random, 0.2, clear ? 0.28 : 0.34), within(random, 0.22, clear ? 0.34 : 0.48)];
  const inner = within(random, 0.45, 1);
  const rim = long(within(random, 0.015, clear ? 0.06 : 0.08));
  const tint: Colour =
    lens === 'mirrored'
      ? [within(random, 0, 360), within(random, 0.3, 0.9), within(random, 0.3, 0.6)]
      : [pick(random, [0, 25, 35, 120, 220]), within(random, 0, 0.35), within(random, 0.02, 0.12)];
  const opacity = { dark: [0.88, 1], mirrored: [0.85, 1], gradient: [0.85, 1], clear: [0, 0.12] }[lens] as [number, number];
  const strong = within(random, ...opacity);
  const weak = lens === 'gradient' ? within(random, 0.45, 0.8) * strong : strong;
  const far = lens === 'mirrored' ? ink([tint[0] + within(random, 20, 120), tint[1], Math.min(0.85, tint[2] * 1.6)]) : ink(tint);
  const paths = [-1, 1].map((side) => {
    const x = side * 0.5;
    const out = x + side * wide;
    const into = x - side * wide;
    return (
      `M ${at(into, -up * 0.6)} Q ${at(into, -up)} ${at(x - side * wide * 0.5, -up)} L ${at(x + side * wide * 0.6, -up * 0.96)}` +
      ` Q ${at(out, -up * 0.95)} ${at(out, -up * 0.3)} Q ${at(out, lowered * 0.8)} ${at(x + side * wide * 0.3, lowered)}` +
      ` Q ${at(into + side * (1 - inner) * 0.2, lowered)} ${at(into, lowered * 0.25)} Z`
    );
  });
  const lenses = paths.map(
    (d) =>
      `<path d="${d}" fill="url(#lens)" stroke="${ink(frame)}" stroke-width="${rim.toFixed(2)}"/>` +
      (clear && random() < 0.4 ? `<path d="${d}" fill="#fff" fill-opacity="${within(random, 0, 0.18).toFixed(2)}"/>` : ''),
  );
  const glint = [-1, 1].map((side) =>
    random() < 0.5
      ? line(
          at(side * 0.5 - 0.15, -0.12),
          at(side * 0.5, -0.16),
          at(side * 0.5 + within(random, 0, 0.15), -0.1),
          '#fff',
          long(within(random, 0.02, 0.07)),
          within(random, 0.1, 0.6),
        )
      : '',
  );
  const bridge = line(
    at(-0.5 + wide, -0.05),
    at(0, within(random, -0.2, -0.05)),
    at(0.5 - wide, -0.05),
    ink(frame),
    Math.max(rim, long(0.03)),
  );
  const temples = [-1, 1].map((side) =>
    line(at(side * (0.5 + wide), -0.1), at(side * 1.1, -0.08), at(side * 1.3, -0.02), ink(frame), Math.max(rim, long(0.03))),
  );
  return (
    `<defs><linearGradient id="lens" x1="0" y1="0" x2="${within(random, -0.3, 0.3).toFixed(2)}" y2="1"><stop offset="0" stop-color="${ink(tint)}" stop-opacity="${strong.toFixed(2)}"/>` +
    `<stop offset="1" stop-color="${far}" stop-opacity="${weak.toFixed(2)}"/></linearGradient></defs>${lenses.join('')}${glint.join('')}${bridge}${temples.join('')}`
  );
}
