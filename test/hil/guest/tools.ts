/** Small things every scenario needs: commands, waiting for a condition, and saying what was expected. */
import { execFile } from 'node:child_process';
import { isDeepStrictEqual, promisify } from 'node:util';

const execute = promisify(execFile);

/** A command's standard output; throws with what it said when it fails. */
export async function run(command: string, ...args: readonly string[]): Promise<string> {
  try {
    return (await execute(command, [...args], { maxBuffer: 64 << 20 })).stdout;
  } catch (error) {
    const { stdout = '', stderr = '', code } = error as { stdout?: string; stderr?: string; code?: number };
    throw new Error(`${command} ${args.join(' ')} ended with ${code}: ${stderr}${stdout}`.slice(0, 2000));
  }
}

/** Whether a command succeeds. */
export const succeeds = (command: string, ...args: readonly string[]): Promise<boolean> =>
  run(command, ...args).then(
    () => true,
    () => false,
  );

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for a condition; throws when it does not come. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, withinMs = 60_000, everyMs = 20): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await pause(everyMs);
  }
}

export function expect(what: string, holds: boolean, found?: unknown): asserts holds {
  if (!holds) throw new Error(`expected ${what}${found === undefined ? '' : `; found ${JSON.stringify(found)}`}`);
}

export function expectSame(what: string, found: unknown, wanted: unknown): void {
  expect(`${what} ${JSON.stringify(wanted)}`, isDeepStrictEqual(found, wanted), found);
}

/** Median and largest, for a figure. */
export function spread(values: readonly number[]): { readonly median: number; readonly max: number } {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}
