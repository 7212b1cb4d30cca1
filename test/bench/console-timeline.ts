/**
 * How long a timeline of a million entries takes to open: the journal's reader is asked for pages as the console asks.
 * Half of the entries are attempts, as at a door that many people pass. Medians: a start of a thread waits for a free
 * processor.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { systemClock } from '../../src/base/time.ts';
import { quantile, type Row } from '../../src/cli/door/figures.ts';
import type { Event, EventKind } from '../../src/events.ts';
import { type ChainHead, genesis, nextRow } from '../../src/journal/chain.ts';
import type { JournalReader, PageQuery } from '../../src/journal/port.ts';
import { journalReader } from '../../src/journal/reader.ts';
import { openJournal } from '../../src/journal/sqlite.ts';

const entries = 1_000_000;
const people = 40;
const rounds = 15;
const startMs = Date.UTC(2025, 0, 1);
const everyMs = 60_000;
const atOf = (n: number) => new Date(startMs + n * everyMs).toISOString();

const shown: readonly EventKind[] = [
  ...(['access.granted', 'access.denied', 'access.challenged', 'access.pending', 'request.granted', 'request.refused'] as const),
  ...(['door.opened', 'door.closed', 'door.forced-open', 'door.held-open', 'tamper.raised', 'lockout.started'] as const),
];

export async function benchConsoleTimeline(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-bench-'));
  const file = join(folder, 'journal.sqlite');
  try {
    fill(file);
    return [
      await row('a timeline of 1,000,000 entries opens: the first page', 300, () => paged(file, { kinds: shown })),
      await row('the same, with the start of the thread that reads', undefined, () => opened(file)),
      await row('the next page', 100, (n) => paged(file, { kinds: shown, before: entries - 40 * n })),
      await row('one of half a year ago', 100, (n) => paged(file, { kinds: shown, until: atOf(entries / 2 - n) })),
      await row('of one person', 100, (n) => paged(file, { personId: `person-${n}` })),
      await row('of somebody who was never there: the first answer', 150, () => paged(file, { personId: 'nobody' })),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function row(what: string, target: number | undefined, work: (n: number) => Promise<number>): Promise<Row> {
  const times: number[] = [];
  for (let n = 0; n < rounds; n++) times.push(await work(n));
  return { what, value: quantile(times, 0.5), unit: 'ms', ...(target !== undefined && { target }) };
}

async function opened(file: string): Promise<number> {
  await using reader = journalReader(file);
  return await timed(reader, { kinds: shown });
}

/** With a thread that runs and has rested. */
async function paged(file: string, query: Omit<PageQuery, 'limit'>): Promise<number> {
  await using reader = journalReader(file);
  await reader.page({ kinds: ['daemon.stopped'], limit: 1 });
  await new Promise((resolve) => setTimeout(resolve, 250));
  return await timed(reader, query);
}

async function timed(reader: JournalReader, query: Omit<PageQuery, 'limit'>): Promise<number> {
  const from = performance.now();
  const page = await reader.page({ ...query, limit: 40 });
  if (page === 'busy') throw new Error('the reader is busy');
  return performance.now() - from;
}

function eventOf(n: number): Event {
  const threshold = { policy: 'target-fmr', logit: 10.02, fmr: 0.000_012, extrapolated: true, layers: ['table', 'chances'] as const };
  const likeness = { logit: 12 + (n % 70) / 10, probability: 0.999, share: 1 };
  const seen = { capturedAtMs: n * everyMs, ageMs: 112, threshold };
  const kind = n % 8;
  if (kind < 3)
    return { kind: 'access.granted', personId: `person-${Math.floor(n / 8) % people}`, likeness, band: 'at-or-above', votes: 3, ...seen };
  if (kind === 3)
    return { kind: 'access.denied', reason: 'unknown', detail: 'no enrolled person is similar enough', likeness, band: 'below', ...seen };
  if (kind === 4) return { kind: 'door.opened', expected: true };
  if (kind === 5) return { kind: 'door.closed', openMs: 4100 };
  return { kind: 'relay.pulsed', grantSeq: Math.max(1, n - 2), durationMs: 3000, captureToRelayMs: 240 };
}

/** In one transaction: a sync for each row would take an hour. */
function fill(file: string): void {
  openJournal({ file, clock: systemClock })[Symbol.dispose]();
  using db = new DatabaseSync(file);
  db.exec('PRAGMA synchronous = OFF; PRAGMA cache_size = -200000');
  const insert = db.prepare('INSERT INTO journal (seq, id, at, kind, person, event, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  const moveHead = db.prepare('UPDATE head SET seq = ?, hash = ?');
  db.exec('BEGIN IMMEDIATE');
  let head: ChainHead = genesis;
  for (let n = 1; n <= entries; n++) {
    const next = nextRow(head, eventOf(n), randomUUID(), atOf(n));
    insert.run(next.seq, next.id, next.at, next.kind, next.person, next.event, next.prev, next.hash);
    moveHead.run(next.seq, next.hash);
    head = next;
  }
  db.exec('COMMIT; PRAGMA wal_checkpoint(TRUNCATE)');
}
