/** The relay room as the configuration asks for it: the relay, the inputs beside it, and what lines there are. */

import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import { dryRelay } from '../relay/dry.ts';
import { type ChipInfo, findLine, gpioDevice, type LineInfo } from '../relay/gpio-device.ts';
import { openGpiodInputs, openOnoffInputs } from '../relay/input-lines.ts';
import { polledInputs } from '../relay/inputs.ts';
import { openKeptRelay } from '../relay/kept-relay.ts';
import { loadOnoff, sysfsNumber } from '../relay/onoff.ts';
import type { InputName, Inputs, Relay } from '../relay/port.ts';
import type { Config } from '../settings/load.ts';
import { placeOf } from './relay-line.ts';

/** The relay that the configuration asks for, at its safe level; a line is held by a keeper process. */
export async function relayOf(config: Config, clock: Clock, log: Log): Promise<Relay> {
  const { kind, maxMs, maxHoldMs } = config.relay;
  if (kind === 'dry') return dryRelay({ clock, maxMs, maxHoldMs });
  return openKeptRelay({ ...placeOf(config), maxMs, maxHoldMs, log });
}

/** Where the relay's line is, and who has it. Throws Faults `relay-missing`, `relay-forbidden`. */
export function relayLine({ relay }: Config): LineInfo {
  const settings = { chip: 'relay.chip', line: 'relay.line' };
  return findLine(gpioDevice(), { chip: relay.chip, line: relay.line, settings }).info;
}

/** Every chip with its lines; `forbidden`: devices that this user may not open. */
export function gpioLines(): { chips: (Omit<ChipInfo, 'lines'> & { readonly lines: LineInfo[] })[]; forbidden: readonly string[] } {
  const device = gpioDevice();
  const { chips, forbidden } = device.chips();
  return { chips: chips.map((chip) => ({ ...chip, lines: device.lines(chip) })), forbidden };
}

/** Whether onoff and the relay's line are there. Throws Fault `relay-missing`. */
export function checkSysfsLine({ relay }: Config): void {
  loadOnoff();
  sysfsNumber(relay, 'relay');
}

/** The inputs that the configuration names; undefined where none is wired. */
export function inputsOf({ inputs, relay }: Config, clock: Clock): Inputs | undefined {
  const wired = (['contact', 'exit', 'tamper'] as const).flatMap((name): [InputName, string][] =>
    inputs[name] ? [[name, inputs[name]]] : [],
  );
  if (inputs.kind === 'none' || wired.length === 0) return undefined;
  const { activeLow, bias, debounceMs } = inputs;
  const places = { chip: inputs.chip || relay.chip, lines: new Map(wired), activeLow, bias };
  const lines = inputs.kind === 'gpiod' ? openGpiodInputs(places) : openOnoffInputs(places);
  const label = `${wired.map(([name, line]) => `${name} ${line}`).join(', ')} of ${places.chip} (${inputs.kind})`;
  return polledInputs({ lines, debounceMs, clock, label });
}
