/**
 * Who may sign in: names, roles and password hashes. A change of the role, and a removal, end all sessions and tokens
 * of the account in the same transaction. One admin always stays.
 */
import { randomBytes } from 'node:crypto';
import { Fault } from '../../base/errors.ts';
import { Compile, Type } from '../../base/schema.ts';
import { blob } from '../../base/sqlite.ts';
import { operatorName, type Role, roles } from '../../command/port.ts';
import { countOf, isoOf, orNull, type RowOf, rowAs, rowsAs, type Store } from './store.ts';

export interface Account {
  readonly name: string;
  readonly role: Role;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly hasPassword: boolean;
  readonly passkeys: number;
  /** When a session of theirs was last used, while it lasts. */
  readonly lastSeenAt?: string;
}

const accountForm = Compile(
  Type.Object({
    id: Type.Integer(),
    name: Type.String({ pattern: operatorName }),
    role: Type.Enum([...roles]),
    handle: blob,
    password: orNull(Type.String()),
    createdAt: Type.Integer(),
    passkeys: Type.Integer(),
    seenAt: orNull(Type.Integer()),
  }),
);
export type AccountRow = RowOf<typeof accountForm>;

const columns = `
  SELECT id, name, role, handle, password, created_at AS createdAt,
    (SELECT count(*) FROM passkeys WHERE account = accounts.id) AS passkeys,
    (SELECT max(used_at) FROM sessions WHERE account = accounts.id) AS seenAt
  FROM accounts`;

export type AccountRows = ReturnType<typeof accountRows>;

export function accountRows(store: Store) {
  const { clock } = store;
  const all = store.prepare(`${columns} ORDER BY name`);
  const byName = store.prepare(`${columns} WHERE name = ?`);
  const byId = store.prepare(`${columns} WHERE id = ?`);
  const add = store.prepare('INSERT INTO accounts (name, role, handle, password, created_at) VALUES (?, ?, ?, ?, ?)');
  const setRole = store.prepare('UPDATE accounts SET role = ? WHERE id = ?');
  const setPassword = store.prepare('UPDATE accounts SET password = ? WHERE id = ?');
  const remove = store.prepare('DELETE FROM accounts WHERE id = ?');
  const endSessions = store.prepare('DELETE FROM sessions WHERE account = ?');
  const endTokens = store.prepare('DELETE FROM tokens WHERE account = ?');
  const otherAdmins = store.prepare("SELECT count(*) AS n FROM accounts WHERE role = 'admin' AND id != ?");
  const named = (name: string) => rowAs(store, accountForm, byName.get(name));
  const sure = (name: string): AccountRow => {
    const row = named(name);
    if (row) return row;
    throw new Fault('not-found', `There is no account ${name}: "facelatch console accounts" lists them`);
  };
  const keepAnAdmin = ({ id, name, role }: AccountRow) => {
    if (role === 'admin' && countOf(store, otherAdmins.get(id)) === 0)
      throw new Fault('not-permitted', `${name} is the only admin: give somebody else the role admin first`);
  };
  return {
    named,
    sure,
    all: () => rowsAs(store, accountForm, all.all()),
    byId: (id: number) => rowAs(store, accountForm, byId.get(id)),
    add: (name: string, role: Role, credential: { readonly password?: string; readonly handle?: Uint8Array }): AccountRow => {
      if (!operatorName.test(name))
        throw new Fault('bad-argument', `"${name}" cannot name an account: give 1 to 64 of A–Z a–z 0–9 _ . @ -`);
      if (named(name)) throw new Fault('bad-argument', `There is an account ${name} already: choose another name`);
      add.run(name, role, credential.handle ?? randomBytes(32), credential.password ?? null, clock.wall());
      return sure(name);
    },
    /** Within a transaction of the caller's, as the rest that follows. */
    setRole: (name: string, role: Role): AccountRow => {
      const row = sure(name);
      if (role !== 'admin') keepAnAdmin(row);
      setRole.run(role, row.id);
      endSessions.run(row.id);
      endTokens.run(row.id);
      return sure(name);
    },
    setPassword: (id: number, password: string) => void setPassword.run(password, id),
    /** Passkeys, sessions and tokens go with it (ON DELETE CASCADE). */
    remove: (name: string): AccountRow => {
      const row = sure(name);
      keepAnAdmin(row);
      remove.run(row.id);
      return row;
    },
  };
}

export const accountOf = ({ name, role, createdAt, password, passkeys, seenAt }: AccountRow): Account => ({
  ...{ name, role, createdAt: isoOf(createdAt), hasPassword: password !== null, passkeys },
  ...(seenAt === null ? {} : { lastSeenAt: isoOf(seenAt) }),
});
