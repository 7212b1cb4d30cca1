/**
 * Passkeys: what an authenticator registered goes in; whose it is, and its public key, come out. The signatures are
 * checked elsewhere (passkey-check.ts); here the counter only goes up.
 */

import { Fault } from '../../base/errors.ts';
import { parseJson } from '../../base/jws.ts';
import { Compile, Type } from '../../base/schema.ts';
import { blob } from '../../base/sqlite.ts';
import type { AccountRows } from './account-rows.ts';
import { isoOf, orNull, type RowOf, rowAs, rowsAs, type Store } from './store.ts';

/** How a browser reaches an authenticator (WebAuthn, AuthenticatorTransport). */
export const transports = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'] as const;
export type Transport = (typeof transports)[number];

export interface NewPasskey {
  /** Credential id, base64url. */
  readonly id: string;
  /** COSE. */
  readonly publicKey: Uint8Array;
  readonly counter: number;
  readonly transports: readonly Transport[];
  /** What its owner calls it. */
  readonly label: string;
  /** The host name it belongs to: browsers offer it nowhere else. */
  readonly host: string;
}

export interface Passkey extends NewPasskey {
  /** Whose it is. */
  readonly name: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  readonly lastUsedAt?: string;
}

export interface Passkeys {
  /** @throws Fault `bad-argument` where it is registered already; `not-permitted` where there are too many. */
  add(name: string, passkey: NewPasskey): void;
  find(id: string): Passkey | undefined;
  of(name: string): readonly Passkey[];
  /** False where another answer with this counter was faster, or the passkey is gone. */
  used(id: string, counter: number): boolean;
  /** @throws Fault `not-found`; `not-permitted` where nothing else is left to sign in with. */
  remove(name: string, id: string): void;
}

const mostOfOne = 20;

const form = Compile(
  Type.Object({
    id: Type.String(),
    name: Type.String(),
    publicKey: blob,
    counter: Type.Integer(),
    transports: Type.String(),
    label: Type.String(),
    host: Type.String(),
    createdAt: Type.Integer(),
    usedAt: orNull(Type.Integer()),
  }),
);
const transportList = Compile(Type.Array(Type.Enum([...transports])));

const columns = `
  SELECT passkeys.id, name, public_key AS publicKey, counter, transports, label, host, passkeys.created_at AS createdAt, used_at AS usedAt
  FROM passkeys JOIN accounts ON accounts.id = account`;

export function passkeysIn(store: Store, accounts: AccountRows): Passkeys {
  const { clock } = store;
  const sql = {
    add: store.prepare(
      'INSERT INTO passkeys (id, account, public_key, counter, transports, label, host, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    ),
    byId: store.prepare(`${columns} WHERE passkeys.id = ?`),
    of: store.prepare(`${columns} WHERE account = ? ORDER BY passkeys.created_at`),
    use: store.prepare('UPDATE passkeys SET counter = ?1, used_at = ?2 WHERE id = ?3 AND (counter < ?1 OR (counter = 0 AND ?1 = 0))'),
    remove: store.prepare('DELETE FROM passkeys WHERE id = ?'),
  };
  const find = (id: string) => {
    const row = rowAs(store, form, sql.byId.get(id));
    return row && passkeyOf(row);
  };
  const add = (name: string, passkey: NewPasskey) => {
    const account = accounts.sure(name);
    if (find(passkey.id)) throw new Fault('bad-argument', 'This passkey is registered already: use it to sign in');
    if (account.passkeys >= mostOfOne) throw new Fault('not-permitted', `${name} has ${mostOfOne} passkeys already: remove one first`);
    const { id, publicKey, counter, label, host } = passkey;
    sql.add.run(id, account.id, publicKey, counter, JSON.stringify(passkey.transports), label, host, clock.wall());
  };
  return {
    add,
    find,
    of: (name) => rowsAs(store, form, sql.of.all(accounts.sure(name).id)).map(passkeyOf),
    used: (id, counter) => sql.use.run(counter, clock.wall(), id).changes > 0,
    remove: (name, id) =>
      store.together(() => {
        const account = accounts.sure(name);
        if (find(id)?.name !== account.name) throw new Fault('not-found', `${name} has no such passkey`);
        if (account.password === null && account.passkeys < 2)
          throw new Fault('not-permitted', 'This passkey is the only way to sign in: set a password, or add another passkey, first');
        sql.remove.run(id);
      }),
  };
}

function passkeyOf({ transports: found, createdAt, usedAt, ...rest }: RowOf<typeof form>): Passkey {
  const list: unknown = parseJson(Buffer.from(found));
  return {
    ...{ ...rest, transports: transportList.Check(list) ? list : [], createdAt: isoOf(createdAt) },
    ...(usedAt === null ? {} : { lastUsedAt: isoOf(usedAt) }),
  };
}
