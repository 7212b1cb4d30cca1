/**
 * A process that floods a door over its broker: what to send and how fast come as an argument. It signs everything before it says `ready`, sends while
 * it is told to go, and says in the end how much it sent and how much was answered.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { connectAsync } from 'mqtt';
import { systemClock } from '../../src/base/time.ts';
import { openSender } from '../../src/command/request.ts';
import { topicsOf } from '../../src/mqtt/topics.ts';
import type { Flood } from './attacks.ts';

const flood = JSON.parse(process.argv[2] ?? '') as Flood;
const topics = topicsOf('facelatch', flood.door);
const client = await connectAsync(flood.url, { protocolVersion: 5 });
const sender = flood.signed && (await openSender({ ...flood.signed, clock: systemClock, lifeS: 3600 }));

/** As many messages as are sent. A command is used once, so each is signed by itself. */
const messages: { readonly topic: string; readonly payload: string }[] = [];
for (let n = 0; n < flood.perS * flood.seconds; n++) {
  const { name, args } = flood.commands[n % flood.commands.length] ?? { name: 'model.list', args: {} };
  const payload = sender ? (await sender.request(name, args)).payload : JSON.stringify({ id: randomUUID(), args });
  messages.push({ topic: topics.command(name), payload });
}
let [sent, replies] = [0, 0];
let going = Promise.withResolvers<void>();
const over = Promise.withResolvers<void>();
client.on('message', () => replies++);
await client.subscribeAsync(topics.reply('attacker'));
process.on('message', (told: 'go' | 'stop' | 'end') => {
  if (told === 'go') going.resolve();
  else going = Promise.withResolvers();
  if (told === 'end') over.resolve();
});
process.send?.('ready');
const flooding = async () => {
  for (const { topic, payload } of messages) {
    await going.promise;
    client.publish(topic, payload, { qos: 0, properties: { responseTopic: topics.reply('attacker') } });
    sent++;
    // Ten at a time: a timer is not as fine as a flood.
    if (sent % 10 === 0) await delay(10_000 / flood.perS);
  }
};
await Promise.race([flooding(), over.promise]);
await over.promise;
process.send?.({ sent, replies }, () => process.exit());
