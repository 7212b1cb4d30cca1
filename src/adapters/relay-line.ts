/**
 * The relay's line alone: a configuration goes in, a line comes out. "facelatch relay safe" must not wait until
 * networks and brokers are loaded.
 */

import { Fault } from '../base/errors.ts';
import type { BrokerOptions } from '../mqtt/connection.ts';
import type { Place } from '../relay/keeper-talk.ts';
import type { AnyLine, DeviceAdapter, DeviceLine, LineAdapter } from '../relay/line.ts';
import type { Config } from '../settings/load.ts';
import type { MqttPlace } from './relay-mqtt.ts';

/** Modules that open a line, by kind of relay. */
const lineAdapters = {
  gpiod: new URL('../relay/gpiod.ts', import.meta.url).href,
  onoff: new URL('../relay/onoff.ts', import.meta.url).href,
  http: new URL('../relay/http.ts', import.meta.url).href,
  mqtt: new URL('./relay-mqtt.ts', import.meta.url).href,
} as const;

export type RelayConfig = Pick<Config, 'relay' | 'mqtt'>;

/** How to reach the broker; `url` if it is not the configured one. */
export function brokerOf({ mqtt }: Pick<Config, 'mqtt'>, url: string = mqtt.url): BrokerOptions {
  const { user, password, passwordFile, caFile, certFile, keyFile, tlsVersion } = mqtt;
  return { url, protocol: mqtt.embedded ? '3.1.1' : mqtt.protocol, user, password, passwordFile, caFile, certFile, keyFile, tlsVersion };
}

/** Where the relay is, and which module opens it. Throws Fault `bad-config` for the dry relay. */
export function placeOf(config: RelayConfig): { readonly adapter: string; readonly place: Place; readonly lineMs: number } {
  const { kind, chip, line, activeLow, wiring, device } = config.relay;
  switch (kind) {
    case 'dry':
      throw new Fault('bad-config', 'relay.kind is "dry": there is no line');
    case 'gpiod':
    case 'onoff':
      return { adapter: lineAdapters[kind], place: { chip, line, activeLow, wiring }, lineMs: 0 };
    case 'http':
      return { adapter: lineAdapters[kind], place: device, lineMs: device.timeoutMs };
    case 'mqtt': {
      const place: MqttPlace = { ...device, broker: brokerOf(config) };
      return { adapter: lineAdapters[kind], place, lineMs: device.timeoutMs };
    }
  }
}

/** The relay's line, without a keeper. Opening it drives the safe level. */
export async function openRelayLine(config: RelayConfig): Promise<AnyLine> {
  const { adapter, place } = placeOf(config);
  return ((await import(adapter)) as LineAdapter<Place>).openLine(place);
}

/** The network relay, to ask it without switching anything; undefined if the relay is not one. */
export async function openRelayDevice(config: RelayConfig): Promise<DeviceLine | undefined> {
  if (config.relay.kind !== 'http' && config.relay.kind !== 'mqtt') return undefined;
  const { adapter, place } = placeOf(config);
  return ((await import(adapter)) as DeviceAdapter<Place>).openDevice(place);
}
