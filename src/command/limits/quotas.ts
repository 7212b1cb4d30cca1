/**
 * How much each sender may ask of the door: who sends what goes in; a place, or none, comes out. Each key has rates and
 * places of its own, and so have the commands that make the door safer, so that no flood takes them from others. All
 * messages without a proved key share one rate.
 */
import type { Clock } from '../../base/time.ts';
import { type TokenBucket, tokenBucket } from '../../base/token-bucket.ts';

/** `urgent`: what shuts the door or keeps somebody out. `read`: what changes nothing. */
export type Urgency = 'urgent' | 'change' | 'read';

export interface Quotas {
  /** Takes one of the messages without a signature; false when too many came. */
  takeUnsigned(urgency: Urgency): boolean;
  /** Takes one of the checks of a signature; false when too many came. */
  takeProof(urgency: Urgency): boolean;
  /** Takes one of the commands of a key and a place for it; ends when the place is disposed of. */
  enter(key: string, urgency: Urgency): Disposable | undefined;
  /** Whether this key is told that it sends too much: once a second. */
  mayComplain(key: string): boolean;
}

interface Rate {
  readonly perS: number;
  readonly size: number;
}

/** Commands of one key a second, and how many may come at once. A picture in parts is many changes. */
const perKey: Readonly<Record<Urgency, Rate>> = {
  urgent: { perS: 5, size: 20 },
  change: { perS: 20, size: 200 },
  read: { perS: 4, size: 20 },
};
const unsigned: Readonly<Record<'urgent' | 'other', Rate>> = { urgent: { perS: 5, size: 20 }, other: { perS: 5, size: 20 } };
const proofs: Readonly<Record<'urgent' | 'other', Rate>> = { urgent: { perS: 200, size: 200 }, other: { perS: 500, size: 500 } };

/** The most commands under way at once, in all and of one key: one that takes long must not hold up the others. */
const places: Readonly<Record<'urgent' | 'other', { readonly inAll: number; readonly ofKey: number }>> = {
  urgent: { inAll: 8, ofKey: 4 },
  other: { inAll: 32, ofKey: 8 },
};

interface KeyState {
  readonly buckets: Readonly<Record<Urgency, TokenBucket>>;
  readonly complaints: TokenBucket;
  readonly underWay: { urgent: number; other: number };
}

const laneOf = (urgency: Urgency) => (urgency === 'urgent' ? 'urgent' : 'other');

export function quotasOf(clock: Pick<Clock, 'now'>): Quotas {
  const bucket = (rate: Rate) => tokenBucket({ ...rate, clock });
  const lanes = (rates: Readonly<Record<'urgent' | 'other', Rate>>) => ({ urgent: bucket(rates.urgent), other: bucket(rates.other) });
  const withoutKey = lanes(unsigned);
  const toProve = lanes(proofs);
  const underWay = { urgent: 0, other: 0 };
  // Only keys of operators come here, so there are few.
  const keys = new Map<string, KeyState>();
  const stateOf = (key: string): KeyState => {
    const known = keys.get(key);
    if (known) return known;
    const buckets = { urgent: bucket(perKey.urgent), change: bucket(perKey.change), read: bucket(perKey.read) };
    const fresh = { buckets, complaints: bucket({ perS: 1, size: 2 }), underWay: { urgent: 0, other: 0 } };
    keys.set(key, fresh);
    return fresh;
  };
  return {
    takeUnsigned: (urgency) => withoutKey[laneOf(urgency)].take(),
    takeProof: (urgency) => toProve[laneOf(urgency)].take(),
    mayComplain: (key) => stateOf(key).complaints.take(),
    enter: (key, urgency) => {
      const lane = laneOf(urgency);
      const mine = stateOf(key);
      if (underWay[lane] >= places[lane].inAll || mine.underWay[lane] >= places[lane].ofKey) return undefined;
      if (!mine.buckets[urgency].take()) return undefined;
      underWay[lane]++;
      mine.underWay[lane]++;
      let left = false;
      return {
        [Symbol.dispose]: () => {
          if (left) return;
          left = true;
          underWay[lane]--;
          mine.underWay[lane]--;
        },
      };
    },
  };
}
