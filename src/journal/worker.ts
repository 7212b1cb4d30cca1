/**
 * The thread that reads the journal for whoever asks from afar; reader.ts starts and ends it. Queries come in, entries
 * go out. It opens the file for reading alone, and again for each query, so that it reads the file that is there now.
 */
import { DatabaseSync } from 'node:sqlite';
import { workerData } from 'node:worker_threads';
import { answerRequests } from '../base/side-thread.ts';
import { checkedRow } from '../base/sqlite.ts';
import { entryOf } from './chain.ts';
import { journalFault, rowDamaged } from './faults.ts';
import type { Entry } from './port.ts';
import type { Look, Looked, ReaderData } from './reader.ts';
import { journalRow } from './schema.ts';
import { selectNewest } from './select.ts';

const { file, atMostMs } = workerData as ReaderData;

answerRequests(({ query }: Look): Looked => {
  try {
    const db = new DatabaseSync(file, { readOnly: true, timeout: atMostMs });
    try {
      const rows = selectNewest(db, query, { atMostMs, now: () => performance.now() });
      return { found: rows === 'too-long' ? rows : rows.map(readRow) };
    } finally {
      db.close();
    }
  } catch (error) {
    const { code, message } = journalFault(error, file);
    return { fault: { code, message } };
  }
});

function readRow(row: unknown): Entry {
  try {
    return entryOf(checkedRow(journalRow, row, () => rowDamaged(file, undefined)));
  } catch (error) {
    throw rowDamaged(file, undefined, error);
  }
}
