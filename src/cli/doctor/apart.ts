/**
 * The checks of `facelatch doctor` beside a running daemon, for its console: a configuration goes in, what was found
 * comes out. A process of its own does it (apart-entry.ts): networks and people are loaded a second time there.
 */
import { fileURLToPath } from 'node:url';
import { Fault } from '../../base/errors.ts';
import { askApart } from '../../base/process/apart.ts';
import type { Config } from '../../settings/load.ts';
import type { Check } from './check.ts';

/** What the process answers. */
export type Examined = { readonly checks: readonly Check[] } | { readonly failed: string };

const apart = {
  program: fileURLToPath(new URL('./apart-entry.ts', import.meta.url)),
  priority: 'low',
  code: 'tool-missing',
  title: 'The process that checks the door',
} as const;

/** Throws Fault `tool-missing` where it cannot be done, and what `signal` carries. */
export async function examineApart(config: Config, signal: AbortSignal): Promise<readonly Check[]> {
  const answer = (await askApart(apart, config, signal)) as Examined;
  if ('failed' in answer) throw new Fault('tool-missing', answer.failed);
  return answer.checks;
}
