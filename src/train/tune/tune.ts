/**
 * Tuning by Bayesian optimisation. In: named parameters and a measure. Out: the best setting. Each trial is written
 * as a line of JSON when it ends, so an interrupted search continues. A trial that does worse than most did at the
 * same age is stopped early.
 */
import { appendFile, readFile } from 'node:fs/promises';
import { Fault, isDiskFull, messageOf } from '../../base/errors.ts';
import { newRandom, normal, type Random } from '../../base/random.ts';
import { expectedImprovement, fitProcess, type UnitPoint } from './gaussian-process.ts';

/** The range of a parameter. `log`: equal factors are equal steps. `whole`: whole numbers only. */
export interface Range {
  readonly from: number;
  readonly to: number;
  readonly log?: boolean;
  readonly whole?: boolean;
}

export type Space = Readonly<Record<string, Range>>;
export type Setting = Readonly<Record<string, number>>;

export interface TuningTrial {
  /** From 0. */
  readonly trial: number;
  readonly setting: Setting;
  /** The value to minimise; the last one reported where the trial was stopped early. */
  readonly value: number;
  /** What was reported during the trial (a validation loss after each epoch). */
  readonly reports: readonly number[];
  readonly stopped: boolean;
  readonly seconds: number;
}

/**
 * Measures a setting. `report` takes a value during the trial and answers whether to stop; then the last value
 * counts.
 */
export type Measure = (setting: Setting, report: (value: number) => 'go on' | 'stop') => Promise<number>;

export interface TuneOptions {
  readonly space: Space;
  readonly measure: Measure;
  /** Trials in all, including those already on disk. */
  readonly trials: number;
  readonly seed: number;
  /** `random` is the baseline for `bayes`. */
  readonly search: 'bayes' | 'random';
  /** File of trials. Absent: nothing is written. */
  readonly file?: string;
  readonly onTrial?: (trial: TuningTrial) => void;
  readonly signal?: AbortSignal;
}

/** Settings drawn at random before the process has enough data. */
const drawnFirst = 5;

/**
 * Searches. Returns all trials in order. Throws Fault `bad-argument` for an impossible range, or a file of another
 * search.
 */
export async function tune(options: TuneOptions): Promise<TuningTrial[]> {
  for (const [name, range] of Object.entries(options.space)) requireRange(name, range);
  const trials = options.file ? await trialsOf(options.file, options.space) : [];
  while (trials.length < options.trials && !options.signal?.aborted) {
    // Each trial has its own seed: a resumed search proposes the same settings as an uninterrupted one.
    const random = newRandom(options.seed + trials.length * 2 ** 32);
    const setting = settingAt(options.space, propose(options, trials, random));
    const trial = await runTrial(options, trials, setting);
    trials.push(trial);
    if (options.file) await append(options.file, trial);
    options.onTrial?.(trial);
  }
  return trials;
}

/** The trial of the smallest value; one that was stopped early cannot be it. */
export function bestTrial(trials: readonly TuningTrial[]): TuningTrial | undefined {
  const ended = trials.filter(({ stopped, value }) => !stopped && Number.isFinite(value));
  return ended.reduce<TuningTrial | undefined>((best, trial) => (best && best.value <= trial.value ? best : trial), undefined);
}

async function runTrial(options: TuneOptions, before: readonly TuningTrial[], setting: Setting): Promise<TuningTrial> {
  const startedAt = performance.now();
  const reports: number[] = [];
  let stopped = false;
  const measured = await options.measure(setting, (value) => {
    reports.push(value);
    stopped = fallsBehind(before, reports);
    return stopped ? 'stop' : 'go on';
  });
  const value = stopped ? (reports.at(-1) ?? measured) : measured;
  return { trial: before.length, setting, value, reports, stopped, seconds: (performance.now() - startedAt) / 1000 };
}

/**
 * The median rule (Golovin et al. 2017, Google Vizier, section 3.2.1): the best report so far is worse than the
 * median of the other trials' running means.
 */
export function fallsBehind(before: readonly TuningTrial[], reports: readonly number[]): boolean {
  const age = reports.length;
  const others = before
    .filter((trial) => trial.reports.length >= age)
    .map(({ reports: all }) => all.slice(0, age).reduce((sum, value) => sum + value, 0) / age);
  if (others.length < 4) return false;
  const sorted = others.toSorted((a, b) => a - b);
  const half = Math.floor(sorted.length / 2);
  const median = sorted.length % 2 === 1 ? (sorted[half] as number) : ((sorted[half - 1] as number) + (sorted[half] as number)) / 2;
  return !(Math.min(...reports) <= median);
}

/** Where to look next, in the unit cube. */
function propose({ space, search }: TuneOptions, trials: readonly TuningTrial[], random: Random): UnitPoint {
  const dimensions = Object.keys(space).length;
  const anywhere = () => Array.from({ length: dimensions }, random);
  if (search === 'random' || trials.filter(({ value }) => Number.isFinite(value)).length < drawnFirst) return anywhere();
  const points = trials.map(({ setting }) => pointOf(space, setting));
  const values = capped(trials.map(({ value }) => value));
  const process = fitProcess(points, values, Math.floor(random() * 2 ** 31));
  const best = Math.min(...values);
  const at = points[values.indexOf(best)] as UnitPoint;
  const near = (centre: UnitPoint, reach: number) => centre.map((x) => Math.min(1, Math.max(0, x + reach * normal(random))));
  // The expected improvement has many peaks: look everywhere and close to the best so far, then climb from the best
  // point.
  const starts = [...Array.from({ length: 600 }, anywhere), ...Array.from({ length: 200 }, () => near(at, 0.05))];
  const improvement = (point: UnitPoint) => expectedImprovement(process.predict(snap(space, point)), best);
  let winner = { point: at, gain: -1 };
  const consider = (point: UnitPoint) => {
    const gain = improvement(point);
    if (gain > winner.gain) winner = { point, gain };
  };
  starts.forEach(consider);
  for (let round = 0; round < 100; round++) consider(near(winner.point, 0.1 * 0.96 ** round));
  return winner.point;
}

/**
 * Values far worse than most, and those of a loss that broke, are capped at the median plus twice the distance from
 * best to median: how bad a bad setting is must not flatten the differences between good ones.
 */
function capped(values: readonly number[]): number[] {
  const finite = values.filter(Number.isFinite).sort((a, b) => a - b);
  const [best = 0, middle = 0, worst = 0] = [finite[0], finite[Math.floor(finite.length / 2)], finite.at(-1)];
  const cap = middle > best ? Math.min(worst, middle + 2 * (middle - best)) : worst;
  return values.map((value) => (Number.isFinite(value) ? Math.min(value, cap) : cap));
}

/** Rounds whole numbers first, so that the process does not see two points where there is one. */
const snap = (space: Space, point: UnitPoint): UnitPoint => pointOf(space, settingAt(space, point));

export function settingAt(space: Space, point: UnitPoint): Setting {
  const values = Object.entries(space).map(([name, { from, to, log, whole }], index) => {
    const share = point[index] as number;
    const value = log ? from * (to / from) ** share : from + share * (to - from);
    return [name, Math.min(to, Math.max(from, whole ? Math.round(value) : value))] as const;
  });
  return Object.fromEntries(values);
}

function pointOf(space: Space, setting: Setting): UnitPoint {
  return Object.entries(space).map(([name, { from, to, log }]) => {
    const value = setting[name] as number;
    if (from === to) return 0;
    return log ? Math.log(value / from) / Math.log(to / from) : (value - from) / (to - from);
  });
}

function requireRange(name: string, { from, to, log }: Range): void {
  if (!(Number.isFinite(from) && Number.isFinite(to) && from <= to))
    throw new Fault('bad-argument', `The range of ${name} must go up, not from ${from} to ${to}.`);
  if (log && from <= 0)
    throw new Fault('bad-argument', `The range of ${name} has a logarithmic scale and must start above 0, not at ${from}.`);
}

/** The trials in a file; none where there is no file. Throws Fault `bad-argument` where it cannot be read. */
export async function readTrials(file: string): Promise<TuningTrial[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw new Fault('bad-argument', `The trials in ${file} cannot be read: ${messageOf(error)}`, error);
  }
  // A kill may cut a line short; the next trial starts on a new line.
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [JSON.parse(line) as TuningTrial];
    } catch {
      return [];
    }
  });
}

/** Throws Fault `bad-argument` where the file holds trials of another search. */
async function trialsOf(file: string, space: Space): Promise<TuningTrial[]> {
  const trials = await readTrials(file);
  const names = Object.keys(space).sort().join();
  for (const { setting } of trials)
    if (Object.keys(setting).sort().join() !== names)
      throw new Fault(
        'bad-argument',
        `${file} holds trials of other parameters (${Object.keys(setting).sort().join()}): give another --out.`,
      );
  return trials.map((trial) => ({ ...trial, value: trial.value ?? Number.NaN }));
}

async function append(file: string, trial: TuningTrial): Promise<void> {
  try {
    await appendFile(file, `\n${JSON.stringify(trial)}`, { flush: true });
  } catch (error) {
    const code = isDiskFull(error) ? 'disk-full' : 'bad-argument';
    throw new Fault(code, `The trial cannot be added to ${file} (${messageOf(error)}): free space or give another --out.`, error);
  }
}
