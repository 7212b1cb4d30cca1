/**
 * How long whoever guesses must wait: who tries from where goes in before each try; how long to wait comes out. Wrong
 * tries are counted for the account and address, and for the network; each wait is twice the one before. A browser that
 * has signed in to the account before (a known device) has a count of its own: nobody can keep the owner out by
 * guessing, from the same network neither (OWASP, device cookies). It is stored, so that a restart forgives nothing.
 */
import { createHash } from 'node:crypto';
import { Compile, Type } from '../../base/schema.ts';
import { addressNetwork } from '../hosts.ts';
import type { AccountRows } from './account-rows.ts';
import { newSecret, secretHash } from './secrets.ts';
import { rowAs, type Store } from './store.ts';

export interface SignInTry {
  /** Of the account, as it was typed. */
  readonly name: string;
  readonly address: string;
  /** The secret that the browser got when it signed in before. */
  readonly device: string | undefined;
}

export interface SignInTries {
  /**
   * Counts a try as failed before it is made, so that tries at the same time count as well. 0: it may be made; else
   * the milliseconds to wait.
   */
  begin(tried: SignInTry): number;
  /** It was right after all: it is forgiven; the network's other failures stay. */
  passed(tried: SignInTry): void;
  /** It was not made: no time for it. */
  dropped(tried: SignInTry): void;
  /** Whether the browser signed in to this account in the last three months. */
  isKnown(tried: Pick<SignInTry, 'name' | 'device'>): boolean;
  /** The secret that makes a browser known. */
  newDevice(name: string): string;
}

/** Wrong tries without a wait. */
const freeOfPair = 5;
const freeOfNetwork = 20;
const longestMs = 15 * 60_000;
/** One failure is forgiven in this time. */
const forgivenMs = 15 * 60_000;
const dayMs = 86_400_000;
const mostRows = 10_000;
/** How long a browser stays known. */
export const deviceLifeMs = 90 * dayMs;
/** Of one account; the oldest goes. */
const mostDevices = 50;

const countForm = Compile(Type.Object({ count: Type.Integer(), at: Type.Integer() }));
const deviceForm = Compile(Type.Object({ name: Type.String() }));

export function triesIn(store: Store, accounts: AccountRows): SignInTries {
  const { clock } = store;
  const sql = {
    of: store.prepare('SELECT count, at FROM failures WHERE key = ?'),
    set: store.prepare('INSERT INTO failures (key, count, at) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE SET count = ?2, at = ?3'),
    take: store.prepare('UPDATE failures SET count = max(0, count - 1) WHERE key = ?'),
    forget: store.prepare('DELETE FROM failures WHERE key = ?'),
    clear: store.prepare('DELETE FROM failures WHERE at < ? OR key IN (SELECT key FROM failures ORDER BY at DESC LIMIT -1 OFFSET ?)'),
    addDevice: store.prepare('INSERT INTO devices (hash, account, at) VALUES (?, ?, ?)'),
    device: store.prepare('SELECT name FROM devices JOIN accounts ON accounts.id = account WHERE hash = ? AND at > ?'),
    clearDevices: store.prepare(
      `DELETE FROM devices WHERE at <= ?2 OR (account = ?1 AND
        hash NOT IN (SELECT hash FROM devices WHERE account = ?1 ORDER BY at DESC LIMIT ${mostDevices}))`,
    ),
  };
  const standing = ({ key, free }: Counted) => {
    const row = rowAs(store, countForm, sql.of.get(key));
    if (!row) return { count: 0, waitMs: 0 };
    // After a clock was set back, the wait begins now: it must not last until that time comes again.
    if (row.at > clock.wall()) sql.set.run(key, row.count, clock.wall());
    const agoMs = Math.max(0, clock.wall() - row.at);
    const count = Math.max(0, row.count - Math.floor(agoMs / forgivenMs));
    const longMs = count < free ? 0 : Math.min(longestMs, 1000 * 2 ** Math.min(20, count - free));
    return { count, waitMs: Math.max(0, longMs - agoMs) };
  };
  const isKnown = ({ name, device }: Pick<SignInTry, 'name' | 'device'>): boolean => {
    if (device === undefined) return false;
    const found = rowAs(store, deviceForm, sql.device.get(secretHash(device), clock.wall() - deviceLifeMs));
    return found?.name.toLowerCase() === name.toLowerCase();
  };
  const countedFor = (tried: SignInTry): readonly Counted[] => (isKnown(tried) ? [ofDevice(tried)] : [ofPair(tried), ofNetwork(tried)]);
  return {
    isKnown,
    begin: (tried) =>
      store.together(() => {
        const found = countedFor(tried).map((counted) => ({ ...counted, ...standing(counted) }));
        const waitMs = Math.max(...found.map((each) => each.waitMs));
        if (waitMs > 0) return Math.ceil(waitMs);
        for (const { key, count } of found) sql.set.run(key, count + 1, clock.wall());
        sql.clear.run(clock.wall() - dayMs, mostRows);
        return 0;
      }),
    passed: (tried) =>
      store.together(() => {
        for (const { key, isNetwork } of countedFor(tried)) (isNetwork ? sql.take : sql.forget).run(key);
      }),
    dropped: (tried) => {
      for (const { key } of countedFor(tried)) sql.take.run(key);
    },
    newDevice: (name) =>
      store.together(() => {
        const { id } = accounts.sure(name);
        const secret = newSecret();
        sql.addDevice.run(secretHash(secret), id, clock.wall());
        sql.clearDevices.run(id, clock.wall() - deviceLifeMs);
        return secret;
      }),
  };
}

interface Counted {
  readonly key: string;
  /** Wrong tries without a wait. */
  readonly free: number;
  readonly isNetwork: boolean;
}

/** Hashes: what people type by mistake into the field of the name, a password, is not stored. */
const hashed = (...parts: readonly string[]): string => createHash('sha256').update(parts.join(' ')).digest('base64url');
const ofDevice = ({ name, device = '' }: SignInTry): Counted => ({
  ...{ key: hashed('device', device, name.toLowerCase()), free: freeOfPair, isNetwork: false },
});
const ofPair = ({ name, address }: SignInTry): Counted => ({
  ...{ key: hashed('address', address, name.toLowerCase()), free: freeOfPair, isNetwork: false },
});
const ofNetwork = ({ address }: SignInTry): Counted => ({ key: addressNetwork(address), free: freeOfNetwork, isNetwork: true });
