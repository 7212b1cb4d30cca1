/**
 * Failed presentations and the lock-out that follows so many in a row: counts and denials in, counts and events out. A presentation counts once, however
 * long the visitor stands there; people who merely pass, or whose picture is too poor to judge, do not count.
 */
import type { Denial, Event } from '../events.ts';

export interface LockOutRules {
  /** So many in a row; 0: never. */
  readonly failures: number;
  /** The first lock-out; each further one without a grant between is twice as long. Milliseconds. */
  readonly firstMs: number;
  readonly maxMs: number;
}

export interface Failures {
  readonly inARow: number;
  /** How many lock-outs there were since the last grant. */
  readonly level: number;
  /** Monotonic milliseconds; absent: nobody is locked out. */
  readonly lockedUntilMs?: number;
}

type LockEvent = Extract<Event, { kind: 'lockout.started' | 'lockout.ended' }>;

export const noFailures: Failures = { inARow: 0, level: 0 };

/** What was held against the door, not what went wrong with the picture. */
const failing: readonly Denial[] = ['unknown', 'spoof', 'not-live'];

/** Counts a denial, where it is one that counts; `undefined` counts nothing. */
export function failed(
  before: Failures,
  denial: Extract<Event, { kind: 'access.denied' }> | undefined,
  atMs: number,
  rules: LockOutRules | undefined,
): { readonly failures: Failures; readonly events: readonly LockEvent[] } {
  if (!denial || !rules || rules.failures === 0 || before.lockedUntilMs !== undefined || !failing.includes(denial.reason))
    return { failures: before, events: [] };
  const inARow = before.inARow + 1;
  if (inARow < rules.failures) return { failures: { ...before, inARow }, events: [] };
  const { level } = before;
  const durationMs = Math.min(rules.maxMs, rules.firstMs * 2 ** level);
  return {
    failures: { inARow: 0, level: level + 1, lockedUntilMs: atMs + durationMs },
    events: [{ kind: 'lockout.started', failures: inARow, durationMs, level }],
  };
}

/** The lock-out whose time is over; undefined while there is none, or it goes on. */
export function lockOver({ lockedUntilMs, ...rest }: Failures, atMs: number): { failures: Failures; events: LockEvent[] } | undefined {
  if (lockedUntilMs === undefined || atMs < lockedUntilMs) return undefined;
  return { failures: rest, events: [{ kind: 'lockout.ended', why: 'over' }] };
}
