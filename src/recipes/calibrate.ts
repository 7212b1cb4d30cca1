/**
 * Cosines of genuine and impostor comparisons go in; a head (cosine to logit, by logistic regression) and a table from
 * false-match rate to logit come out.
 */
import type { Calibration, Head } from '../face/port.ts';

export interface Cosines {
  readonly genuine: Float64Array;
  /** One list for each population of impostors: the table holds for the worst of them. */
  readonly impostors: readonly Float64Array[];
}

/** The false-match rates of a table; one that fewer than `fewest` impostor comparisons reach is left out. */
export const rates = [0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001, 0.00003, 0.00001];
export const fewest = 8;

/** logit = scale · cosine + bias, both classes weighted equally; Newton's method on the logistic loss. */
export function fitHead({ genuine, impostors }: Cosines): Extract<Head, { kind: 'cosine' }> {
  const all = impostors.flatMap((some) => [...thinned(some, 20_000)]);
  let [scale, bias] = [10, -4];
  for (let turn = 0; turn < 30; turn++) {
    // A small pull towards the start keeps the scale finite if the classes do not overlap.
    let [gs, gb, hss, hsb, hbb] = [1e-4 * (scale - 10), 0, 1e-4, 0, 1e-6];
    const add = (cosines: Iterable<number>, label: number, weight: number) => {
      for (const cosine of cosines) {
        const p = 1 / (1 + Math.exp(-(scale * cosine + bias)));
        const [g, h] = [weight * (p - label), weight * p * (1 - p)];
        gs += g * cosine;
        gb += g;
        hss += h * cosine * cosine;
        hsb += h * cosine;
        hbb += h;
      }
    };
    add(genuine, 1, 0.5 / genuine.length);
    add(all, 0, 0.5 / all.length);
    const det = hss * hbb - hsb * hsb;
    const [ds, db] = [(gs * hbb - gb * hsb) / det, (gb * hss - gs * hsb) / det];
    const step = Math.min(1, 5 / (Math.abs(ds) + Math.abs(db) + 1e-9));
    scale = Math.max(1, scale - step * ds);
    bias -= step * db;
  }
  return { kind: 'cosine', scale: round(scale), bias: round(bias) };
}

const lastPlace = 1e-6;
const round = (value: number) => Number(value.toFixed(6));

/**
 * The `count` largest, falling, and perhaps some more. Of millions only those above a cut are sorted, which a sample
 * shows.
 */
export function largest(values: Float64Array, count: number): Float64Array {
  const sample = thinned(values, 10_000).toSorted();
  const share = count / Math.max(1, values.length);
  const cut = sample[Math.floor(sample.length * (1 - 1.2 * share) - 100)];
  const above = cut === undefined ? values : values.filter((value) => value >= cut);
  return (above.length < count ? values : above).toSorted().reverse();
}

function thinned(values: Float64Array, most: number): Float64Array {
  const stride = Math.ceil(values.length / most);
  return stride <= 1 ? values : values.filter((_, index) => index % stride === 0);
}

/**
 * The logit of each row keeps the rate in every population that is large enough to show it. Logits of a head that is
 * not over cosines are passed as they are, with scale 1 and bias 0. `at`: rates in falling order.
 */
export function calibrationTable(
  { genuine, impostors }: Cosines,
  head: Pick<Extract<Head, { kind: 'cosine' }>, 'scale' | 'bias'>,
  population: string,
  at: readonly number[] = rates,
): Calibration {
  const falling = impostors.map((some) => ({ count: some.length, top: largest(some, Math.ceil((at[0] ?? 1) * some.length) + 1) }));
  const table: { fmr: number; logit: number; fnmr: number }[] = [];
  for (const fmr of at) {
    const cosines = falling.flatMap(({ count, top }) => (fmr * count >= fewest ? [top[Math.floor(fmr * count)] as number] : []));
    if (cosines.length === 0) break;
    const threshold = cosines.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
    // That comparison must not pass, and a door takes what reaches the logit.
    const logit = round(head.scale * threshold + head.bias + lastPlace);
    const before = table.at(-1);
    if (before && !(logit > before.logit)) continue;
    const missed = genuine.reduce((count, value) => count + Number(value <= threshold), 0);
    table.push({ fmr, logit, fnmr: Number((missed / genuine.length).toFixed(4)) });
  }
  return {
    population,
    impostorPairs: impostors.reduce((most, some) => Math.max(most, some.length), 0),
    genuinePairs: genuine.length,
    table,
  };
}
