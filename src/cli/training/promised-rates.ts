/**
 * The promise of a door as `evaluate` measures it on the people of a folder: pictures with who is in them go in, the
 * rates that a door would use come out, with what came of them; and how that is told.
 */
import { modelFolder, shippedStrangers } from '../../adapters/basics.ts';
import { cohortAsSeen } from '../../adapters/evidence.ts';
import type { EmbedderInfo } from '../../face/port.ts';
import type { Config } from '../../settings/load.ts';
import { oneIn, percent } from '../words.ts';
import type { EvaluationData } from './evaluation-data.ts';
import { type KeptPromise, type KnownPerson, keptPromises, type MeasuredShare, type SeenFace } from './promise.ts';

/** Besides the rate of the settings. */
const rates = [1e-3, 1e-4] as const;
const [mostEnrolled, doors, seed] = [20, 10, 17];

/** Everybody with their faces. */
export function sittersOf({ pairs }: Pick<EvaluationData, 'pairs'>, faces: ReadonlyMap<string, SeenFace>): readonly KnownPerson[] {
  const files = new Map<string, Set<string>>();
  for (const { first, second, people } of pairs)
    for (const [file, name] of [
      [first, people[0]],
      [second, people[1]],
    ] as const)
      files.set(name, (files.get(name) ?? new Set()).add(file));
  return [...files].map(([name, own]) => ({ name, faces: [...own].flatMap((file) => faces.get(file) ?? []) }));
}

/** Half of the people, 20 at most, are enrolled. Empty where a door would keep no rate, or with too few people. */
export function promiseOf(config: Config, embedder: EmbedderInfo, sitters: readonly KnownPerson[]): readonly KeptPromise[] {
  const { policy, targetFmr } = config.identity;
  const enrolled = Math.min(mostEnrolled, Math.floor(sitters.length / 2));
  if (policy === 'paper' || !embedder.calibration || enrolled === 0) return [];
  const targets = [...new Set([...rates, targetFmr])].sort((a, b) => b - a);
  return keptPromises({
    ...{ embedder, policy: config.identity, sitters, targets, enrolled, doors, seed },
    strangers: shippedStrangers(embedder),
    cohort: cohortAsSeen(modelFolder('cohort'), embedder, undefined),
  });
}

/** The first row is the heading; empty where nothing was measured. */
export function promiseRows(promise: readonly KeptPromise[]): string[][] {
  const share = (measured: MeasuredShare | null) =>
    measured === null
      ? 'nobody to measure it on'
      : `${percent(measured.rate)} (${percent(measured.interval[0])} to ${percent(measured.interval[1])})`;
  const rows = promise.map(({ target, threshold, fmr, fnmr }) => [
    `${oneIn(target)} (${percent(target)})`,
    threshold.toFixed(2),
    share(fmr),
    share(fnmr),
  ]);
  return rows.length > 0 ? [['promised', 'threshold', "strangers' frames let in", 'presentations refused'], ...rows] : [];
}

export const promiseNote =
  'promised and measured: doors are drawn from these people (half of them enrolled, 20 at most, with up to five pictures; the others are strangers). A presentation is three frames that must all pass. Intervals are 95 %, from drawing the people again; where nothing was seen, 3 / people';
