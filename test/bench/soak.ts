/** 100,000 frames through the whole house: memory must stay flat. Prints as it goes; takes the better part of an hour. */

import { systemClock } from '../../src/base/time.ts';
import { personFrame } from '../../src/cli/door/bench.ts';
import type { Row } from '../../src/cli/door/figures.ts';
import { runHouse } from './daemon.ts';
import { benchCamera, emptyFrame } from './scene.ts';

const frames = Number(process.env.SOAK_FRAMES ?? 100_000);

export async function benchSoak(): Promise<Row[]> {
  const [known, stranger, nobody] = [await personFrame('p01-smiling'), await personFrame('p02-smiling'), await emptyFrame()];
  const samples: number[] = [];
  const picture = (seq: number): Buffer => {
    if (seq % Math.max(1, Math.floor(frames / 50)) === 0) {
      globalThis.gc?.();
      const rss = process.memoryUsage.rss() / 1e6;
      samples.push(rss);
      console.error(`bench: soak ${seq} of ${frames} frames, ${rss.toFixed(0)} MB`);
    }
    const part = seq % 60;
    return part < 20 ? known : part < 30 ? stranger : nobody;
  };
  await runHouse(benchCamera(picture, 0, frames, systemClock), { 'face.idleFps': 0, 'access.absenceMs': 200 });
  const tenth = Math.max(1, Math.floor(samples.length / 10));
  const mean = (list: readonly number[]) => list.reduce((sum, v) => sum + v, 0) / list.length;
  const early = mean(samples.slice(tenth, 2 * tenth));
  const late = mean(samples.slice(-tenth));
  return [
    {
      what: `resident memory, last tenth of ${frames.toLocaleString('en')} frames`,
      value: late,
      unit: 'MB',
      target: 300,
      baseline: { what: 'second tenth', value: early },
    },
    { what: 'growth from the second to the last tenth', value: ((late - early) / early) * 100, unit: '%', target: 5 },
  ];
}
