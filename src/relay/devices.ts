/**
 * What relays on the network understand: a place and a level go in, a command comes out; an answer goes in, the level
 * that it tells comes out. Every release tells the device how long to stay on, so that it switches off by itself even
 * if this program, its computer or the network is gone by then.
 */

import { Fault } from '../base/errors.ts';
import { type HttpCall, httpCallOf, type MqttMessage, mqttMessageOf } from '../base/network/device-command.ts';
import type { DevicePlace, Level } from './line.ts';

/** The commands of one device. `release` takes milliseconds, rounded up to what the device can do. */
export interface Dialect<Command> {
  release(ms: number): Command;
  lock(): Command;
  /** Asks for the level and switches nothing; undefined if the device cannot be asked. */
  readonly ask: (() => Command) | undefined;
  /** The level in an answer; undefined if it has none. */
  levelOf(answer: string): Level | undefined;
}

export interface MqttDialect extends Dialect<MqttMessage> {
  /** Topic of the answers. */
  readonly reports: string;
}

const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));
const tenths = (ms: number): number => Math.max(1, Math.ceil(ms / 100));

/**
 * Tasmota's PulseTime: 1 to 111 are tenths of a second, from 112 on seconds plus 100 (tasmota.github.io/docs/Commands,
 * Control).
 */
const pulseTime = (ms: number): number => (ms <= 11_100 ? tenths(ms) : Math.min(64_900, 100 + seconds(ms)));

const levelFrom = (on: unknown): Level | undefined => {
  if (on === true || on === 'ON' || on === 'on') return 'active';
  return on === false || on === 'OFF' || on === 'off' ? 'safe' : undefined;
};

function json(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

/** The level in an answer of model `own`. An answer with both texts, or neither, tells nothing. */
const ownLevel =
  ({ released, locked }: DevicePlace) =>
  (answer: string): Level | undefined => {
    const [on, off] = [released, locked].map((text) => text !== '' && answer.includes(text));
    if (on === off) return undefined;
    return on ? 'active' : 'safe';
  };

const timed = (text: string, ms: number): string => text.replaceAll('{ms}', String(Math.ceil(ms))).replaceAll('{s}', String(seconds(ms)));

/** What a device understands over HTTP. Throws Fault `bad-config` for a device that has no HTTP. */
export function httpDialect(place: DevicePlace): Dialect<HttpCall> {
  const { model, channel } = place;
  const base = place.address.replace(/\/+$/, '');
  const get = (path: string): HttpCall => ({ method: 'GET', url: `${base}${path}` });
  switch (model) {
    case 'shelly': // generation 2 and later: shelly-api-docs.shelly.cloud/gen2, Switch
      return {
        release: (ms) => get(`/rpc/Switch.Set?id=${channel}&on=true&toggle_after=${tenths(ms) / 10}`),
        lock: () => get(`/rpc/Switch.Set?id=${channel}&on=false`),
        ask: () => get(`/rpc/Switch.GetStatus?id=${channel}`),
        levelOf: (answer) => levelFrom(json(answer).output),
      };
    case 'shelly-gen1': // shelly-api-docs.shelly.cloud/gen1, /relay/0
      return {
        release: (ms) => get(`/relay/${channel}?turn=on&timer=${seconds(ms)}`),
        lock: () => get(`/relay/${channel}?turn=off`),
        ask: () => get(`/relay/${channel}`),
        levelOf: (answer) => levelFrom(json(answer).ison),
      };
    case 'tasmota': {
      const command = (text: string) => get(`/cm?cmnd=${encodeURIComponent(text)}`);
      const n = channel + 1;
      return {
        release: (ms) => command(`Backlog0 PulseTime${n} ${pulseTime(ms)}; Power${n} 1`),
        lock: () => command(`Power${n} 0`),
        ask: () => command(`Power${n}`),
        levelOf: (answer) => tasmotaLevel(answer, n),
      };
    }
    case 'own':
      return {
        release: (ms) => httpCallOf(timed(place.release, ms)),
        lock: () => httpCallOf(place.lock),
        ask: place.ask ? () => httpCallOf(place.ask) : undefined,
        levelOf: ownLevel(place),
      };
    case 'zigbee2mqtt':
      throw new Fault('bad-config', 'relay.device.model "zigbee2mqtt" is reached with relay.kind "mqtt"');
  }
}

/** `{"POWER":"ON"}`; `{"POWER2":"ON"}` for devices with several relays. */
function tasmotaLevel(answer: string, n: number): Level | undefined {
  const { [`POWER${n}`]: numbered, POWER: only } = json(answer);
  return levelFrom(numbered ?? (n === 1 ? only : undefined));
}

/**
 * What a device understands over MQTT. `self`: a unique name for this program. Throws Fault `bad-config` for a device
 * without a timer over MQTT.
 */
export function mqttDialect(place: DevicePlace, self: string): MqttDialect {
  const { model, channel } = place;
  const topic = place.address.replace(/\/+$/, '');
  switch (model) {
    case 'shelly': {
      const call = (method: string, params: object): MqttMessage => ({
        topic: `${topic}/rpc`,
        payload: JSON.stringify({ id: 1, src: self, method, params: { id: channel, ...params } }),
      });
      return {
        release: (ms) => call('Switch.Set', { on: true, toggle_after: tenths(ms) / 10 }),
        lock: () => call('Switch.Set', { on: false }),
        ask: () => call('Switch.GetStatus', {}),
        reports: `${self}/rpc`,
        levelOf: (answer) => levelFrom(json(JSON.stringify(json(answer).result ?? {})).output),
      };
    }
    case 'tasmota': {
      const n = channel + 1;
      const command = (name: string, payload: string): MqttMessage => ({ topic: `cmnd/${topic}/${name}`, payload });
      return {
        release: (ms) => command('Backlog0', `PulseTime${n} ${pulseTime(ms)}; Power${n} 1`),
        lock: () => command(`Power${n}`, '0'),
        ask: () => command(`Power${n}`, ''),
        reports: `stat/${topic}/RESULT`,
        levelOf: (answer) => tasmotaLevel(answer, n),
      };
    }
    case 'zigbee2mqtt': {
      // zigbee2mqtt.io, "On with timed off": whole seconds, if the firmware of the switch supports it. Several relays:
      // state_l1, state_l2 …
      const state = channel === 0 ? 'state' : `state_l${channel}`;
      return {
        release: (ms) => ({ topic: `${topic}/set`, payload: JSON.stringify({ [state]: 'ON', on_time: seconds(ms), off_wait_time: 0 }) }),
        lock: () => ({ topic: `${topic}/set`, payload: JSON.stringify({ [state]: 'OFF' }) }),
        ask: () => ({ topic: `${topic}/get`, payload: JSON.stringify({ [state]: '' }) }),
        reports: topic,
        levelOf: (answer) => levelFrom(json(answer)[state]),
      };
    }
    case 'own':
      return {
        release: (ms) => mqttMessageOf(timed(place.release, ms)),
        lock: () => mqttMessageOf(place.lock),
        ask: place.ask ? () => mqttMessageOf(place.ask) : undefined,
        reports: place.reports,
        levelOf: ownLevel(place),
      };
    case 'shelly-gen1':
      throw new Fault('bad-config', 'relay.device.model "shelly-gen1" takes no timer over MQTT: use relay.kind "http"');
  }
}
