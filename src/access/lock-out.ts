/**
 * Counts failed presentations, and begins a lock-out after several in a row. In: the counts and a denial. Out:
 * the new counts and events. A presentation counts once, however long the visitor stands there. People who only
 * pass, or whose picture is too poor to judge, do not count. Pure.
 */
import type { Denial, Event } from '../events.ts';

export interface LockOutRules {
  /** Failed presentations in a row that lead to a lock-out; 0: never. */
  readonly failures: number;
  /** The first lock-out, milliseconds. Each further one without a grant in between is twice as long. */
  readonly firstMs: number;
  readonly maxMs: number;
}

export interface Failures {
  readonly inARow: number;
  /** Lock-outs since the last grant. */
  readonly level: number;
  /** Monotonic milliseconds; absent: nobody is locked out. */
  readonly lockedUntilMs?: number;
}

type LockEvent = Extract<Event, { kind: 'lockout.started' | 'lockout.ended' }>;

export const noFailures: Failures = { inARow: 0, level: 0 };

/** Denials that count: the wrong face, not a poor picture. */
const failing: readonly Denial[] = ['unknown', 'spoof', 'not-live'];

/** Counts a denial, if it is one that counts; `undefined` counts nothing. */
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

/** The end of a lock-out whose time is over; undefined where there is none, or while it goes on. */
export function lockOver({ lockedUntilMs, ...rest }: Failures, atMs: number): { failures: Failures; events: LockEvent[] } | undefined {
  if (lockedUntilMs === undefined || atMs < lockedUntilMs) return undefined;
  return { failures: rest, events: [{ kind: 'lockout.ended', why: 'over' }] };
}
