/**
 * How long whoever guesses must wait: an account's name and a network go in before each try; how long to wait comes
 * out, or nothing. Wrong tries are counted for the pair, and for the network; each wait is twice the one before. An
 * account is never closed to other networks: nobody can keep its owner out from elsewhere. It is stored, so that a
 * restart forgives nothing.
 */
import { createHash } from 'node:crypto';
import { Compile, Type } from '../../base/schema.ts';
import type { AccountRows } from './account-rows.ts';
import { countOf, rowAs, type Store } from './store.ts';

export interface SignInTries {
  /**
   * Counts a try as failed before it is made, so that tries at the same time count as well. 0: it may be made; else
   * the milliseconds to wait.
   */
  begin(name: string, network: string): number;
  /** It was right after all: the pair is forgiven, the network's other failures stay. */
  passed(name: string, network: string): void;
  /** Somebody signed in from this network. */
  known(name: string, network: string): void;
  /** It was not made: no time for it. */
  dropped(name: string, network: string): void;
  /** Whether somebody signed in from this network in the last three months. */
  isKnown(network: string): boolean;
}

/** Wrong tries without a wait. */
const freeOfPair = 5;
const freeOfNetwork = 20;
const longestMs = 15 * 60_000;
/** One failure is forgiven in this time. */
const forgivenMs = 15 * 60_000;
const dayMs = 86_400_000;
const mostRows = 10_000;
const knownMs = 90 * dayMs;

const form = Compile(Type.Object({ count: Type.Integer(), at: Type.Integer() }));

export function triesIn(store: Store, accounts: AccountRows): SignInTries {
  const { clock } = store;
  const sql = {
    of: store.prepare('SELECT count, at FROM failures WHERE key = ?'),
    set: store.prepare('INSERT INTO failures (key, count, at) VALUES (?1, ?2, ?3) ON CONFLICT (key) DO UPDATE SET count = ?2, at = ?3'),
    take: store.prepare('UPDATE failures SET count = max(0, count - 1) WHERE key = ?'),
    forget: store.prepare('DELETE FROM failures WHERE key = ?'),
    clear: store.prepare('DELETE FROM failures WHERE at < ? OR key IN (SELECT key FROM failures ORDER BY at DESC LIMIT -1 OFFSET ?)'),
    know: store.prepare('INSERT INTO known (network, account, at) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET at = ?3'),
    known: store.prepare('SELECT count(*) AS n FROM known WHERE network = ? AND at > ?'),
    clearKnown: store.prepare('DELETE FROM known WHERE at <= ?'),
  };
  const standing = (key: string, free: number) => {
    const row = rowAs(store, form, sql.of.get(key));
    if (!row) return { count: 0, waitMs: 0 };
    // After a clock was set back, the wait begins now: it must not last until that time comes again.
    if (row.at > clock.wall()) sql.set.run(key, row.count, clock.wall());
    const agoMs = Math.max(0, clock.wall() - row.at);
    const count = Math.max(0, row.count - Math.floor(agoMs / forgivenMs));
    const longMs = count < free ? 0 : Math.min(longestMs, 1000 * 2 ** Math.min(20, count - free));
    return { count, waitMs: Math.max(0, longMs - agoMs) };
  };
  const known = (name: string, network: string) => {
    sql.clearKnown.run(clock.wall() - knownMs);
    sql.know.run(network, accounts.sure(name).id, clock.wall());
  };
  return {
    begin: (name, network) =>
      store.together(() => {
        const [pair, whole] = keysOf(name, network);
        const [ofPair, ofNetwork] = [standing(pair, freeOfPair), standing(whole, freeOfNetwork)];
        const waitMs = Math.max(ofPair.waitMs, ofNetwork.waitMs);
        if (waitMs > 0) return Math.ceil(waitMs);
        sql.set.run(pair, ofPair.count + 1, clock.wall());
        sql.set.run(whole, ofNetwork.count + 1, clock.wall());
        sql.clear.run(clock.wall() - dayMs, mostRows);
        return 0;
      }),
    passed: (name, network) =>
      store.together(() => {
        const [pair, whole] = keysOf(name, network);
        sql.forget.run(pair);
        sql.take.run(whole);
        known(name, network);
      }),
    known: (name, network) => store.together(() => known(name, network)),
    dropped: (name, network) => {
      for (const key of keysOf(name, network)) sql.take.run(key);
    },
    isKnown: (network) => countOf(store, sql.known.get(network, clock.wall() - knownMs)) > 0,
  };
}

/** A hash: what people type by mistake into the field of the name, a password, is not stored. */
const keysOf = (name: string, network: string): [pair: string, network: string] => [
  createHash('sha256').update(`${network} ${name.toLowerCase()}`).digest('base64url'),
  network,
];
