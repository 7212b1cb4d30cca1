/** Databases that nobody writes to, such as copies: a file in; opened without a trace, or what is wrong out. */
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { messageOf } from '../../base/errors.ts';

function openStill(file: string): DatabaseSync {
  const url = pathToFileURL(file);
  url.search = 'immutable=1'; // https://www.sqlite.org/uri.html
  return new DatabaseSync(url, { readOnly: true });
}

/** What SQLite finds wrong with it; undefined where it is whole. */
export function problemOf(file: string): string | undefined {
  const db = openStill(file);
  try {
    const [row] = db.prepare('PRAGMA quick_check(1)').all();
    const found = String(row?.quick_check);
    return found === 'ok' ? undefined : found;
  } catch (error) {
    return messageOf(error);
  } finally {
    db.close();
  }
}
