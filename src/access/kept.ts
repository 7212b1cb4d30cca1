/**
 * What the door remembers across restarts: its mode, lock-out, PIN tries and tampering. The controller's state goes in
 * and a text comes out, which the journal stores in one transaction with each event; after a restart the text goes in
 * and the states to begin in come out. Pure.
 */

import { parseJson } from '../base/jws.ts';
import { Compile, type Static, Type } from '../base/schema.ts';
import { initialState } from './decide.ts';
import type { Failures } from './lock-out.ts';
import { type PinTries, triesFrom, triesText } from './pin-tries.ts';
import { initialPremises, type Premises } from './premises.ts';
import type { State } from './state.ts';

/** What the controller stands on. */
export interface DoorStanding {
  readonly face: State;
  readonly premises: Premises;
  readonly pins: PinTries;
}

export interface Moment {
  /** Monotonic milliseconds. */
  readonly nowMs: number;
  /** Wall-clock milliseconds since 1970. */
  readonly wallMs: number;
  /** Whether the wall clock can be trusted. */
  readonly sure: boolean;
  /** This start of the computer, and milliseconds since it, suspensions included. */
  readonly bootId: string;
  readonly bootMs: number;
}

/** The name of the note. */
export const keptName = 'door';

/** Times are what was left of them (`…LeftMs`) at the moment of `bootId`, `bootMs` and `wallMs`. */
const keptShape = Type.Object({
  armed: Type.Boolean(),
  attempts: Type.Integer({ minimum: 0 }),
  stopped: Type.Boolean(),
  /** Of all faces that failed together: the faces themselves are those of strangers and are not stored. */
  failures: Type.Object({
    inARow: Type.Integer({ minimum: 0 }),
    level: Type.Integer({ minimum: 0 }),
    lockedLeftMs: Type.Optional(Type.Number()),
  }),
  tamperLeftMs: Type.Optional(Type.Number()),
  pins: Type.Record(Type.String(), Type.Object({ wrong: Type.Integer({ minimum: 0 }), of: Type.String(), leftMs: Type.Number() })),
  bootId: Type.String(),
  bootMs: Type.Number(),
  wallMs: Type.Number(),
});
const keptCheck = Compile(keptShape);
type Kept = Static<typeof keptShape>;

/** The note of how the door stands now. */
export function keptText({ face, premises, pins }: DoorStanding, { nowMs, wallMs, bootId, bootMs }: Moment): string {
  const tamperLeftMs = premises.blockedUntilMs - nowMs;
  const kept: Kept = {
    armed: premises.armed,
    attempts: face.failures.attempts,
    stopped: face.failures.stopped,
    failures: facesText(face.failures, nowMs),
    ...(tamperLeftMs > 0 ? { tamperLeftMs } : {}),
    pins: triesText(pins, nowMs),
    ...{ bootId, bootMs, wallMs },
  };
  return JSON.stringify(kept);
}

/** The states to begin in; undefined where the note cannot be read. */
export function standingOf(text: string, now: Moment): DoorStanding | undefined {
  const kept = parseJson(Buffer.from(text));
  if (!keptCheck.Check(kept)) return undefined;
  const passedMs = passedSince(kept, now);
  const untilMs = (leftMs: number) => now.nowMs + Math.max(0, leftMs - passedMs);
  const { tamperLeftMs = 0 } = kept;
  const faces = facesFrom(kept.failures, passedMs, now.nowMs);
  return {
    face: { ...initialState, failures: { attempts: kept.attempts, stopped: kept.stopped, faces } },
    premises: {
      ...initialPremises(kept.armed),
      ...(tamperLeftMs > passedMs ? { blockedUntilMs: untilMs(tamperLeftMs) } : {}),
    },
    pins: triesFrom(kept.pins, untilMs),
  };
}

function facesText({ faces }: Failures, nowMs: number): Kept['failures'] {
  const locked = faces.filter(({ lockedUntilMs }) => lockedUntilMs !== undefined);
  const unknown = faces.filter(({ face }) => !face);
  const leftMs = Math.max(...locked.map(({ lockedUntilMs = 0 }) => lockedUntilMs - nowMs));
  return {
    inARow: Math.max(0, ...unknown.map(({ inARow }) => inARow)),
    level: Math.max(0, ...[...locked, ...unknown].map(({ level }) => level)),
    ...(locked.length > 0 ? { lockedLeftMs: leftMs } : {}),
  };
}

/** One lock-out for whomever: whom it was for is not known any more. */
function facesFrom({ inARow, level, lockedLeftMs = 0 }: Kept['failures'], passedMs: number, nowMs: number): Failures['faces'] {
  if (inARow === 0 && level === 0) return [];
  const leftMs = lockedLeftMs - passedMs;
  return [{ inARow, level, lastMs: nowMs, ...(leftMs > 0 ? { lockedUntilMs: nowMs + leftMs } : {}) }];
}

/** Where no clock can tell how long ago it was, nothing has passed: waiting too long is the lesser harm. */
function passedSince(then: Pick<Kept, 'bootId' | 'bootMs' | 'wallMs'>, now: Moment): number {
  if (then.bootId === now.bootId) return Math.max(0, now.bootMs - then.bootMs);
  return now.sure ? Math.max(0, now.wallMs - then.wallMs) : 0;
}
