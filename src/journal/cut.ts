/**
 * Where the journal begins once its oldest rows were removed: an open database goes in; the signed place, and what may
 * be removed next, come out. sqlite.ts writes the place together with its entry.
 */
import type { DatabaseSync } from 'node:sqlite';
import { Compile, Type } from '../base/schema.ts';
import { checkedRow, transact } from '../base/sqlite.ts';
import { checkpointRow } from './checkpoint.ts';
import { damaged } from './faults.ts';
import type { Journal, JournalCut, Seq } from './port.ts';

const cutRow = Compile(
  Type.Object({ seq: Type.Integer(), hash: Type.String(), at: Type.String(), kid: Type.String(), signature: Type.String() }),
);
const placeRow = Compile(Type.Object({ seq: Type.Integer(), at: Type.String() }));
const behindRow = Compile(Type.Object({ seq: Type.Union([Type.Integer(), Type.Null()]) }));

/** SQL: the row is not one that was removed and is still to be overwritten. The plus keeps the choice of the index. */
export const notRemoved = '+seq > ifnull((SELECT seq FROM cut), 0)';

/** One cut removes the rows of at most this many checkpoints: what has grown for years goes step by step. */
const mostPlaces = 64;

export type CutStatements = ReturnType<typeof cutStatements>;

export function cutStatements(db: DatabaseSync) {
  return {
    db,
    cut: db.prepare('SELECT seq, hash, at, kid, signature FROM cut'),
    set: db.prepare('INSERT OR REPLACE INTO cut (one, seq, hash, at, kid, signature) VALUES (1, ?, ?, ?, ?, ?)'),
    // Not the last row: the journal is never empty.
    places: db.prepare(
      `SELECT seq, at FROM checkpoint JOIN journal USING (seq, hash) WHERE seq > ? AND seq < (SELECT seq FROM head) ORDER BY seq LIMIT ${mostPlaces}`,
    ),
    place: db.prepare('SELECT seq, hash, kid, signature FROM checkpoint WHERE seq = ?'),
    behind: db.prepare('SELECT min(seq) AS seq FROM cursor WHERE seq < ?'),
    clear: db.prepare('DELETE FROM journal WHERE seq IN (SELECT seq FROM journal WHERE seq <= (SELECT seq FROM cut) ORDER BY seq LIMIT ?)'),
    clearPlaces: db.prepare('DELETE FROM checkpoint WHERE seq < (SELECT seq FROM cut)'),
  };
}

export function readCut({ cut }: CutStatements, file: string): JournalCut | undefined {
  const row = cut.get();
  return row && { ...checkedRow(cutRow, row, () => damaged(file)) };
}

/** The checkpoint at which the journal is to be cut. */
export function placeAt({ place }: CutStatements, seq: Seq, file: string) {
  return checkedRow(checkpointRow, place.get(seq), () => damaged(file, new Error(`no checkpoint at row ${seq}`)));
}

/** The place of the consumer that has read least, where it lies before `seq`. */
export function behind({ behind: statement }: CutStatements, seq: Seq, file: string): Seq | undefined {
  return checkedRow(behindRow, statement.get(seq), () => damaged(file)).seq ?? undefined;
}

/**
 * The order of the rows tells their age; their times only where they can be true. A row that claims to be younger than
 * `now` says nothing, and the first one that may still be kept ends the search. Cheap: it looks at checkpoints alone.
 */
export function oldUpTo(
  sql: CutStatements,
  file: string,
  { before, now, written }: { readonly before: string; readonly now: string; readonly written: Parameters<Journal['oldUpTo']>[2] },
): Seq | undefined {
  let found: Seq | undefined;
  for (const row of sql.places.iterate(readCut(sql, file)?.seq ?? 0)) {
    const place = checkedRow(placeRow, row, () => damaged(file));
    const { seq } = place;
    const at = written?.(place) ?? place.at;
    if (at >= before && at <= now) break;
    if (at < before) found = seq;
  }
  return found;
}

/** Not synced: what comes back after a power cut is removed the next time. */
export function clearRows(sql: CutStatements, atMost: number): number {
  const { db } = sql;
  db.exec('PRAGMA synchronous = NORMAL');
  try {
    return transact(db, () => {
      const cleared = Number(sql.clear.run(atMost).changes);
      if (cleared < atMost) sql.clearPlaces.run();
      return cleared;
    });
  } finally {
    db.exec('PRAGMA synchronous = FULL');
  }
}
