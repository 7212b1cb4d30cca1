/**
 * The configuration of a door in a test. Liveness is off unless the test is about it: the faces of most tests are
 * drawings and single pictures, which are no living faces. So is the console: tests that run at the same time would want
 * one port.
 */
import { type Config, loadConfig } from '../../src/settings/load.ts';

/** `values`: settings by their paths, as `--set` takes them. */
export function doorConfig(values: Readonly<Record<string, unknown>> = {}): Config {
  return loadConfig({ flags: new Map<string, unknown>(Object.entries({ 'liveness.policy': 'off', 'console.enabled': false, ...values })) })
    .config;
}
