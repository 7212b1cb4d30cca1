/** A journal in memory: the same chain, order and faults as the one on disk; `full` and `tamper` let a test break it. */
import { randomUUID } from 'node:crypto';
import { DatabaseSync } from 'node:sqlite';
import { Fault } from '../../src/base/errors.ts';
import { type Clock, systemClock } from '../../src/base/time.ts';
import { type ChainHead, entryOf, genesis, type JournalRow, nextRow, verifyChain } from '../../src/journal/chain.ts';
import { instant } from '../../src/journal/instant.ts';
import type { Entry, Journal } from '../../src/journal/port.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { numbered } from './events.ts';

export interface MemoryJournal extends Journal {
  /** While true every append throws Fault `journal-down` (cause: Fault `disk-full`). */
  full: boolean;
  /** Every entry, in order. */
  readonly entries: readonly Entry[];
  /** Lets a test change the rows behind the journal's back. */
  tamper(change: (rows: JournalRow[]) => void): void;
}

export function memoryJournal({ clock }: { clock: Clock }): MemoryJournal {
  const rows: JournalRow[] = [];
  const cursors = new Map<string, number>();
  const notes = new Map<string, string>();
  const followers = new Set<() => void>();
  let head: ChainHead = genesis;
  let closed = false;

  async function* follow(after: number, signal: AbortSignal): AsyncGenerator<Entry> {
    let last = after;
    while (!signal.aborted && !closed) {
      const next = rows.find((row) => row.seq > last);
      if (next) {
        last = next.seq;
        yield entryOf(next);
        continue;
      }
      await new Promise<void>((resolve) => {
        const wake = () => {
          followers.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        followers.add(wake);
        signal.addEventListener('abort', wake);
      });
    }
  }

  const journal: MemoryJournal = {
    full: false,
    get entries() {
      return rows.map(entryOf);
    },
    tamper: (change) => change(rows),
    append: (event, kept = {}) => {
      if (journal.full) throw new Fault('journal-down', 'The journal cannot be written.', new Fault('disk-full', 'The disk is full.'));
      const row = nextRow(head, event, randomUUID(), new Date(clock.wall()).toISOString());
      rows.push(row);
      head = row;
      for (const [name, value] of Object.entries(kept)) notes.set(name, value);
      for (const wake of [...followers]) wake();
      return entryOf(row);
    },
    note: (name) => notes.get(name),
    keep: (kept) => {
      if (journal.full) throw new Fault('journal-down', 'The journal cannot be written.', new Fault('disk-full', 'The disk is full.'));
      for (const [name, value] of Object.entries(kept)) notes.set(name, value);
    },
    tail: follow,
    query: ({ personId, kinds, since, until, after, upTo, limit }) => {
      const from = since === undefined ? undefined : instant(since, 'since');
      const to = until === undefined ? undefined : instant(until, 'until');
      const fit = rows.filter(
        (row) =>
          (personId === undefined || row.person === personId) &&
          (!kinds || kinds.some((kind) => kind === row.kind)) &&
          (from === undefined || row.at >= from) &&
          (to === undefined || row.at <= to) &&
          (after === undefined || row.seq > after) &&
          (upTo === undefined || row.seq <= upTo),
      );
      return fit.slice(limit === undefined ? 0 : Math.max(0, fit.length - limit)).map(entryOf);
    },
    naming: (personId) => rows.map(entryOf).filter(({ event }) => Object.values(event).includes(personId)),
    get head() {
      return head.seq;
    },
    cursor: (name) => ({ get: () => cursors.get(name) ?? 0, set: (seq) => void cursors.set(name, seq) }),
    // Without a signer there is no checkpoint, and so no place for a cut.
    begins: undefined,
    oldUpTo: () => undefined,
    cut: () => {
      throw new TypeError('a journal without a signer cannot be cut');
    },
    clear: () => 0,
    verifyCheckpoints: () => ({ ok: true, entries: head.seq }),
    verify: (onProgress) => {
      const verdict = verifyChain({ rows, head, chainedTo: (prev, not) => rows.filter((row) => row.prev === prev && row.seq !== not) });
      onProgress?.(rows.length, rows.length);
      return verdict;
    },
    [Symbol.dispose]: () => {
      closed = true;
      for (const wake of [...followers]) wake();
    },
  };
  return journal;
}

/**
 * Fills a new journal on disk with `rows` numbered events, 1 the first, written at `at` (of each): in one transaction, because a sync for each
 * of many thousand rows takes long.
 */
export function fillJournal(file: string, rows: number, at: string | ((n: number) => string) = new Date().toISOString()): void {
  openJournal({ file, clock: systemClock })[Symbol.dispose]();
  using db = new DatabaseSync(file);
  const insert = db.prepare('INSERT INTO journal (seq, id, at, kind, person, event, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)');
  const moveHead = db.prepare('UPDATE head SET seq = ?, hash = ?');
  db.exec('BEGIN IMMEDIATE');
  let head: ChainHead = genesis;
  for (let n = 1; n <= rows; n++) {
    const row = nextRow(head, numbered(n), randomUUID(), typeof at === 'string' ? at : at(n));
    insert.run(row.seq, row.id, row.at, row.kind, row.person, row.event, row.prev, row.hash);
    moveHead.run(row.seq, row.hash);
    head = row;
  }
  db.exec('COMMIT');
}
