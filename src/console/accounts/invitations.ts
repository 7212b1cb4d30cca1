/**
 * Invitations: a role, and perhaps a name, go in; a one-time secret comes out, which makes one account within an hour.
 * The first start and `facelatch console link` make one for the first admin; admins invite others.
 */

import { Fault } from '../../base/errors.ts';
import { Compile, Type } from '../../base/schema.ts';
import { operatorName, type Role, roles } from '../../command/port.ts';
import type { AccountRows } from './account-rows.ts';
import { newId, newSecret, secretHash } from './secrets.ts';
import { countOf, isoOf, orNull, type RowOf, rowAs, rowsAs, type Store } from './store.ts';

export interface Invitation {
  readonly id: string;
  readonly role: Role;
  /** The only name that may be chosen. */
  readonly name?: string;
  /** Who made it: an admin's name, `cli`, or `start`. */
  readonly by: string;
  /** ISO 8601, UTC. */
  readonly expiresAt: string;
}

export interface Invitations {
  /** @throws Fault `bad-argument` where the name does not fit or is taken; `not-permitted` where too many are open. */
  make(wanted: { readonly role: Role; readonly name?: string; readonly by: string }): {
    readonly secret: string;
    readonly invitation: Invitation;
  };
  /** Undefined where it was used, is over, or never was. */
  find(secret: string): Invitation | undefined;
  list(): readonly Invitation[];
  /** The invitation that is no more. */
  revoke(id: string): Invitation | undefined;
}

const lifeMs = 3_600_000;
const mostOpen = 100;

const form = Compile(
  Type.Object({
    id: Type.String(),
    role: Type.Enum([...roles]),
    name: orNull(Type.String({ pattern: operatorName })),
    by: Type.String(),
    createdAt: Type.Integer(),
    expiresAt: Type.Integer(),
  }),
);
type Row = RowOf<typeof form>;

const columns = 'SELECT id, role, name, by, created_at AS createdAt, expires_at AS expiresAt FROM invitations';

export function invitationsIn(store: Store, accounts: AccountRows): Invitations {
  const { clock } = store;
  const sql = {
    add: store.prepare('INSERT INTO invitations (hash, id, role, name, by, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)'),
    byHash: store.prepare(`${columns} WHERE hash = ?`),
    byId: store.prepare(`${columns} WHERE id = ?`),
    all: store.prepare(`${columns} ORDER BY created_at`),
    count: store.prepare('SELECT count(*) AS n FROM invitations'),
    end: store.prepare('DELETE FROM invitations WHERE id = ?'),
    clear: store.prepare('DELETE FROM invitations WHERE expires_at <= ? OR created_at > ?'),
  };
  // A clock that was set back does not lengthen its life beyond what it was made for.
  const isOpen = ({ createdAt, expiresAt }: Row) => expiresAt > clock.wall() && createdAt - clock.wall() < lifeMs;
  const live = (row: unknown): Row | undefined => {
    const found = rowAs(store, form, row);
    return found && isOpen(found) ? found : undefined;
  };
  return {
    make: ({ role, name, by }) => {
      const nowMs = clock.wall();
      if (name !== undefined && !operatorName.test(name))
        throw new Fault('bad-argument', `"${name}" cannot name an account: give 1 to 64 of A–Z a–z 0–9 _ . @ -`);
      if (name !== undefined && accounts.named(name))
        throw new Fault('bad-argument', `There is an account ${name} already: choose another name`);
      sql.clear.run(nowMs, nowMs + lifeMs);
      if (countOf(store, sql.count.get()) >= mostOpen)
        throw new Fault('not-permitted', `${mostOpen} invitations are open already: revoke one, or wait an hour`);
      const [secret, id] = [newSecret(), newId()];
      sql.add.run(secretHash(secret), id, role, name ?? null, by, nowMs, nowMs + lifeMs);
      return { secret, invitation: invitationOf({ id, role, name: name ?? null, by, createdAt: nowMs, expiresAt: nowMs + lifeMs }) };
    },
    find: (secret) => {
      const row = live(sql.byHash.get(secretHash(secret)));
      return row && invitationOf(row);
    },
    list: () => rowsAs(store, form, sql.all.all()).filter(isOpen).map(invitationOf),
    revoke: (id) => {
      const row = live(sql.byId.get(id));
      if (row) sql.end.run(id);
      return row && invitationOf(row);
    },
  };
}

const invitationOf = ({ id, role, name, by, expiresAt }: Row): Invitation => ({
  ...{ id, role, by, expiresAt: isoOf(expiresAt) },
  ...(name === null ? {} : { name }),
});
