/** `facelatch relay safe`: runs after every stop, crash or kill. It has few imports, because a door waits for it. */
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { openRelayLine } from '../../adapters/relay-line.ts';
import { Fault } from '../../base/errors.ts';
import type { Config } from '../../settings/load.ts';
import { type CommonOptions, configOf, exitCodes, print, withCommon, withHelp } from '../context.ts';

/**
 * How long to wait for a line that another process holds. A keeper that is ending has released it by then.
 * Milliseconds.
 */
const patienceMs = 4000;

export function safeCommand(exit: (code: number) => void): Command {
  const command = new Command('safe').description(
    'drive the line to its safe level now, without daemon and keeper (the systemd unit does so after every stop). A line that another process holds is left alone',
  );
  withHelp(command, ['facelatch relay safe --config /etc/facelatch/facelatch.json'], 'safe, or held by another process');
  return withCommon(command).action(async (options: CommonOptions) => {
    const { config } = configOf(options);
    const told = await makeSafe(config);
    print(options, { safe: told }, () => told);
    exit(exitCodes.yes);
  });
}

const isRemote = ({ relay: { kind } }: Config) => kind === 'http' || kind === 'mqtt';

async function makeSafe(config: Config): Promise<string> {
  if (config.relay.kind === 'dry') return 'relay.kind is "dry": there is no line to drive';
  for (const endMs = performance.now() + patienceMs; ; ) {
    try {
      using line = await openRelayLine(config);
      await line.drive('safe', 0);
      return `${line.label}: safe`;
    } catch (error) {
      const held = error instanceof Fault && error.code === 'relay-busy';
      const late = performance.now() > endMs;
      if (held && late) return `left alone: ${error.message}`;
      // A device on the network may answer the next attempt.
      if (!held && (late || !isRemote(config))) throw error;
      await delay(100);
    }
  }
}
