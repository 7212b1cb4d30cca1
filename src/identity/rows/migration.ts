/**
 * Plain rows of a gallery of format 5 go in; the same rows, sealed, stand in the tables of format 6 beside them. It
 * vouches for nothing: a row keeps the seal of the door that it had, or has none. Rows of people who were removed stay
 * behind.
 */
import type { DatabaseSync } from 'node:sqlite';
import { Fault } from '../../base/errors.ts';
import { Compile, Type } from '../../base/schema.ts';
import { blob, checkedRow, type RowCheck } from '../../base/sqlite.ts';
import type { Vault } from '../../vault/port.ts';
import { nameMarks, personAtRest, pictureAtRest, pictureMark, removedPeople, templateAtRest } from './at-rest.ts';

const seal = Type.Union([blob, Type.Null()]);
const text = Type.String();
const personForm = Compile(Type.Object({ id: text, name: text, enrolledAt: text, rules: text, seal }));
const pictureForm = Compile(
  Type.Object({ id: Type.Integer(), personId: text, source: text, addedAt: text, sha256: text, picture: blob, seal }),
);
const templateForm = Compile(Type.Object({ embedder: text, vector: blob, seal }));

/** Throws Fault `gallery-damaged`, and those of the vault. */
export function sealRowsInto6(db: DatabaseSync, vault: Vault): void {
  const removed = removedPeople(vault);
  const addPerson = db.prepare('INSERT INTO people_6 (id, mark, look, details, seal) VALUES (?, ?, ?, ?, ?)');
  for (const row of db.prepare('SELECT id, name, enrolled_at AS enrolledAt, rules, seal FROM people').all()) {
    const { seal: old, ...person } = checked(personForm, row);
    if (removed.has(person.id)) continue;
    const { mark, look } = nameMarks(vault, person.name);
    addPerson.run(person.id, mark, look, personAtRest(vault, person), old);
  }
  // A picture at a time: all of them may be larger than the memory.
  const pictures = db.prepare('SELECT pictures.id FROM pictures JOIN people_6 ON people_6.id = person_id ORDER BY pictures.id');
  for (const { id } of pictures.all()) sealPicture(db, vault, Number(id));
}

function sealPicture(db: DatabaseSync, vault: Vault, pictureId: number): void {
  const plain = db.prepare(
    'SELECT id, person_id AS personId, source, added_at AS addedAt, sha256, picture, seal FROM pictures WHERE id = ?',
  );
  const { id, picture, seal: old, ...row } = checked(pictureForm, plain.get(pictureId));
  // Not one of ours: it could not be sealed together with its templates.
  if (!/^[0-9a-f]{64}$/.test(row.sha256)) return;
  const mark = pictureMark(vault, row.sha256);
  const { details, picture: sealed } = pictureAtRest(vault, mark, row, picture);
  db.prepare('INSERT INTO pictures_6 (id, person_id, mark, details, picture, seal) VALUES (?, ?, ?, ?, ?, ?)').run(
    ...[id, row.personId, mark, details, sealed, old],
  );
  for (const one of db.prepare('SELECT embedder, vector, seal FROM templates WHERE picture_id = ?').all(id)) {
    const { embedder, vector, seal: its } = checked(templateForm, one);
    const { personId, sha256 } = row;
    const value = templateAtRest(vault, { personId, sha256, embedder, vector }, mark);
    db.prepare('INSERT INTO templates_6 (picture_id, embedder, vector, seal) VALUES (?, ?, ?, ?)').run(id, embedder, value, its);
  }
}

function checked<Row extends object>(check: RowCheck<Row>, row: unknown): Row {
  return checkedRow(
    check,
    row,
    () => new Fault('gallery-damaged', 'A row in the gallery cannot be sealed: restore a backup (facelatch restore)'),
  );
}
