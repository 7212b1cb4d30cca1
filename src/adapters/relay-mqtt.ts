/**
 * The relay behind a broker: joins the connection of the mqtt room and the line of the relay room. The keeper loads it
 * like the other line modules.
 */
import { randomBytes } from 'node:crypto';
import { Fault } from '../base/errors.ts';
import { type BrokerOptions, labelOf, openConnection } from '../mqtt/connection.ts';
import { mqttDialect } from '../relay/devices.ts';
import type { DeviceLine, DevicePlace } from '../relay/line.ts';
import { type BrokerLink, mqttLine } from '../relay/mqtt.ts';

export interface MqttPlace extends DevicePlace {
  readonly broker: BrokerOptions;
}

/** Throws Faults `relay-missing`, `relay-failed`, `broker-refused`, `bad-config`. */
export async function openLine(place: MqttPlace): Promise<DeviceLine> {
  const line = openDevice(place);
  try {
    await line.drive('safe', 0);
    return line;
  } catch (error) {
    line[Symbol.dispose]();
    throw error;
  }
}

/** The device, before anything is sent to it. Throws Fault `bad-config`. */
export function openDevice(place: MqttPlace): DeviceLine {
  const self = `facelatch-relay-${randomBytes(6).toString('hex')}`;
  const dialect = mqttDialect(place, self);
  const { timeoutMs } = place;
  const where = place.model === 'own' ? `relay that reports on ${dialect.reports}` : `${place.model} ${place.address}`;
  return mqttLine({
    label: `the ${where} behind ${labelOf(place.broker.url)}`,
    ...{ dialect, timeoutMs },
    openBrokerLink: (heard, signal) => openBrokerLink({ broker: place.broker, self, reports: dialect.reports }, heard, signal),
  });
}

export interface BrokerLinkOptions {
  readonly broker: BrokerOptions;
  /** The client identifier. */
  readonly self: string;
  /** The topic on which the device reports. */
  readonly reports: string;
}

/** Connects and subscribes. Throws Faults `broker-unreachable`, `broker-refused`, `bad-config`. */
export async function openBrokerLink(
  { broker, self, reports }: BrokerLinkOptions,
  heard: (payload: string) => void,
  signal: AbortSignal,
): Promise<BrokerLink> {
  const { client, closed } = await openConnection({ broker, clientId: self, signal });
  client.on('message', (_topic, payload, packet) => {
    if (!packet.retain) heard(payload.toString('utf8'));
  });
  // rh 2: no retained messages (MQTT 5.0, section 3.8.3.1).
  const subscribe = () => client.subscribeAsync(reports, { qos: 1, rh: 2 });
  try {
    const [granted] = await subscribe();
    // Reason codes from 128 on are refusals: MQTT 5.0, section 3.9.3; in MQTT 3.1.1 it is 128.
    if (!granted || granted.qos > 2) throw new Error('not authorised');
  } catch (error) {
    client.end(true);
    const remedy = `allow the user of mqtt.user to read ${reports} and to write the commands of the relay`;
    throw new Fault('broker-refused', `The broker ${labelOf(broker.url)} does not let facelatch hear its relay; ${remedy}.`, error);
  }
  return {
    closed,
    // The broker answers a subscription after everything that it has sent before.
    alive: async () => void (await subscribe()),
    close: () => client.end(true),
    send: async ({ topic, payload }, expiryS) => {
      if (expiryS === undefined) await client.publishAsync(topic, payload, { qos: 1 });
      else await client.publishAsync(topic, payload, { qos: 0, properties: { messageExpiryInterval: expiryS } });
    },
  };
}
