/** Opens the relay room from a configuration: the relay, the inputs beside it, and the list of available lines. */

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

/** The configured relay, at its safe level; a keeper process holds the line. */
export async function relayOf(config: Config, clock: Clock, log: Log): Promise<Relay> {
  const { kind, maxMs, maxHoldMs } = config.relay;
  if (kind === 'dry') return dryRelay({ clock, maxMs, maxHoldMs });
  return openKeptRelay({ ...placeOf(config), maxMs, maxHoldMs, log });
}

/** The relay's line and who uses it. Throws Faults `relay-missing`, `relay-forbidden`. */
export function relayLine({ relay }: Config): LineInfo {
  const settings = { chip: 'relay.chip', line: 'relay.line' };
  return findLine(gpioDevice(), { chip: relay.chip, line: relay.line, settings }).info;
}

/** All chips with their lines; `forbidden`: devices that this user may not open. */
export function gpioLines(): { chips: (Omit<ChipInfo, 'lines'> & { readonly lines: LineInfo[] })[]; forbidden: readonly string[] } {
  const device = gpioDevice();
  const { chips, forbidden } = device.chips();
  return { chips: chips.map((chip) => ({ ...chip, lines: device.lines(chip) })), forbidden };
}

/** Checks that onoff can be loaded and the relay's line exists. Throws Fault `relay-missing`. */
export function checkSysfsLine({ relay }: Config): void {
  loadOnoff();
  sysfsNumber(relay, 'relay');
}

/** The configured inputs; undefined if none is wired. */
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
