/**
 * Writing to the open journal: an event goes in and is on the disk, chained, when its entry comes out. The oldest rows
 * go where they are cut away. Everybody who follows is woken.
 */
import { randomUUID } from 'node:crypto';
import { fileId } from '../base/data/file-id.ts';
import { Fault } from '../base/errors.ts';
import { transact } from '../base/sqlite.ts';
import type { Event } from '../events.ts';
import { type ChainHead, entryOf, type JournalRow, nextRow } from './chain.ts';
import { checkpointEvery, checkpointOf, cutOf, leaveWitness, readWitness } from './checkpoint.ts';
import { behind, clearRows, placeAt, readCut } from './cut.ts';
import { appendFault, damaged } from './faults.ts';
import { checkpointAt, isAsWritten, journalHead, type OpenedJournal, withCheckpoint } from './opened.ts';
import type { Entry, JournalCheckpoint, JournalNotes, Seq } from './port.ts';

/**
 * Writes the row after the head, or nothing. The transaction keeps other writers out from reading the head to moving
 * it.
 */
export function append(opened: OpenedJournal, event: Event, notes: JournalNotes = {}): Entry {
  const { db, file } = opened;
  try {
    requireSameFile(opened);
    const { row, checkpoint } = transact(db, () => {
      const earlier = tellReplaced(opened);
      const row = addRow(opened, event);
      setNotes(opened, notes);
      return { row, checkpoint: addCheckpoint(opened, row) ?? earlier };
    });
    return appended(opened, event, { row, checkpoint });
  } catch (error) {
    throw appendFault(error, file);
  }
}

function appended(
  opened: OpenedJournal,
  event: Event,
  { row, checkpoint }: { readonly row: JournalRow; readonly checkpoint: JournalCheckpoint | undefined },
): Entry {
  const { file } = opened;
  opened.own = row;
  opened.log ??= fileId(`${file}-wal`);
  if (checkpoint) leaveWitness(file, checkpoint);
  wakeAll(opened);
  return withCheckpoint(opened, { ...entryOf(row), event });
}

/** What is written to a file without a name is lost at the next restart, and nobody can read it. */
function requireSameFile({ file, id, log }: OpenedJournal): void {
  if (fileId(file) === id && (log === undefined || fileId(`${file}-wal`) === log)) return;
  throw new Fault(
    'journal-down',
    `The journal ${file}, or its log ${file}-wal, is gone or was replaced while this program had it open: put it back, or restart the door to go on with what is there.`,
  );
}

function addRow(opened: OpenedJournal, event: Event): JournalRow {
  const { file, clock, sql, own, people } = opened;
  const head = journalHead(opened);
  if (!head) throw damaged(file, new Error('the note of the last row is gone'));
  if (own && !isAsWritten(opened, own)) throw damaged(file, new Error(`row ${own.seq} was written again`));
  const next = nextRow(head, people.written(event), randomUUID(), new Date(clock.wall()).toISOString());
  sql.insert.run(next.seq, next.id, next.at, next.kind, next.person, next.event, next.prev, next.hash);
  sql.moveHead.run(next.seq, next.hash);
  return next;
}

/** The first entry of a process says so, where this door had another journal before. */
function tellReplaced(opened: OpenedJournal): JournalCheckpoint | undefined {
  const { signer, own, file } = opened;
  const witness = signer && !own ? readWitness(file, signer) : undefined;
  if (!signer || !witness || isAsWritten(opened, witness)) return undefined;
  const row = addRow(opened, { kind: 'journal.replaced', had: witness.seq, has: journalHead(opened)?.seq ?? 0 });
  // Its checkpoint takes the place of the one beside the journal: the next process does not tell it again.
  return store(opened, checkpointOf(row, signer));
}

/** Undefined where none is due. */
function addCheckpoint(opened: OpenedJournal, row: ChainHead): JournalCheckpoint | undefined {
  const { signer } = opened;
  const due = row.seq % checkpointEvery === 0 || !checkpointAt(opened, row.seq);
  return signer && due ? store(opened, checkpointOf(row, signer)) : undefined;
}

function store({ sql }: OpenedJournal, checkpoint: JournalCheckpoint): JournalCheckpoint {
  const { seq, hash, kid, signature } = checkpoint;
  sql.addCheckpoint.run(seq, hash, kid, signature);
  return checkpoint;
}

/** The entry, the place and the notes: all or nothing. */
export function cutAway(opened: OpenedJournal, seq: Seq, why: 'age' | 'disk', notes: JournalNotes = {}): Entry {
  const { db, file, clock, signer, sql } = opened;
  try {
    requireSameFile(opened);
    if (!signer) throw new TypeError('a journal without a signer cannot be cut');
    const { event, ...row } = transact(db, () => {
      const before = readCut(sql.cuts, file)?.seq ?? 0;
      const unread = behind(sql.cuts, seq, file);
      const { hash, at, kid, signature } = cutOf(placeAt(sql.cuts, seq, file), new Date(clock.wall()).toISOString(), signer);
      const event: Event = { kind: 'journal.cut', upTo: seq, rows: seq - before, why, ...(unread !== undefined && { unread: unread + 1 }) };
      const added = addRow(opened, event);
      sql.cuts.set.run(seq, hash, at, kid, signature);
      setNotes(opened, notes);
      return { event, row: added, checkpoint: addCheckpoint(opened, added) };
    });
    return appended(opened, event, row);
  } catch (error) {
    throw appendFault(error, file);
  }
}

export function clear(opened: OpenedJournal, atMost: number): number {
  try {
    const cleared = clearRows(opened.sql.cuts, atMost);
    // What the log holds of them goes when the last of them does.
    if (cleared < atMost) opened.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    return cleared;
  } catch (error) {
    throw appendFault(error, opened.file);
  }
}

function setNotes({ sql }: OpenedJournal, notes: JournalNotes): void {
  for (const [name, value] of Object.entries(notes)) sql.setNote.run(name, value);
}

export function keep(opened: OpenedJournal, notes: JournalNotes): void {
  try {
    requireSameFile(opened);
    transact(opened.db, () => setNotes(opened, notes));
  } catch (error) {
    throw appendFault(error, opened.file);
  }
}

export function wakeAll({ followers }: OpenedJournal): void {
  for (const wake of followers) wake();
}
