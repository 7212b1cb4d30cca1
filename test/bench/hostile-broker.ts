/**
 * Residents at a door whose broker means harm: how many are let in, how fast, and how much memory that takes, against the
 * same door with a quiet broker in the same run. The broker runs in a process of its own.
 */

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Camera } from '../../src/camera/port.ts';
import { personFrame } from '../../src/cli/door/bench.ts';
import { quantile, type Row } from '../../src/cli/door/figures.ts';
import { attackNames, openHarmfulBroker } from '../fakes/harmful-broker.ts';
import { openMosquitto } from '../fakes/mosquitto.ts';
import { runHouse } from './daemon.ts';
import { benchCamera, emptyFrame } from './scene.ts';

interface Visits {
  /** First frame captured → relay edge, milliseconds; infinite for a resident who was not let in. */
  readonly latencies: readonly number[];
  readonly mostRssMb: number;
  /** Share of one core. It tells the cost of an attack also where the machine is busy with something else. */
  readonly cpu: number;
}

const visits = 15;

export async function benchHostileBroker(): Promise<Row[]> {
  await using mosquitto = await openMosquitto({ config: ['allow_anonymous true'] });
  const quiet = visitsWith(mosquitto.url);
  const quietP95 = quantile(quiet.latencies, 0.95);
  const before = quiet.latencies.filter(Number.isFinite).length;
  const rows: Row[] = [
    { what: 'residents let in with a quiet broker', value: before, unit: `of ${visits}` },
    { what: '  … first frame captured → relay edge, p95', value: quietP95, unit: 'ms' },
  ];
  for (const attack of attackNames) {
    await using broker = await openHarmfulBroker(attack);
    const { latencies, mostRssMb, cpu } = visitsWith(broker.url);
    const granted = latencies.filter(Number.isFinite).length;
    rows.push(
      {
        what: `broker that sends ${attack}: let in, of the quiet run`,
        value: (granted / before) * 100,
        unit: '%',
        target: 95,
        atLeast: true,
      },
      {
        ...{ what: '  … p95', value: quantile(latencies, 0.95), unit: 'ms', target: Math.round(1.5 * quietP95) },
        baseline: { what: 'quiet', value: quietP95 },
      },
      { what: '  … CPU', value: cpu * 100, unit: '% of a core', baseline: { what: 'quiet', value: quiet.cpu * 100 } },
      { what: '  … most memory', value: mostRssMb, unit: 'MB', target: 400, baseline: { what: 'quiet', value: quiet.mostRssMb } },
    );
  }
  // What the machine itself varies by.
  const again = quantile(visitsWith(mosquitto.url).latencies, 0.95);
  return [...rows, { what: 'the quiet run again: p95', value: again, unit: 'ms', baseline: { what: 'quiet', value: quietP95 } }];
}

/** In a process of its own: memory counts from nothing. */
function visitsWith(url: string): Visits {
  const out = execFileSync(process.execPath, [fileURLToPath(import.meta.url), url], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { latencies, ...rest } = JSON.parse(out);
  return { ...rest, latencies: latencies.map((ms: number | null) => ms ?? Number.POSITIVE_INFINITY) };
}

/** Visits at 15 frames a second, each a second of face after more than a second of nobody. */
async function visitsHere(url: string): Promise<Visits> {
  const [face, nobody] = [await personFrame('p01-smiling'), await emptyFrame()];
  const shown = Array.from({ length: visits }, (_, visit) => [
    ...Array.from({ length: 22 + ((7 * visit) % 15) }, () => 'nobody' as const),
    'first' as const,
    ...Array.from({ length: 14 }, () => 'face' as const),
  ]).flat();
  const base = benchCamera((seq) => (shown[seq] === 'nobody' ? nobody : face), 15, shown.length);
  const firstFrames: number[] = [];
  let mostRss = 0;
  const camera: Camera = {
    label: base.label,
    frames: async function* (signal) {
      for await (const frame of base.frames(signal)) {
        if (shown[frame.seq] === 'first') firstFrames.push(frame.capturedAtMs);
        mostRss = Math.max(mostRss, process.memoryUsage.rss());
        yield frame;
      }
    },
  };
  const { edges, cpu } = await runHouse(camera, {
    'mqtt.enabled': true,
    'mqtt.url': url,
    'door.id': 'front-door',
    'mqtt.clockCheck': false,
  });
  const opened = edges.filter((edge) => edge.level === 'active').map((edge) => edge.atMs);
  const latencies = firstFrames.map((from) => (opened.find((at) => at > from && at < from + 2000) ?? Number.POSITIVE_INFINITY) - from);
  return { latencies, mostRssMb: mostRss / 1e6, cpu };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) console.log(JSON.stringify(await visitsHere(process.argv[2] ?? '')));
