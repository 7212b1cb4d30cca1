/**
 * `facelatch relay`: the lines of this computer, who holds the relay's, a pulse to try the wiring, and the safe
 * level.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Command } from 'commander';
import { gpioLines, relayOf } from '../../adapters/relay.ts';
import { openRelayDevice } from '../../adapters/relay-line.ts';
import { openLog } from '../../base/log.ts';
import { systemClock } from '../../base/time.ts';
import type { Config } from '../../settings/load.ts';
import { type CommonOptions, configOf, exitCodes, print, wholeNumber, withCommon, withHelp } from '../context.ts';
import { table } from '../words.ts';
import { safeCommand } from './relay-safe.ts';

export function relayCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('relay')
    .summary('the line of the lock: list, look, try, make safe')
    .description('Look at and try the line that opens the lock (settings relay.kind, relay.chip, relay.line).');
  withHelp(command, ['facelatch relay lines', 'facelatch relay status --config my-door.json', 'facelatch relay safe'], 'done');
  return command
    .addCommand(linesCommand(exit))
    .addCommand(statusCommand(exit))
    .addCommand(pulseCommand(stop, exit))
    .addCommand(safeCommand(exit));
}

function linesCommand(exit: (code: number) => void): Command {
  const command = new Command('lines').description('every GPIO chip and line of this computer, with name, direction and who holds it');
  withHelp(command, ['facelatch relay lines', 'facelatch relay lines --json'], 'listed');
  return withCommon(command).action((options: CommonOptions) => {
    const { chips, forbidden } = gpioLines();
    print(options, { chips, forbidden }, () => {
      const parts = chips.map(({ device, label, lines }) => {
        const rows = lines.map(({ offset, name, direction, used, consumer }) => [
          `#${offset}`,
          name || '–',
          direction,
          used ? `taken by ${consumer || 'the kernel'}` : 'free',
        ]);
        return `relay.chip "${label}" (${device})\n${table([['line', 'name', 'direction', ''], ...rows], '  ')}`;
      });
      if (forbidden.length > 0)
        parts.push(
          `this user may not use ${forbidden.join(', ')} (run it as the user facelatch, or add the user to the group facelatch-gpio, which can open the door: sudo usermod -aG facelatch-gpio USER)`,
        );
      return parts.length > 0 ? parts.join('\n\n') : 'no GPIO chip (no /dev/gpiochip*): is the driver loaded?';
    });
    exit(exitCodes.yes);
  });
}

function statusCommand(exit: (code: number) => void): Command {
  const command = new Command('status').description('the line of the relay now: whether it exists, and who holds it');
  withHelp(command, ['facelatch relay status'], 'the line exists', 'it does not exist, or this user may not use it');
  return withCommon(command).action(async (options: CommonOptions) => {
    const { config } = configOf(options);
    const { kind, chip, line, wiring, activeLow } = config.relay;
    using device = await openRelayDevice(config);
    if (device) {
      const level = (await device.ready()) ?? null;
      const told = level === null ? 'it cannot be asked for its state' : level === 'active' ? 'on: released' : 'off: locked';
      print(options, { kind, model: config.relay.device.model, relay: device.label, level }, () => `${device.label}: ${told}`);
      return exit(exitCodes.yes);
    }
    const found = kind === 'gpiod' ? lineOf(config) : undefined;
    print(options, { kind, chip, line, wiring, activeLow, found: found ?? null }, () => {
      if (kind === 'dry') return 'relay.kind is "dry": there is no line';
      const where = `${line} of ${chip} (${kind}, ${wiring}${activeLow ? ', active low' : ''})`;
      if (kind === 'onoff') return `${where}: the old interface does not say who holds a line`;
      if (!found) return `${where}: not found; facelatch relay lines shows what is there`;
      return `${where}: ${found.used ? `${found.direction}, taken by ${found.consumer || 'the kernel'}` : `${found.direction}, free (no daemon runs on it)`}`;
    });
    exit(kind === 'gpiod' && !found ? exitCodes.no : exitCodes.yes);
  });
}

function lineOf({ relay: { chip, line } }: Config) {
  return gpioLines()
    .chips.find(({ label }) => label === chip)
    ?.lines.find(({ name, offset }) => name === line || `#${offset}` === line);
}

function pulseCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('pulse')
    .description(
      'release the lock once, to try the wiring. Works while no daemon holds the line (with a running daemon: facelatch send DOOR door.open)',
    )
    .option('--ms <ms>', 'how long (default: relay.pulseMs)', wholeNumber('--ms', 1, 600_000));
  withHelp(command, ['facelatch relay pulse --ms 500'], 'released and locked again');
  return withCommon(command).action(async (options: CommonOptions & { readonly ms?: number }) => {
    const { config } = configOf(options);
    await using relay = await relayOf(config, systemClock, openLog('warn'));
    const ms = Math.min(options.ms ?? config.relay.pulseMs, config.relay.maxMs);
    await relay.pulse(ms);
    while (relay.level === 'active' && !stop.aborted) await delay(10);
    print(options, { relay: relay.label, ms }, () => `${relay.label}: released for ${ms} ms, locked again`);
    exit(exitCodes.yes);
  });
}
