/**
 * Who is signed in: the secret of a cookie goes in, the session and its account come out. A session ends after some
 * time without use, some time after it began, or when somebody revokes it.
 */
import { Compile, Type } from '../../base/schema.ts';
import type { AccountRow, AccountRows } from './account-rows.ts';
import { newId, newSecret, secretHash } from './secrets.ts';
import { isoOf, type RowOf, rowAs, rowsAs, type Store } from './store.ts';

export interface Session {
  readonly id: string;
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** To the minute. */
  readonly lastUsedAt: string;
  /** When it ends, used or not. */
  readonly expiresAt: string;
  readonly browser: string;
  readonly address: string;
}

export interface SignedIn {
  readonly session: Session;
  readonly account: AccountRow;
  /** Since the sign-in. */
  readonly ageMs: number;
}

export interface Sessions {
  /** @throws Fault `not-found` where the account is gone. */
  open(name: string, from: { readonly browser: string; readonly address: string }): { readonly secret: string; readonly session: Session };
  /** Undefined where the session is over, or never was. */
  find(secret: string): SignedIn | undefined;
  /** Those of `name`, or all; the one last used first. */
  list(name?: string): readonly Session[];
  /** The session that is no more; undefined where there is none of that id (and of that name). */
  revoke(id: string, name?: string): Session | undefined;
  /** All of `name`, but the one that is kept; how many they were. */
  revokeAll(name: string, keptId?: string): number;
}

/** How long a session lasts: unused, and at all. */
export interface SessionLife {
  readonly idleMs: number;
  readonly longestMs: number;
}

/** A use is noted once in this time: a page asks many times a second. */
const notedMs = 60_000;
/** Of one account; the one that was unused for longest goes. */
const mostOfOne = 50;

const form = Compile(
  Type.Object({
    id: Type.String(),
    account: Type.Integer(),
    name: Type.String(),
    createdAt: Type.Integer(),
    usedAt: Type.Integer(),
    browser: Type.String(),
    address: Type.String(),
  }),
);
type Row = RowOf<typeof form>;

const columns = `
  SELECT sessions.id, account, name, sessions.created_at AS createdAt, used_at AS usedAt, browser, address
  FROM sessions JOIN accounts ON accounts.id = account`;

export function sessionsIn(store: Store, accounts: AccountRows, { idleMs, longestMs }: SessionLife): Sessions {
  const { clock } = store;
  const sql = {
    add: store.prepare('INSERT INTO sessions (hash, id, account, created_at, used_at, browser, address) VALUES (?, ?, ?, ?, ?, ?, ?)'),
    byHash: store.prepare(`${columns} WHERE hash = ?`),
    byId: store.prepare(`${columns} WHERE sessions.id = ?`),
    all: store.prepare(`${columns} ORDER BY used_at DESC`),
    use: store.prepare('UPDATE sessions SET used_at = ? WHERE id = ?'),
    end: store.prepare('DELETE FROM sessions WHERE id = ?'),
    endOthers: store.prepare('DELETE FROM sessions WHERE account = ? AND id != ?'),
    clear: store.prepare('DELETE FROM sessions WHERE used_at < ? OR created_at < ?'),
    trim: store.prepare(
      `DELETE FROM sessions WHERE account = ?1 AND id NOT IN (SELECT id FROM sessions WHERE account = ?1 ORDER BY used_at DESC LIMIT ${mostOfOne})`,
    ),
  };
  const sessionOf = ({ id, name, createdAt, usedAt, browser, address }: Row): Session => ({
    ...{ id, name, browser, address, createdAt: isoOf(createdAt), lastUsedAt: isoOf(usedAt), expiresAt: isoOf(createdAt + longestMs) },
  });
  const isOver = ({ usedAt, createdAt }: Row) => clock.wall() - usedAt > idleMs || clock.wall() - createdAt > longestMs;
  const live = (row: unknown): Row | undefined => {
    const found = rowAs(store, form, row);
    return found && !isOver(found) ? found : undefined;
  };
  return {
    open: (name, { browser, address }) => {
      const account = accounts.sure(name);
      const [secret, id, nowMs] = [newSecret(), newId(), clock.wall()];
      sql.clear.run(nowMs - idleMs, nowMs - longestMs);
      sql.add.run(secretHash(secret), id, account.id, nowMs, nowMs, browser, address);
      sql.trim.run(account.id);
      return {
        secret,
        session: sessionOf({ id, account: account.id, name: account.name, createdAt: nowMs, usedAt: nowMs, browser, address }),
      };
    },
    find: (secret) => {
      const row = live(sql.byHash.get(secretHash(secret)));
      const account = row && accounts.byId(row.account);
      if (!row || !account) return undefined;
      if (Math.abs(clock.wall() - row.usedAt) > notedMs) sql.use.run(clock.wall(), row.id);
      return { session: sessionOf(row), account, ageMs: Math.max(0, clock.wall() - row.createdAt) };
    },
    list: (name) =>
      rowsAs(store, form, sql.all.all())
        .filter((row) => !isOver(row) && (name === undefined || row.name === name))
        .map(sessionOf),
    revoke: (id, name) => {
      const row = live(sql.byId.get(id));
      if (!row || (name !== undefined && row.name !== name)) return undefined;
      sql.end.run(id);
      return sessionOf(row);
    },
    revokeAll: (name, keptId = '') => Number(sql.endOthers.run(accounts.sure(name).id, keptId).changes),
  };
}
