/** The few settings that an operator may change while the daemon runs: a path and a value go in, checked as at the start; the settings in force come out. */
import type { Config } from './load.ts';
import { impossible } from './rules.ts';
import { leaves } from './schema.ts';

/** What may be changed from afar: how the door behaves for the people at it. Never what it takes to be let in, nor where anything is kept or sent. */
const changeable = ['access.absenceMs', 'access.denyAfterMs', 'access.cooldownMs', 'relay.pulseMs'] as const;

export interface LiveSettings {
  /** With what was changed since the start. */
  readonly config: Config;
  /** By path, without those that are secret. */
  all(): Readonly<Record<string, unknown>>;
  /** A text says why it may not be. What is changed holds until the daemon starts again. */
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
    set: (path, value) => {
      const leaf = known.get(path);
      if (!leaf) return `There is no setting ${path.slice(0, 64)}.`;
      if (!changeable.some((each) => each === path)) return `${path} is not changed from afar; what is: ${changeable.join(', ')}.`;
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
