/**
 * The visits of living people that this door remembers, in an SQLite file of its own: what the networks said of them,
 * never a picture. A visit counts once it is confirmed otherwise than by the face: by the PIN, a challenge, or somebody
 * who says who that was. What the networks said is sealed under the person's key (visit-rows.ts). The house opens the
 * file and closes it.
 */
import type { DatabaseSync } from 'node:sqlite';
import { Fault, messageOf } from '../base/errors.ts';
import { checkedRow, emptyWriteAheadLog, openSqlite, type SqliteKind, transact } from '../base/sqlite.ts';
import type { Vault } from '../vault/port.ts';
import type { LiveVisit } from './known.ts';
import {
  openedViews,
  sealedViews,
  sealVisits,
  type VisitAbout,
  visitAboutForm,
  visitColumns,
  visitRowForm,
  visitTable,
} from './visit-rows.ts';

export interface KeptVisit extends LiveVisit {
  /** Of the journal's entry about it. */
  readonly seq: number;
  readonly confirmedBy?: 'pin' | 'challenge' | 'operator';
}

export interface LiveVisits extends Disposable {
  /** Of these networks (SHA-256), the oldest first. Throws Faults `liveness-damaged`, `seal-broken`, the vault's. */
  confirmed(networks: string): readonly LiveVisit[];
  /** Keeps nothing of somebody who was removed. Throws Faults `liveness-damaged`, the vault's. */
  keep(visit: KeptVisit, networks: string): void;
  /** Somebody says who that was: it counts if it was this person, else it is forgotten. True if that changes it. */
  mark(seq: number, personId: string | undefined): boolean;
  /** The visits of this person, the oldest first. Throws Faults `liveness-damaged`, `seal-broken`, the vault's. */
  of(personId: string): readonly KeptVisit[];
  /** Forgets the visits of this person; how many those were. */
  forget(personId: string): number;
  /** Forgets visits up to this entry that nobody confirmed. */
  forgetUnconfirmed(upTo: number): void;
  /** Forgets everyone but these. */
  forgetOthers(personIds: ReadonlySet<string>): void;
}

const version = 2;

const damaged = (file: string, error: unknown): Fault =>
  new Fault(
    'liveness-damaged',
    `The live visits in ${file} cannot be read or written (${messageOf(error)}): check state.folder, or move the file away; the door learns its camera again`,
    error,
  );
const misfit = (file: string): Fault => damaged(file, new Error('a row does not fit'));

const kindOf = (file: string, vault: Vault): SqliteKind => ({
  applicationId: 0x464c4c56, // "FLLV"
  version,
  schema: visitTable,
  migrations: { 1: (db) => sealVisits(db, vault, () => misfit(file)) },
  faults: {
    foreign: () => damaged(file, new Error('a database of another program')),
    newer: (_, found) =>
      new Fault('database-newer', `${file} was written by a newer facelatch (format ${found}, this one knows ${version}): move it away`),
    unwritable: (_, error) => damaged(file, error),
  },
});

/** Kept of everybody, of one person, and of those that are not confirmed. */
const [mostKept, mostOfPerson, mostUnconfirmed] = [200, 20, 100];

interface State {
  readonly file: string;
  readonly db: DatabaseSync;
  readonly vault: Vault;
  readonly sql: ReturnType<typeof visitsSql>;
  /** Confirmed visits, opened: by sequence. Opening 200 of them takes too long between two frames. */
  opened: Map<number, LiveVisit>;
}

function visitsSql(db: DatabaseSync) {
  return {
    confirmed: db.prepare('SELECT seq, person, networks, confirmed FROM visit WHERE networks = ? AND confirmed IS NOT NULL ORDER BY seq'),
    one: db.prepare(`SELECT ${visitColumns} FROM visit WHERE seq = ?`),
    put: db.prepare('INSERT OR REPLACE INTO visit (seq, person, networks, confirmed, views) VALUES (?, ?, ?, ?, ?)'),
    drop: db.prepare('DELETE FROM visit WHERE seq = ?'),
    dropOf: db.prepare('DELETE FROM visit WHERE person = ?'),
    dropOthers: db.prepare('DELETE FROM visit WHERE person NOT IN (SELECT value FROM json_each(?))'),
    dropUnconfirmed: db.prepare('DELETE FROM visit WHERE confirmed IS NULL AND seq <= ?'),
    of: db.prepare(`SELECT ${visitColumns} FROM visit WHERE person = ? ORDER BY seq`),
    pruneOwn: db.prepare(`DELETE FROM visit WHERE person = ?1 AND confirmed IS NOT NULL AND seq NOT IN
      (SELECT seq FROM visit WHERE person = ?1 AND confirmed IS NOT NULL ORDER BY seq DESC LIMIT ${mostOfPerson})`),
    prune: [
      db.prepare(`DELETE FROM visit WHERE confirmed IS NULL AND seq NOT IN
        (SELECT seq FROM visit WHERE confirmed IS NULL ORDER BY seq DESC LIMIT ${mostUnconfirmed})`),
      db.prepare(`DELETE FROM visit WHERE confirmed IS NOT NULL AND seq NOT IN
        (SELECT seq FROM visit WHERE confirmed IS NOT NULL ORDER BY seq DESC LIMIT ${mostKept})`),
    ],
  };
}

/** Opens the file, made where there is none. Throws Faults `liveness-damaged`, `database-newer`, the vault's. */
export function openLiveVisits(file: string, vault: Vault): LiveVisits {
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw error instanceof Fault ? error : damaged(file, error);
    }
  };
  const { db } = guarded(() => openSqlite(file, kindOf(file, vault), 1000));
  const state: State = { file, db, vault, sql: visitsSql(db), opened: new Map() };
  const { sql } = state;
  return {
    confirmed: (networks) => guarded(() => confirmed(state, networks)),
    keep: (visit, networks) => guarded(() => keep(state, visit, networks)),
    mark: (seq, personId) => guarded(() => transact(db, () => mark(state, seq, personId))),
    of: (personId) => guarded(() => visitsOf(state, personId)),
    forget: (personId) =>
      guarded(() => {
        const forgotten = Number(sql.dropOf.run(personId).changes);
        // Pages from before lie in the log until it is emptied, at the latest when the file is closed.
        if (forgotten > 0) emptyWriteAheadLog(db);
        return forgotten;
      }),
    forgetUnconfirmed: (upTo) => guarded(() => void sql.dropUnconfirmed.run(upTo)),
    forgetOthers: (personIds) => guarded(() => void sql.dropOthers.run(JSON.stringify([...personIds]))),
    [Symbol.dispose]: () => db.close(),
  };
}

const checkedVisit = ({ file }: State, row: unknown) => checkedRow(visitRowForm, row, () => misfit(file));

function confirmed(state: State, networks: string): readonly LiveVisit[] {
  const opened = new Map<number, LiveVisit>();
  for (const found of state.sql.confirmed.all(networks)) {
    const { seq, person } = checkedRow(visitAboutForm, found, () => misfit(state.file));
    const before = state.opened.get(seq);
    const visit = before?.personId === person ? before : openedVisit(state, seq);
    if (visit) opened.set(seq, visit);
  }
  state.opened = opened;
  return [...opened.values()];
}

function openedVisit(state: State, seq: number): LiveVisit | undefined {
  const { sql, vault, file } = state;
  const row = checkedVisit(state, sql.one.get(seq));
  const views = openedViews(vault, row, () => misfit(file));
  // What is left of somebody whose key was destroyed.
  if (!views) sql.drop.run(seq);
  return views && { personId: row.person, views };
}

function visitsOf(state: State, personId: string): readonly KeptVisit[] {
  const { sql, vault, file } = state;
  return sql.of.all(personId).flatMap((found) => {
    const row = checkedVisit(state, found);
    const views = openedViews(vault, row, () => misfit(file));
    return views ? [{ seq: row.seq, personId, views, ...(row.confirmed !== null && { confirmedBy: row.confirmed }) }] : [];
  });
}

function keep({ db, sql, vault, opened }: State, { seq, personId, views, confirmedBy }: KeptVisit, networks: string): void {
  const about: VisitAbout = { seq, person: personId, networks, confirmed: confirmedBy ?? null };
  const sealed = sealedViews(vault, about, views);
  // Somebody who was removed meanwhile.
  if (!sealed) return;
  opened.delete(seq);
  transact(db, () => {
    sql.put.run(seq, personId, networks, about.confirmed, sealed);
    sql.pruneOwn.run(personId);
    for (const statement of sql.prune) statement.run();
  });
}

function mark(state: State, seq: number, personId: string | undefined): boolean {
  const { sql, vault, file } = state;
  const found = sql.one.get(seq);
  if (!found) return false;
  const row = checkedVisit(state, found);
  const views = row.person === personId ? openedViews(vault, row, () => misfit(file)) : undefined;
  if (views && row.confirmed !== null) return false;
  const about: VisitAbout = { ...row, confirmed: 'operator' };
  const sealed = views && sealedViews(vault, about, views);
  if (sealed) sql.put.run(seq, row.person, row.networks, about.confirmed, sealed);
  else sql.drop.run(seq);
  return true;
}
