/**
 * What goes into the decision about faces, and what comes out of it: the policy, the inputs, the state, events and
 * effects. decide.ts is the reducer over them.
 */
import type { Event, PersonId, ThresholdNote } from '../events.ts';
import type { Admission, Refused } from './admission.ts';
import type { AskedLately } from './alive/challenges.ts';
import type { LivenessRules } from './alive/passage.ts';
import type { Failures, LockOutRules, Resembles } from './lock-out.ts';
import type { Sighting } from './port.ts';
import type { Presentation } from './presentation.ts';
import type { VoteRules } from './vote.ts';

export interface Policy extends VoteRules {
  readonly armed: boolean;
  readonly maxFrameAgeMs: number;
  readonly absenceMs: number;
  readonly denyAfterMs: number;
  readonly cooldownMs: number;
  readonly pulseMs: number;
  readonly threshold: ThresholdNote;
  /** While this is set nobody is let in by face. */
  readonly blocked?: Refused;
  /** While this is set some of the people cannot be recognised: whoever is unknown has not failed. */
  readonly partial?: Refused;
  /** A recognised person's own rules, as they are now. Absent: everyone enrolled may come in. */
  readonly admission?: (personId: PersonId) => Admission;
  /** Absent: nobody is ever locked out. */
  readonly lockOut?: LockOutRules;
  /** Whether a face may be the one of the frames before. Absent: a visit is always one person's. */
  readonly isSameFace?: Resembles;
  /** Whether a face is like one that failed before; stricter. Absent: every face is. */
  readonly resembles?: Resembles;
  /** How long a PIN, or the first of two people, counts. Milliseconds. */
  readonly togetherMs?: number;
  /** Absent: whether a face is a living one is not asked. */
  readonly liveness?: LivenessRules;
}

/** What the reducer is told, and when (`atMs`, monotonic). */
export type Input =
  | { readonly kind: 'sighting'; readonly atMs: number; readonly sighting: Sighting; readonly visit?: number }
  | { readonly kind: 'tick'; readonly atMs: number }
  /** Somebody entered this person's PIN, which completes their face. */
  | { readonly kind: 'pin'; readonly atMs: number; readonly personId: PersonId }
  /** Somebody entered a correct PIN that opens alone. */
  | { readonly kind: 'vouched'; readonly atMs: number }
  /** An operator ends lock-out and back-off. */
  | { readonly kind: 'reset'; readonly atMs: number }
  /** A grant that could not be carried out: its person need not wait for the cool-down. */
  | { readonly kind: 'undone'; readonly atMs: number; readonly personId: PersonId };

export type Seen = Extract<Input, { kind: 'sighting' }>;

export type AccessEvent = Extract<
  Event,
  {
    kind:
      | 'access.granted'
      | 'access.denied'
      | 'access.pending'
      | 'access.challenged'
      | 'access.stopped'
      | 'access.resumed'
      | 'lockout.started'
      | 'lockout.ended';
  }
>;
export type Granted = Extract<AccessEvent, { kind: 'access.granted' }>;

/** The only effect: release the lock for a grant, provided its frames are still fresh by then. */
export interface Open {
  readonly kind: 'open';
  readonly grant: Granted;
  readonly durationMs: number;
}

export interface State {
  readonly presentation?: Presentation;
  /** Until when a person who was just let in is not granted again. */
  readonly cooling: ReadonlyMap<PersonId, number>;
  readonly failures: Failures;
  /** Whose PIN was entered, and until when it counts. */
  readonly pinned?: Until;
  /** The first of two people, and until when they count. */
  readonly first?: Until;
  /** Who was journalled as waiting for something, and until when. */
  readonly pending?: Pending;
  /** Who was challenged lately. */
  readonly askedLately?: AskedLately;
}

/** Something that counts for one person, and until when. */
export interface Until {
  readonly personId: PersonId;
  readonly untilMs: number;
}

export interface Pending extends Until {
  readonly needs: 'pin' | 'second-person';
}

export interface Decision {
  readonly state: State;
  readonly events: readonly AccessEvent[];
  readonly effects: readonly Open[];
}

/** The state of a visit that goes on. */
export type Now = State & { readonly presentation: Presentation };
