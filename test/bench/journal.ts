/**
 * How long a cut of a long journal holds the deciding thread: the place that is old enough is found, 64 signed places
 * (4,096 rows) are cut away, and a thread overwrites them while the door goes on writing.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemClock } from '../../src/base/time.ts';
import { quantile, type Row } from '../../src/cli/door/figures.ts';
import { heldKeys, textSigner } from '../../src/command/keys.ts';
import { checkpointEvery, checkpointOf } from '../../src/journal/checkpoint.ts';
import { type Clearing, journalClearing } from '../../src/journal/clearing.ts';
import type { Journal } from '../../src/journal/port.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { numbered } from '../fakes/events.ts';
import { fillJournal } from '../fakes/journal.ts';

const rounds = 20;
const rowsEach = 64 * checkpointEvery;
const dayMs = 86_400_000;

export async function benchJournal(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-bench-'));
  const file = join(folder, 'journal.sqlite');
  const signer = textSigner(heldKeys(join(folder, 'keys.json')));
  const rows = (rounds + 2) * rowsEach;
  try {
    fillJournal(file, rows, new Date(systemClock.wall() - 100 * dayMs).toISOString());
    signPlaces(file, signer);
    using journal = openJournal({ file, clock: systemClock, signer });
    await using clearing = journalClearing(file);
    const alone = Array.from({ length: 200 }, (_, n) => timed(() => journal.append(numbered(n))));
    const [found, cut, meanwhile]: [number[], number[], number[]] = [[], [], []];
    for (let round = 0; round < rounds; round++) {
      const nowMs = systemClock.wall();
      let upTo: number | undefined;
      found.push(timed(() => (upTo = journal.oldUpTo(iso(nowMs - dayMs), iso(nowMs)))));
      cut.push(timed(() => journal.cut(upTo ?? 0, 'age')));
      meanwhile.push(...(await besides(clearing, journal)));
    }
    const of = `of a journal of ${rows.toLocaleString('en')} rows`;
    const still = 'the door stands still, p95';
    const baseline = { what: 'an entry is written', value: quantile(alone, 0.95) };
    return [
      { what: `what is old enough ${of} is found: ${still}`, value: quantile(found, 0.95), unit: 'ms', target: 5 },
      {
        ...{
          what: `${rowsEach.toLocaleString('en')} rows ${of} are cut away: ${still}`,
          value: quantile(cut, 0.95),
          unit: 'ms',
          target: 5,
        },
        baseline,
      },
      { what: 'an entry is written while they are overwritten, p95', value: quantile(meanwhile, 0.95), unit: 'ms', baseline },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The time of each entry that is written until the thread is done. */
async function besides(clearing: Clearing, journal: Journal): Promise<number[]> {
  const took: number[] = [];
  let isDone = false;
  const cleared = clearing.clear().finally(() => {
    isDone = true;
  });
  while (!isDone) {
    took.push(timed(() => journal.append(numbered(1))));
    await systemClock.sleep(10, AbortSignal.timeout(60_000));
  }
  await cleared;
  return took;
}

/** As if the door had signed each of them when it was written. */
function signPlaces(file: string, signer: ReturnType<typeof textSigner>): void {
  using db = new DatabaseSync(file);
  const add = db.prepare('INSERT INTO checkpoint (seq, hash, kid, signature) VALUES (?, ?, ?, ?)');
  db.exec('BEGIN IMMEDIATE');
  for (const { seq, hash } of db.prepare('SELECT seq, hash FROM journal WHERE seq % ? = 0').all(checkpointEvery)) {
    const { kid, signature } = checkpointOf({ seq: Number(seq), hash: String(hash) }, signer);
    add.run(Number(seq), String(hash), kid, signature);
  }
  db.exec('COMMIT');
}

const iso = (ms: number): string => new Date(ms).toISOString();

const timed = (work: () => unknown): number => {
  const fromMs = performance.now();
  work();
  return performance.now() - fromMs;
};
