/**
 * The hash chain of the journal, pure: an event goes in and a row with its hash comes out; rows go in and a verdict on
 * the whole chain comes out. The chain has no secret key: it shows damage and tampering with single rows, but not that
 * every row was written again.
 */
import { createHash } from 'node:crypto';
import type { Event } from '../events.ts';
import type { ChainVerdict, Entry, Seq } from './port.ts';

/**
 * One row as it is stored. `event` is the exact JSON text that was hashed; `person` is null where no person was
 * recognised.
 */
export interface JournalRow {
  readonly seq: Seq;
  readonly id: string;
  readonly at: string;
  readonly kind: string;
  readonly person: string | null;
  readonly event: string;
  /** Hash of the row before this one; `genesis.hash` for the first. */
  readonly prev: string;
  readonly hash: string;
}

/** The last row written. It is kept beside the rows, so that a missing end is noticed. */
export interface ChainHead {
  readonly seq: Seq;
  readonly hash: string;
}

/** What the first row is chained to. */
export const genesis: ChainHead = { seq: 0, hash: '0'.repeat(64) };

/** SHA-256 of the row, lower-case hex. A JSON array of strings and one integer in a fixed order has one form only. */
export function hashOf(row: Omit<JournalRow, 'hash'>): string {
  const text = JSON.stringify([row.seq, row.id, row.at, row.kind, row.person, row.event, row.prev]);
  return createHash('sha256').update(text).digest('hex');
}

/**
 * The row that follows `head`. Its person is who was recognised, enrolled or removed, never just the best candidate.
 */
export function nextRow(head: ChainHead, event: Event, id: string, at: string): JournalRow {
  const person = 'personId' in event ? event.personId : null;
  const row = { seq: head.seq + 1, id, at, kind: event.kind, person, event: JSON.stringify(event), prev: head.hash };
  return { ...row, hash: hashOf(row) };
}

/** The entry of a row. Throws SyntaxError where the event is not the JSON of one (somebody wrote into the file). */
export function entryOf(row: JournalRow): Entry {
  const event: unknown = JSON.parse(row.event);
  if (!isEvent(event, row.kind)) throw new SyntaxError(`This is not an event of the kind ${row.kind}`);
  return { seq: row.seq, id: row.id, at: row.at, event, hash: row.hash };
}

/** Whether it is an event of the row's kind; for its fields the hash answers, which `verifyChain` checks. */
function isEvent(event: unknown, kind: string): event is Event {
  return typeof event === 'object' && event !== null && 'kind' in event && event.kind === kind;
}

/** The rows of a chain in rising order of seq, and what else is needed to tell what happened to them. */
export interface Chain {
  readonly rows: Iterable<JournalRow>;
  /** The row before the first one, where older rows were removed. */
  readonly after?: ChainHead | undefined;
  /** Undefined where the note of the last row is gone. */
  readonly head: ChainHead | undefined;
  /** Rows other than row `notSeq` that are chained to `prev`: this finds a row that was moved. */
  readonly chainedTo: (prev: string, notSeq: Seq) => Iterable<JournalRow>;
}

/** Recomputes the chain; stops at the first row that does not fit and names it. `onRow` hears of each good row. */
export function verifyChain(chain: Chain, onRow: (seq: Seq) => void = () => {}): ChainVerdict {
  let last = chain.after ?? genesis;
  const rows = chain.rows[Symbol.iterator]();
  for (;;) {
    let next: IteratorResult<JournalRow>;
    try {
      next = rows.next();
    } catch (error) {
      return bad(last.seq + 1, 'unreadable', `Row ${last.seq + 1} cannot be read: ${error instanceof Error ? error.message : error}`);
    }
    if (next.done) return verifyHead(last, chain.head);
    const row = next.value;
    if (row.seq !== last.seq + 1 || row.prev !== last.hash || hashOf(row) !== row.hash) return diagnose(chain, last, row);
    last = row;
    onRow(row.seq);
  }
}

/** What happened to the row after `last`, given that `found` stands there and does not fit. */
function diagnose(chain: Chain, last: ChainHead, found: JournalRow): ChainVerdict {
  const seq = last.seq + 1;
  if (found.seq < seq) return bad(found.seq, 're-ordered', `Row ${found.seq} stands before the first row.`);
  for (const moved of chain.chainedTo(last.hash, seq)) {
    if (hashOf({ ...moved, seq }) === moved.hash) return bad(seq, 're-ordered', `Row ${seq} was moved: it is now row ${moved.seq}.`);
  }
  if (found.seq > seq) return bad(seq, 'removed', `Row ${seq} is missing: row ${found.seq} comes after row ${last.seq}.`);
  if (hashOf(found) !== found.hash) {
    const original = originalSeq(found, chain.head);
    if (original === undefined) return bad(seq, 'altered', `Row ${seq} was altered: it does not have the hash it was written with.`);
    return bad(seq, 'removed', `Row ${seq} is missing: what stands there was written as row ${original}.`);
  }
  const changed = Math.max(last.seq, 1);
  return bad(changed, 'altered', `Row ${changed} was altered and hashed again: row ${seq} is chained to another hash.`);
}

/** The number a renumbered row was written with: its hash is right only under that number. */
function originalSeq(row: JournalRow, head: ChainHead | undefined): Seq | undefined {
  const end = Math.max(head?.seq ?? 0, row.seq + 1000);
  for (let seq = 1; seq <= end; seq++) if (seq !== row.seq && hashOf({ ...row, seq }) === row.hash) return seq;
  return undefined;
}

function verifyHead(last: ChainHead, head: ChainHead | undefined): ChainVerdict {
  if (!head) return bad(last.seq, 'altered', `The note of the last row, ${last.seq}, is gone.`);
  if (head.seq > last.seq) return bad(last.seq + 1, 'removed', `The end was cut off: rows ${last.seq + 1} to ${head.seq} are missing.`);
  if (head.seq < last.seq) return bad(head.seq + 1, 'altered', `Row ${head.seq + 1} was added without being noted as the last one.`);
  if (head.hash !== last.hash) return bad(last.seq, 'altered', `Row ${last.seq} was altered and hashed again.`);
  return { ok: true, entries: last.seq };
}

function bad(seq: Seq, problem: Exclude<ChainVerdict, { ok: true }>['problem'], detail: string): ChainVerdict {
  return { ok: false, seq, problem, detail };
}
