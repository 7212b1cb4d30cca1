/**
 * The visits of living people that this door remembers, in an SQLite file of its own: what the networks said of them,
 * never a picture. A visit counts once it is confirmed otherwise than by the face: by the PIN, a challenge, or somebody
 * who says who that was. The house opens it and closes it.
 */
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { Fault, messageOf } from '../base/errors.ts';
import { checkedRow, openSqlite, type SqliteKind, transact } from '../base/sqlite.ts';
import type { LiveVisit, NetworkView } from './known.ts';

export interface KeptVisit extends LiveVisit {
  /** Of the journal's entry about it. */
  readonly seq: number;
  readonly confirmedBy?: 'pin' | 'challenge' | 'operator';
}

export interface LiveVisits extends Disposable {
  /** Of these networks (SHA-256), the oldest first. Throws Fault `liveness-damaged`. */
  confirmed(networks: string): readonly LiveVisit[];
  /** Throws Fault `liveness-damaged`. */
  keep(visit: KeptVisit, networks: string): void;
  /** Somebody says who that was: it counts if it was this person, else it is forgotten. True if that changes it. */
  mark(seq: number, personId: string | undefined): boolean;
  /** Forgets everyone but these. */
  forgetOthers(personIds: ReadonlySet<string>): void;
}

const version = 1;
const schema = `
CREATE TABLE visit (
  seq INTEGER PRIMARY KEY, person TEXT NOT NULL, networks TEXT NOT NULL,
  confirmed TEXT CHECK (confirmed IN ('pin', 'challenge', 'operator'))
) STRICT;
CREATE TABLE seen (
  seq INTEGER NOT NULL REFERENCES visit ON DELETE CASCADE, network TEXT NOT NULL, logit REAL NOT NULL, features BLOB,
  PRIMARY KEY (seq, network)
) STRICT, WITHOUT ROWID;
`;
const kind: SqliteKind = {
  applicationId: 0x464c4c56, // "FLLV"
  version,
  schema,
  migrations: {},
  faults: {
    foreign: (file) => damaged(file, new Error('a database of another program')),
    newer: (file, found) =>
      new Fault('database-newer', `${file} was written by a newer facelatch (format ${found}, this one knows ${version}): move it away`),
    unwritable: (file, error) => damaged(file, error),
  },
};

const damaged = (file: string, error: unknown): Fault =>
  new Fault(
    'liveness-damaged',
    `The live visits in ${file} cannot be read or written (${messageOf(error)}): check state.folder, or move the file away; the door learns its camera again`,
    error,
  );

/** Kept of everybody, of one person, and of those that are not confirmed. */
const [mostKept, mostOfPerson, mostUnconfirmed] = [200, 20, 100];

const blob = Type.Refine(Type.Unsafe<Uint8Array>(Type.Unknown()), (value) => value instanceof Uint8Array);
const rowForm = Compile(
  Type.Object({
    seq: Type.Integer(),
    person: Type.String({ minLength: 1 }),
    network: Type.String({ minLength: 1 }),
    logit: Type.Number(),
    features: Type.Union([Type.Null(), blob]),
  }),
);

/** Opens the file, made where there is none. Throws Faults `liveness-damaged`, `database-newer`. */
export function openLiveVisits(file: string): LiveVisits {
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw error instanceof Fault ? error : damaged(file, error);
    }
  };
  const { db } = guarded(() => openSqlite(file, kind, 1000));
  const select = db.prepare(`
    SELECT seq, person, network, logit, features FROM visit JOIN seen USING (seq)
    WHERE networks = ? AND confirmed IS NOT NULL ORDER BY seq, network`);
  const insertVisit = db.prepare('INSERT OR REPLACE INTO visit (seq, person, networks, confirmed) VALUES (?, ?, ?, ?)');
  const insertSeen = db.prepare('INSERT INTO seen (seq, network, logit, features) VALUES (?, ?, ?, ?)');
  const prune = [
    db.prepare(`DELETE FROM visit WHERE confirmed IS NULL AND seq NOT IN
      (SELECT seq FROM visit WHERE confirmed IS NULL ORDER BY seq DESC LIMIT ${mostUnconfirmed})`),
    db.prepare(`DELETE FROM visit WHERE confirmed IS NOT NULL AND seq NOT IN
      (SELECT seq FROM visit WHERE confirmed IS NOT NULL ORDER BY seq DESC LIMIT ${mostKept})`),
  ];
  const pruneOwn = db.prepare(`DELETE FROM visit WHERE person = ?1 AND confirmed IS NOT NULL AND seq NOT IN
    (SELECT seq FROM visit WHERE person = ?1 AND confirmed IS NOT NULL ORDER BY seq DESC LIMIT ${mostOfPerson})`);
  const confirm = db.prepare("UPDATE visit SET confirmed = 'operator' WHERE seq = ? AND person = ? AND confirmed IS NULL");
  const drop = db.prepare('DELETE FROM visit WHERE seq = ? AND person IS NOT ?');
  return {
    confirmed: (networks) =>
      guarded(() => {
        const visits = new Map<number, { personId: string; views: NetworkView[] }>();
        for (const found of select.all(networks)) {
          const { seq, person, network, logit, features } = checkedRow(rowForm, found, () =>
            damaged(file, new Error('a row does not fit')),
          );
          const visit = visits.get(seq) ?? { personId: person, views: [] };
          visits.set(seq, visit);
          visit.views.push({ network, logit, ...(features && { features: numbersOf(features) }) });
        }
        return [...visits.values()];
      }),
    keep: ({ seq, personId, views, confirmedBy }, networks) =>
      guarded(() =>
        transact(db, () => {
          insertVisit.run(seq, personId, networks, confirmedBy ?? null);
          for (const { network, logit, features } of views)
            insertSeen.run(
              seq,
              network,
              logit,
              features ? new Uint8Array(features.buffer, features.byteOffset, features.byteLength) : null,
            );
          pruneOwn.run(personId);
          for (const statement of prune) statement.run();
        }),
      ),
    mark: (seq, personId) =>
      guarded(() => {
        const dropped = Number(drop.run(seq, personId ?? null).changes);
        const confirmed = personId === undefined ? 0 : Number(confirm.run(seq, personId).changes);
        return dropped + confirmed > 0;
      }),
    forgetOthers: (personIds) =>
      guarded(() => {
        const kept = JSON.stringify([...personIds]);
        db.prepare('DELETE FROM visit WHERE person NOT IN (SELECT value FROM json_each(?))').run(kept);
      }),
    [Symbol.dispose]: () => db.close(),
  };
}

/** Copied: a view of 32-bit numbers must begin at a multiple of four. */
const numbersOf = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.slice().buffer, 0, bytes.length >> 2);
