/**
 * Every SQL statement of the gallery, prepared once: an open database goes in, functions that give checked rows come
 * out, sealed as they lie in the file.
 */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { Fault } from '../../base/errors.ts';
import { Compile, Type } from '../../base/schema.ts';
import { blob, checkedRow, type RowCheck } from '../../base/sqlite.ts';
import type { PersonId } from '../../events.ts';
import type { EmbedderInfo, Embedding } from '../../face/port.ts';

const seal = Type.Union([blob, Type.Null()]);
const personRow = Compile(Type.Object({ id: Type.String(), details: blob, seal, pictures: Type.Integer() }));
const storedPicture = { pictureId: Type.Integer(), personId: Type.String(), mark: blob, details: blob, seal };
const pictureRow = Compile(Type.Object(storedPicture));
const imageRow = Compile(Type.Object({ ...storedPicture, picture: blob }));
const ownerRow = Compile(Type.Object({ id: Type.Integer(), personId: Type.String() }));
const templateRow = Compile(
  Type.Object({ pictureId: Type.Integer(), personId: Type.String(), mark: blob, embedder: Type.String(), vector: blob, seal }),
);
const countRow = Compile(Type.Object({ n: Type.Integer() }));
const allIds = Compile(Type.Object({ ids: Type.String() }));
const idList = Compile(Type.Array(Type.String()));
const personIdRow = Compile(Type.Object({ id: Type.String() }));
const idRow = Compile(Type.Object({ id: Type.Integer() }));

export type GalleryStatements = ReturnType<typeof galleryStatements>;

/** Reading throws Fault `gallery-damaged` where a row of `file` does not fit. */
export function galleryStatements(db: DatabaseSync, file: string) {
  const damaged = () => new Fault('gallery-damaged', `A row in the gallery ${file} cannot be used: restore a backup (facelatch restore)`);
  const read: Read = (text, check) => {
    const statement = db.prepare(text);
    // As a plain object: node:sqlite gives objects without a prototype.
    const checked = (row: object) => ({ ...checkedRow(check, row, damaged) });
    return {
      one: (...values) => {
        const row = statement.get(...values);
        return row && checked(row);
      },
      all: (...values) => statement.all(...values).map(checked),
      each: (...values) => statement.iterate(...values).map((row) => checkedRow(check, row, damaged)),
    };
  };
  return {
    ...peopleStatements(db, read),
    ...pictureStatements(db, read),
    ...templateStatements(db, read),
    ...changeStatements(read),
    /** The numbers of a template. */
    vector: (value: Uint8Array, embedder: EmbedderInfo) => vectorOf(value, embedder, file),
    damaged,
  };
}

type Read = <Row extends object>(
  sql: string,
  check: RowCheck<Row>,
) => {
  one(...values: SQLInputValue[]): Row | undefined;
  all(...values: SQLInputValue[]): Row[];
  each(...values: SQLInputValue[]): Iterable<Row>;
};

function peopleStatements(db: DatabaseSync, read: Read) {
  const person = 'SELECT id, details, seal, (SELECT count(*) FROM pictures WHERE person_id = people.id) AS pictures FROM people';
  const all = read(person, personRow);
  const byId = read(`${person} WHERE id = ?`, personRow);
  const byMark = read('SELECT id FROM people WHERE mark = ?', personIdRow);
  const byLook = read('SELECT id FROM people WHERE look = ?', personIdRow);
  const add = db.prepare('INSERT INTO people (id, mark, look, details, seal) VALUES (?, ?, ?, ?, ?)');
  const set = db.prepare('UPDATE people SET mark = ?, look = ?, details = ?, seal = ? WHERE id = ?');
  const setDetails = db.prepare('UPDATE people SET details = ?, seal = ? WHERE id = ?');
  const setSeal = db.prepare('UPDATE people SET seal = ? WHERE id = ?');
  const remove = db.prepare('DELETE FROM people WHERE id = ?');
  return {
    people: () => all.each(),
    person: (id: PersonId) => byId.one(id),
    /** Who has this very name. */
    idWithMark: (mark: Uint8Array) => byMark.one(mark)?.id,
    /** Whose name looks so. */
    idsWithLook: (look: Uint8Array) => byLook.all(look).map(({ id }) => id),
    addPerson: ({ id, mark, look, details, seal: of }: NewPersonRow) => void add.run(id, mark, look, details, of),
    setPerson: ({ id, mark, look, details, seal: of }: NewPersonRow) => void set.run(mark, look, details, of, id),
    setDetails: ({ id, details, seal: of }: Pick<NewPersonRow, 'id' | 'details' | 'seal'>) => void setDetails.run(details, of, id),
    setPersonSeal: (id: PersonId, value: Uint8Array) => setSeal.run(value, id),
    remove: (id: PersonId) => remove.run(id).changes > 0,
  };
}

interface NewPersonRow {
  readonly id: PersonId;
  readonly mark: Uint8Array;
  readonly look: Uint8Array;
  readonly details: Uint8Array;
  readonly seal: Uint8Array | null;
}

function pictureStatements(db: DatabaseSync, read: Read) {
  const columns = 'id AS pictureId, person_id AS personId, mark, details, seal';
  const all = read(`SELECT ${columns} FROM pictures`, pictureRow);
  const ofPerson = read(`SELECT ${columns} FROM pictures WHERE person_id = ? ORDER BY id`, pictureRow);
  const image = read(`SELECT ${columns}, picture FROM pictures WHERE id = ?`, imageRow);
  const byMark = read('SELECT id, person_id AS personId FROM pictures WHERE mark = ?', ownerRow);
  const remove = db.prepare('DELETE FROM pictures WHERE id = ?');
  const add = db.prepare('INSERT INTO pictures (person_id, mark, details, picture, seal) VALUES (?, ?, ?, ?, ?)');
  const setImage = db.prepare('UPDATE pictures SET picture = ? WHERE id = ?');
  const setSeal = db.prepare('UPDATE pictures SET seal = ? WHERE id = ?');
  return {
    pictures: () => all.each(),
    /** Oldest first. */
    picturesOf: (id: PersonId) => ofPerson.all(id),
    /** With the picture itself. */
    image: (pictureId: number) => image.one(pictureId),
    pictureWithMark: (mark: Uint8Array) => byMark.one(mark),
    addPicture: (row: { personId: PersonId; mark: Uint8Array; details: Uint8Array; picture: Uint8Array; seal: Uint8Array | null }) =>
      Number(add.run(row.personId, row.mark, row.details, row.picture, row.seal).lastInsertRowid),
    setImage: (pictureId: number, value: Uint8Array) => setImage.run(value, pictureId),
    setPictureSeal: (pictureId: number, value: Uint8Array) => setSeal.run(value, pictureId),
    removePicture: (pictureId: number) => remove.run(pictureId),
  };
}

function templateStatements(db: DatabaseSync, read: Read) {
  const isStale = 'NOT EXISTS (SELECT 1 FROM templates WHERE picture_id = pictures.id AND embedder = ?)';
  // Stores nothing where the picture is gone: there is never a template without its picture.
  const set = db.prepare(
    'INSERT OR REPLACE INTO templates (picture_id, embedder, vector, seal) SELECT id, ?, ?, ? FROM pictures WHERE id = ?',
  );
  const all = read(storedTemplates, templateRow);
  const ofPerson = read(`${storedTemplates} WHERE person_id = ? AND embedder = ? ORDER BY picture_id`, templateRow);
  const setSeal = db.prepare('UPDATE templates SET seal = ? WHERE picture_id = ? AND embedder = ?');
  const keep = db.prepare('DELETE FROM templates WHERE embedder NOT IN (SELECT value FROM json_each(?))');
  const stale = read(`SELECT count(*) AS n FROM pictures WHERE person_id = ? AND ${isStale}`, countRow);
  // The first picture of everybody, then the second: nobody waits for all pictures of the others.
  const nth = 'row_number() OVER (PARTITION BY person_id ORDER BY id)';
  const stalePictures = read(`SELECT id FROM pictures WHERE ${isStale} ORDER BY ${nth}, id`, idRow);
  return {
    /** False where the picture is gone. */
    setTemplate: (pictureId: number, embedder: string, vector: Uint8Array, sealed: Uint8Array | null) =>
      set.run(embedder, vector, sealed, pictureId).changes > 0,
    keepTemplates: (embedders: readonly string[]) => Number(keep.run(JSON.stringify(embedders)).changes),
    /** Whether a picture of the person lacks a template. */
    isStale: (id: PersonId, embedder: string) => (stale.one(id, embedder)?.n ?? 0) > 0,
    stalePictures: (embedder: string) => stalePictures.all(embedder).map(({ id }) => id),
    templates: () => all.each(),
    templatesOf: (id: PersonId, embedder: string) => ofPerson.all(id, embedder),
    setTemplateSeal: (pictureId: number, embedder: string, value: Uint8Array) => setSeal.run(value, pictureId, embedder),
  };
}

/** Who changed, and in which order: database.ts says how it is kept. */
function changeStatements(read: Read) {
  // In one row: a thousand of them take a millisecond.
  const ids = read('SELECT json_group_array(id) AS ids FROM people', allIds);
  const last = read('SELECT ifnull(max(revision), 0) AS n FROM change_log', countRow);
  const after = read('SELECT person_id AS id FROM change_log WHERE revision > ? ORDER BY revision DESC', personIdRow);
  return {
    ids: (): PersonId[] => idList.Parse(JSON.parse(ids.one()?.ids ?? '[]')),
    revision: () => last.one()?.n ?? 0,
    /** The last one first. */
    changedAfter: (revision: number) => after.all(revision).map(({ id }) => id),
  };
}

const storedTemplates =
  'SELECT picture_id AS pictureId, person_id AS personId, mark, embedder, vector, templates.seal AS seal FROM templates JOIN pictures ON pictures.id = picture_id';

function vectorOf(value: Uint8Array, embedder: EmbedderInfo, file: string): Embedding {
  if (value.length === 4 * embedder.dimension) return new Float32Array(new Uint8Array(value).buffer);
  throw new Fault('gallery-damaged', `A template in the gallery ${file} has the wrong length: restore a backup (facelatch restore)`);
}
