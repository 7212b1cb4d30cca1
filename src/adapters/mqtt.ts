/**
 * The MQTT room as the configuration says: the demo's own broker, what Home Assistant is told, and a test of the
 * broker.
 */

import { join } from 'node:path';
import { Fault } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import { version } from '../base/version.ts';
import type { PersonId } from '../events.ts';
import type { Gallery } from '../identity/port.ts';
import { announce } from '../mqtt/announcement.ts';
import { type Broker, openBroker } from '../mqtt/broker.ts';
import type { Publication } from '../mqtt/client.ts';
import { isExposed, labelOf } from '../mqtt/connection.ts';
import { discoveryMessage } from '../mqtt/home-assistant.ts';
import { type BrokerProbe, probeBroker } from '../mqtt/probe.ts';
import { type TellEvent, tellHomeAssistant } from '../mqtt/tell-home-assistant.ts';
import { topicsOf } from '../mqtt/topics.ts';
import type { Config } from '../settings/load.ts';
import { stateFolder } from './basics.ts';
import { brokerOf } from './relay-line.ts';

/** The demo's own broker. @throws Fault `bad-config` where its port is taken. */
export function embeddedBroker({ mqtt }: Config): Promise<Broker> {
  return openBroker({ port: mqtt.embeddedPort });
}

/** What is wrong with a broker that is reached over a network without TLS, and the remedy; else undefined. */
export function exposedBroker({ mqtt }: Pick<Config, 'mqtt'>): string | undefined {
  if (mqtt.embedded || !isExposed(mqtt.url)) return undefined;
  return `The broker ${labelOf(mqtt.url)} is reached without TLS: whoever is on the network between can read and change everything, and learns the password. Use mqtts:// or wss:// in mqtt.url, with mqtt.caFile; or a broker on this machine.`;
}

/** Where Home Assistant is told of this door, and what. */
export function discoveryOf(config: Config): { readonly topic: string; readonly payload: string } {
  const { mqtt, inputs, door } = config;
  const { prefix, person, image } = mqtt.homeAssistant;
  return discoveryMessage({
    topics: topicsOf(mqtt.prefix, door.id),
    ...{ prefix, person, image, version },
    door: door.id,
    inputs: (['contact', 'tamper'] as const).filter((name) => inputs.kind !== 'none' && inputs[name] !== ''),
    allowed: mqtt.commands ? mqtt.allowUnsigned : [],
  });
}

/** Records what Home Assistant was told. */
export const announcedFile = (config: Config): string => join(stateFolder(config), 'home-assistant.json');

export interface HomeAssistantParts {
  readonly publication: Publication;
  readonly gallery: Pick<Gallery, 'find'>;
  /** The picture that was looked at last. */
  readonly lookedAt: () => Uint8Array | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Announces the door to Home Assistant, or withdraws it where it is no longer enabled; undefined where nothing is
 * told from now on.
 */
export function homeAssistantOf(config: Config, { publication, gallery, lookedAt, clock, log }: HomeAssistantParts): TellEvent | undefined {
  const { enabled, person, image } = config.mqtt.homeAssistant;
  announce({ publication, file: announcedFile(config), discovery: enabled ? discoveryOf(config) : undefined, log });
  if (!enabled) return undefined;
  const named = (id: PersonId): string | undefined => {
    if (person !== 'name') return person === 'id' ? id : undefined;
    try {
      return gallery.find(id)?.name ?? id;
    } catch (error) {
      if (error instanceof Fault) return id;
      throw error;
    }
  };
  const picture = async () => {
    const seen = lookedAt();
    return seen && (await import('../face/thumbnail.ts')).frameThumbnail(seen);
  };
  return tellHomeAssistant({
    publication,
    topics: topicsOf(config.mqtt.prefix, config.door.id),
    named,
    clock,
    log,
    ...(image && { picture }),
  });
}

/** Whether the broker accepts what this door would publish. */
export function brokerProbe(config: Config): Promise<BrokerProbe> {
  const { prefix, commands } = config.mqtt;
  return probeBroker({ broker: brokerOf(config), prefix, door: config.door.id, commands });
}
