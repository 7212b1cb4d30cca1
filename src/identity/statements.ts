/**
 * Every SQL statement of the gallery, prepared once: an open database goes in, functions that give checked rows come
 * out.
 */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { Fault } from '../base/errors.ts';
import { parseJson } from '../base/jws.ts';
import { checkedRow, type RowCheck } from '../base/sqlite.ts';
import type { PersonId } from '../events.ts';
import type { EmbedderInfo, Embedding } from '../face/port.ts';
import type { PersonRules } from './port.ts';

const bytes = Type.Refine(Type.Unsafe<Uint8Array>({}), (value) => value instanceof Uint8Array);
const personRow = Compile(Type.Object({ id: Type.String(), name: Type.String(), enrolledAt: Type.String(), pictures: Type.Integer() }));
const rulesOfPerson = Compile(
  Type.Partial(
    Type.Object({
      enabled: Type.Boolean(),
      schedule: Type.String(),
      validFrom: Type.String(),
      validUntil: Type.String(),
      uses: Type.Number(),
      usesAfter: Type.Number(),
      usesSince: Type.String(),
      groups: Type.Array(Type.String()),
      pin: Type.String(),
      pinOpens: Type.Boolean(),
      pinNeeded: Type.Boolean(),
    }),
  ),
);
const pictureRow = Compile(Type.Object({ id: Type.String(), picture: bytes, source: Type.String(), addedAt: Type.String() }));
const imageRow = Compile(Type.Object({ personId: Type.String(), source: Type.String(), picture: bytes }));
const ownerRow = Compile(Type.Object({ id: Type.Integer(), personId: Type.String() }));
const seal = Type.Union([bytes, Type.Null()]);
const sealedPerson = Compile(
  Type.Object({ id: Type.String(), name: Type.String(), enrolledAt: Type.String(), rules: Type.String(), seal }),
);
const sealedPicture = Compile(
  Type.Object({
    pictureId: Type.Integer(),
    ...{ personId: Type.String(), sha256: Type.String(), source: Type.String(), addedAt: Type.String(), seal },
  }),
);
const sealedTemplate = Compile(
  Type.Object({
    pictureId: Type.Integer(),
    ...{ personId: Type.String(), sha256: Type.String(), embedder: Type.String(), vector: bytes, seal },
  }),
);
const countRow = Compile(Type.Object({ n: Type.Integer() }));
const allIds = Compile(Type.Object({ ids: Type.String() }));
const idList = Compile(Type.Array(Type.String()));
const changeRow = Compile(Type.Object({ id: Type.String() }));
const personName = Compile(Type.Object({ id: Type.String(), name: Type.String() }));
const idRow = Compile(Type.Object({ id: Type.Integer() }));

export type GalleryStatements = ReturnType<typeof galleryStatements>;

/** Reading throws Fault `gallery-damaged` where a row of `file` does not fit. */
export function galleryStatements(db: DatabaseSync, file: string) {
  const damaged = () => new Fault('gallery-damaged', `A row in the gallery ${file} cannot be used: restore a copy of the file.`);
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
    ...peopleStatements(db, read, damaged),
    ...pictureStatements(db, read),
    ...templateStatements(db, read),
    ...sealStatements(db, read),
    ...changeStatements(read),
    /** The numbers of a template. */
    vector: (blob: Uint8Array, embedder: EmbedderInfo) => vectorOf(blob, embedder, file),
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

function peopleStatements(db: DatabaseSync, read: Read, damaged: () => Fault) {
  const person = `SELECT id, name, enrolled_at AS enrolledAt, (SELECT count(*) FROM pictures WHERE person_id = people.id) AS pictures FROM people`;
  const all = read(`${person} ORDER BY name`, personRow);
  const byId = read(`${person} WHERE id = ?`, personRow);
  const add = db.prepare('INSERT INTO people (id, name, enrolled_at) VALUES (?, ?, ?)');
  const rename = db.prepare('UPDATE people SET name = ? WHERE id = ?');
  const remove = db.prepare('DELETE FROM people WHERE id = ?');
  const setRules = db.prepare('UPDATE people SET rules = ? WHERE id = ?');
  return {
    all: () => all.all(),
    byId: (id: string) => byId.one(id),
    addPerson: (id: PersonId, name: string, at: string) => {
      add.run(id, name, at);
      return id;
    },
    rename: (id: PersonId, name: string) => rename.run(name, id),
    /** The rules in a text of the column. */
    rulesOf: (text: string) => rulesOf(text, damaged),
    setRules: (id: PersonId, text: string) => setRules.run(text, id),
    remove: (id: PersonId) => remove.run(id).changes > 0,
  };
}

/** Rules that cannot be read must not let anybody in by guess: the gallery counts as damaged. */
function rulesOf(text: string, damaged: () => Fault): PersonRules {
  return checkedRow(rulesOfPerson, parseJson(Buffer.from(text)), damaged);
}

function pictureStatements(db: DatabaseSync, read: Read) {
  const ofPerson = read(
    'SELECT sha256 AS id, picture, source, added_at AS addedAt FROM pictures WHERE person_id = ? ORDER BY pictures.id',
    pictureRow,
  );
  const byId = read('SELECT person_id AS personId, source, picture FROM pictures WHERE id = ?', imageRow);
  const bySha256 = read('SELECT id, person_id AS personId FROM pictures WHERE sha256 = ?', ownerRow);
  const remove = db.prepare('DELETE FROM pictures WHERE sha256 = ?');
  const add = db.prepare('INSERT INTO pictures (person_id, source, added_at, sha256, picture) VALUES (?, ?, ?, ?, ?)');
  return {
    pictures: (id: PersonId) => ofPerson.all(id),
    picture: (id: number) => byId.one(id),
    pictureBySha256: (sha256: string) => bySha256.one(sha256),
    addPicture: (personId: PersonId, source: string, at: string, sha256: string, picture: Uint8Array) =>
      Number(add.run(personId, source, at, sha256, picture).lastInsertRowid),
    removePicture: (sha256: string) => remove.run(sha256),
  };
}

function templateStatements(db: DatabaseSync, read: Read) {
  const isStale = 'NOT EXISTS (SELECT 1 FROM templates WHERE picture_id = pictures.id AND embedder = ?)';
  // Stores nothing where the picture is gone: there is never a template without its picture.
  const set = db.prepare(
    'INSERT OR REPLACE INTO templates (picture_id, embedder, vector, seal) SELECT id, ?, ?, ? FROM pictures WHERE id = ?',
  );
  const ofPerson = read(`${sealedTemplates} WHERE person_id = ? AND embedder = ? ORDER BY picture_id`, sealedTemplate);
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
    templatesOf: (id: PersonId, embedder: string) => ofPerson.all(id, embedder),
  };
}

/** Who changed, and in which order: database.ts says how it is kept. */
function changeStatements(read: Read) {
  // In one row: a thousand of them take a millisecond.
  const ids = read('SELECT json_group_array(id) AS ids FROM people', allIds);
  const names = read('SELECT id, name FROM people', personName);
  const last = read('SELECT ifnull(max(revision), 0) AS n FROM change_log', countRow);
  const after = read('SELECT person_id AS id FROM change_log WHERE revision > ? ORDER BY revision DESC', changeRow);
  return {
    ids: (): PersonId[] => idList.Parse(JSON.parse(ids.one()?.ids ?? '[]')),
    names: () => names.all(),
    revision: () => last.one()?.n ?? 0,
    /** The last one first. */
    changedAfter: (revision: number) => after.all(revision).map(({ id }) => id),
  };
}

const sealedTemplates =
  'SELECT picture_id AS pictureId, person_id AS personId, sha256, embedder, vector, templates.seal AS seal FROM templates JOIN pictures ON pictures.id = picture_id';

function sealStatements(db: DatabaseSync, read: Read) {
  const person = 'SELECT id, name, enrolled_at AS enrolledAt, rules, seal FROM people';
  const picture = 'SELECT id AS pictureId, person_id AS personId, sha256, source, added_at AS addedAt, seal FROM pictures';
  const people = read(person, sealedPerson);
  const onePerson = read(`${person} WHERE id = ?`, sealedPerson);
  const pictures = read(picture, sealedPicture);
  const onePicture = read(`${picture} WHERE id = ?`, sealedPicture);
  const ofPerson = read(`${picture} WHERE person_id = ?`, sealedPicture);
  const templates = read(sealedTemplates, sealedTemplate);
  const setPerson = db.prepare('UPDATE people SET seal = ? WHERE id = ?');
  const setPicture = db.prepare('UPDATE pictures SET seal = ? WHERE id = ?');
  const setTemplate = db.prepare('UPDATE templates SET seal = ? WHERE picture_id = ? AND embedder = ?');
  return {
    sealedPeople: () => people.each(),
    sealedPerson: (id: PersonId) => onePerson.one(id),
    sealedPictures: () => pictures.each(),
    sealedPicture: (id: number) => onePicture.one(id),
    sealedPicturesOf: (id: PersonId) => ofPerson.all(id),
    sealedTemplates: () => templates.each(),
    setPersonSeal: (id: PersonId, value: Uint8Array) => setPerson.run(value, id),
    setPictureSeal: (id: number, value: Uint8Array) => setPicture.run(value, id),
    setTemplateSeal: (id: number, embedder: string, value: Uint8Array) => setTemplate.run(value, id, embedder),
  };
}

function vectorOf(blob: Uint8Array, embedder: EmbedderInfo, file: string): Embedding {
  if (blob.length === 4 * embedder.dimension) return new Float32Array(new Uint8Array(blob).buffer);
  throw new Fault('gallery-damaged', `A template in the gallery ${file} has the wrong length: restore a copy of the file.`);
}
