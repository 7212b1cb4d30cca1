/**
 * The calibration of a network: faces of people from whom its head was not learned go in; the table from false-match
 * rate to logit comes out. At each rate it takes the strictest population, and of that the upper end of the 95 %
 * interval, from draws of the people (subsets bootstrap: R. Bolle, N. Ratha, S. Pankanti, CVIU 93, 2004): a few people
 * say less than their many pairs seem to.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { below, newRandom } from '../../base/random.ts';
import type { Calibration, Embedding } from '../../face/port.ts';
import { calibrationTable, fewest, rates } from '../calibrate.ts';
import type { LabelledFace } from './labelled.ts';

export interface Population {
  readonly name: string;
  readonly faces: readonly LabelledFace[];
}

export interface StrictRow {
  readonly fmr: number;
  readonly logit: number;
  readonly fnmr: number;
  /** 95 % interval of the false non-match rate. */
  readonly fnmrInterval: readonly [number, number];
  /** The false non-match rate in that population alone: of frames of one camera, where it is of that kind. */
  readonly fnmrThere: number;
  /** The population that asked for this logit, and the false-match rate measured there at it. */
  readonly set: string;
  readonly measured?: number;
  readonly measuredInterval?: readonly [number, number];
}

export interface StrictCalibration extends Omit<Calibration, 'table'> {
  readonly table: readonly StrictRow[];
  /** Everybody together, and no allowance for how few they are: nothing looser was measured. */
  readonly wild: Calibration;
}

export interface StrictOptions {
  readonly logitOf: (a: Embedding, b: Embedding) => number;
  /** The value of the standard normal distribution below which this share lies. */
  readonly probit: (share: number) => number;
  readonly signal: AbortSignal;
  /** Faces compared with all others. */
  readonly onProgress: (done: number, total: number) => void;
}

const draws = 300;
/** A threshold below this rate's is of no use at a door. */
const highestRate = 0.25;

/** Rows end where fewer than eight pairs would pass; a table of fewer than three rows says nothing. */
export async function strictTable(populations: readonly Population[], options: StrictOptions): Promise<StrictCalibration> {
  const total = populations.reduce((sum, { faces }) => sum + faces.length, 0);
  let done = 0;
  const measured: Measured[] = [];
  for (const { name, faces } of populations) {
    measured.push(measure(name, await scoresOf(faces, options, (index) => options.onProgress(done + index, total)), options.probit));
    done += faces.length;
  }
  const genuine = genuineOf(measured);
  const cosines = { genuine: genuine.scores, impostors: [joined(measured.map(({ impostors }) => impostors))] };
  const wild = calibrationTable(cosines, { scale: 1, bias: 0 }, measured.map(({ about }) => about).join('; '));
  const table: StrictRow[] = [];
  for (const fmr of rates) {
    if (!measured.some(({ impostors }) => fmr * impostors.length >= fewest)) break;
    const strictest = measured.flatMap((each) => each.at(fmr) ?? []).toSorted((a, b) => b.logit - a.logit)[0];
    const before = table.at(-1);
    if (!strictest) break;
    if (before && !(strictest.logit > before.logit)) continue;
    table.push({ fmr, ...strictest, ...genuine.missedAt(strictest.logit) });
  }
  return { ...wild, population: populationText(measured), table, wild };
}

function joined(parts: readonly Float32Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const populationText = (measured: readonly Measured[]): string =>
  `${measured.length > 1 ? `at each rate the strictest of ${measured.length} populations` : 'one population'}, upper end of the 95 % interval: ${measured.map(({ about }) => about).join('; ')}`;

interface Scores {
  /** Of two people: logits, and the people. */
  readonly logits: Float32Array;
  readonly one: Uint16Array;
  readonly other: Uint16Array;
  /** Of one person. */
  readonly mates: readonly (readonly number[])[];
  readonly people: number;
  readonly pictures: number;
}

async function scoresOf(faces: readonly LabelledFace[], options: StrictOptions, onFace: (index: number) => void): Promise<Scores> {
  const numbers = new Map<number, number>();
  for (const { person } of faces) if (!numbers.has(person)) numbers.set(person, numbers.size);
  const people = faces.map(({ person }) => numbers.get(person) ?? 0);
  const mates = Array.from({ length: numbers.size }, (): number[] => []);
  const most = (faces.length * (faces.length - 1)) / 2;
  const [logits, one, other] = [new Float32Array(most), new Uint16Array(most), new Uint16Array(most)];
  let count = 0;
  for (const [i, face] of faces.entries()) {
    if (i % 16 === 0) {
      await nextTurn();
      options.signal.throwIfAborted();
      onFace(i);
    }
    for (let j = 0; j < i; j++) {
      const logit = options.logitOf(face.embedding, (faces[j] as LabelledFace).embedding);
      if (people[i] === people[j]) mates[people[i] as number]?.push(logit);
      else {
        [logits[count], one[count], other[count]] = [logit, people[i] as number, people[j] as number];
        count++;
      }
    }
  }
  return {
    ...{ logits: logits.subarray(0, count), one: one.subarray(0, count), other: other.subarray(0, count) },
    ...{ mates, people: numbers.size, pictures: faces.length },
  };
}

interface Measured {
  readonly about: string;
  readonly mates: Scores['mates'];
  readonly impostors: Float32Array;
  /** Undefined where not even a higher rate could be measured. */
  at(fmr: number): Omit<StrictRow, 'fmr' | 'fnmr' | 'fnmrInterval'> | undefined;
}

function measure(name: string, scores: Scores, probit: StrictOptions['probit']): Measured {
  const { logits, mates, people, pictures } = scores;
  const about = `${name} (${people} people, ${pictures} pictures)`;
  const steps = stepsOf(scores);
  const bounds = boundsOf(scores, steps);
  const measuredAt = (fmr: number) => {
    const place = fmr * logits.length < fewest ? -1 : bounds.findIndex(({ high }) => high <= fmr);
    const bound = bounds[place];
    return bound && { logit: steps[place] as number, bound };
  };
  const last = rates.findLast((fmr) => measuredAt(fmr));
  const falling = logits.toSorted().reverse();
  const logitAbove = (fmr: number): number => falling[Math.floor(fmr * (falling.length - 1))] ?? 0;
  const beyond = last === undefined ? () => 0 : continuation(last, logitAbove, probit);
  return {
    ...{ about, mates, impostors: logits },
    at: (fmr) => {
      const found = measuredAt(Math.max(fmr, last ?? 1));
      if (!found || last === undefined) return undefined;
      const { rate, low, high } = found.bound;
      const further = fmr < last ? beyond(fmr) : 0;
      return {
        logit: round(found.logit + further),
        fnmrThere: share(mates, found.logit + further),
        set: fmr < last ? `${name}, continued from ${last}` : name,
        ...(fmr >= last && { measured: rate, measuredInterval: [low, high] as const }),
      };
    },
  };
}

/**
 * How much higher the logit must be at rates that so few pairs cannot show, by the last factor of ten that they do:
 * half-way between a straight line over the logarithm of the rate and the tail of a normal distribution. Of two
 * populations with enough pairs to see it, the tail of one lies near the line, that of the other below both
 * (docs/research/log.md).
 */
function continuation(last: number, logitAbove: (fmr: number) => number, probit: StrictOptions['probit']): (fmr: number) => number {
  const from = Math.min(0.1, 10 * last);
  const rise = last < from ? Math.max(0, logitAbove(last) - logitAbove(from)) : 0;
  const along = (scale: (fmr: number) => number) => (fmr: number) =>
    rise === 0 ? 0 : (rise * (scale(fmr) - scale(last))) / (scale(last) - scale(from));
  const [line, normal] = [along((fmr) => -Math.log(fmr)), along((fmr) => probit(1 - fmr))];
  return (fmr) => (line(fmr) + normal(fmr)) / 2;
}

const round = (value: number) => Number(value.toFixed(4));

/** The share of pairs of one person below the logit. */
function share(mates: Scores['mates'], logit: number): number {
  const all = mates.flat();
  return round(all.filter((value) => value < logit).length / Math.max(1, all.length));
}

/** Logits to try, rising: ten for each factor of ten in the rate, and one that nobody reaches. */
function stepsOf({ logits }: Scores): readonly number[] {
  const falling = logits.toSorted().reverse();
  const steps: number[] = [];
  for (let rate = highestRate; rate * falling.length >= 1; rate /= 10 ** 0.1) {
    const logit = falling[Math.floor(rate * falling.length)] as number;
    if (logit > (steps.at(-1) ?? Number.NEGATIVE_INFINITY)) steps.push(logit);
  }
  return [...steps, (falling[0] ?? 0) + 1e-3];
}

interface Bound {
  readonly rate: number;
  readonly low: number;
  readonly high: number;
}

/** For each step, the share of pairs above it, and its interval. */
function boundsOf(scores: Scores, steps: readonly number[]): readonly Bound[] {
  const { logits, one, other, people } = scores;
  const width = steps.length;
  /** For each pair of people: how many pairs of pictures, then how many above each step. */
  const pairs = new Map<number, Float64Array>();
  for (let i = 0; i < logits.length; i++) {
    const key = Math.max(one[i] as number, other[i] as number) * people + Math.min(one[i] as number, other[i] as number);
    const counts = pairs.get(key) ?? new Float64Array(width + 1);
    if (counts[0] === 0) pairs.set(key, counts);
    counts[0] = (counts[0] as number) + 1;
    for (let k = 0; k < width && (logits[i] as number) > (steps[k] as number); k++) counts[k + 1] = (counts[k + 1] as number) + 1;
  }
  const random = newRandom(2004);
  const ratesOfDraw = (times: Float64Array): Float64Array => {
    const sums = new Float64Array(width + 1);
    for (const [key, counts] of pairs) {
      const weight = (times[Math.floor(key / people)] as number) * (times[key % people] as number);
      for (let k = 0; weight > 0 && k <= width && (counts[k] as number) > 0; k++)
        sums[k] = (sums[k] as number) + weight * (counts[k] as number);
    }
    return sums.subarray(1).map((sum) => sum / (sums[0] as number));
  };
  const plain = ratesOfDraw(new Float64Array(people).fill(1));
  const drawn = Array.from({ length: draws }, () => ratesOfDraw(timesDrawn(people, random))).filter((some) => some.every(Number.isFinite));
  return steps.map((_, k) => ({
    rate: plain[k] as number,
    ...intervalOf(
      drawn.map((some) => some[k] as number),
      logits.length,
    ),
  }));
}

function timesDrawn(people: number, random: () => number): Float64Array {
  const times = new Float64Array(people);
  for (let draw = 0; draw < people; draw++) {
    const person = below(random, people);
    times[person] = (times[person] as number) + 1;
  }
  return times;
}

/**
 * The middle 95 %. Where no draw has a pair above, at most 3 of the trials (the rule of three). For impostors these are
 * pairs of pictures, which are not independent: there it is the least that may be said.
 */
function intervalOf(values: readonly number[], trials: number): { readonly low: number; readonly high: number } {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 1;
  return { low: at(0.025), high: Math.max(at(0.975), 3 / trials) };
}

function genuineOf(measured: readonly Measured[]) {
  const people = measured.flatMap(({ mates }) => mates).filter((own) => own.length > 0);
  const random = newRandom(95);
  const drawn = Array.from({ length: draws }, () => timesDrawn(people.length, random));
  const missed = (own: readonly number[], logit: number) => own.filter((value) => value < logit).length;
  return {
    scores: Float64Array.from(people.flat()),
    missedAt: (logit: number): Pick<StrictRow, 'fnmr' | 'fnmrInterval'> => {
      const counts = people.map((own) => ({ pairs: own.length, missed: missed(own, logit) }));
      const share = (times: (person: number) => number) => {
        let [sum, all] = [0, 0];
        for (const [person, { pairs, missed: some }] of counts.entries()) {
          sum += times(person) * some;
          all += times(person) * pairs;
        }
        return sum / all;
      };
      const { low, high } = intervalOf(
        drawn.map((times) => share((person) => times[person] as number)),
        people.length,
      );
      return { fnmr: Number(share(() => 1).toFixed(4)), fnmrInterval: [Number(low.toFixed(4)), Number(Math.min(1, high).toFixed(4))] };
    },
  };
}
