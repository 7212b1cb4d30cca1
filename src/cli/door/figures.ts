/** Timing and figures: samples in; medians, and a table with target, baseline and ratio out. */

export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** The value should be at most (or with `atLeast`, at least) this. */
  readonly target?: number;
  readonly atLeast?: boolean;
  /** The same thing done in the plain or old way, measured in the same run. */
  readonly baseline?: { readonly what: string; readonly value: number };
}

/** The q-quantile (0…1) of samples. */
export function quantile(samples: readonly number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

/** Milliseconds of each of `runs` runs after `warm` that do not count. */
export async function time(runs: number, warm: number, work: () => unknown): Promise<number[]> {
  const samples: number[] = [];
  for (let i = -warm; i < runs; i++) {
    const from = performance.now();
    await work();
    if (i >= 0) samples.push(performance.now() - from);
  }
  return samples;
}

export const isMissed = ({ value, target, atLeast }: Row): boolean => target !== undefined && (atLeast ? value < target : value > target);

/** The rows as text. */
export function tableOf(rows: readonly Row[]): string {
  const figure = (v: number) => (v >= 100 ? v.toFixed(0) : v >= 10 ? v.toFixed(1) : v.toFixed(2));
  const cells = rows.map((row) => [
    row.what,
    `${figure(row.value)} ${row.unit}`,
    row.target === undefined ? '' : `${row.atLeast ? '≥' : '≤'} ${row.target} ${isMissed(row) ? 'MISSED' : 'ok'}`,
    row.baseline ? `${row.baseline.what} ${figure(row.baseline.value)} ${row.unit}` : '',
    row.baseline ? `${figure(row.baseline.value / row.value)}×` : '',
  ]);
  const all = [['figure', 'measured', 'target', 'baseline in this run', 'ratio'], ...cells];
  const widths = all[0]?.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0))) ?? [];
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
