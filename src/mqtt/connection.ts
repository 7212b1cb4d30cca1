/**
 * One connection to a broker. In: the settings. Out: a connected client, or a fault that says what is wrong. A
 * connection that broke is not repaired: mqtt.js would send again what it keeps in memory, out of step with the
 * journal's cursor. Whoever opened it closes it, and opens a new one where one is needed.
 */
import type { Socket } from 'node:net';
import { connect, type IClientOptions, type IClientPublishOptions, type MqttClient } from 'mqtt';
import { Fault } from '../base/errors.ts';
import { readSecretFile, readSettingFile } from '../base/secret.ts';
import { brokerFault, closedFault, refusalFault } from './faults.ts';

/** Fits the `mqtt` part of the configuration; an empty text is a setting that is not set. */
export interface BrokerOptions {
  /** `mqtt://`, `mqtts://`, `tcp://`, `tls://`, `ws://` or `wss://`, with host and port. */
  readonly url: string;
  /** Version of MQTT. Default 5. */
  readonly protocol?: '5' | '3.1.1';
  readonly user?: string;
  readonly password?: string;
  /** A file that holds the password; read again for each connection. Goes before `password`. */
  readonly passwordFile?: string;
  /** PEM files: the authority of the broker's certificate, and the door's own certificate with its key. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** The lowest version of TLS to accept. Default 1.3. */
  readonly tlsVersion?: '1.3' | '1.2';
  /** The connection to a broker that is silent for 1.5 times this is ended, seconds. Default 15. */
  readonly keepaliveS?: number;
  /** Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Longest packet that the broker may send, bytes. */
  readonly maxPacketBytes?: number;
}

export interface Connection {
  readonly client: MqttClient;
  /** How many QoS 1 messages the broker takes without acknowledgement (MQTT 5.0, section 3.2.2.3.3). */
  readonly receiveMaximum: number;
  /** The longest packet that the broker takes, bytes (section 3.2.2.3.6). */
  readonly maximumPacketSize: number;
  /** The reason code of the broker's DISCONNECT, if it sent one. */
  readonly disconnectCode: () => number | undefined;
  /** Resolves when the connection has ended, with the reason. */
  readonly closed: Promise<Fault>;
}

export interface ConnectionOptions {
  readonly broker: BrokerOptions;
  readonly clientId: string;
  readonly will?: NonNullable<IClientOptions['will']>;
  /** Gives up connecting; it has no effect afterwards. */
  readonly signal?: AbortSignal;
}

/**
 * Connects. Throws Fault `broker-unreachable`, `broker-refused` or `bad-config` (a file that cannot be read, a wrong
 * address).
 */
export async function openConnection({ broker, clientId, will, signal }: ConnectionOptions): Promise<Connection> {
  signal?.throwIfAborted();
  const url = labelOf(broker.url);
  const client = connect(broker.url, { ...clientOptions(broker), clientId, ...(will && { will }) });
  // Small packets go at once. Held back until the broker's kernel has acknowledged the one before, each step of a
  // command would take 40 ms more.
  (client.stream as Partial<Socket>).setNoDelay?.(true);
  let answered = false;
  let said: Fault | undefined;
  let disconnectCode: number | undefined;
  const opened = Promise.withResolvers<Pick<Connection, 'receiveMaximum' | 'maximumPacketSize'>>();
  const closed = Promise.withResolvers<Fault>();
  client.on('error', (error) => {
    // A reset says nothing: it also comes from a TLS port that is spoken to in the clear, or the other way round.
    const reset = (error as { code?: unknown }).code === 'ECONNRESET';
    said ??= reset ? closedFault(url, answered) : brokerFault(error, url);
  });
  client.on('disconnect', (packet) => {
    disconnectCode = packet.reasonCode;
    said ??= refusalFault(packet.reasonCode ?? 0, `reason code ${packet.reasonCode ?? 0}`, url);
    // The broker should close the connection now; it is not waited for.
    client.end(true);
  });
  client.on('connect', (packet) => {
    answered = true;
    const { maximumQoS, receiveMaximum = 65_535, maximumPacketSize = Number.POSITIVE_INFINITY } = packet.properties ?? {};
    if (maximumQoS !== 0) return opened.resolve({ receiveMaximum, maximumPacketSize });
    said = new Fault('broker-refused', `The broker ${url} takes no messages with QoS 1; choose another broker (mqtt.url).`);
    client.end(true);
  });
  client.on('close', () => {
    // mqtt.js emits the error that belongs to a close just after it.
    setImmediate(() => {
      const fault = said ?? closedFault(url, answered);
      opened.reject(fault);
      closed.resolve(fault);
    });
  });
  const giveUp = () => client.end(true);
  signal?.addEventListener('abort', giveUp, { once: true });
  try {
    const limits = await opened.promise;
    return { client, ...limits, disconnectCode: () => disconnectCode, closed: closed.promise };
  } catch (error) {
    client.end(true);
    throw error;
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
}

/** Publishes with QoS 1; resolves when the broker has it (PUBACK). Rejects with mqtt.js's error. */
export async function publishAcked(
  client: MqttClient,
  topic: string,
  payload: string | Buffer,
  retain: boolean,
  properties: IClientPublishOptions['properties'] = jsonProperties,
): Promise<void> {
  await client.publishAsync(topic, payload, { qos: 1, retain, ...(properties && { properties }) });
}

/** How long the packet of such a message is under MQTT 5 (section 3.3), bytes. */
export function packetBytes(topic: string, payload: string | Buffer): number {
  const properties = 1 + 2 + 3 + jsonProperties.contentType.length;
  const rest = 2 + Buffer.byteLength(topic) + 2 + properties + Buffer.byteLength(payload);
  const lengthBytes = rest < 128 ? 1 : rest < 16_384 ? 2 : rest < 2_097_152 ? 3 : 4;
  return 1 + lengthBytes + rest;
}

/** MQTT 5.0, sections 3.3.2.3.2 and 3.3.2.3.9; mqtt.js omits them under MQTT 3.1.1. */
export const jsonProperties = { payloadFormatIndicator: true, contentType: 'application/json' };

/** The address for people, without user, password and query. Throws Fault `bad-config` when it is not an address. */
export function labelOf(url: string): string {
  // mqtt.js silently takes a protocol that it does not know for plain mqtt: "mqttss://" would be sent in the clear.
  const known = /^(mqtts?|wss?|tcp|tls):$/;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !known.test(parsed.protocol) || !parsed.hostname) {
    throw new Fault('bad-config', 'mqtt.url is not the address of a broker; set it to mqtt://host:1883 or mqtts://host:8883.');
  }
  return `${parsed.protocol}//${parsed.host}`;
}

function clientOptions(broker: BrokerOptions): IClientOptions {
  const password = broker.passwordFile ? readSecretFile('mqtt.passwordFile', broker.passwordFile) : broker.password;
  const minVersion = `TLSv${broker.tlsVersion ?? '1.3'}` as const;
  return {
    protocolVersion: broker.protocol === '3.1.1' ? 4 : 5,
    clean: true,
    // No reconnecting, and no queue while there is no connection: either would go past the cursor.
    reconnectPeriod: 0,
    queueQoSZero: false,
    keepalive: broker.keepaliveS ?? 15,
    // So that a stopped broker is noticed while messages are still sent to it.
    reschedulePings: false,
    connectTimeout: broker.connectTimeoutMs ?? 10_000,
    // Over wss:// mqtt.js passes on the certificates by itself, but not the version.
    ...(/^(mqtts|tls|wss):/.test(broker.url) && { minVersion, wsOptions: { minVersion } }),
    ...(broker.user && { username: broker.user }),
    ...(password && { password }),
    // MQTT 5.0, section 3.1.2.11.4: the broker drops what is longer. It is twice what the desk takes, so that the
    // desk can still answer "oversized".
    ...(broker.protocol !== '3.1.1' && broker.maxPacketBytes && { properties: { maximumPacketSize: broker.maxPacketBytes } }),
    ...(broker.caFile && { ca: readSettingFile('mqtt.caFile', broker.caFile) }),
    ...(broker.certFile && { cert: readSettingFile('mqtt.certFile', broker.certFile) }),
    ...(broker.keyFile && { key: readSettingFile('mqtt.keyFile', broker.keyFile) }),
  };
}
