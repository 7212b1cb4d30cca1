/**
 * Who agreed to be enrolled: consents go in, sealed in an SQLite file of their own, and come out for a person or for a
 * name. A record stands under two pseudonyms that only this door's key can make again (of the person's id and of their
 * name) and holds neither. So it outlives the person's removal as proof: whoever asks must bring the name.
 */
import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { asFault, Fault, messageOf } from '../../base/errors.ts';
import { parseJson } from '../../base/jws.ts';
import { checkedRow, openSqlite, type SqliteKind, sqliteTrouble, transact } from '../../base/sqlite.ts';
import type { Clock } from '../../base/time.ts';
import { consentWays, type PersonId } from '../../events.ts';
import type { SealedPlace, Vault } from '../../vault/port.ts';
import { personName } from '../name.ts';
import type { Consent, ConsentRecord, Consents } from '../port.ts';

const version = 1;
// `ended_at` alone lies open: a time of nobody.
const schema = `
  CREATE TABLE consents (
    id TEXT PRIMARY KEY, person BLOB NOT NULL, name BLOB NOT NULL, record BLOB NOT NULL, ended_at TEXT
  ) STRICT;
  CREATE INDEX consents_of_person ON consents (person);
  CREATE INDEX consents_of_name ON consents (name);
  CREATE INDEX consents_ended ON consents (ended_at) WHERE ended_at IS NOT NULL;
`;
const kind: SqliteKind = {
  ...{ applicationId: 0x464c434e, version, schema, migrations: {} }, // "FLCN"
  faults: {
    foreign: (file) => damaged(file, new Error('a database of another program')),
    newer: (file, found) =>
      new Fault(
        'database-newer',
        `${file} was written by a newer facelatch (format ${found}, this one knows ${version}): update facelatch`,
      ),
    unwritable: (file, error) =>
      asFault(error, 'consent-damaged', `${file} cannot be written; let this user write to its folder, or set state.folder to another`),
  },
};

const damaged = (file: string, error: unknown): Fault =>
  new Fault(
    'consent-damaged',
    `The consents in ${file} cannot be read or written (${messageOf(error)}): restore a backup (facelatch restore)`,
    error,
  );

const bytes = Type.Refine(Type.Unsafe<Uint8Array>({}), (value) => value instanceof Uint8Array);
const rowForm = Compile(Type.Object({ id: Type.String(), record: bytes, endedAt: Type.Union([Type.String(), Type.Null()]) }));
const countForm = Compile(Type.Object({ all: Type.Integer(), ended: Type.Integer() }));
const recordForm = Compile(
  Type.Object({
    version: Type.String(),
    how: Type.Enum([...consentWays]),
    by: Type.String(),
    givenAt: Type.String(),
    withdrawnAt: Type.Optional(Type.String()),
  }),
);

export interface ConsentsOptions {
  readonly file: string;
  readonly vault: Pick<Vault, 'seal' | 'open' | 'pseudonym'>;
  readonly clock: Pick<Clock, 'wall'>;
  readonly lockTimeoutMs?: number;
}

interface State extends ConsentsOptions {
  readonly db: DatabaseSync;
  readonly sql: ReturnType<typeof statements>;
}

interface Row {
  readonly id: string;
  readonly record: ConsentRecord;
}

/** Opens the file, made where there is none. Throws Faults `consent-damaged`, `database-newer`, `disk-full`. */
export function openConsents(options: ConsentsOptions): Consents {
  const { file, lockTimeoutMs = 5000 } = options;
  const safely = <T>(work: () => T): T => guarded(file, work);
  const { db } = safely(() => openSqlite(file, kind, lockTimeoutMs));
  const state: State = { ...options, db, sql: safely(() => statements(db)) };
  const records = (rows: readonly Row[]) => rows.map(({ record }) => record);
  return {
    of: (personId) => safely(() => records(ofPerson(state, personId))),
    named: (name) => safely(() => records(rowsOf(state, state.sql.ofName.all(nameIn(state, name))))),
    inForce: (personId) => safely(() => standing(state, personId)?.record),
    give: (person, consent, by) => safely(() => give(state, person, consent, by)),
    takeBack: (record) => safely(() => void state.sql.drop.run(record)),
    withdraw: (personId) => safely(() => transact(db, () => withdraw(state, personId))),
    end: (personId) => safely(() => void state.sql.end.run(now(state), personIn(state, personId))),
    withdrawnOf: (people) => safely(() => people.filter((id) => isWithdrawn(state, id))),
    purge: (before) => safely(() => Number(state.sql.purge.run(before).changes)),
    get counts() {
      return safely(() => ({ ...checkedRow(countForm, state.sql.counts.get(), () => damaged(file, new Error('no count'))) }));
    },
    [Symbol.dispose]: () => db.close(),
  };
}

function statements(db: DatabaseSync) {
  const row = 'SELECT id, record, ended_at AS endedAt FROM consents';
  return {
    ofPerson: db.prepare(`${row} WHERE person = ? ORDER BY rowid`),
    ofName: db.prepare(`${row} WHERE name = ? ORDER BY rowid`),
    add: db.prepare('INSERT INTO consents (id, person, name, record) VALUES (?, ?, ?, ?)'),
    change: db.prepare('UPDATE consents SET record = ? WHERE id = ?'),
    drop: db.prepare('DELETE FROM consents WHERE id = ?'),
    end: db.prepare('UPDATE consents SET ended_at = ? WHERE person = ? AND ended_at IS NULL'),
    purge: db.prepare('DELETE FROM consents WHERE ended_at < ?'),
    counts: db.prepare('SELECT count(*) AS "all", count(ended_at) AS ended FROM consents'),
  };
}

const now = ({ clock }: State): string => new Date(clock.wall()).toISOString();
const place = (id: string): SealedPlace => ({ schema: `consent ${version}`, column: 'consents.record', row: id });

function pseudonym({ vault, file }: State, purpose: string, text: string): Uint8Array {
  const found = vault.pseudonym('door', purpose, text);
  if (found) return found;
  throw damaged(file, new Error('without the key of the door'));
}

const personIn = (state: State, personId: PersonId): Uint8Array => pseudonym(state, 'consent person', personId);
const nameIn = (state: State, name: string): Uint8Array => pseudonym(state, 'consent name', personName(name).toLowerCase());

function rowsOf({ vault, file }: State, rows: readonly unknown[]): Row[] {
  return rows.map((row) => {
    const { id, record, endedAt } = checkedRow(rowForm, row, () => damaged(file, new Error('a row does not fit')));
    const opened = vault.open('door', place(id), record);
    const found = opened && parseJson(opened);
    if (!recordForm.Check(found)) throw damaged(file, new Error('a record does not fit'));
    return { id, record: { ...found, ...(endedAt !== null && { endedAt }) } };
  });
}

const ofPerson = (state: State, personId: PersonId): Row[] => rowsOf(state, state.sql.ofPerson.all(personIn(state, personId)));

const standing = (state: State, personId: PersonId): Row | undefined =>
  ofPerson(state, personId).findLast(({ record }) => record.withdrawnAt === undefined && record.endedAt === undefined);

function isWithdrawn(state: State, personId: PersonId): boolean {
  const last = ofPerson(state, personId).at(-1)?.record;
  return last !== undefined && last.withdrawnAt !== undefined && last.endedAt === undefined;
}

const sealedRecord = ({ vault }: State, id: string, record: ConsentRecord): Uint8Array =>
  vault.seal('door', place(id), Buffer.from(JSON.stringify(record)));

function give(state: State, person: { readonly id: PersonId; readonly name: string }, { version: of, how }: Consent, by: string): string {
  const id = randomUUID();
  const record = sealedRecord(state, id, { version: of, how, by, givenAt: now(state) });
  state.sql.add.run(id, personIn(state, person.id), nameIn(state, person.name), record);
  return id;
}

function withdraw(state: State, personId: PersonId): boolean {
  const found = ofPerson(state, personId).filter(({ record }) => record.withdrawnAt === undefined && record.endedAt === undefined);
  for (const { id, record } of found) state.sql.change.run(sealedRecord(state, id, { ...record, withdrawnAt: now(state) }), id);
  return found.length > 0;
}

function guarded<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    const trouble = error instanceof Fault ? undefined : sqliteTrouble(error);
    if (trouble === 'full' || trouble === 'unwritable') throw new Fault('disk-full', `The disk of ${file} is full: free some space`, error);
    throw trouble === undefined ? error : damaged(file, error);
  }
}
