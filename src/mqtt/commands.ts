/**
 * Commands over one connection: passes what comes on the door's command topics to the desk, and sends the replies
 * back by response topic and correlation data (MQTT 5.0, section 4.10), or under MQTT 3.1.1 to the topic that the
 * request names. A link (link.ts) starts it; it ends with the connection.
 */
import { randomUUID } from 'node:crypto';
import type { IPublishPacket, MqttClient } from 'mqtt';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import type { Desk, Reply } from '../command/port.ts';
import { isRefusal } from './faults.ts';
import { pressedCommand } from './home-assistant.ts';
import type { Topics } from './topics.ts';

/**
 * `off`: commands are not listened for; `unknown`: not connected, or not tried yet; `deaf`: the broker delivers none.
 */
export type Hearing = 'off' | 'unknown' | 'hearing' | 'deaf';

/** What mqtt.js takes as the properties of a message. */
export type Properties = NonNullable<IPublishPacket['properties']>;
export type Publish = (topic: string, payload: string, qos: 0 | 1, properties: Properties) => Promise<void>;

export interface CommandOptions {
  readonly client: MqttClient;
  readonly desk: Desk;
  readonly topics: Topics;
  /** Publishes, not retained; rejects as mqtt.js does. */
  readonly publish: Publish;
  readonly onHearing: (hearing: Hearing) => void;
  /** Where the door is announced to Home Assistant: it may send the names of commands. */
  readonly homeAssistant?: object;
  readonly clock: Clock;
  readonly log: Log;
  /** Aborted when the connection is over. */
  readonly over: AbortSignal;
  /** How long the self-test message may take, and how long until the next one, milliseconds. */
  readonly selfTestMs: number;
  readonly selfTestEveryMs?: number;
}

/** The broker drops a reply that nobody has fetched by then, seconds. */
const replyExpiryS = 60;
/** Longest correlation data that is given back, bytes. */
const maxCorrelation = 1024;

/** What is known while one connection serves commands. */
interface Serving {
  readonly options: CommandOptions;
  /** The self-test message under way, and who hears that it has come back. */
  nonce: string;
  heard: (() => void) | undefined;
}

/** What is known while one connection serves commands. */
interface Serving {
  readonly options: CommandOptions;
  /** The self-test message under way, and who hears that it has come back. */
  nonce: string;
  heard: (() => void) | undefined;
}

/** Subscribes and serves until the connection is over. A bug (a desk that rejects) is thrown out of the event. */
export function serveCommands(options: CommandOptions): void {
  const serving: Serving = { options, nonce: '', heard: undefined };
  options.client.on('message', (topic, payload, packet) => receive(serving, topic, payload, packet));
  void watchHearing(serving);
}

function receive({ options, nonce, heard }: Serving, topic: string, payload: Buffer, packet: IPublishPacket): void {
  const { desk, topics } = options;
  if (topic === topics.selfTest) {
    if (payload.length < 100 && payload.toString('utf8') === nonce) heard?.();
    return;
  }
  if (topic === topics.pressed && options.homeAssistant) {
    const pressed = pressedCommand(payload);
    // Home Assistant gets no reply; the states show it the outcome.
    if (pressed) void desk.take({ name: pressed, payload: Buffer.from('{}'), retained: packet.retain });
    return;
  }
  const name = topics.commandOf(topic);
  if (name === undefined) return;
  void desk.take({ name, payload, retained: packet.retain }).then((reply) => reply && answer(options, reply, packet));
}

async function answer({ topics, publish, log }: CommandOptions, reply: Reply, { qos, properties }: IPublishPacket): Promise<void> {
  // The topic in the request goes first: where the request is signed, no broker can send the reply elsewhere.
  const to = [reply.replyTo, properties?.responseTopic].find((topic) => topic !== undefined && topics.isReply(topic));
  if (to === undefined) return;
  const { correlationData } = properties ?? {};
  try {
    // At the QoS of the request. At QoS 0 nothing is acknowledged, so no kernel holds a small packet back for 40 ms.
    await publish(to, reply.payload, qos === 0 ? 0 : 1, {
      contentType: reply.contentType,
      payloadFormatIndicator: true,
      messageExpiryInterval: replyExpiryS,
      ...(correlationData && correlationData.length <= maxCorrelation && { correlationData }),
    });
  } catch (error) {
    // The end of a connection that broke is reported elsewhere.
    if (isRefusal(error)) log.warn({ code: error.code }, 'reply refused by the broker');
  }
}

/** Tries again and again whether commands arrive, and tells when that changes. */
async function watchHearing(serving: Serving): Promise<void> {
  const { topics, onHearing, clock, log, over, selfTestEveryMs = 60_000 } = serving.options;
  for (let before: Hearing = 'unknown'; !over.aborted; ) {
    const problem = await deafness(serving);
    if (over.aborted) return;
    const hearing = problem === undefined ? 'hearing' : 'deaf';
    if (hearing === 'deaf' && before !== 'deaf')
      log.warn(
        { problem, topic: topics.commands },
        'broker delivers no commands: allow the user of mqtt.user to read and write the topic, or set mqtt.commands to false',
      );
    if (hearing !== before) onHearing(hearing);
    before = hearing;
    await clock.sleep(selfTestEveryMs, over).catch(() => undefined);
  }
}

/**
 * Why commands do not arrive; undefined where they do. mosquitto grants a subscription that its access list forbids,
 * and delivers nothing: only a message that comes back proves that commands arrive.
 */
async function deafness(serving: Serving): Promise<string | undefined> {
  const { client, topics, publish, clock, over, selfTestMs } = serving.options;
  const arrived = Promise.withResolvers<true>();
  serving.heard = () => arrived.resolve(true);
  serving.nonce = JSON.stringify({ schema: 1, selfTest: randomUUID() });
  try {
    // A broker that refuses the subscription is as bad as one that delivers nothing.
    const granted = await client.subscribeAsync(topics.commands, { qos: 1, rap: true, rh: 2 });
    if (granted.some(({ qos }) => qos >= 128)) return 'the subscription was refused';
    await publish(topics.selfTest, serving.nonce, 1, {});
  } catch (error) {
    return messageOf(error);
  }
  const patience = new AbortController();
  const late = clock.sleep(selfTestMs, AbortSignal.any([over, patience.signal])).catch(() => undefined);
  const came = await Promise.race([arrived.promise, late]);
  patience.abort();
  return came ? undefined : 'a message to itself did not come back';
}
