/**
 * A process that floods a door over its broker: what to send and how fast come as an argument. It signs everything before it says `ready`, and begins
 * when it is told to, so that it takes little of the processors while it is measured.
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
let replies = 0;
client.on('message', () => replies++);
await client.subscribeAsync(topics.reply('attacker'));
process.send?.('ready');
process.once('message', async () => {
  const startedMs = performance.now();
  for (const [n, { topic, payload }] of messages.entries()) {
    const waitMs = startedMs + (n * 1000) / flood.perS - performance.now();
    if (waitMs > 1) await delay(waitMs);
    client.publish(topic, payload, { qos: 0, properties: { responseTopic: topics.reply('attacker') } });
  }
  await delay(500);
  process.send?.({ sent: messages.length, replies });
});
// The bench ends this process.
process.on('disconnect', () => process.exit());
