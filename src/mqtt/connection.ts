/**
 * One connection to a broker: the settings go in, a connected client comes out, or a fault that says what is wrong. It is never
 * mended: mqtt.js would send what it keeps in memory again, out of step with the journal's cursor, so who needs a new one opens it.
 */
import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { connect, type IClientOptions, type IClientPublishOptions, type MqttClient } from 'mqtt';
import { Fault, messageOf } from '../base/errors.ts';
import { brokerFault, closedFault, refused } from './faults.ts';

/** Fits the `mqtt` part of the configuration; an empty text is a setting that was not made. */
export interface BrokerOptions {
  /** `mqtt://`, `mqtts://`, `tcp://`, `tls://`, `ws://` or `wss://`, with host and port. */
  readonly url: string;
  /** Version of MQTT. Default 5. */
  readonly protocol?: '5' | '3.1.1';
  readonly user?: string;
  readonly password?: string;
  /** A file that holds the password; read anew for each connection, and before `password`. */
  readonly passwordFile?: string;
  /** PEM files: the authority of the broker's certificate, and a certificate of our own with its key. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  /** The lowest that is spoken. Default 1.3. */
  readonly tlsVersion?: '1.3' | '1.2';
  /** A broker that is silent for one and a half times this is given up, seconds. Default 15. */
  readonly keepaliveS?: number;
  /** Default 10,000. */
  readonly connectTimeoutMs?: number;
  /** Longest packet that the broker shall send, bytes. */
  readonly maxPacketBytes?: number;
}

export interface Connection {
  readonly client: MqttClient;
  /** How many QoS 1 messages the broker takes without acknowledgement (MQTT 5.0, section 3.2.2.3.3). */
  readonly receiveMaximum: number;
  /** The longest packet that the broker takes, bytes (section 3.2.2.3.6). */
  readonly maximumPacketSize: number;
  /** The reason code of the broker's own DISCONNECT, once there was one. */
  readonly disconnectCode: () => number | undefined;
  /** Resolves when the connection has ended, with the reason. */
  readonly closed: Promise<Fault>;
}

export interface ConnectionOptions {
  readonly broker: BrokerOptions;
  readonly clientId: string;
  readonly will?: NonNullable<IClientOptions['will']>;
  /** Gives up connecting; has no say once it is connected. */
  readonly signal?: AbortSignal;
}

/** Connects. Throws Fault `broker-unreachable`, `broker-refused` or `bad-config` (a file that cannot be read, a wrong address). */
export async function openConnection({ broker, clientId, will, signal }: ConnectionOptions): Promise<Connection> {
  signal?.throwIfAborted();
  const url = labelOf(broker.url);
  const client = connect(broker.url, { ...clientOptions(broker), clientId, ...(will && { will }) });
  // Small packets go at once: held back until the broker's kernel has acknowledged the last one, a command would take 40 ms more at each step.
  (client.stream as Partial<Socket>).setNoDelay?.(true);
  let answered = false;
  let said: Fault | undefined;
  let disconnectCode: number | undefined;
  const opened = Promise.withResolvers<Pick<Connection, 'receiveMaximum' | 'maximumPacketSize'>>();
  const closed = Promise.withResolvers<Fault>();
  client.on('error', (error) => {
    // A TLS port to which we speak in the clear, or the other way round, resets the connection: that says nothing.
    const reset = (error as { code?: unknown }).code === 'ECONNRESET';
    said ??= reset ? closedFault(url, answered) : brokerFault(error, url);
  });
  client.on('disconnect', (packet) => {
    disconnectCode = packet.reasonCode;
    said ??= refused(packet.reasonCode ?? 0, `reason code ${packet.reasonCode ?? 0}`, url);
    // The broker should hang up now; one that forgets to is not waited for.
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
    // An error that comes with the closing is emitted just after it.
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

/** MQTT 5.0, sections 3.3.2.3.2 and 3.3.2.3.9; left away by mqtt.js under MQTT 3.1.1. */
export const jsonProperties = { payloadFormatIndicator: true, contentType: 'application/json' };

/** The address for people: without user, password and query. Throws Fault `bad-config` when it is none. */
export function labelOf(url: string): string {
  // mqtt.js takes a protocol that it does not know for plain mqtt, without a word: "mqttss://" would be sent in the clear.
  const known = /^(mqtts?|wss?|tcp|tls):$/;
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed || !known.test(parsed.protocol) || !parsed.hostname) {
    throw new Fault('bad-config', 'mqtt.url is no address of a broker; give mqtt://host:1883 or mqtts://host:8883.');
  }
  return `${parsed.protocol}//${parsed.host}`;
}

function clientOptions(broker: BrokerOptions): IClientOptions {
  const password = broker.passwordFile ? readSetting('mqtt.passwordFile', broker.passwordFile).replace(/\r?\n$/, '') : broker.password;
  const minVersion = `TLSv${broker.tlsVersion ?? '1.3'}` as const;
  return {
    protocolVersion: broker.protocol === '3.1.1' ? 4 : 5,
    clean: true,
    // Nothing is repaired behind the cursor's back: no reconnecting, no queue for what is published while there is no connection.
    reconnectPeriod: 0,
    queueQoSZero: false,
    keepalive: broker.keepaliveS ?? 15,
    // A stopped broker is noticed although we go on sending to it.
    reschedulePings: false,
    connectTimeout: broker.connectTimeoutMs ?? 10_000,
    // Over wss:// mqtt.js hands on certificates by itself, and no version.
    ...(/^(mqtts|tls|wss):/.test(broker.url) && { minVersion, wsOptions: { minVersion } }),
    ...(broker.user && { username: broker.user }),
    ...(password && { password }),
    // MQTT 5.0, section 3.1.2.11.4: the broker drops what is longer; twice what the desk takes, so that it can still say «oversized».
    ...(broker.protocol !== '3.1.1' && broker.maxPacketBytes && { properties: { maximumPacketSize: broker.maxPacketBytes } }),
    ...(broker.caFile && { ca: readSetting('mqtt.caFile', broker.caFile) }),
    ...(broker.certFile && { cert: readSetting('mqtt.certFile', broker.certFile) }),
    ...(broker.keyFile && { key: readSetting('mqtt.keyFile', broker.keyFile) }),
  };
}

function readSetting(setting: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Fault('bad-config', `${setting} names ${file}, which cannot be read (${messageOf(error)}).`, error);
  }
}
