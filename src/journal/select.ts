/**
 * The journal as somebody reads it who must not take long: a database opened for reading and a query go in; the newest
 * rows that fit, or `too-long`, come out. It walks from the newest row back along the index that fits best, and stops
 * when it has enough or when its time is over.
 */
import type { DatabaseSync } from 'node:sqlite';
import { notRemoved } from './cut.ts';
import { instant } from './instant.ts';
import type { Query } from './port.ts';
import type { Budget, Condition } from './walk.ts';

/** `persons`: what may stand in rows for the person who is asked for. */
export interface StoredQuery extends Omit<Query, 'personId'> {
  readonly limit: number;
  readonly persons?: readonly string[];
}

/** So many rows in a span of time are looked through faster than any other index is walked. */
const fewRows = 2000;
/** The clock is looked at once for so many rows. */
const rowsPerLook = 64;

class OutOfTime extends Error {}

/** Rows as SQLite gives them, in rising order. */
export function selectNewest(db: DatabaseSync, query: StoredQuery, { atMostMs, now }: Budget): readonly unknown[] | 'too-long' {
  const endMs = now() + atMostMs;
  db.function('in_time', { deterministic: false }, () => {
    if (now() > endMs) throw new OutOfTime();
    return 1;
  });
  try {
    const span = spanOf(query);
    const seqs = seqsOf(query);
    if (span.length > 0 && isShort(db, span))
      return rowsOf(db, 'INDEXED BY journal_at', [...span, ...seqs, ...othersOf(query)], query.limit);
    // One walk for each text that stands for the person, or for each kind: a walk along several at once would have to
    // sort all of their rows.
    const walks = (index: string, column: string, values: readonly string[], rest: readonly Condition[]) =>
      values
        .flatMap((value) => rowsOf(db, index, [{ sql: `${column} = ?`, values: [value] }, ...seqs, ...span, ...rest], query.limit))
        .toSorted((a, b) => seqOf(a) - seqOf(b))
        .slice(-query.limit);
    if (query.persons) return walks('INDEXED BY journal_person', 'person', query.persons, kindsOf(query));
    if (!query.kinds) return rowsOf(db, 'NOT INDEXED', [...seqs, ...span], query.limit);
    return walks('INDEXED BY journal_kind', 'kind', [...new Set(query.kinds)], []);
  } catch (error) {
    if (error instanceof OutOfTime) return 'too-long';
    throw error;
  }
}

function rowsOf(db: DatabaseSync, index: string, conditions: readonly Condition[], limit: number): readonly unknown[] {
  const timely = { sql: `(seq % ${rowsPerLook} <> 0 OR in_time())`, values: [] };
  const all = [timely, { sql: notRemoved, values: [] }, ...conditions];
  const where = all.map(({ sql }) => sql).join(' AND ');
  const statement = db.prepare(`SELECT * FROM journal ${index} WHERE ${where} ORDER BY seq DESC LIMIT ?`);
  return statement.all(...all.flatMap(({ values }) => values), limit).reverse();
}

/** Whether few rows lie in the span; counts no further. */
function isShort(db: DatabaseSync, span: readonly Condition[]): boolean {
  const where = span.map(({ sql }) => sql).join(' AND ');
  const values = span.flatMap((condition) => condition.values);
  const found = db.prepare(`SELECT count(*) AS n FROM (SELECT 1 FROM journal WHERE ${where} LIMIT ${fewRows + 1})`).get(...values);
  return Number(found?.n) <= fewRows;
}

const spanOf = ({ since, until }: StoredQuery): Condition[] => [
  ...(since === undefined ? [] : [{ sql: 'at >= ?', values: [instant(since, 'since')] }]),
  ...(until === undefined ? [] : [{ sql: 'at <= ?', values: [instant(until, 'until')] }]),
];
const seqsOf = ({ after, upTo }: StoredQuery): Condition[] => [
  ...(after === undefined ? [] : [{ sql: 'seq > ?', values: [after] }]),
  ...(upTo === undefined ? [] : [{ sql: 'seq <= ?', values: [upTo] }]),
];
const oneOf = (column: string, values: readonly string[] | undefined): Condition[] =>
  values ? [{ sql: `${column} IN (${values.map(() => '?').join(', ')})`, values }] : [];
const kindsOf = ({ kinds }: StoredQuery): Condition[] => oneOf('kind', kinds);
const othersOf = (query: StoredQuery): Condition[] => [...oneOf('person', query.persons), ...kindsOf(query)];

const seqOf = (row: unknown): number => (typeof row === 'object' && row !== null && 'seq' in row ? Number(row.seq) : 0);
