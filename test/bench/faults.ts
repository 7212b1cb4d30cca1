/** A thousand injected faults in train → transfer → promote (test/retrain/faults.ts): how often the door would run what is not whole, or a job is lost. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Row } from '../../src/cli/door/figures.ts';
import { type FaultKind, injectFaults, innerFaults, processFaults } from '../retrain/faults.ts';

const count = 1000;
/** On one state folder each, so that a run that fails is small enough to look at. */
const perFolder = 100;
/** Of every hundred, so many need a process that is killed or finds the disk full. */
const ofProcesses = 15;

export async function benchFaults(): Promise<Row[]> {
  const injected: Record<string, number> = {};
  const jobs: Record<string, number> = {};
  let trained = 0;
  let broken = 0;
  const from = performance.now();
  for (let seed = 1; seed <= count / perFolder; seed++) {
    const state = mkdtempSync(join(tmpdir(), 'facelatch-faults-'));
    const kinds = Array.from({ length: perFolder }, (_, i): FaultKind => {
      const every = Math.floor(perFolder / ofProcesses);
      return i % every === 0 && i / every < ofProcesses
        ? (processFaults[(i / every) % processFaults.length] as FaultKind)
        : (innerFaults[i % innerFaults.length] as FaultKind);
    });
    const tally = await injectFaults(join(state, 'state'), kinds, seed).catch((error: unknown) => {
      console.error(`bench: seed ${seed}: ${error instanceof Error ? error.message : error}`);
      broken++;
    });
    if (!tally) continue;
    for (const [kind, n] of Object.entries(tally.injected)) injected[kind] = (injected[kind] ?? 0) + n;
    for (const [end, n] of Object.entries(tally.jobs)) jobs[end] = (jobs[end] ?? 0) + n;
    trained += tally.guards.trained;
    rmSync(state, { recursive: true });
    console.error(`bench: ${seed * perFolder} of ${count} faults, ${Math.round((performance.now() - from) / 1000)} s`);
  }
  const text = (tally: Record<string, number>) => Object.entries(tally).map(([name, n]) => `${name} ${n}`);
  console.error(`bench: injected ${text(injected).join(', ')}; jobs found ${text(jobs).join(', ')}`);
  const all = Object.values(injected).reduce((sum, n) => sum + n, 0);
  return [
    { what: 'faults injected in train → transfer → promote', value: all, unit: '', target: count, atLeast: true },
    { what: '… after which a trained network guarded (else the configured one, whole)', value: trained, unit: '' },
    { what: '… networks run that were not whole, or jobs lost (ends a hundred)', value: broken, unit: '', target: 0 },
  ];
}
