/**
 * A page of a timeline: a database opened for reading and what is wanted go in; the newest entries that fit, and what
 * people said of them, come out. It walks each index that is needed from the newest row back, and ends in time with
 * what it has: whoever asks goes on from there. So no page takes long, however rare the entries are.
 */
import type { DatabaseSync } from 'node:sqlite';
import { instant } from './instant.ts';
import type { PageQuery, Seq } from './port.ts';
import { type Budget, type Condition, type Walk, walkerOf } from './walk.ts';

/** `persons`: what may stand in rows for the person who is asked for. */
export interface StoredPage extends Omit<PageQuery, 'personId'> {
  readonly persons?: readonly string[];
}

export interface SelectedPage {
  /** As SQLite gives them, newest first. */
  readonly rows: readonly unknown[];
  readonly marks: readonly unknown[];
  readonly next?: Seq;
}

/** A clock that jumped leaves rows out of the order of their times: so many, around each end of a span, are found. */
const outOfOrder = 2000;
/** Marks that are looked through for those of one page; people make them one by one. */
const mostMarks = 5000;
const columns = 'id, at, kind, person, event, prev, hash';

interface Found {
  readonly seq: Seq;
}

export function selectPage(db: DatabaseSync, query: StoredPage, { atMostMs, now }: Budget): SelectedPage {
  const startMs = now();
  const walker = walkerOf(db, now);
  const bounds = [...seqsOf(query), ...spanOf(db, query)];
  const walks = walksOf(query, bounds);
  const walked = walks.map((walk, n) =>
    walker.walk<Found>(walk, { columns, limit: query.limit, endMs: startMs + (atMostMs * (n + 1)) / walks.length }),
  );
  // Below this seq some walk has not looked yet.
  const from = Math.max(...walked.map((each) => each.from));
  const all = walked.flatMap(({ rows }) => rows.filter(({ seq }) => seq >= from)).toSorted((a, b) => b.seq - a.seq);
  const rows = all.slice(0, query.limit);
  const last = rows.at(-1)?.seq;
  const next = all.length > rows.length ? last : from > 0 ? from : undefined;
  const marks =
    last === undefined
      ? []
      : marksOf(
          db,
          rows.map(({ seq }) => seq),
        );
  return { rows, marks, ...(next !== undefined && { next }) };
}

function walksOf({ persons, kinds, reasons }: StoredPage, bounds: readonly Condition[]): readonly Walk[] {
  const denied = (rest: readonly Condition[]): Walk => ({
    index: 'INDEXED BY journal_kind',
    conditions: [{ sql: "kind = 'access.denied'", values: [] }, ...bounds, ...rest, ...reasonsOf(reasons)],
  });
  const withDenied = !kinds || kinds.includes('access.denied');
  if (persons)
    return [
      ...persons.map((person) => ({
        index: 'INDEXED BY journal_person',
        conditions: [{ sql: 'person = ?', values: [person] }, ...bounds, ...oneOf('kind', kinds)],
      })),
      ...(withDenied ? [denied([bestOf(persons)])] : []),
    ];
  if (!kinds) return [{ index: 'NOT INDEXED', conditions: bounds }];
  return [...new Set(kinds)].map((kind) =>
    kind === 'access.denied'
      ? denied([])
      : { index: 'INDEXED BY journal_kind', conditions: [{ sql: 'kind = ?', values: [kind] }, ...bounds] },
  );
}

/** The text of an event is as JSON.stringify made it: inside of a text, quotation marks are escaped. */
const field = (name: string, value: string): string => `"${name}":${JSON.stringify(value)}`;
const anyIn = (texts: readonly string[]): Condition => ({
  sql: `(${texts.map(() => 'instr(event, ?) > 0').join(' OR ') || '0'})`,
  values: texts,
});
const bestOf = (persons: readonly string[]): Condition => anyIn(persons.map((person) => field('bestPersonId', person)));
const reasonsOf = (reasons: PageQuery['reasons']): Condition[] => (reasons ? [anyIn(reasons.map((each) => field('reason', each)))] : []);
const oneOf = (column: string, values: readonly string[] | undefined): Condition[] =>
  values ? [{ sql: `${column} IN (${values.map(() => '?').join(', ')})`, values }] : [];

const seqsOf = ({ before, after }: StoredPage): Condition[] => [
  ...(before === undefined ? [] : [{ sql: 'seq < ?', values: [before] }]),
  ...(after === undefined ? [] : [{ sql: 'seq > ?', values: [after] }]),
];

/** A span of time, and the seqs between which its rows lie: without them a walk would begin at the newest row. */
export function spanOf(db: DatabaseSync, { since, until }: Pick<PageQuery, 'since' | 'until'>): Condition[] {
  const end = (bound: 'min' | 'max', compared: '>=' | '<=', order: 'ASC' | 'DESC', at: string): number => {
    const rows = `SELECT seq FROM journal INDEXED BY journal_at WHERE at ${compared} ? ORDER BY at ${order} LIMIT ${outOfOrder}`;
    const found = db.prepare(`SELECT ${bound}(seq) AS seq FROM (${rows})`).get(at)?.seq;
    return typeof found === 'number' ? found : bound === 'min' ? Number.MAX_SAFE_INTEGER : 0;
  };
  const [from, to] = [since && instant(since, 'since'), until && instant(until, 'until')];
  return [
    ...(from ? [{ sql: 'at >= ? AND seq >= ?', values: [from, end('min', '>=', 'ASC', from)] }] : []),
    ...(to ? [{ sql: 'at <= ? AND seq <= ?', values: [to, end('max', '<=', 'DESC', to)] }] : []),
  ];
}

/** The last mark of each of these entries. */
function marksOf(db: DatabaseSync, seqs: readonly Seq[]): readonly unknown[] {
  const wanted = new Set(seqs);
  const found = new Map<Seq, unknown>();
  const select = `SELECT seq, ${columns} FROM journal INDEXED BY journal_kind WHERE kind = 'entry.marked' AND seq > ? ORDER BY seq DESC LIMIT ?`;
  for (const row of db.prepare(select).iterate(Math.min(...seqs), mostMarks)) {
    const marked = Number(/"markedSeq":(\d+)/.exec(String(row.event))?.[1]);
    if (wanted.has(marked) && !found.has(marked)) found.set(marked, row);
  }
  return [...found.values()];
}
