/**
 * A relay that is controlled through a broker by its own MQTT commands (Shelly, Tasmota, zigbee2mqtt, or model `own`):
 * a way to open a connection and a dialect go in, a line comes out. Only an answer of the device itself, given after
 * the question, counts: no retained message, and no acknowledgement of the broker.
 */

import { Fault, messageOf } from '../base/errors.ts';
import type { MqttMessage } from '../base/network/device-command.ts';
import { deviceLine } from './device-line.ts';
import type { MqttDialect } from './devices.ts';
import type { DeviceLine, Level } from './line.ts';

/** A connection to a broker that is subscribed to the device's reports. */
export interface BrokerLink {
  /**
   * Resolves when the message was handed over. `expiryS`: seconds after which the broker discards it; without it, the
   * broker keeps it for a device that is away (QoS 1).
   */
  send(message: MqttMessage, expiryS?: number): Promise<void>;
  /** Resolves when the broker itself has answered. A broker that hangs would deliver late what is sent to it now. */
  alive(): Promise<void>;
  readonly closed: Promise<Fault>;
  close(): void;
}

export interface MqttLineOptions {
  readonly label: string;
  readonly dialect: MqttDialect;
  readonly timeoutMs: number;
  /** Opens the connection; throws a Fault. `heard` gets every report that is not retained. */
  openBrokerLink(heard: (payload: string) => void, signal: AbortSignal): Promise<BrokerLink>;
}

const reopenMs = 2000;

/** Connects when it is first needed, and reconnects in the background. Sends nothing yet. */
export function mqttLine({ label, dialect, timeoutMs, openBrokerLink }: MqttLineOptions): DeviceLine {
  const closing = new AbortController();
  const listeners = new Set<(level: Level) => void>();
  let opening: Promise<BrokerLink> | undefined;
  /** In whose time the broker has answered. */
  let answeredIn: AbortSignal | undefined;
  const heard = (payload: string) => {
    const level = dialect.levelOf(payload);
    if (level) for (const listener of listeners) listener(level);
  };
  const link = (): Promise<BrokerLink> => {
    opening ??= openBrokerLink(heard, AbortSignal.any([closing.signal, AbortSignal.timeout(10_000)])).then((opened) => {
      opened.closed.then(again).catch(() => undefined);
      return opened;
    }, again);
    return opening;
  };
  const again = (error: unknown): never => {
    opening = undefined;
    if (!closing.signal.aborted) setTimeout(() => void (closing.signal.aborted || link().catch(() => undefined)), reopenMs).unref();
    throw error;
  };
  /** The next level that the device reports. */
  const report = (signal: AbortSignal): Promise<Level | undefined> =>
    new Promise((resolve) => {
      const listener = (level: Level | undefined) => {
        listeners.delete(listener);
        signal.removeEventListener('abort', over);
        resolve(level);
      };
      const over = () => listener(undefined);
      listeners.add(listener);
      if (signal.aborted) over();
      else signal.addEventListener('abort', over, { once: true });
    });
  const noBroker = () => new Fault('relay-missing', `${label} cannot be reached: no broker within ${timeoutMs} ms (mqtt.url)`);
  const within = async <T>(work: Promise<T>, signal: AbortSignal): Promise<T> => {
    try {
      return await unlessAborted(work, signal, () => (answeredIn === signal ? silent(label, timeoutMs) : noBroker()));
    } catch (error) {
      throw error instanceof Fault && error.code !== 'broker-unreachable'
        ? error
        : new Fault('relay-missing', `${label} cannot be reached: ${messageOf(error)}`, error);
    }
  };
  const { ask } = dialect;
  const askOnce = async (signal: AbortSignal): Promise<Level | undefined> => {
    if (!ask) return undefined;
    const through = await within(link(), signal);
    await within(through.alive(), signal);
    answeredIn = signal;
    const patience = AbortSignal.any([signal, AbortSignal.timeout(Math.max(200, Math.round(timeoutMs / 3)))]);
    const answer = report(patience);
    await within(through.send(ask(), expiryS(timeoutMs)), signal);
    return answer;
  };
  return deviceLine({
    label,
    timeoutMs,
    send: async (level, restMs, signal) => {
      const through = await within(link(), signal);
      // A broker keeps what it cannot deliver: harmless for "off", but an "on" would open the door later by itself.
      const sent = level === 'active' ? through.send(dialect.release(restMs), expiryS(timeoutMs)) : through.send(dialect.lock());
      await within(sent, signal);
      return undefined;
    },
    ask: async (signal) => {
      const level = signal.aborted ? undefined : await askOnce(signal);
      if (level === undefined && signal.aborted) throw silent(label, timeoutMs);
      return level;
    },
    close: () => {
      closing.abort();
      opening?.then((opened) => opened.close()).catch(() => undefined);
    },
  });
}

/** Throws what `late` says where the signal is aborted first. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal, late: () => Fault): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const over = () => aborted.reject(late());
  signal.addEventListener('abort', over, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', over);
    aborted.promise.catch(() => undefined);
  }
}

const expiryS = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));

const silent = (label: string, ms: number): Fault =>
  new Fault(
    'relay-missing',
    `${label} said nothing within ${ms} ms (relay.device.timeoutMs): see that it has power and is connected to this broker, and that relay.device.address is its topic`,
  );
