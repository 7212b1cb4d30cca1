/**
 * One connection to a broker. In: the settings. Out: a connected client, or a fault that says what is wrong. A
 * connection that broke is not repaired: mqtt.js would send again what it keeps in memory, out of step with the
 * journal's cursor. Whoever opened it closes it, and opens a new one where one is needed.
 */
import type { Socket } from 'node:net';
import type { Duplex, Writable } from 'node:stream';
import type { IClientOptions, IClientPublishOptions, MqttClient } from 'mqtt';
import { Fault } from '../base/errors.ts';
import { readSecretFile, readSettingFile } from '../base/secret.ts';
import { brokerFault, closedFault, offenceFault, refusalFault } from './faults.ts';
import { type Offence, passInbound } from './inbound.ts';

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
  /** Longest packet that the broker may send, bytes. Default 65,536. */
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

const defaultMaxPacketBytes = 65_536;
/** How many QoS 1 messages the broker may send before they are acknowledged. */
const receiveMaximum = 32;
/** How long a DISCONNECT may take, milliseconds. */
const farewellMs = 100;

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
  const { connect } = await import('mqtt'); // loaded now: a door without a broker has no use for it (4 MB)
  signal?.throwIfAborted();
  const client = connect(broker.url, { ...clientOptions(broker), clientId, ...(will && { will }), manualConnect: true });
  guardInbound(client, broker, (offence) => {
    said ??= offenceFault(offence, url);
    sayOffence(client, offence);
  });
  client.connect();
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
    // What mqtt.js finds wrong with a packet, it tells and goes on.
    client.end(true);
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

/** Puts the limits on what a broker may send between the connection and mqtt.js. */
function guardInbound(client: MqttClient, broker: BrokerOptions, onOffence: (offence: Offence) => void): void {
  // biome-ignore lint/complexity/useLiteralKeys: mqtt.js has no other place between its streams and its parser
  const plain: (...asked: readonly unknown[]) => Duplex = client['streamBuilder'];
  const guarded = (...asked: readonly unknown[]): Duplex => {
    const stream = plain(...asked);
    const limits = { maxBytes: broker.maxPacketBytes ?? defaultMaxPacketBytes, version: broker.protocol === '3.1.1' ? 4 : 5 } as const;
    return Object.assign(stream, {
      // mqtt.js reads the connection by piping it into its parser.
      pipe: <To extends Writable>(to: To): To => {
        void passInbound(stream, to, { limits, onOffence });
        return to;
      },
    });
  };
  // biome-ignore lint/complexity/useLiteralKeys: as above
  client['streamBuilder'] = guarded;
}

/**
 * Tells the broker why the connection ends (MQTT 5.0, section 4.13), and ends it. What the broker sent stays unread, so
 * the end is a reset, which would overtake the reason: it gets a moment.
 */
function sayOffence(client: MqttClient, { code }: Offence): void {
  if (client.options.protocolVersion !== 5) return void client.end(true);
  client.stream.write(Buffer.from([0xe0, 2, code, 0]));
  setTimeout(() => client.end(true), farewellMs);
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

/** Whether others on the network can read and change what is said: no TLS, and a broker that is not on this machine. */
export function isExposed(url: string): boolean {
  const { protocol, hostname } = new URL(url);
  return /^(mqtt|ws|tcp):$/.test(protocol) && !/^(localhost|127(\.\d+){3}|\[::1\])$/i.test(hostname);
}

function clientOptions(broker: BrokerOptions): IClientOptions {
  const password = broker.passwordFile ? readSecretFile('mqtt.passwordFile', broker.passwordFile) : broker.password;
  const minVersion = `TLSv${broker.tlsVersion ?? '1.3'}` as const;
  const { maxPacketBytes = defaultMaxPacketBytes } = broker;
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
    // Over wss:// mqtt.js passes on the certificates by itself, but not the version. A frame is collected before it is
    // read; a broker may put several packets into one.
    ...(/^(mqtts|tls|wss):/.test(broker.url) && { minVersion }),
    ...(/^wss?:/.test(broker.url) && { wsOptions: { minVersion, maxPayload: 4 * maxPacketBytes, perMessageDeflate: false } }),
    ...(broker.user && { username: broker.user }),
    ...(password && { password }),
    // MQTT 5.0, section 3.1.2.11.4: the broker drops what is longer. It is twice what the desk takes, so that the
    // desk can still answer "oversized".
    ...(broker.protocol !== '3.1.1' && { properties: { maximumPacketSize: maxPacketBytes, receiveMaximum } }),
    ...(broker.caFile && { ca: readSettingFile('mqtt.caFile', broker.caFile) }),
    ...(broker.certFile && { cert: readSettingFile('mqtt.certFile', broker.certFile) }),
    ...(broker.keyFile && { key: readSettingFile('mqtt.keyFile', broker.keyFile) }),
  };
}
