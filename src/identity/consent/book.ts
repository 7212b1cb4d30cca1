/**
 * Who agreed to be enrolled: consents go in, sealed in an SQLite file of their own, and come out for a person or for a
 * name. A record stands under two pseudonyms that only this door's key can make again (of the person's id and of their
 * name) and holds neither. So it outlives the person's removal as proof: whoever asks must bring the name.
 */
import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { Fault, messageOf } from '../../base/errors.ts';
import { parseJson } from '../../base/jws.ts';
import { Compile, Type } from '../../base/schema.ts';
import { blob, checkedRow, faultsOfFile, openSqlite, type SqliteKind, sqliteTrouble, transact } from '../../base/sqlite.ts';
import type { Clock } from '../../base/time.ts';
import { consentWays, type PersonId } from '../../events.ts';
import type { SealedPlace, Vault } from '../../vault/port.ts';
import { personName } from '../name.ts';
import type { Consent, ConsentRecord, Consents } from '../port.ts';

const version = 1;
// `ended_at` lies open: a time of nobody. The record says it too, so that a changed column does not fit.
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
  faults: faultsOfFile(version, 'consent-damaged', (file, cause) => damaged(file, cause)),
};

const damaged = (file: string, error: unknown): Fault =>
  new Fault(
    'consent-damaged',
    `The consents in ${file} cannot be read or written (${messageOf(error)}): restore a backup (facelatch restore)`,
    error,
  );

const rowForm = Compile(
  Type.Object({ id: Type.String(), person: blob, name: blob, record: blob, endedAt: Type.Union([Type.String(), Type.Null()]) }),
);
const countForm = Compile(Type.Object({ all: Type.Integer(), ended: Type.Integer() }));
const recordForm = Compile(
  Type.Object({
    version: Type.String(),
    how: Type.Enum([...consentWays]),
    by: Type.String(),
    givenAt: Type.String(),
    withdrawnAt: Type.Optional(Type.String()),
    endedAt: Type.Optional(Type.String()),
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

/** Where a record stands: it opens nowhere else. */
interface Place {
  readonly id: string;
  readonly person: Uint8Array;
  readonly name: Uint8Array;
}

interface Row extends Place {
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
    end: (personId) => safely(() => transact(db, () => end(state, personId))),
    withdrawnOf: (people) => safely(() => withdrawnOf(state, people)),
    purge: (before) => safely(() => Number(state.sql.purge.run(before).changes)),
    get counts() {
      return safely(() => ({ ...checkedRow(countForm, state.sql.counts.get(), () => damaged(file, new Error('no count'))) }));
    },
    [Symbol.dispose]: () => db.close(),
  };
}

function statements(db: DatabaseSync) {
  const row = 'SELECT id, person, name, record, ended_at AS endedAt FROM consents';
  return {
    ofPerson: db.prepare(`${row} WHERE person = ? ORDER BY rowid`),
    ofName: db.prepare(`${row} WHERE name = ? ORDER BY rowid`),
    add: db.prepare('INSERT INTO consents (id, person, name, record) VALUES (?, ?, ?, ?)'),
    change: db.prepare('UPDATE consents SET record = ?, ended_at = ? WHERE id = ?'),
    drop: db.prepare('DELETE FROM consents WHERE id = ?'),
    end: db.prepare('UPDATE consents SET ended_at = ? WHERE person = ? AND ended_at IS NULL'),
    purge: db.prepare('DELETE FROM consents WHERE ended_at < ?'),
    counts: db.prepare('SELECT count(*) AS "all", count(ended_at) AS ended FROM consents'),
  };
}

const now = ({ clock }: State): string => new Date(clock.wall()).toISOString();
const placeOf = ({ id, person, name }: Place): SealedPlace => ({
  ...{ schema: `consent ${version}`, column: 'consents.record' },
  row: [id, ...[person, name].map((blob) => Buffer.from(blob).toString('hex'))].join(' '),
});

function pseudonym({ vault, file }: State, purpose: string, text: string): Uint8Array {
  const found = vault.pseudonym('door', purpose, text);
  if (found) return found;
  throw damaged(file, new Error('without the key of the door'));
}

const personIn = (state: State, personId: PersonId): Uint8Array => pseudonym(state, 'consent person', personId);
const nameIn = (state: State, name: string): Uint8Array => pseudonym(state, 'consent name', personName(name).toLowerCase());

function rowsOf({ vault, file }: State, rows: readonly unknown[]): Row[] {
  return rows.map((row) => {
    const { endedAt, record, ...place } = checkedRow(rowForm, row, () => damaged(file, new Error('a row does not fit')));
    const opened = vault.open('door', placeOf(place), record);
    const found = opened && parseJson(opened);
    if (!recordForm.Check(found) || (found.endedAt ?? null) !== endedAt) throw damaged(file, new Error('a record does not fit'));
    return { ...place, record: found };
  });
}

const ofPerson = (state: State, personId: PersonId): Row[] => rowsOf(state, state.sql.ofPerson.all(personIn(state, personId)));

const isStanding = ({ record }: Row): boolean => record.withdrawnAt === undefined && record.endedAt === undefined;

const standing = (state: State, personId: PersonId): Row | undefined => ofPerson(state, personId).findLast(isStanding);

/** Whatever the order of the rows: it is not sealed. */
const isWithdrawn = (rows: readonly Row[]): boolean =>
  !rows.some(isStanding) && rows.some(({ record }) => record.withdrawnAt !== undefined && record.endedAt === undefined);

function withdrawnOf(state: State, people: readonly PersonId[]): ReturnType<Consents['withdrawnOf']> {
  const found = people.map((id) => ({ id, rows: orUnfit(() => ofPerson(state, id)) }));
  const idsOf = (fits: (rows: Row[] | 'unfit') => boolean) => found.flatMap(({ id, rows }) => (fits(rows) ? [id] : []));
  return { withdrawn: idsOf((rows) => rows !== 'unfit' && isWithdrawn(rows)), unfit: idsOf((rows) => rows === 'unfit') };
}

const sealedRecord = ({ vault }: State, place: Place, record: ConsentRecord): Uint8Array =>
  vault.seal('door', placeOf(place), Buffer.from(JSON.stringify(record)));

function give(state: State, person: { readonly id: PersonId; readonly name: string }, { version: of, how }: Consent, by: string): string {
  const place: Place = { id: randomUUID(), person: personIn(state, person.id), name: nameIn(state, person.name) };
  const record = sealedRecord(state, place, { version: of, how, by, givenAt: now(state) });
  state.sql.add.run(place.id, place.person, place.name, record);
  return place.id;
}

function change(state: State, place: Place, record: ConsentRecord): void {
  state.sql.change.run(sealedRecord(state, place, record), record.endedAt ?? null, place.id);
}

function withdraw(state: State, personId: PersonId): boolean {
  const found = ofPerson(state, personId).filter(isStanding);
  for (const row of found) change(state, row, { ...row.record, withdrawnAt: now(state) });
  return found.length > 0;
}

/** A record that does not fit counts for nothing, and goes in its time all the same. */
function end(state: State, personId: PersonId): void {
  const endedAt = now(state);
  const person = personIn(state, personId);
  for (const row of state.sql.ofPerson.all(person)) {
    const fit = orUnfit(() => rowsOf(state, [row]));
    for (const { record, ...place } of fit === 'unfit' ? [] : fit)
      if (record.endedAt === undefined) change(state, place, { ...record, endedAt });
  }
  state.sql.end.run(endedAt, person);
}

function orUnfit(rows: () => Row[]): Row[] | 'unfit' {
  try {
    return rows();
  } catch (error) {
    if (error instanceof Fault && (error.code === 'seal-broken' || error.code === 'consent-damaged')) return 'unfit';
    throw error;
  }
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
