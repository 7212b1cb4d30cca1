/** Every SQL statement of the gallery, prepared once: an open database in, functions on plain rows out. */
import type { DatabaseSync } from 'node:sqlite';
import { Fault } from '../base/errors.ts';
import type { PersonId } from '../events.ts';
import type { EmbedderInfo, Embedding } from '../face/port.ts';
import type { Person, PersonRules } from './port.ts';

export type GalleryStatements = ReturnType<typeof galleryStatements>;

export function galleryStatements(db: DatabaseSync) {
  return { ...peopleStatements(db), ...pictureStatements(db), ...templateStatements(db) };
}

function peopleStatements(db: DatabaseSync) {
  const person = `SELECT id, name, enrolled_at AS enrolledAt, (SELECT count(*) FROM pictures WHERE person_id = people.id) AS pictures FROM people`;
  const all = db.prepare(`${person} ORDER BY name`);
  const byId = db.prepare(`${person} WHERE id = ?`);
  const byName = db.prepare(`${person} WHERE name = ?`);
  const add = db.prepare('INSERT INTO people (id, name, enrolled_at) VALUES (?, ?, ?)');
  const rename = db.prepare('UPDATE people SET name = ? WHERE id = ?');
  const remove = db.prepare('DELETE FROM people WHERE id = ?');
  const rules = db.prepare(`SELECT id, rules FROM people WHERE rules <> '{}'`);
  const setRules = db.prepare('UPDATE people SET rules = ? WHERE id = ?');
  return {
    all: () => all.all().map((row) => ({ ...row }) as unknown as Person),
    byId: (id: string) => one<Person>(byId.get(id)),
    byName: (name: string) => one<Person>(byName.get(name)),
    addPerson: (id: PersonId, name: string, at: string) => {
      add.run(id, name, at);
      return id;
    },
    rename: (id: PersonId, name: string) => rename.run(name, id),
    rules: () => new Map(rules.all().map((row) => [String(row.id), JSON.parse(String(row.rules)) as PersonRules])),
    setRules: (id: PersonId, text: string) => setRules.run(text, id),
    remove: (id: PersonId) => remove.run(id).changes > 0,
  };
}

interface PictureRow {
  readonly id: string;
  readonly picture: Uint8Array;
  readonly source: string;
  readonly addedAt: string;
}

function pictureStatements(db: DatabaseSync) {
  const ofPerson = db.prepare(
    'SELECT sha256 AS id, picture, source, added_at AS addedAt FROM pictures WHERE person_id = ? ORDER BY pictures.id',
  );
  const byId = db.prepare('SELECT person_id AS personId, source, picture FROM pictures WHERE id = ?');
  const bySha256 = db.prepare('SELECT id, person_id AS personId FROM pictures WHERE sha256 = ?');
  const remove = db.prepare('DELETE FROM pictures WHERE sha256 = ?');
  const add = db.prepare('INSERT INTO pictures (person_id, source, added_at, sha256, picture) VALUES (?, ?, ?, ?, ?)');
  return {
    pictures: (id: PersonId) => ofPerson.all(id).map((row) => ({ ...row }) as unknown as PictureRow),
    picture: (id: number) => one<{ personId: PersonId; source: string; picture: Uint8Array }>(byId.get(id)),
    pictureBySha256: (sha256: string) => one<{ id: number; personId: PersonId }>(bySha256.get(sha256)),
    addPicture: (personId: PersonId, source: string, at: string, sha256: string, picture: Uint8Array) =>
      Number(add.run(personId, source, at, sha256, picture).lastInsertRowid),
    removePicture: (sha256: string) => remove.run(sha256),
  };
}

function templateStatements(db: DatabaseSync) {
  const isStale = 'NOT EXISTS (SELECT 1 FROM templates WHERE picture_id = pictures.id AND embedder = ?)';
  // Nothing where the picture is gone: never a template without its picture.
  const set = db.prepare('INSERT OR REPLACE INTO templates (picture_id, embedder, vector) SELECT id, ?, ? FROM pictures WHERE id = ?');
  const all = db.prepare(
    'SELECT person_id AS personId, vector FROM templates JOIN pictures ON pictures.id = picture_id WHERE embedder = ? ORDER BY person_id, picture_id',
  );
  const keep = db.prepare('DELETE FROM templates WHERE embedder NOT IN (SELECT value FROM json_each(?))');
  const stalePeople = db.prepare(`SELECT count(DISTINCT person_id) AS n FROM pictures WHERE ${isStale}`);
  const stalePictures = db.prepare(`SELECT id FROM pictures WHERE ${isStale} ORDER BY id`);
  return {
    /** False where the picture is gone. */
    setTemplate: (pictureId: number, embedder: string, template: Embedding) =>
      set.run(embedder, new Uint8Array(template.buffer, template.byteOffset, template.byteLength), pictureId).changes > 0,
    keepTemplates: (embedders: readonly string[]) => Number(keep.run(JSON.stringify(embedders)).changes),
    stalePeople: (embedder: string) => Number(stalePeople.get(embedder)?.n),
    stalePictures: (embedder: string) => stalePictures.all(embedder).map((row) => Number(row.id)),
    templates: (embedder: EmbedderInfo, file: string) => {
      const people = new Map<PersonId, Embedding[]>();
      for (const row of all.iterate(embedder.sha256)) {
        const id = String(row.personId);
        const templates = people.get(id) ?? [];
        templates.push(vectorOf(row.vector, embedder, file));
        people.set(id, templates);
      }
      return [...people].map(([id, templates]) => ({ id, templates }));
    },
  };
}

function vectorOf(blob: unknown, embedder: EmbedderInfo, file: string): Embedding {
  if (blob instanceof Uint8Array && blob.length === 4 * embedder.dimension) return new Float32Array(new Uint8Array(blob).buffer);
  throw new Fault('gallery-damaged', `A template in the gallery ${file} has the wrong length: restore a copy of the file.`);
}

/** The row as a plain object (node:sqlite gives objects without a prototype). */
function one<T>(row: object | undefined): T | undefined {
  return row && ({ ...row } as T);
}
