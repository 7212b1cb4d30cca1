/**
 * What the journal of a door that stands still says of removals. Its file goes in; the people who were removed, as rows
 * name them, and its notes come out. Read without a key, and without changing the file.
 */
import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Compile, Type } from '../base/schema.ts';
import { checkedRow } from '../base/sqlite.ts';
import type { PersonId } from '../events.ts';
import { damaged } from './faults.ts';
import { journalGuarded } from './opened.ts';

const personForm = Compile(Type.Object({ person: Type.String() }));
const namedForm = Compile(Type.Object({ name: Type.String(), value: Type.String() }));

export interface JournalledRemovals {
  /** Rows hold the id itself: without the key, which is destroyed by then, there is no pseudonym. */
  readonly people: readonly PersonId[];
  readonly notes: ReadonlyMap<string, string>;
}

/** Throws Faults `journal-damaged`, `journal-down`. */
export function removalsIn(file: string): JournalledRemovals {
  if (!existsSync(file)) return { people: [], notes: new Map() };
  return journalGuarded(file, () => {
    const db = new DatabaseSync(file, { readOnly: true, timeout: 5000 });
    try {
      const people = db
        .prepare("SELECT DISTINCT person FROM journal WHERE kind IN ('person.removed', 'person.shredded') AND person IS NOT NULL")
        .all()
        .map((row) => checkedRow(personForm, row, () => damaged(file)).person);
      const notes = db.prepare('SELECT name, value FROM note').all();
      return {
        people,
        notes: new Map(notes.map((row) => checkedRow(namedForm, row, () => damaged(file))).map(({ name, value }) => [name, value])),
      };
    } finally {
      db.close();
    }
  });
}
