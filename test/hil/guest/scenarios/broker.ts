/** A broker in trouble: the door does not notice, and every event arrives in the end. */
import type { Bench, Scenario } from '../bench.ts';
import { nowMs } from '../board.ts';
import { brokerUrl } from '../broker.ts';
import { expectSame, until } from '../tools.ts';

async function trouble(bench: Bench, fail: () => Promise<unknown>, mend: () => Promise<unknown>): Promise<void> {
  const { board, service, broker, door, push } = bench;
  await broker.begin();
  await door('gpiod', { mqtt: { enabled: true, url: brokerUrl } });
  await until('connected', async () => /broker (connected|online|up)/.test(await service.show('StatusText')), 60_000, 300);
  await fail();
  for (let i = 0; i < 3; i++) await board.low(await push(nowMs()));
  await mend();
  const wanted = () =>
    service.logged().then((entries) => new Set(entries.flatMap(({ seq, kind }) => (seq !== undefined && kind ? [seq] : []))));
  await until('every event at the subscriber', async () => (await wanted()).difference(broker.heard()).size === 0, 120_000, 500);
  expectSame('restarts', await service.restarts(), 0);
}

export const brokerScenarios: readonly Scenario[] = [
  {
    name: 'broker-stopped',
    title: 'the broker is stopped and started again: the door works, nothing is lost',
    run: (bench) => trouble(bench, () => bench.broker.kill('SIGTERM'), bench.broker.start),
  },
  {
    name: 'broker-hung',
    title: 'the broker hangs (SIGSTOP) and goes on: the door works, nothing is lost',
    run: (bench) =>
      trouble(
        bench,
        () => bench.broker.kill('SIGSTOP'),
        () => bench.broker.kill('SIGCONT'),
      ),
  },
  {
    name: 'broker-cut',
    title: 'the cable to the broker is cut and mended: the door works, nothing is lost',
    run: (bench) => trouble(bench, bench.broker.cut, bench.broker.mend),
  },
  {
    name: 'broker-slow',
    title: 'the network to the broker is slow and loses packets: the door works, nothing is lost',
    run: (bench) => trouble(bench, bench.broker.slow, bench.broker.quick),
  },
];
