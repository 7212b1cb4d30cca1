/**
 * The settings that an operator may change while the daemon runs: a path and a value go in and are checked as at the
 * start; the current settings come out.
 */
import type { Config } from './load.ts';
import { impossible } from './rules.ts';
import { leaves } from './schema.ts';

/**
 * Only how the door behaves for the people in front of it. Never what it takes to be let in, nor where data is kept or
 * sent.
 */
const changeable: readonly string[] = ['access.absenceMs', 'access.denyAfterMs', 'access.cooldownMs', 'relay.pulseMs'];

export interface LiveSettings {
  /** The settings with all changes since the start. */
  readonly config: Config;
  /** All values by path, without secrets. */
  all(): Readonly<Record<string, unknown>>;
  /** The paths that `set` takes. */
  readonly changeable: readonly string[];
  /** A text says why the change is refused. A change lasts until the daemon restarts. */
  set(path: string, value: number): string | { readonly before: unknown };
}

export function liveSettings(start: Config): LiveSettings {
  const state = { config: start };
  const known = leaves();
  return {
    get config() {
      return state.config;
    },
    all: () =>
      Object.fromEntries([...known].filter(([, { sensitive }]) => !sensitive).map(([path]) => [path, valueAt(state.config, path)])),
    changeable,
    set: (path, value) => {
      const leaf = known.get(path);
      if (!leaf) return `There is no setting ${path.slice(0, 64)}.`;
      if (!changeable.includes(path)) return `${path} is not changed from afar; what is: ${changeable.join(', ')}.`;
      if (!leaf.check(value)) return `${path} must be ${leaf.allowed}.`;
      const next = withValue(state.config, path.split('.'), value) as Config;
      const [problem] = impossible(next, () => 'mqtt');
      if (problem) return problem.text;
      const before = valueAt(state.config, path);
      state.config = next;
      return { before };
    },
  };
}

function valueAt(node: unknown, path: string): unknown {
  return path.split('.').reduce((at, key) => (at as Record<string, unknown>)[key], node);
}

function withValue(node: unknown, [key = '', ...rest]: readonly string[], value: unknown): unknown {
  const fields = node as Record<string, unknown>;
  return { ...fields, [key]: rest.length === 0 ? value : withValue(fields[key], rest, value) };
}
