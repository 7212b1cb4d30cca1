/** The base networks on the same pairs and folders as the paper's network. In: a comparer. Out: the same figures. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { jsonText, writeWhole } from '../../base/whole-file.ts';
import { evaluationPairs } from '../data/dataset.ts';
import { type Confusion, confusionAt } from '../figures/confusion.ts';
import { type VerificationFigures, verificationFigures, verificationThresholds } from '../figures/verification.ts';
import { mostImages } from './converged-cells.ts';
import { baseData, type DataName } from './paper.ts';
import type { CellData, Supply } from './paper-data.ts';
import { numbered, type ScoredPair } from './scored-pairs.ts';

/** Compares two pictures of faces by networks that were not trained here. */
export interface Comparer {
  /** Names the networks, with their versions. */
  readonly label: string;
  /** Undefined where no face is found: a failure to acquire (ISO/IEC 19795-1), which is scored 0. */
  readonly embed: (path: string) => Promise<Float32Array | undefined>;
  /** 0…1. */
  readonly score: (a: Float32Array, b: Float32Array) => number;
}

export interface BaseFigures {
  readonly label: string;
  readonly pictures: number;
  readonly withoutFace: number;
  /** On people (or pictures) that the paper's network was not trained on, at each detection threshold. */
  readonly honest: readonly Confusion[];
  readonly verification?: readonly VerificationFigures[];
  readonly pairs?: readonly ScoredPair[];
}

/** Which cells' pairs: those of the paper's tables, or those of the cells that are trained to convergence. */
export type BaseOf = 'paper' | 'converged';

const dataOf: Record<BaseOf, readonly (readonly [DataName, number])[]> = {
  paper: baseData,
  converged: (['pins', 'orl'] as const).map((data) => [data, mostImages[data]]),
};

export interface BaseOptions {
  readonly measuredPairs: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress?: (data: DataName, done: number, total: number) => void;
}

const fileOf = (out: string, of: BaseOf, data: DataName) => join(out, `base-${of === 'paper' ? '' : `${of}-`}${data}.json`);

/**
 * Measures the base networks on each kind of pictures and writes the figures to `out`. Figures that are there are not
 * measured again. Throws the reason of the signal when it is aborted, and what the comparer throws.
 */
export async function runBase(
  base: Comparer,
  supply: Supply,
  options: BaseOptions & { readonly out: string; readonly of?: BaseOf },
): Promise<void> {
  const { out, of = 'paper', measuredPairs, seed } = options;
  await mkdir(out, { recursive: true });
  for (const [data, images] of dataOf[of]) {
    const settings = { label: base.label, measuredPairs, seed };
    const before = await readBase(out, of, data);
    if (before && JSON.stringify(before.settings) === JSON.stringify(settings)) continue;
    const figures = await measureBase(base, await supply(data, images), options, data);
    writeWhole(fileOf(out, of, data), jsonText({ settings, ...figures }), { mode: 0o644 });
  }
}

/** What `runBase` found, by kind of pictures. */
export async function readBases(out: string, of: BaseOf = 'paper'): Promise<Map<DataName, BaseFigures>> {
  const found = await Promise.all(dataOf[of].map(async ([data]) => [data, await readBase(out, of, data)] as const));
  return new Map(found.filter((entry): entry is [DataName, StoredFigures] => entry[1] !== undefined));
}

type StoredFigures = BaseFigures & { readonly settings: unknown };

async function readBase(out: string, of: BaseOf, data: DataName): Promise<StoredFigures | undefined> {
  try {
    return JSON.parse(await readFile(fileOf(out, of, data), 'utf8')) as StoredFigures;
  } catch {
    return undefined; // missing or cut short: measured again
  }
}

async function measureBase(base: Comparer, { split, verification }: CellData, options: BaseOptions, data: DataName): Promise<BaseFigures> {
  const pairs = evaluationPairs(split.test, options.measuredPairs, options.seed);
  const folder = verification ? [verification.probe, ...verification.gallery, ...verification.strangers] : [];
  const paths = [...new Set([...pairs.flatMap(({ first, second }) => [first, second]), ...folder])];
  const embeddings = new Map<string, Float32Array | undefined>();
  for (const [done, path] of paths.entries()) {
    options.signal.throwIfAborted();
    embeddings.set(path, await base.embed(path));
    options.onProgress?.(data, done + 1, paths.length);
  }
  const score = (a: string, b: string) => {
    const [one, other] = [embeddings.get(a), embeddings.get(b)];
    return one && other ? base.score(one, other) : 0;
  };
  const scored = pairs.map((pair) => ({ pair, score: score(pair.first, pair.second) }));
  const told = scored.map(({ pair: { same }, score: each }) => ({ score: each, same }));
  const against = (probe: string) => (verification?.gallery ?? []).map((picture) => score(probe, picture));
  return {
    label: base.label,
    pictures: paths.length,
    withoutFace: paths.filter((path) => embeddings.get(path) === undefined).length,
    honest: verificationThresholds.map(({ detection }) => confusionAt(told, detection)).sort((a, b) => a.threshold - b.threshold),
    pairs: numbered(scored, split.test),
    ...(verification && { verification: verificationFigures(against(verification.probe), verification.strangers.map(against)) }),
  };
}
