/**
 * The lines that come in, looked at fifty times a second and debounced: raw levels in, changes out. Reading a level costs microseconds, and a line
 * that is only looked at cannot lose an edge that matters: what is shorter than the debounce time is no change anyway.
 */
import type { Clock } from '../base/time.ts';
import type { InputChange, InputName, Inputs } from './port.ts';

/** A line that can be read; `true` is active. */
export interface InputLine extends Disposable {
  read(): boolean;
}

export interface InputsOptions {
  readonly lines: ReadonlyMap<InputName, InputLine>;
  /** A level counts once it has been the same for so long. Milliseconds. */
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

/** Inputs over lines that are open. */
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
