/** The door of the access room: what goes into the decision, what comes out, and every event the journal may hold. */
import type { PersonId } from '../identity/port.ts';

/** Why the door stayed shut: a closed list; later policies add to it. */
export const denials = ['unknown', 'ambiguous', 'low-quality', 'too-dark', 'stale', 'disarmed', 'journal-down'] as const;
export type Denial = (typeof denials)[number];

/** One frame's evidence about the dominant face. */
export interface Sighting {
  /** Digest of the frame's bytes: a frame shown twice counts once. */
  readonly digest: string;
  /** When the frame was captured, monotonic milliseconds. */
  readonly capturedAtMs: number;
  readonly finding: Finding;
  /** The likeness of the person named (or of the best candidate, for `unknown`). */
  readonly likeness?: Likeness;
}

export type Finding =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'person'; readonly personId: PersonId }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'ambiguous' }
  | { readonly kind: 'low-quality'; readonly reasons: readonly string[] };

export interface Likeness {
  readonly logit: number;
  readonly probability: number;
  readonly share: number;
}

/** Everything that may be journalled. Past tense; units in names; ids, never names of people. */
export type Event =
  | {
      readonly kind: 'daemon.started';
      readonly version: string;
      readonly people: number;
      readonly templates: number;
      readonly threshold: ThresholdNote;
      readonly models: readonly string[];
    }
  | { readonly kind: 'daemon.stopped'; readonly reason: string }
  | { readonly kind: 'camera.failed'; readonly code: string; readonly detail: string; readonly retryInMs: number }
  | { readonly kind: 'camera.restored'; readonly afterMs: number }
  | { readonly kind: 'reader.failed'; readonly detail: string; readonly retryInMs: number }
  | { readonly kind: 'reader.restored'; readonly afterMs: number }
  | {
      readonly kind: 'access.granted';
      readonly personId: PersonId;
      readonly likeness: Likeness;
      readonly votes: number;
      readonly capturedAtMs: number;
      readonly ageMs: number;
      readonly threshold: ThresholdNote;
      readonly visit?: number;
    }
  | {
      readonly kind: 'access.denied';
      readonly reason: Denial;
      readonly detail: string;
      readonly likeness?: Likeness;
      readonly bestPersonId?: PersonId;
      readonly capturedAtMs: number;
      readonly ageMs: number;
      readonly visit?: number;
    }
  | { readonly kind: 'relay.pulsed'; readonly grantSeq: number; readonly durationMs: number; readonly captureToRelayMs: number }
  | { readonly kind: 'relay.failed'; readonly grantSeq: number; readonly detail: string }
  | { readonly kind: 'person.enrolled'; readonly personId: PersonId; readonly pictures: number }
  | { readonly kind: 'person.renamed'; readonly personId: PersonId }
  | { readonly kind: 'person.removed'; readonly personId: PersonId }
  | { readonly kind: 'setting.changed'; readonly path: string; readonly value: number; readonly by: string }
  | { readonly kind: 'message.refused'; readonly refusedSeq: number; readonly code: number; readonly detail: string };

export type EventKind = Event['kind'];

/** The threshold an event was decided under. */
export interface ThresholdNote {
  readonly policy: string;
  readonly logit: number;
  readonly fmr: number;
  readonly extrapolated: boolean;
}

/** Who asks for something otherwise than by face. An operator was authenticated at the edge (signature, console session, local shell). */
export type Requester =
  | { readonly kind: 'operator'; readonly name: string; readonly via: 'mqtt' | 'console' | 'cli'; readonly requestId: string }
  | { readonly kind: 'exit-button' }
  | { readonly kind: 'keypad'; readonly via: 'mqtt' | 'console' };

/** What came of a request: the sequence number of the journal entry it left, or why it was refused. */
export type Answer = { readonly ok: true; readonly seq: number } | { readonly ok: false; readonly reason: Denial; readonly detail: string };

/** The door for everyone who is not a face: button, keypad, operators. Each call is journalled before it takes effect. */
export interface Door {
  /** One pulse of the set length. */
  open(by: Requester): Promise<Answer>;
  /** Kept released for `durationMs` (capped by `access.maxHoldMs`), renewed as a lease; ends with `release`. */
  hold(by: Requester, durationMs: number): Promise<Answer>;
  /** Ends a hold, and drives the safe level now. */
  release(by: Requester): Promise<Answer>;
  arm(by: Requester): Promise<Answer>;
  disarm(by: Requester): Promise<Answer>;
  /** Ends lock-out and back-off. */
  resetLockOut(by: Requester): Promise<Answer>;
  /** A PIN from a keypad: opens where a PIN alone may, or completes face + PIN. Never journalled or logged itself. */
  enterPin(by: Requester, pin: string): Promise<Answer>;
}
