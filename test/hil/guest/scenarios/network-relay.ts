/** A relay on the network under the shipped unit, with a password: it is switched off whatever dies. */
import { writeFileSync } from 'node:fs';
import { pulseMs, type Scenario } from '../bench.ts';
import { nowMs } from '../board.ts';
import { openNetworkRelay, relayPassword, relayPort } from '../network-relay.ts';
import { expect, run } from '../tools.ts';

export const networkRelayScenarios: readonly Scenario[] = [
  {
    name: 'network-relay',
    title:
      'a relay on the network without a timer of its own: one pulse; off after kill -9 of the daemon, and of daemon and keeper at once',
    run: async ({ board, service, door, note }) => {
      using relay = openNetworkRelay();
      const passwordFile = '/etc/facelatch/relay-password';
      writeFileSync(passwordFile, relayPassword, { mode: 0o400 });
      await run('chown', 'facelatch', passwordFile);
      const device = { model: 'shelly-gen1', address: `http://127.0.0.1:${relayPort}`, passwordFile };
      await door('gpiod', { relay: { kind: 'http', device } });
      const pushed = async () => {
        board.set('EXIT_BUTTON', true);
        await relay.on();
        board.set('EXIT_BUTTON', false);
        return relay.edges.at(-1)?.atMs ?? 0;
      };
      const onMs = await pushed();
      const lengthMs = (await relay.off()) - onMs;
      expect(`a pulse of ${pulseMs} ms ± 10 %`, Math.abs(lengthMs - pulseMs) <= pulseMs / 10, lengthMs);
      for (const what of ['main', 'all'] as const) {
        const restarts = await service.restarts();
        await pushed();
        const killedMs = nowMs();
        await run('systemctl', 'kill', `--kill-whom=${what}`, '--signal=SIGKILL', 'facelatch');
        const offMs = await relay.off();
        note(
          `a relay on the network, kill -9 of ${what === 'main' ? 'the daemon' : 'daemon and keeper'}: off after ${(offMs - killedMs).toFixed(0)} ms`,
        );
        await service.restarted(restarts);
      }
    },
  },
];
