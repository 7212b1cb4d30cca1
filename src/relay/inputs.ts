/**
 * The input lines, read fifty times a second and debounced: raw levels go in, changes come out. Reading a level takes
 * microseconds, and polling loses no edge that matters: a change that is shorter than the debounce time does not count
 * anyway.
 */
import type { Clock } from '../base/time.ts';
import type { InputChange, InputName, Inputs } from './port.ts';

/** A line that can be read; `true` is active. */
export interface InputLine extends Disposable {
  read(): boolean;
}

export interface InputsOptions {
  readonly lines: ReadonlyMap<InputName, InputLine>;
  /** A level counts after it has been stable for this long. Milliseconds. */
  readonly debounceMs: number;
  readonly clock: Clock;
  readonly label: string;
}

const pollMs = 20;

interface Seen {
  stable?: boolean;
  raw: boolean;
  sinceMs: number;
}

/** Takes over the open lines; disposing of the inputs closes them. */
export function polledInputs({ lines, debounceMs, clock, label }: InputsOptions): Inputs {
  const look = (seen: Map<InputName, Seen>): InputChange[] => {
    const atMs = clock.now();
    return [...lines].flatMap(([input, line]): InputChange[] => {
      const raw = line.read();
      const before = seen.get(input);
      if (!before) {
        seen.set(input, { stable: raw, raw, sinceMs: atMs });
        return [{ input, active: raw, atMs }];
      }
      if (before.raw !== raw) {
        before.raw = raw;
        before.sinceMs = atMs;
      }
      if (before.stable === raw || atMs - before.sinceMs < debounceMs) return [];
      before.stable = raw;
      return [{ input, active: raw, atMs }];
    });
  };
  return {
    label,
    changes: async function* (signal) {
      const seen = new Map<InputName, Seen>();
      while (!signal.aborted) {
        yield* look(seen);
        await clock.sleep(pollMs, signal).catch(() => undefined);
      }
    },
    [Symbol.asyncDispose]: async () => {
      for (const line of lines.values()) line[Symbol.dispose]();
    },
  };
}
