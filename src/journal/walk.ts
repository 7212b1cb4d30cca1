/**
 * One walk over the journal: from the newest row back along an index, until there are enough rows or the time is over.
 * A database opened for reading and conditions go in; rows, and how far it came, come out.
 */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { notRemoved } from './cut.ts';

export interface Budget {
  /** Milliseconds. */
  readonly atMostMs: number;
  readonly now: () => number;
}

export interface Condition {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
}

export interface Walk {
  /** As SQLite names it: `INDEXED BY …`, `NOT INDEXED`. */
  readonly index: string;
  readonly conditions: readonly Condition[];
}

export interface Walked<Row> {
  /** Newest first. */
  readonly rows: readonly Row[];
  /** Every row from this seq on was looked at; 0: all of them. */
  readonly from: number;
}

export interface Walker {
  /** `columns`: what to select besides `seq`. `endMs`: when its time is over. */
  walk<Row>(
    walk: Walk,
    how: { readonly columns: string; readonly limit: number; readonly endMs: number },
  ): Walked<Row & { readonly seq: number }>;
}

/** The clock is looked at in one of 64 rows, scattered by seq: rows of one kind may come in a fixed rhythm. */
const isLook = '(((seq * 40503) >> 8) & 63) = 0';

class OutOfTime extends Error {}

interface State {
  endMs: number;
  /** Looks at the clock in this walk: the first one never ends it, so that each walk comes further than the last. */
  looks: number;
  at: number;
}

/** `now`: milliseconds. */
export function walkerOf(db: DatabaseSync, now: () => number): Walker {
  const state: State = { endMs: 0, looks: 0, at: 0 };
  db.function('walk_on', { deterministic: false }, (seq) => {
    if (state.looks++ > 0 && now() > state.endMs) {
      state.at = Number(seq);
      throw new OutOfTime();
    }
    return 1;
  });
  return {
    walk: ({ index, conditions }, { columns, limit, endMs }) => {
      Object.assign(state, { endMs, looks: 0 });
      const timely = { sql: `(NOT (${isLook}) OR walk_on(seq))`, values: [] };
      const all = [timely, { sql: notRemoved, values: [] }, ...conditions];
      const where = all.map(({ sql }) => sql).join(' AND ');
      const statement = db.prepare(`SELECT seq, ${columns} FROM journal ${index} WHERE ${where} ORDER BY seq DESC LIMIT ?`);
      // biome-ignore lint/suspicious/noExplicitAny: rows as SQLite gives them; whoever asks checks them
      const rows: any[] = [];
      try {
        for (const row of statement.iterate(...all.flatMap(({ values }) => values), limit)) rows.push(row);
      } catch (error) {
        if (!(error instanceof OutOfTime)) throw error;
        return { rows, from: state.at + 1 };
      }
      return { rows, from: rows.length < limit ? 0 : Number(rows.at(-1)?.seq) };
    },
  };
}
