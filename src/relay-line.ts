/** The relay's line by itself, without anything else of the house: making it safe must not wait for networks and brokers to be loaded. */
import type { Config } from './config.ts';
import { Fault } from './errors.ts';
import type { Line, LineAdapter } from './relay/line.ts';

/** Modules that open a line, by kind of relay. */
export const lineAdapters = {
  gpiod: new URL('./relay/gpiod.ts', import.meta.url).href,
  onoff: new URL('./relay/onoff.ts', import.meta.url).href,
} as const;

/** The relay's line without its keeper: opening drives the safe level. */
export async function openRelayLine({ relay }: Pick<Config, 'relay'>): Promise<Line> {
  if (relay.kind === 'dry') throw new Fault('bad-config', 'relay.kind is "dry": there is no line');
  return ((await import(lineAdapters[relay.kind])) as LineAdapter).openLine(relay);
}
