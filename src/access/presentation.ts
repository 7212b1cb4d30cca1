/**
 * One visit of somebody. In: each frame with a face. Out: what the frames have shown so far and, in the end, why the
 * door stayed shut. Pure.
 */
import type { Denial, Event, PersonId, ThresholdNote } from '../events.ts';
import type { Embedding } from '../face/port.ts';
import type { Admission, Refused } from './admission.ts';
import { type Aliveness, nothingShown } from './alive/passage.ts';
import { bandOf } from './band.ts';
import type { Sighting } from './port.ts';

/** The part of the policy that a presentation needs. */
export interface PresentationRules {
  readonly armed: boolean;
  readonly votes: number;
  readonly maxFrameAgeMs: number;
  readonly denyAfterMs: number;
  readonly blocked?: Refused;
  /** While this is set some of the people cannot be recognised: whoever is unknown may be one of them. */
  readonly partial?: Refused;
}

export type Denied = Extract<Event, { kind: 'access.denied' }>;

/**
 * One visit of somebody: from the first face until none has been seen for a while, or until the face becomes another.
 * It is one attempt after the other, each as long as `denyAfterMs`.
 */
export interface Presentation {
  readonly sinceMs: number;
  readonly lastFaceAtMs: number;
  readonly lastDigest: string;
  /** Frames whose bytes were new. */
  readonly frames: number;
  readonly ballots: readonly Sighting[];
  /** What the frames have shown since the last event of this presentation. */
  readonly counts: Readonly<Partial<Record<Reason, number>>>;
  readonly quality: Readonly<Record<string, number>>;
  readonly best?: Sighting;
  readonly mostVotes: number;
  readonly quietUntilMs: number;
  readonly granted: boolean;
  /** The person whose refusal was told already: it is not told again at every frame. */
  readonly refused?: PersonId;
  /** Whether something was journalled about this visitor: nothing more is urgent then. */
  readonly settled: boolean;
  readonly visit?: number;
  /** Frames since the last event whose face was compared and that would have opened for the right one. */
  readonly compared: number;
  /** The mean of the faces, as a unit vector, and of how many. */
  readonly face?: { readonly mean: Embedding; readonly of: number };
  /** A frame that does not resemble the others, and the visit before it. */
  readonly odd?: { readonly sighting: Sighting; readonly before: Presentation };
  readonly grantedTo?: PersonId;
  /** What this attempt has shown of being alive. */
  readonly alive: Aliveness;
}

export type Reason = Denial | 'person';

export const begun = (atMs: number, { denyAfterMs }: Pick<PresentationRules, 'denyAfterMs'>): Presentation => ({
  sinceMs: atMs,
  lastFaceAtMs: atMs,
  lastDigest: '',
  frames: 0,
  ballots: [],
  counts: {},
  quality: {},
  mostVotes: 0,
  quietUntilMs: atMs + denyAfterMs,
  granted: false,
  settled: false,
  compared: 0,
  alive: nothingShown,
});

/** Reasons of frames whose face was compared: with the right face they would have counted for a vote. */
const compared: readonly Reason[] = ['unknown', 'spoof', 'not-live', 'person'];

/** The presentation with one more frame, whose bytes are new. */
export const looked = (before: Presentation, sighting: Sighting, reason: Reason, atMs: number): Presentation => ({
  ...before,
  lastFaceAtMs: atMs,
  lastDigest: sighting.digest,
  frames: before.frames + 1,
  counts: { ...before.counts, [reason]: (before.counts[reason] ?? 0) + 1 },
  compared: before.compared + (compared.includes(reason) || sighting.finding.kind === 'ambiguous' ? 1 : 0),
  quality: sighting.finding.kind === 'low-quality' ? counted(before.quality, sighting.finding.reasons) : before.quality,
  ...moreAlike(before.best, sighting),
});

export const total = (counts: Presentation['counts']): number => Object.values(counts).reduce((sum, n) => sum + n, 0);

function counted(counts: Readonly<Record<string, number>>, reasons: readonly string[]): Record<string, number> {
  const next = { ...counts };
  for (const reason of reasons) next[reason] = (next[reason] ?? 0) + 1;
  return next;
}

function moreAlike(before: Sighting | undefined, now: Sighting): { best?: Sighting } {
  const better =
    !before || (now.likeness?.logit ?? Number.NEGATIVE_INFINITY) > (before.likeness?.logit ?? Number.NEGATIVE_INFINITY) ? now : before;
  return { best: better };
}

const needed = { pin: 'pin-needed', 'second-person': 'second-person-needed' } as const;

/** What one frame shows, as a reason. */
export function reasonOf({ finding }: Sighting, policy: PresentationRules, admission: Admission | undefined): Reason {
  if (finding.kind === 'person') {
    if (!policy.armed) return 'disarmed';
    if (!admission?.ok) return admission?.reason ?? 'person';
    return admission.needs[0] ? needed[admission.needs[0]] : 'person';
  }
  if (finding.kind === 'low-quality' && finding.reasons.includes('several-faces')) return 'ambiguous';
  const shown = finding.kind === 'nobody' ? 'unknown' : finding.kind;
  // A resident is unknown to a door that cannot read its people: no failure of theirs.
  const reason = policy.blocked?.reason;
  if (shown === 'unknown' && (reason === 'gallery-down' || reason === 'vault-locked')) return reason;
  return shown === 'unknown' && policy.partial ? policy.partial.reason : shown;
}

/** Why the presentation did not open the door: what most of its frames showed. */
export function denial(visit: Presentation, atMs: number, policy: PresentationRules & { readonly threshold: ThresholdNote }): Denied {
  const ranked = Object.entries(visit.counts).toSorted((a, b) => b[1] - a[1]) as [Reason, number][];
  const most = ranked[0]?.[0] ?? 'unknown';
  const worst = Object.entries(visit.quality).toSorted((a, b) => b[1] - a[1])[0]?.[0];
  const held = visit.alive.held;
  const shown: Denial = most === 'person' ? 'unknown' : most === 'low-quality' && worst === 'too-dark' ? 'too-dark' : most;
  const reason = held?.reason ?? shown;
  const details: Partial<Record<Denial, string>> = {
    unknown: visit.mostVotes > 0 ? `${visit.mostVotes} of ${policy.votes} frames agreed` : 'no enrolled person is similar enough',
    ambiguous: worst === 'several-faces' ? 'several faces in front of the camera' : 'it could be more than one person',
    'low-quality':
      worst === 'unfit' ? 'too little of the face can be told: look at the camera, uncovered' : `the face was ${worst ?? 'poor'}`,
    'too-dark': 'too little light on the face',
    stale: `frames older than ${policy.maxFrameAgeMs} ms`,
    disarmed: 'face opening is switched off',
    'locked-out': 'too many failed attempts',
    'pin-needed': 'the PIN was not entered in time',
    'second-person-needed': 'no second person came in time',
  };
  const best = visit.best;
  return {
    kind: 'access.denied',
    reason,
    detail:
      held?.detail ?? details[reason] ?? policy.blocked?.detail ?? policy.partial?.detail ?? 'the rules of this person do not allow it',
    ...(best?.likeness ? { likeness: best.likeness, band: bandOf(best, policy.threshold) } : {}),
    ...(best?.finding.kind === 'person' ? { bestPersonId: best.finding.personId } : {}),
    capturedAtMs: best?.capturedAtMs ?? visit.lastFaceAtMs,
    ageMs: Math.round(atMs - (best?.capturedAtMs ?? visit.lastFaceAtMs)),
    threshold: policy.threshold,
    ...(held && { liveness: held.note }),
    ...(visit.visit === undefined ? {} : { visit: visit.visit }),
  };
}
