/** From starting the program to its first decision: a real process on a replay of an enrolled person. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { personFrame } from '../../src/cli/door/bench.ts';
import { quantile, type Row } from '../../src/cli/door/figures.ts';
import { another, pictureOf } from './scene.ts';

const bin = new URL('../../bin/facelatch.mjs', import.meta.url).pathname;

const facelatch = (args: readonly string[]) => spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });

/** Milliseconds until the first grant; the resident memory of the process then, and after `guardedMs` more. */
async function firstDecision(folder: string, guardedMs = 0): Promise<{ ms: number; rssMb: number; guardingMb: number }> {
  const from = performance.now();
  const child = facelatch([
    'run',
    '--state',
    join(folder, 'state'),
    '--set',
    'camera.source=replay',
    '--set',
    `camera.replay.from=${join(folder, 'frames')}`,
    '--set',
    'camera.replay.loop=true',
    // Single pictures are no living faces.
    '--set',
    'liveness.policy=off',
    '--json',
  ]);
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.includes('access.granted')) continue;
      const ms = performance.now() - from;
      const rssMb = residentMb(child.pid);
      child.stdout.resume();
      await sleep(guardedMs);
      return { ms, rssMb, guardingMb: residentMb(child.pid) };
    }
    throw new Error('the door never opened');
  } finally {
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
  }
}

const residentMb = (pid: number | undefined): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1000;

/** By then the door's evidence was measured for the first time, and what the start freed was given back. */
const guardedMs = 45_000;

export async function benchStart(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-bench-'));
  try {
    mkdirSync(join(folder, 'frames'));
    const face = await personFrame('p01-smiling');
    for (let i = 0; i < 30; i++) writeFileSync(join(folder, 'frames', `${String(i).padStart(3, '0')}.jpg`), another(face, i));
    writeFileSync(join(folder, 'p01.jpg'), pictureOf('p01-neutral'));
    const enrol = facelatch(['enrol', 'p01', join(folder, 'p01.jpg'), '--state', join(folder, 'state')]);
    enrol.stdout.resume();
    await new Promise((resolve) => enrol.once('exit', resolve));
    const runs = [];
    for (let i = 0; i < 5; i++) runs.push(await firstDecision(folder));
    const { guardingMb } = await firstDecision(folder, guardedMs);
    return [
      { what: 'resident memory of the daemon when guarding', value: guardingMb, unit: 'MB', target: 200 },
      {
        what: 'start of the program → first decision, p50 of 5',
        value: quantile(
          runs.map((r) => r.ms),
          0.5,
        ),
        unit: 'ms',
        target: 2500,
      },
      {
        what: 'resident memory of the daemon at its first decision',
        value: quantile(
          runs.map((r) => r.rssMb),
          0.5,
        ),
        unit: 'MB',
        target: 300,
      },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}
