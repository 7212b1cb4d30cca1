/**
 * The Siamese head of a network: faces of labelled people go in, a learned head over |a − b| and the plain cosine come
 * out, each with its scores scaled to logits (J. Platt, "Probabilistic outputs for support vector machines", 1999) on
 * people from whom the head was not learned; and which of the two tells people apart better.
 */
import { below, newRandom, type Random, shuffled } from '../../base/random.ts';
import type { Embedding, Head } from '../../face/port.ts';
import type { LabelledFace } from './labelled.ts';

export interface HeadFit {
  readonly head: Head;
  /** False non-match rate at a false-match rate of 1 %, of people from whom neither was learned. */
  readonly missed: { readonly learned: number; readonly cosine: number };
}

interface Pair {
  readonly a: Embedding;
  readonly b: Embedding;
  readonly same: boolean;
}

/** Pairs of each kind that a head is learned from, and that its scores are scaled with. */
const mostPairs = 20_000;
/** Of each person, so that one with many pictures does not decide. */
const mostPerPerson = 60;

/** `learnFrom` and `scaleOn` hold different people. */
export function fitSiameseHead(learnFrom: readonly LabelledFace[], scaleOn: readonly LabelledFace[]): HeadFit {
  const random = newRandom(1705);
  const [pairs, held] = [pairsOf(learnFrom, random), pairsOf(scaleOn, random)];
  const cosine = scaled(held, cosineOf);
  const start = startOf(pairs);
  const weights = learnWeights(pairs, start, random);
  const learned = scaled(held, (a, b) => -distance(weights, a, b));
  const missed = { learned: missedAt(held, learned.score), cosine: missedAt(held, cosine.score) };
  // As many numbers as the embedding has, learned from few people, must earn their place.
  const isLearned = missed.learned < 0.9 * missed.cosine;
  return {
    missed,
    head: isLearned
      ? { kind: 'l1-logistic', weights: [...weights].map((w) => round(w * learned.scale)), bias: round(learned.bias) }
      : { kind: 'cosine', scale: round(cosine.scale), bias: round(cosine.bias) },
  };
}

const round = (value: number) => Number(value.toFixed(6));

/** Pairs of one person (some of them, where there are many), and `mostPairs` pairs of two people, drawn. */
function pairsOf(faces: readonly LabelledFace[], random: Random): readonly Pair[] {
  const people = [...Map.groupBy(faces, ({ person }) => person).values()];
  const mates = people.flatMap((own) => {
    const all = own.flatMap((one, i) => own.slice(i + 1).map((other): Pair => ({ a: one.embedding, b: other.embedding, same: true })));
    return shuffled(all, random).slice(0, mostPerPerson);
  });
  const genuine = shuffled(mates, random).slice(0, mostPairs);
  const strangers: Pair[] = [];
  while (people.length > 1 && strangers.length < mostPairs) {
    const [one, other] = [faces[below(random, faces.length)], faces[below(random, faces.length)]];
    if (one && other && one.person !== other.person) strangers.push({ a: one.embedding, b: other.embedding, same: false });
  }
  return [...genuine, ...strangers];
}

type Score = (a: Embedding, b: Embedding) => number;

/** Platt scaling, both kinds weighted equally: logit = scale · score + bias. */
function scaled(pairs: readonly Pair[], score: Score): { readonly score: Score; readonly scale: number; readonly bias: number } {
  const scores = pairs.map(({ a, b }) => score(a, b));
  const genuine = pairs.filter(({ same }) => same).length;
  // Scores of mean 0 and spread 1, whatever the network's cosines are: then one start and one pull fit all.
  const mean = scores.reduce((sum, v) => sum + v, 0) / scores.length;
  const spread = Math.sqrt(scores.reduce((sum, v) => sum + (v - mean) ** 2, 0) / scores.length) || 1;
  const points = scores.map((v, i): Point => {
    const same = (pairs[i] as Pair).same;
    return { x: (v - mean) / spread, same, weight: 0.5 / (same ? genuine : pairs.length - genuine) };
  });
  let line: Line = { slope: 1, offset: 0 };
  for (let turn = 0; turn < 50; turn++) {
    const next = newtonStep(points, line);
    if (!(lossOf(points, next) < lossOf(points, line) - 1e-12)) break;
    line = next;
  }
  return { score, scale: line.slope / spread, bias: line.offset - (line.slope * mean) / spread };
}

interface Point {
  readonly x: number;
  readonly same: boolean;
  readonly weight: number;
}

interface Line {
  readonly slope: number;
  readonly offset: number;
}

/** A pull towards 0 keeps the slope finite where the kinds do not overlap. */
const slopePull = 1e-4;

function lossOf(points: readonly Point[], { slope, offset }: Line): number {
  let loss = (slopePull * slope * slope) / 2;
  for (const { x, same, weight } of points) {
    const logit = (same ? -1 : 1) * (slope * x + offset);
    loss += weight * (logit > 30 ? logit : Math.log1p(Math.exp(logit)));
  }
  return loss;
}

/** Newton's step, halved until it makes the loss less. */
function newtonStep(points: readonly Point[], line: Line): Line {
  let [gs, go, hss, hso, hoo] = [slopePull * line.slope, 0, slopePull, 0, 1e-9];
  for (const { x, same, weight } of points) {
    const p = 1 / (1 + Math.exp(-(line.slope * x + line.offset)));
    const [g, h] = [weight * (p - Number(same)), weight * p * (1 - p)];
    gs += g * x;
    go += g;
    hss += h * x * x;
    hso += h * x;
    hoo += h;
  }
  const det = hss * hoo - hso * hso;
  const [slope, offset] = [(gs * hoo - go * hso) / det, (go * hss - gs * hso) / det];
  const before = lossOf(points, line);
  for (let part = 1; part > 1e-4; part /= 2) {
    const next = { slope: line.slope - part * slope, offset: line.offset - part * offset };
    if (lossOf(points, next) < before) return next;
  }
  return line;
}

function cosineOf(a: Embedding, b: Embedding): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

function distance(weights: Float64Array, a: Embedding, b: Embedding): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (weights[i] as number) * Math.abs((a[i] as number) - (b[i] as number));
  return sum;
}

interface Start {
  readonly weight: number;
  readonly bias: number;
}

/** One weight for all dimensions. */
function startOf(pairs: readonly Pair[]): Start {
  const size = pairs[0]?.a.length ?? 1;
  const ones = new Float64Array(size).fill(1 / Math.sqrt(size));
  const { scale, bias } = scaled(pairs, (a, b) => -distance(ones, a, b));
  return { weight: scale / Math.sqrt(size), bias };
}

const epochs = 12;
const rate = 0.02;
/** Pull of the weights to their common start, for each pair of 1,000: few people move them little. */
const pull = 1e-3;

/**
 * Logistic regression on |a − b| by Adam (D. Kingma, J. Ba, 2015), a pair at a time of mini-batches of 64. The weights
 * are of the size 1: the scores are scaled afterwards.
 */
function learnWeights(pairs: readonly Pair[], { weight: start, bias: from }: Start, random: Random): Float64Array {
  const size = pairs[0]?.a.length ?? 0;
  const weights = new Float64Array(size).fill(start);
  let bias = from;
  const [first, second] = [new Float64Array(size + 1), new Float64Array(size + 1)];
  const gradient = new Float64Array(size + 1);
  const genuine = pairs.filter(({ same }) => same).length;
  const share = { true: 0.5 / genuine, false: 0.5 / (pairs.length - genuine) };
  const step = rate * start;
  let turn = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = shuffled(pairs, random);
    for (let at = 0; at < order.length; at += 64) {
      gradient.fill(0);
      for (const { a, b, same } of order.slice(at, at + 64)) {
        const p = 1 / (1 + Math.exp(distance(weights, a, b) - bias));
        const g = (p - Number(same)) * share[`${same}`] * pairs.length;
        for (let i = 0; i < size; i++) gradient[i] = (gradient[i] as number) - (g * Math.abs((a[i] as number) - (b[i] as number))) / 64;
        gradient[size] = (gradient[size] as number) + g / 64;
      }
      turn++;
      const rates = [1 - 0.9 ** turn, 1 - 0.999 ** turn] as const;
      for (let i = 0; i <= size; i++) {
        const g = (gradient[i] as number) + (i < size ? pull * ((weights[i] as number) - start) : 0);
        first[i] = 0.9 * (first[i] as number) + 0.1 * g;
        second[i] = 0.999 * (second[i] as number) + 0.001 * g * g;
        const move = (step * ((first[i] as number) / rates[0])) / (Math.sqrt((second[i] as number) / rates[1]) + 1e-8);
        if (i < size) weights[i] = Math.max(0, (weights[i] as number) - move);
        else bias -= move;
      }
    }
  }
  return weights.map((w) => w / start / Math.sqrt(size));
}

/** The false non-match rate at a false-match rate of 1 %. */
function missedAt(pairs: readonly Pair[], score: (a: Embedding, b: Embedding) => number): number {
  const scores = (same: boolean) => pairs.filter((pair) => pair.same === same).map(({ a, b }) => score(a, b));
  const strangers = scores(false).sort((a, b) => b - a);
  const threshold = strangers[Math.floor(0.01 * strangers.length)] ?? Number.NEGATIVE_INFINITY;
  const genuine = scores(true);
  return genuine.filter((value) => value <= threshold).length / Math.max(1, genuine.length);
}
