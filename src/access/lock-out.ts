/**
 * Counts failed attempts. Several in a row of one face keep whoever resembles that face away for a while; very many in
 * all, without anybody being let in, stop opening by face altogether. In: the counts and a failed attempt. Out: the new
 * counts and events. Pure.
 *
 * Faces are compared as data, by the functions that the policy brings. They are kept in memory only: after a restart it
 * is not known whose face a lock-out was for, so it holds for every face.
 */
import type { Event } from '../events.ts';
import type { Embedding } from '../face/port.ts';

export interface LockOutRules {
  /** Failed attempts in a row of one face that lead to a lock-out; 0: never. */
  readonly failures: number;
  /** The first lock-out, milliseconds. Each further one of the same face is twice as long. */
  readonly firstMs: number;
  readonly maxMs: number;
  /** Failed attempts of whomever, without a grant in between, that stop opening by face; 0: never. */
  readonly attempts: number;
}

export interface Failures {
  /** Failed attempts since the last grant, correct PIN or reset. */
  readonly attempts: number;
  /** Opening by face has stopped until a PIN or an operator. */
  readonly stopped: boolean;
  readonly faces: readonly FailedFace[];
}

interface FailedFace {
  /** Absent where it is not known: then it may be anybody's. */
  readonly face?: Embedding;
  readonly inARow: number;
  /** Lock-outs since this face was let in. */
  readonly level: number;
  /** Monotonic milliseconds; absent: it is not locked out. */
  readonly lockedUntilMs?: number;
  readonly lastMs: number;
}

type LockEvent = Extract<Event, { kind: 'lockout.started' | 'lockout.ended' | 'access.stopped' | 'access.resumed' }>;

/** Whether two faces are alike enough to be one person's. */
export type Resembles = (a: Embedding, b: Embedding) => boolean;

export const noFailures: Failures = { attempts: 0, stopped: false, faces: [] };

/** As many failed faces are remembered; of more, those whose last failure is longest ago are forgotten. */
const mostFaces = 64;

/** A failed face that has not come back for a day is forgotten. */
const forgottenAfterMs = 86_400_000;

export interface FailedAttempt {
  readonly face: Embedding | undefined;
  readonly resembles: Resembles | undefined;
  readonly atMs: number;
  /** Somebody who is locked out and was compared all the same: it counts among all attempts. */
  readonly wasCompared?: boolean;
}

export interface Counted {
  readonly failures: Failures;
  readonly events: readonly LockEvent[];
  /** Failed attempts of this face in a row, this one included. */
  readonly inARow: number;
}

/** Counts a failed attempt; undefined where nothing is counted. */
export function failed(before: Failures, attempt: FailedAttempt, rules: LockOutRules | undefined): Counted | undefined {
  const waits = isWaiting(before, attempt);
  if (!rules || before.stopped || (waits && !attempt.wasCompared)) return undefined;
  const attempts = before.attempts + 1;
  const one = rules.failures > 0 && !waits ? failedFace(before.faces, attempt, rules) : { faces: before.faces, events: [], inARow: 1 };
  const stopped = rules.attempts > 0 && attempts >= rules.attempts;
  return {
    failures: { attempts, stopped, faces: one.faces },
    events: stopped ? [...one.events, { kind: 'access.stopped', attempts }] : one.events,
    inARow: one.inARow,
  };
}

function failedFace(
  faces: readonly FailedFace[],
  { face, resembles, atMs }: FailedAttempt,
  rules: LockOutRules,
): { readonly faces: readonly FailedFace[]; readonly events: readonly LockEvent[]; readonly inARow: number } {
  const recent = faces.filter(({ lastMs, lockedUntilMs = 0 }) => Math.max(lastMs, lockedUntilMs) + forgottenAfterMs > atMs);
  const known = recent.find((one) => isOneFace(one.face, face, resembles));
  const others = recent.filter((one) => one !== known);
  const inARow = (known?.inARow ?? 0) + 1;
  const level = known?.level ?? 0;
  const whose = face ?? known?.face;
  const next = { ...(whose && { face: whose }), level, lastMs: atMs };
  if (inARow < rules.failures) return { faces: newest([...others, { ...known, ...next, inARow }]), events: [], inARow };
  const durationMs = Math.min(rules.maxMs, rules.firstMs * 2 ** level);
  return {
    faces: newest([...others, { ...next, inARow: 0, level: level + 1, lockedUntilMs: atMs + durationMs }]),
    events: [{ kind: 'lockout.started', failures: inARow, durationMs, level }],
    inARow,
  };
}

const isOneFace = (a: Embedding | undefined, b: Embedding | undefined, resembles: Resembles | undefined): boolean =>
  a && b ? resembles === undefined || resembles(a, b) : !a && !b;

/** Whoever is locked out and stays is not compared, and so does not try again. */
const isWaiting = ({ faces }: Failures, { face, resembles }: FailedAttempt): boolean =>
  faces.some((one) => one.lockedUntilMs !== undefined && isOneFace(one.face, face, resembles));

/** Those that are locked out are forgotten last. */
function newest(faces: readonly FailedFace[]): readonly FailedFace[] {
  if (faces.length <= mostFaces) return faces;
  const rank = ({ lockedUntilMs, lastMs }: FailedFace) => (lockedUntilMs === undefined ? 0 : 1e15) + lastMs;
  return faces.toSorted((a, b) => rank(b) - rank(a)).slice(0, mostFaces);
}

/** Whether a face is locked out: it resembles one that is, or it cannot be told that it does not. */
export function isLockedOut({ faces }: Failures, face: Embedding | undefined, resembles: Resembles | undefined): boolean {
  return faces.some(
    (one) => one.lockedUntilMs !== undefined && (!one.face || !face || resembles === undefined || resembles(one.face, face)),
  );
}

/** The end of each lock-out whose time is over; undefined where there is none. */
export function lockOver(
  before: Failures,
  atMs: number,
): { readonly failures: Failures; readonly events: readonly LockEvent[] } | undefined {
  const isOver = ({ lockedUntilMs }: FailedFace) => lockedUntilMs !== undefined && lockedUntilMs <= atMs;
  const over = before.faces.filter(isOver).length;
  if (over === 0) return undefined;
  const faces = before.faces.map((one) => {
    const { lockedUntilMs: _, ...rest } = one;
    return isOver(one) ? rest : one;
  });
  return { failures: { ...before, faces }, events: Array.from({ length: over }, () => ({ kind: 'lockout.ended', why: 'over' })) };
}

/** After a grant: attempts count from the beginning, and so do the failures of this face. A lock-out goes on. */
export function letIn({ faces }: Failures, face: Embedding | undefined, resembles: Resembles | undefined): Failures {
  const others = faces.flatMap((one) => {
    if (one.face && face && !(resembles?.(one.face, face) ?? true)) return [one];
    return one.lockedUntilMs === undefined ? [] : [{ ...one, inARow: 0, level: 0 }];
  });
  return { attempts: 0, stopped: false, faces: others };
}

/** After a correct PIN: whoever has one is no stranger, so opening by face goes on. */
export function vouchedFor(before: Failures): { readonly failures: Failures; readonly events: readonly LockEvent[] } {
  return { failures: { ...before, attempts: 0, stopped: false }, events: before.stopped ? [{ kind: 'access.resumed', why: 'pin' }] : [] };
}

/** What an operator's reset ends. */
export function resetOf({ stopped, faces }: Failures): readonly LockEvent[] {
  const locked = faces.some(({ lockedUntilMs }) => lockedUntilMs !== undefined);
  return [
    ...(locked ? [{ kind: 'lockout.ended', why: 'reset' } as const] : []),
    ...(stopped ? [{ kind: 'access.resumed', why: 'reset' } as const] : []),
  ];
}
