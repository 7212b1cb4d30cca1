/**
 * How alike the visitors of a door were, from its journal: a database opened for reading goes in; the likeness of those
 * who were let in and of strangers comes out. It ends in time with what it has.
 */
import type { DatabaseSync } from 'node:sqlite';
import { spanOf } from './page.ts';
import type { AttemptScores, Seq } from './port.ts';
import { type Budget, walkerOf } from './walk.ts';

/** In one answer. */
const mostRows = 20_000;

interface Attempt {
  readonly seq: Seq;
  readonly logit: unknown;
}

/** Those whom the door knew and did not let in for another reason (their hours, a PIN) say nothing of likeness. */
export function selectAttempts(
  db: DatabaseSync,
  { since, before }: { readonly since: string; readonly before?: Seq },
  { atMostMs, now }: Budget,
): AttemptScores {
  const endMs = now() + atMostMs;
  const walker = walkerOf(db, now);
  const span = [...spanOf(db, { since }), ...(before === undefined ? [] : [{ sql: 'seq < ?', values: [before] }])];
  const columns = "iif(json_valid(event), json_extract(event, '$.likeness.logit'), NULL) AS logit";
  const walked = (kind: string, more: string, end: number) =>
    walker.walk<Attempt>(
      { index: 'INDEXED BY journal_kind', conditions: [{ sql: `kind = '${kind}'${more}`, values: [] }, ...span] },
      { columns, limit: mostRows, endMs: end },
    );
  const granted = walked('access.granted', '', endMs - atMostMs / 2);
  const strangers = walked('access.denied', ` AND instr(event, '"reason":"unknown"') > 0`, endMs);
  const from = Math.max(granted.from, strangers.from);
  const logits = (rows: readonly Attempt[]) => rows.flatMap(({ seq, logit }) => (seq >= from && typeof logit === 'number' ? [logit] : []));
  return { granted: logits(granted.rows), strangers: logits(strangers.rows), ...(from > 0 && { from }) };
}
