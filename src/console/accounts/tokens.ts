/**
 * Personal access tokens, for programs: a token (`flt_…`) goes in, whose it is and what it may do come out. It is shown
 * once, when it is made.
 */

import { Fault } from '../../base/errors.ts';
import { Compile, Type } from '../../base/schema.ts';
import { mayAs, type Role, roles } from '../../command/port.ts';
import type { AccountRows } from './account-rows.ts';
import { newId, newSecret, secretHash } from './secrets.ts';
import { countOf, isoOf, orNull, type RowOf, rowAs, rowsAs, type Store } from './store.ts';

export interface AccessToken {
  readonly id: string;
  /** Whose it is. */
  readonly name: string;
  /** What its owner calls it. */
  readonly label: string;
  readonly role: Role;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly expiresAt?: string;
  /** To the minute. */
  readonly lastUsedAt?: string;
}

export interface NewToken {
  readonly label: string;
  readonly role: Role;
  readonly days?: number;
}

export interface Tokens {
  /** @throws Fault `not-permitted` where the role is above the owner's, or there are too many. */
  make(name: string, token: NewToken): { readonly secret: string; readonly token: AccessToken };
  /** Undefined where it is revoked or expired, or never was. */
  find(secret: string): AccessToken | undefined;
  /** Those of `name`, or all. */
  list(name?: string): readonly AccessToken[];
  /** The token that is no more; undefined where there is none of that id (and of that name). */
  revoke(id: string, name?: string): AccessToken | undefined;
}

export const tokenPrefix = 'flt_';
const mostOfOne = 50;
const dayMs = 86_400_000;
/** A use is noted once in this time. */
const notedMs = 60_000;

const form = Compile(
  Type.Object({
    id: Type.String(),
    name: Type.String(),
    ownRole: Type.Enum([...roles]),
    label: Type.String(),
    role: Type.Enum([...roles]),
    createdAt: Type.Integer(),
    expiresAt: orNull(Type.Integer()),
    usedAt: orNull(Type.Integer()),
  }),
);
type Row = RowOf<typeof form>;

const columns = `
  SELECT tokens.id, name, accounts.role AS ownRole, label, tokens.role AS role, tokens.created_at AS createdAt, expires_at AS expiresAt,
    used_at AS usedAt
  FROM tokens JOIN accounts ON accounts.id = account`;

export function tokensIn(store: Store, accounts: AccountRows): Tokens {
  const { clock } = store;
  const sql = {
    add: store.prepare('INSERT INTO tokens (hash, id, account, label, role, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)'),
    byHash: store.prepare(`${columns} WHERE hash = ?`),
    byId: store.prepare(`${columns} WHERE tokens.id = ?`),
    all: store.prepare(`${columns} ORDER BY tokens.created_at`),
    count: store.prepare('SELECT count(*) AS n FROM tokens WHERE account = ?'),
    use: store.prepare('UPDATE tokens SET used_at = ? WHERE id = ?'),
    end: store.prepare('DELETE FROM tokens WHERE id = ?'),
    clear: store.prepare('DELETE FROM tokens WHERE expires_at <= ?'),
  };
  const live = (row: unknown): Row | undefined => {
    const found = rowAs(store, form, row);
    // The role is never above the owner's: a changed role ends the tokens, and here it is held once more.
    const fits = found && mayAs(found.ownRole, found.role) && (found.expiresAt ?? Number.POSITIVE_INFINITY) > clock.wall();
    return fits ? found : undefined;
  };
  return {
    make: (name, { label, role, days }) =>
      store.together(() => {
        const account = accounts.sure(name);
        if (!mayAs(account.role, role))
          throw new Fault('not-permitted', `A token of ${name} has at most the role ${account.role}: choose that one or a lower one`);
        sql.clear.run(clock.wall());
        if (countOf(store, sql.count.get(account.id)) >= mostOfOne)
          throw new Fault('not-permitted', `${name} has ${mostOfOne} tokens already: revoke one first`);
        const [secret, id, nowMs] = [newSecret(tokenPrefix), newId(), clock.wall()];
        const expiresAt = days === undefined ? null : nowMs + days * dayMs;
        sql.add.run(secretHash(secret), id, account.id, label, role, nowMs, expiresAt);
        const row = { id, name: account.name, ownRole: account.role, label, role, createdAt: nowMs, expiresAt, usedAt: null };
        return { secret, token: tokenOf(row) };
      }),
    find: (secret) => {
      const row = live(sql.byHash.get(secretHash(secret)));
      if (!row) return undefined;
      if (Math.abs(clock.wall() - (row.usedAt ?? 0)) > notedMs) sql.use.run(clock.wall(), row.id);
      return tokenOf(row);
    },
    list: (name) =>
      rowsAs(store, form, sql.all.all())
        .filter((row) => live(row) && (name === undefined || row.name === name))
        .map(tokenOf),
    revoke: (id, name) => {
      const row = live(sql.byId.get(id));
      if (!row || (name !== undefined && row.name !== name)) return undefined;
      sql.end.run(id);
      return tokenOf(row);
    },
  };
}

const tokenOf = ({ id, name, label, role, createdAt, expiresAt, usedAt }: Row): AccessToken => ({
  ...{ id, name, label, role, createdAt: isoOf(createdAt) },
  ...(expiresAt === null ? {} : { expiresAt: isoOf(expiresAt) }),
  ...(usedAt === null ? {} : { lastUsedAt: isoOf(usedAt) }),
});
