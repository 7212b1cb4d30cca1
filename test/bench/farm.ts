/** The farm of trainers: what a transfer takes in time and memory, and a thousand faults on a real Redis with real processes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Row } from '../../src/cli/door/figures.ts';
import { packFolder } from '../../src/farm/archive.ts';
import { farmNames } from '../../src/farm/names.ts';
import { openFarmRedis } from '../../src/farm/redis.ts';
import { type Channel, dropSubmission, receiveStream, sendStream } from '../../src/farm/stream.ts';
import { openRedis } from '../fakes/redis.ts';
import { runFaults } from '../farm/faults.ts';

setFlagsFromString('--expose-gc');
const collect: () => void = runInNewContext('gc');

export async function benchFarm(): Promise<Row[]> {
  return [...(await transfer(256)), ...(await faults(Number(process.env.FARM_FAULTS ?? 1000), 1))];
}

/** A folder of so many MB to Redis and back, over TLS. */
async function transfer(megabytes: number): Promise<Row[]> {
  await using server = await openRedis({ tls: true, keeps: false });
  const signal = new AbortController().signal;
  await using redis = await openFarmRedis({ url: server.url, ca: server.ca!, clockSkewS: 5, signal });
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-bench-'));
  try {
    const file = await open(join(folder, 'pictures.bin'), 'w');
    for (let i = 0; i < megabytes; i++) await file.write(Buffer.alloc(1e6, i));
    await file.close();
    const channel: Channel = { redis, names: farmNames('bench', 'door'), submission: 'bench', maxBytes: 1e10 };
    collect();
    const before = process.memoryUsage().rss;
    let most = before;
    const look = setInterval(() => {
      most = Math.max(most, process.memoryUsage().rss);
    }, 20);
    const from = performance.now();
    const ref = await sendStream(channel, packFolder(folder), 600_000);
    const sent = performance.now();
    let bytes = 0;
    for await (const piece of receiveStream(channel, ref)) bytes += piece.length;
    const received = performance.now();
    clearInterval(look);
    await dropSubmission(channel);
    const megabytesPerS = (ms: number) => ref.bytes / 1e6 / (ms / 1000);
    return [
      {
        what: `farm: ${megabytes} MB to Redis, encrypted, over TLS`,
        value: megabytesPerS(sent - from),
        unit: 'MB/s',
        target: 10,
        atLeast: true,
      },
      { what: '  … and back', value: megabytesPerS(received - sent), unit: 'MB/s', target: 5, atLeast: true },
      { what: '  … bytes that were lost', value: ref.bytes - bytes, unit: 'bytes', target: 0 },
      { what: '  … most memory grown', value: (most - before) / 1e6, unit: 'MB', target: 100 },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function faults(count: number, seed: number): Promise<Row[]> {
  const figures = await runFaults({
    faults: count,
    seed,
    onFault: (kind, done) => {
      if (done % 50 === 0) console.error(`bench: farm: ${done} of ${count} faults (${kind})`);
    },
  });
  for (const each of figures.wrong) console.error(`bench: farm: ${each}`);
  const injected = Object.entries(figures.injected).map(([kind, times]) => ({ what: `  … ${kind}`, value: times, unit: 'times' }));
  return [
    {
      what: `farm: faults in ${figures.jobs} jobs at three trainers (seed ${seed}, ${figures.seconds.toFixed(0)} s)`,
      value: Object.values(figures.injected).reduce((sum, times) => sum + times, 0),
      unit: 'faults',
      target: count,
      atLeast: true,
    },
    ...injected,
    { what: 'jobs lost, or with another result than the right one', value: figures.jobs - figures.right, unit: 'jobs', target: 0 },
    { what: 'keys of jobs left in Redis', value: figures.leftKeys, unit: 'keys', target: 0 },
    { what: 'folders of jobs left on trainers', value: figures.leftFolders, unit: 'folders', target: 0 },
    { what: 'steps done more than once', value: (100 * figures.repeatedSteps) / figures.neededSteps, unit: '% of steps' },
  ];
}
