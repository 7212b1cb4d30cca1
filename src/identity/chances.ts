/**
 * How many chances a stranger has against a gallery, in templates that are independent of each other. Forty near-equal
 * pictures of one person are nearly one chance, not forty; if each counted, a careful enrolment would lock the others
 * out. People with their templates and a set of strangers go in, the number of chances at a false-match rate comes out.
 *
 * Method, for each person: the strangers are scored against the templates. At the score that 1 % of all pairs reach
 * (a rate that some thousand strangers support), the share of strangers who reach it with any template, divided by 1 %,
 * is the number of chances there. At the door's far lower rates templates resemble each other less in what they let
 * through, so the number grows: it is taken there by the model of equally correlated normal scores (Tong, The
 * Multivariate Normal Distribution, 1990, chapter 5), whose one parameter the number at 1 % gives. Different people
 * count as independent. Measured on ORL with LFW as strangers: docs/research/log.md.
 */
import type { PersonId } from '../events.ts';
import type { EmbedderInfo, Embedding } from '../face/port.ts';
import { logitOf, type TemplateMatrix, templateMatrix } from './siamese.ts';

/** People who are nobody at this door, as the embedder sees them. */
export interface Strangers {
  /** SHA-256 of the embedder that made them. */
  readonly embedder: string;
  readonly embeddings: readonly Embedding[];
}

interface Enrolled {
  readonly id: PersonId;
  readonly templates: readonly Embedding[];
}

export interface Chances {
  /** Estimates for these people; roughly for now, and never too few, who came while the door runs. */
  load(people: readonly Enrolled[]): void;
  /** Goes on where a load was long; true where the number of chances may have changed. Takes a few milliseconds. */
  continue(): boolean;
  /** Chances at this rate per comparison (above 0, below 0.01); between 1 and the number of templates. */
  at(fmr: number): number;
}

/** The share of pairs at whose score the strangers are counted. */
const countedAt = 0.01;
/** Fewer strangers than this give too few matches at that share. */
const fewestStrangers = 1500;
/** Templates scored in one go while the door runs, at about half a millisecond each; and at the opening. */
const perTurn = 6;
const atOpening = 600;
/** Near-duplicates together count at most as much as this many templates: as measured for 46 of them. */
const mostOfDuplicates = 2;
/** Two templates of one person are near-duplicates from this part of the way from the threshold to equality. */
const duplicateFrom = 0.75;

/** What is known of one person: the correlation of their templates, or how many of them count. */
type Estimate = { readonly templates: number } & ({ readonly correlation: number } | { readonly distinct: number });

/**
 * `bound`: the logit from which two templates of one person are near-duplicates. `strangers` is asked for once, and
 * only where somebody has several templates; undefined where there are none for the embedder.
 */
export function chancesOf(embedder: EmbedderInfo, bound: number, strangers: () => Strangers | undefined): Chances {
  const known = new Map<PersonId, { readonly templates: readonly Embedding[]; readonly estimate: Estimate; readonly rough: boolean }>();
  let matrix: TemplateMatrix | 'none' | undefined;
  let people: readonly Enrolled[] = [];
  let opened = false;

  const stand = (): TemplateMatrix | undefined => {
    if (matrix === undefined) {
      const found = strangers();
      matrix =
        found?.embedder === embedder.sha256 && found.embeddings.length >= fewestStrangers ? loaded(embedder, found.embeddings) : 'none';
    }
    return matrix === 'none' ? undefined : matrix;
  };
  /** Estimates those who are new or have changed, as far as `most` templates go; the others roughly for now. */
  const estimate = (most: number): boolean => {
    let left = most;
    let changed = false;
    for (const { id, templates } of people) {
      const before = known.get(id);
      if (before && !before.rough && same(before.templates, templates)) continue;
      const scored = templates.length > 1 ? stand() : undefined;
      const now = scored !== undefined && most > 0 && (left === most || templates.length <= left);
      if (before?.rough && !now && same(before.templates, templates)) continue;
      changed = true;
      if (now) left -= templates.length;
      const value: Estimate = now
        ? { templates: templates.length, correlation: correlationOf(scored, templates) }
        : { templates: templates.length, distinct: distinctOf(embedder, bound, templates) };
      known.set(id, { templates, estimate: value, rough: scored !== undefined && !now });
    }
    return changed;
  };

  return {
    load: (given) => {
      people = given;
      const ids = new Set(given.map(({ id }) => id));
      for (const id of known.keys()) if (!ids.has(id)) known.delete(id);
      estimate(opened ? 0 : atOpening);
      opened = true;
    },
    continue: () => [...known.values()].some(({ rough }) => rough) && estimate(perTurn),
    at: (fmr) => {
      const estimates = [...known.values()].map(({ estimate: value }) => value);
      return Math.max(1, sumOfChances(estimates, fmr));
    },
  };
}

/** The logit from which two templates of one person count as near-duplicates. */
export const duplicateBound = (threshold: number, highest: number): number => threshold + duplicateFrom * (highest - threshold);

/** At least as many as the independent templates among them. */
function distinctOf({ head }: EmbedderInfo, bound: number, templates: readonly Embedding[]): number {
  const groups: { readonly first: Embedding; size: number }[] = [];
  for (const template of templates) {
    const group = groups.find(({ first }) => logitOf(head, first, template) >= bound);
    if (group) group.size++;
    else groups.push({ first: template, size: 1 });
  }
  return groups.reduce((sum, { size }) => sum + Math.min(size, mostOfDuplicates), 0);
}

function loaded({ head, dimension }: EmbedderInfo, embeddings: readonly Embedding[]): TemplateMatrix {
  const matrix = templateMatrix(head, dimension);
  matrix.load(embeddings);
  return matrix;
}

const same = (a: readonly Embedding[], b: readonly Embedding[]): boolean =>
  a === b || (a.length === b.length && a.every((one, i) => one.every((value, j) => value === b[i]?.[j])));

/** The correlation of one person's templates in what they let through, 0…1. */
function correlationOf(strangers: TemplateMatrix, templates: readonly Embedding[]): number {
  const all = new Float32Array(templates.length * strangers.count);
  const best = new Float32Array(strangers.count).fill(Number.NEGATIVE_INFINITY);
  templates.forEach((template, i) => {
    const logits = strangers.score(template);
    all.set(logits, i * strangers.count);
    for (let k = 0; k < logits.length; k++) if ((logits[k] ?? 0) > (best[k] ?? 0)) best[k] = logits[k] ?? 0;
  });
  const level = upperQuantile(all, countedAt);
  const reached = best.reduce((count, value) => count + (value >= level.logit ? 1 : 0), 0) / best.length;
  return correlationFor(templates.length, reached / level.share, level.share);
}

/** A value that about `share` of all reach, and the share that really does. */
function upperQuantile(values: Float32Array, share: number): { readonly logit: number; readonly share: number } {
  const bins = 4096;
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const counts = new Uint32Array(bins + 1);
  const scale = bins / Math.max(high - low, Number.MIN_VALUE);
  const binOf = (value: number): number => Math.floor((value - low) * scale);
  for (const value of values) counts[binOf(value)] = (counts[binOf(value)] ?? 0) + 1;
  let reached = 0;
  let bin = bins;
  for (; bin > 0; bin--) {
    reached += counts[bin] ?? 0;
    if (reached >= share * values.length) break;
  }
  const logit = low + bin / scale;
  const exact = values.reduce((count, value) => count + (value >= logit ? 1 : 0), 0) / values.length;
  return { logit, share: exact };
}

/** The correlation at which the model gives this number of chances. */
function correlationFor(templates: number, chances: number, fmr: number): number {
  let [low, high] = [0, mostCorrelated];
  for (let turn = 0; turn < 20; turn++) {
    const middle = (low + high) / 2;
    if (chancesAt(templates, middle, fmr) > chances) low = middle;
    else high = middle;
  }
  return low;
}

const nodes = 256;
/** Beyond this many standard deviations nothing adds to the integral. */
const reach = 8;
const mostCorrelated = 0.9995;

/** Of more people than this with as many templates each, the model is read from a table of so many values. */
const tabled = 32;

/**
 * `chancesAt` of all these people together. A thousand with five templates each took 15 ms, which the door would stand
 * still at every change of one of them; by the table it is 0.5 ms, and at most 0.3 % from it.
 */
function sumOfChances(people: Iterable<Estimate>, fmr: number): number {
  const level = normalLevel(fmr);
  const groups = new Map<number, number[]>();
  let sum = 0;
  for (const one of people) {
    if ('distinct' in one) sum += one.distinct;
    else {
      const group = groups.get(one.templates) ?? [];
      group.push(one.correlation);
      groups.set(one.templates, group);
    }
  }
  for (const [templates, correlations] of groups) {
    const exact = (correlation: number) => modelled(templates, correlation, fmr, level);
    const chances = correlations.length > tabled ? tableOf(exact) : exact;
    for (const correlation of correlations) sum += chances(correlation);
  }
  return sum;
}

/** Straight lines between values of a function of the correlation; they lie closer together where it is steep. */
function tableOf(exact: (correlation: number) => number): (correlation: number) => number {
  const table = Float64Array.from({ length: tabled + 1 }, (_, i) => exact(1 - (i / tabled) ** 2));
  return (correlation) => {
    const place = tabled * Math.sqrt(1 - Math.min(1, correlation));
    const i = Math.min(tabled - 1, Math.floor(place));
    const [low, high] = [table[i] ?? 1, table[i + 1] ?? 1];
    return low + (place - i) * (high - low);
  };
}

/** The model: the chance that any of the templates lets a stranger through, divided by that of one. */
export const chancesAt = (templates: number, correlation: number, fmr: number): number =>
  modelled(templates, correlation, fmr, normalLevel(fmr));

/** `level`: `normalLevel(fmr)`. */
function modelled(templates: number, correlation: number, fmr: number, level: number): number {
  if (templates <= 1) return templates;
  const shared = Math.sqrt(Math.min(correlation, mostCorrelated));
  const own = Math.sqrt(1 - shared ** 2);
  // Below `from` no template passes.
  const from = shared === 0 ? -reach : Math.max(-reach, (level - reach * own) / shared);
  const step = (reach - from) / nodes;
  let sum = 0;
  for (let node = 0; node < nodes; node++) {
    const u = from + (node + 0.5) * step;
    const one = upperTail((level - shared * u) / own);
    sum += density(u) * -Math.expm1(templates * Math.log1p(-Math.min(one, 1 - 1e-12)));
  }
  return Math.min(templates, Math.max(1, (sum * step) / fmr));
}

const density = (z: number): number => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);

/** P(Z ≥ z), relative error below 1.2e-7 (Press et al., Numerical Recipes, second edition, section 6.2). */
function upperTail(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.5 * x);
  const terms = [
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196, 1.00002368, -1.26551223,
  ];
  const erfc = t * Math.exp(-x * x + terms.reduce((sum, term) => sum * t + term, 0));
  return z >= 0 ? erfc / 2 : 1 - erfc / 2;
}

/** The z that a share of the standard normal distribution exceeds. */
function normalLevel(share: number): number {
  let [low, high] = [-reach, reach];
  for (let turn = 0; turn < 60; turn++) {
    const middle = (low + high) / 2;
    if (upperTail(middle) > share) low = middle;
    else high = middle;
  }
  return low;
}
