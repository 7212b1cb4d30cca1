/**
 * The process that checks a door while its daemon runs. apart.ts starts it: the configuration comes in by message, what
 * was found goes out. It leaves the camera to the daemon, and ends with it.
 */
import { messageOf } from '../../base/errors.ts';
import type { Config } from '../../settings/load.ts';
import type { Examined } from './apart.ts';
import type { Check } from './check.ts';
import { examine } from './examine.ts';

process.on('disconnect', () => process.exit());

process.on('message', async (config: Config) => {
  const say = (answer: Examined) => process.connected && process.send?.(answer);
  try {
    const checks: Check[] = [];
    for await (const check of examine(config, false, new AbortController().signal)) checks.push(check);
    say({ checks });
  } catch (error) {
    say({ failed: messageOf(error) });
  } finally {
    if (process.connected) process.disconnect();
  }
});
