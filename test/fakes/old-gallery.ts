/** Galleries of earlier versions, as they lie on somebody's disk: everything in them is plain. */
import { createHash } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { NewPerson } from '../../src/identity/port.ts';

export type OldFormat = 1 | 2 | 3 | 4 | 5;
export const oldFormats: readonly OldFormat[] = [1, 2, 3, 4, 5];

const tables = (format: OldFormat): string => {
  const seal = format >= 4 ? ', seal BLOB' : '';
  return `
    CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, enrolled_at TEXT NOT NULL
      ${format >= 2 ? `, rules TEXT NOT NULL DEFAULT '{}'` : ''}${seal}) STRICT;
    CREATE TABLE pictures (id INTEGER PRIMARY KEY AUTOINCREMENT, person_id TEXT NOT NULL REFERENCES people ON DELETE CASCADE,
      source TEXT NOT NULL, added_at TEXT NOT NULL, sha256 TEXT NOT NULL UNIQUE, picture BLOB NOT NULL${seal}) STRICT;
    CREATE INDEX pictures_of_person ON pictures (person_id);
    ${
      format < 3
        ? 'CREATE TABLE templates (picture_id INTEGER PRIMARY KEY REFERENCES pictures ON DELETE CASCADE, embedder TEXT NOT NULL, vector BLOB NOT NULL) STRICT;'
        : `CREATE TABLE templates (picture_id INTEGER NOT NULL REFERENCES pictures ON DELETE CASCADE, embedder TEXT NOT NULL,
            vector BLOB NOT NULL${seal}, PRIMARY KEY (picture_id, embedder)) STRICT;`
    }
    ${format >= 5 ? `CREATE TABLE change_log (revision INTEGER PRIMARY KEY AUTOINCREMENT, person_id TEXT NOT NULL UNIQUE) STRICT; ${oldTriggers}` : ''}
    PRAGMA application_id = ${0x464c4759}; PRAGMA user_version = ${format}`;
};

const oldTriggers = (
  [
    ['people', 'id'],
    ['pictures', 'person_id'],
  ] as const
)
  .map(
    ([table, column]) => `CREATE TRIGGER ${table}_insert AFTER INSERT ON ${table} BEGIN
      DELETE FROM change_log WHERE person_id = new.${column}; INSERT INTO change_log (person_id) SELECT new.${column}; END;`,
  )
  .join('\n');

/** Their ids are `old-0`, `old-1` …; rules (JSON) where the format has them. */
export function writeOldGallery(
  file: string,
  format: OldFormat,
  { people, embedder, rules = '{}' }: { readonly people: readonly NewPerson[]; readonly embedder: string; readonly rules?: string },
): void {
  mkdirSync(dirname(file), { recursive: true });
  using db = new DatabaseSync(file);
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA secure_delete = ON; ${tables(format)}; BEGIN`);
  for (const [i, { name, pictures }] of people.entries()) {
    db.prepare('INSERT INTO people (id, name, enrolled_at) VALUES (?, ?, ?)').run(`old-${i}`, name, '2026-01-02T03:04:05.000Z');
    if (format >= 2) db.prepare('UPDATE people SET rules = ?').run(rules);
    for (const { picture, template, source } of pictures) {
      const sha256 = createHash('sha256').update(picture).digest('hex');
      const { lastInsertRowid } = db
        .prepare('INSERT INTO pictures (person_id, source, added_at, sha256, picture) VALUES (?, ?, ?, ?, ?)')
        .run(`old-${i}`, source, '2026-01-02T03:04:05.000Z', sha256, picture);
      const vector = new Uint8Array(template.buffer, template.byteOffset, template.byteLength);
      db.prepare('INSERT INTO templates (picture_id, embedder, vector) VALUES (?, ?, ?)').run(lastInsertRowid, embedder, vector);
    }
  }
  db.exec('COMMIT');
}
