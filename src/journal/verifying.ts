/**
 * Whether the open journal is whole: every row in the chain, and what the door signed of it. Out: the verdict, with
 * where the journal begins.
 */
import { checkedRow } from '../base/sqlite.ts';
import { verifyChain } from './chain.ts';
import { checkpointRow, readWitness, verifyCheckpoints } from './checkpoint.ts';
import { readCut } from './cut.ts';
import { damaged } from './faults.ts';
import { checkedJournalRow, hashAt, journalHead, type OpenedJournal } from './opened.ts';
import type { ChainVerdict, Seq } from './port.ts';

export function verifyWhole(opened: OpenedJournal, onProgress: ((done: number, total: number) => void) | undefined): ChainVerdict {
  const { db, file } = opened;
  // One read transaction: rows that another process appends meanwhile would not fit the head.
  db.exec('BEGIN');
  try {
    const head = journalHead(opened);
    const total = head?.seq ?? 0;
    const after = readCut(opened.sql.cuts, file);
    const chain = {
      after,
      rows: db
        .prepare('SELECT * FROM journal WHERE seq > ? ORDER BY seq')
        .iterate(after?.seq ?? Number.MIN_SAFE_INTEGER)
        .map((row) => checkedJournalRow(row, file)),
      head,
      chainedTo: (prev: string, notSeq: Seq) =>
        db
          .prepare('SELECT * FROM journal WHERE prev = ? AND seq <> ?')
          .all(prev, notSeq)
          .map((row) => checkedJournalRow(row, file)),
    };
    const verdict = verifyChain(chain, (seq) => {
      if (seq % 1000 === 0) onProgress?.(seq, total);
    });
    onProgress?.(total, total);
    return verdict.ok ? signedVerdict(opened, verdict) : verdict;
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK');
  }
}

export function signedVerdict(opened: OpenedJournal, verdict: ChainVerdict & { readonly ok: true }): ChainVerdict {
  const { db, signer, file } = opened;
  const found = readCut(opened.sql.cuts, file);
  const begins = found ? { cut: { seq: found.seq, at: found.at } } : {};
  if (!signer) return { ...verdict, ...begins };
  const rows = db.prepare('SELECT * FROM checkpoint WHERE seq >= ? ORDER BY seq').iterate(found?.seq ?? 0);
  const checkpoints = rows.map((row) => checkedRow(checkpointRow, row, () => damaged(file)));
  const hash = (seq: Seq) => (seq === found?.seq ? found.hash : hashAt(opened, seq));
  const known = { checkpoints, hashAt: hash, cut: found, witness: readWitness(file, signer), signer };
  const signed = verifyCheckpoints({ entries: verdict.entries, ...known });
  return signed.ok ? { ...signed, ...begins } : signed;
}
