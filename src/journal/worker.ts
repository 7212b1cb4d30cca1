/**
 * The thread that reads the journal for whoever asks from afar; reader.ts starts and ends it. Queries come in, entries
 * go out. It opens the file for reading alone, and again for each query, so that it reads the file that is there now.
 */
import { DatabaseSync } from 'node:sqlite';
import { workerData } from 'node:worker_threads';
import { answerRequests } from '../base/side-thread.ts';
import { checkedRow } from '../base/sqlite.ts';
import { selectAttempts } from './attempts.ts';
import { entryOf } from './chain.ts';
import { journalFault, rowDamaged } from './faults.ts';
import { selectPage } from './page.ts';
import type { Entry } from './port.ts';
import type { Look, Looked, ReaderData } from './reader.ts';
import { journalRow } from './schema.ts';
import { selectNewest } from './select.ts';

const { file, atMostMs } = workerData as ReaderData;
const budget = { atMostMs, now: () => performance.now() };

answerRequests((look: Look): Looked => {
  try {
    const db = new DatabaseSync(file, { readOnly: true, timeout: atMostMs });
    try {
      return looked(db, look);
    } finally {
      db.close();
    }
  } catch (error) {
    const { code, message } = journalFault(error, file);
    return { fault: { code, message } };
  }
});

function looked(db: DatabaseSync, look: Look): Looked {
  if (look.kind === 'attempts') return { attempts: selectAttempts(db, look, budget) };
  if (look.kind === 'page') {
    const { rows, marks, next } = selectPage(db, look.query, budget);
    return { page: { entries: rows.map(readRow), marks: marks.map(readRow), ...(next !== undefined && { next }) } };
  }
  const rows = selectNewest(db, look.query, budget);
  return { found: rows === 'too-long' ? rows : rows.map(readRow) };
}

function readRow(row: unknown): Entry {
  try {
    return entryOf(checkedRow(journalRow, row, () => rowDamaged(file, undefined)));
  } catch (error) {
    throw rowDamaged(file, undefined, error);
  }
}
