/**
 * What other rooms see of the access room: what goes into the decision, what comes out of it, and what everyone who
 * does not come by face may ask for.
 */

import type { Frame } from '../camera/port.ts';
import type { Denial, Likeness, PersonId, Requester } from '../events.ts';
import type { Embedding, Mask, Reading } from '../face/port.ts';
import type { PersonRules } from '../identity/port.ts';
import type { FrameEvidence, LivenessPolicy } from '../liveness/port.ts';

/** One frame's evidence about the dominant face. */
export interface Sighting {
  /** Digest of the frame's bytes: a frame that is shown twice counts once. */
  readonly digest: string;
  /** When the frame was captured, monotonic milliseconds. */
  readonly capturedAtMs: number;
  readonly finding: Finding;
  /** The likeness of the person found, or for `unknown` of the best candidate. */
  readonly likeness?: Likeness;
  /** The face itself; absent where it was not good enough to be compared. */
  readonly face?: Embedding;
  /** What the frame counts for in the vote, ½…1; absent: 1. */
  readonly weight?: number;
  /** What the frame says about liveness; absent: nothing was checked. */
  readonly liveness?: FrameEvidence;
}

export type Finding =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'person'; readonly personId: PersonId }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'ambiguous' }
  | { readonly kind: 'low-quality'; readonly reasons: readonly string[] };

/** The outcome of a request: the sequence number of its journal entry, or why it was refused. */
export type Answer = { readonly ok: true; readonly seq: number } | { readonly ok: false; readonly reason: Denial; readonly detail: string };

/** Null removes a rule; absent leaves it as it is. */
export interface RuleChange {
  readonly enabled?: boolean;
  readonly schedule?: string | null;
  readonly validFrom?: string | null;
  readonly validUntil?: string | null;
  readonly uses?: number | null;
  readonly groups?: readonly string[];
  readonly pinOpens?: boolean;
  readonly pinNeeded?: boolean;
}

/** A person's rules for people to read, without the PIN's hash. */
export type ShownRules = Omit<PersonRules, 'pin' | 'usesAfter' | 'usesSince'> & { readonly hasPin?: true };

/**
 * Changes a person's rules, journalled first; `detail` says what is wrong with the change. `by`: the operator's name.
 */
export type ChangeRules = (
  personId: PersonId,
  change: RuleChange,
  by?: string,
) =>
  | { readonly ok: true; readonly rules: ShownRules; readonly changed: readonly string[] }
  | { readonly ok: false; readonly detail: string };

/**
 * The door for everyone who does not come by face: button, keypad, operators. Each call is journalled before it takes
 * effect.
 */
export interface Door {
  /** One pulse of the set length. */
  open(by: Requester): Promise<Answer>;
  /** Keeps the lock released for `durationMs`, capped by `access.maxHoldMs`; `release` ends it early. */
  hold(by: Requester, durationMs: number): Promise<Answer>;
  /** Ends a hold and drives the safe level now. */
  release(by: Requester): Promise<Answer>;
  arm(by: Requester): Promise<Answer>;
  disarm(by: Requester): Promise<Answer>;
  /** Ends lock-out and back-off. */
  resetLockOut(by: Requester): Promise<Answer>;
  /**
   * A PIN from a keypad: opens where a PIN alone may, or completes face + PIN. `who`: name or id of the person whose
   * PIN it is; wrong tries count against them alone. The PIN itself is never journalled or logged.
   */
  enterPin(by: Requester, pin: string, who?: string): Promise<Answer>;
  /** An exit reader saw this person leave: under anti-passback they may come in again. */
  left(by: Requester, personId: PersonId): Promise<Answer>;
}

/** What the people of a group may do. */
export interface GroupRules {
  /** Name of a schedule; absent: at any time. */
  readonly schedule?: string;
  /** A face alone is not enough. */
  readonly pin?: boolean;
  readonly secondPerson?: boolean;
  /** How much a face has to show; absent: what the door asks of everyone. */
  readonly liveness?: LivenessPolicy;
}

/** One frame, what the reader found in it, and the evidence that goes into the decision. */
export interface Observation {
  readonly frame: Frame;
  readonly reading: Reading;
  /** What the reader left out; absent: nothing. */
  readonly mask?: Mask;
  readonly sighting: Sighting;
}
