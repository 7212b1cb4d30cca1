/**
 * The decision, a pure and total reducer: state and input in; the next state, events to journal and effects to carry out, out. Inputs carry the
 * time, so time is data: nothing here asks a clock.
 */
import type { PersonId } from '../identity/port.ts';
import type { Denial, Event, Sighting, ThresholdNote } from './port.ts';
import { cast, tally, type VoteRules } from './vote.ts';

export interface Policy extends VoteRules {
  readonly armed: boolean;
  readonly maxFrameAgeMs: number;
  readonly absenceMs: number;
  readonly denyAfterMs: number;
  readonly cooldownMs: number;
  readonly pulseMs: number;
  readonly threshold: ThresholdNote;
}

/** What the reducer is told; `atMs` is the monotonic time of telling. */
export type Input =
  | { readonly kind: 'sighting'; readonly atMs: number; readonly sighting: Sighting; readonly visit?: number }
  | { readonly kind: 'tick'; readonly atMs: number }
  /** A grant that could not be carried out: its person need not wait for the cool-down. */
  | { readonly kind: 'undone'; readonly atMs: number; readonly personId: PersonId };

export type AccessEvent = Extract<Event, { kind: 'access.granted' | 'access.denied' }>;

/** The one effect there is: release the lock for a grant, provided its frames are still fresh then. */
export interface Open {
  readonly kind: 'open';
  readonly grant: Extract<AccessEvent, { kind: 'access.granted' }>;
  readonly durationMs: number;
}

/** One visit of somebody: from the first face until none has been seen for a while. */
interface Presentation {
  readonly sinceMs: number;
  readonly lastFaceAtMs: number;
  readonly lastDigest: string;
  /** Frames whose bytes were new. */
  readonly frames: number;
  readonly ballots: readonly Sighting[];
  /** What was found since the last event of this presentation. */
  readonly counts: Readonly<Partial<Record<Reason, number>>>;
  readonly quality: Readonly<Record<string, number>>;
  readonly best?: Sighting;
  readonly mostVotes: number;
  readonly quietUntilMs: number;
  readonly granted: boolean;
  /** The journal has been told of this visitor, one way or the other: nothing more is pressing. */
  readonly settled: boolean;
  readonly visit?: number;
}

type Reason = 'unknown' | 'ambiguous' | 'low-quality' | 'stale' | 'person' | 'disarmed';

export interface State {
  readonly presentation?: Presentation;
  /** Until when a person just let in is not granted again. */
  readonly cooling: ReadonlyMap<PersonId, number>;
}

export interface Decision {
  readonly state: State;
  readonly events: readonly AccessEvent[];
  readonly effects: readonly Open[];
}

const silenceMs = 3000;

export const initialState: State = { cooling: new Map() };

/** Decides. Never throws; every grant it returns rests on `policy.votes` fresh frames of one person. */
export function decide(state: State, input: Input, policy: Policy): Decision {
  if (input.kind === 'undone') {
    const cooling = new Map([...state.cooling].filter(([personId]) => personId !== input.personId));
    return { state: { ...state, cooling }, events: [], effects: [] };
  }
  if (input.kind === 'sighting' && input.sighting.finding.kind === 'nobody') return settle(state, input.atMs, policy.absenceMs, policy);
  // Without a frame that shows nobody, silence may only mean a slow machine or camera: it takes longer to say that the visitor has left.
  const left = settle(state, input.atMs, policy.absenceMs + silenceMs, policy);
  if (input.kind === 'tick') return left;
  const seen = see(left.state, input, policy);
  return { ...seen, events: [...left.events, ...seen.events] };
}

/** Lets time pass: ends a presentation nobody is in any more, and denies one that has lasted too long. */
function settle(state: State, atMs: number, absenceMs: number, policy: Policy): Decision {
  const visit = state.presentation;
  const quiet: Decision = { state, events: [], effects: [] };
  if (!visit) return quiet;
  const over = atMs - visit.lastFaceAtMs >= absenceMs;
  const tooLong = !visit.granted && atMs >= visit.quietUntilMs;
  if (!over && !tooLong) return quiet;
  // Fewer new frames than a vote needs: somebody passed by.
  const denied = !visit.granted && visit.frames >= policy.votes && total(visit.counts) > 0 ? [denial(visit, atMs, policy)] : [];
  const { presentation: _, ...without } = state;
  const next = over
    ? without
    : {
        ...state,
        presentation: { ...visit, counts: {}, quality: {}, mostVotes: 0, quietUntilMs: atMs + policy.denyAfterMs, settled: true },
      };
  return { state: next, events: denied, effects: [] };
}

const total = (counts: Presentation['counts']): number => Object.values(counts).reduce((sum, n) => sum + n, 0);

/** Takes one frame with a face into the presentation and opens when the vote is won. */
function see(state: State, { atMs, sighting, visit }: Extract<Input, { kind: 'sighting' }>, policy: Policy): Decision {
  const before: Presentation = state.presentation ?? {
    sinceMs: atMs,
    lastFaceAtMs: atMs,
    lastDigest: '',
    frames: 0,
    ballots: [],
    counts: {},
    quality: {},
    mostVotes: 0,
    quietUntilMs: atMs + policy.denyAfterMs,
    granted: false,
    settled: false,
  };
  if (before.lastDigest === sighting.digest) return { state, events: [], effects: [] };
  const fresh = atMs - sighting.capturedAtMs <= policy.maxFrameAgeMs && sighting.capturedAtMs <= atMs;
  // Every frame behind a grant is fresh when it opens, not only the last one.
  const ballots = (fresh ? cast(before.ballots, sighting, policy) : before.ballots).filter(
    (b) => atMs - b.capturedAtMs <= policy.maxFrameAgeMs,
  );
  const vote = tally(ballots, policy);
  const reason = fresh ? reasonOf(sighting, policy) : 'stale';
  const presentation: Presentation = {
    ...before,
    lastFaceAtMs: atMs,
    lastDigest: sighting.digest,
    frames: before.frames + 1,
    ballots,
    counts: { ...before.counts, [reason]: (before.counts[reason] ?? 0) + 1 },
    quality: sighting.finding.kind === 'low-quality' ? counted(before.quality, sighting.finding.reasons) : before.quality,
    mostVotes: Math.max(before.mostVotes, vote.kind === 'open' ? vote.votes : 0),
    ...moreAlike(before.best, sighting),
    ...(visit === undefined ? {} : { visit }),
  };
  const elected = fresh && policy.armed && vote.kind === 'elected' ? vote : undefined;
  const cooling = new Map([...state.cooling].filter(([, until]) => until > atMs));
  if (!elected || cooling.has(elected.personId) || sighting.finding.kind !== 'person')
    return { state: { presentation, cooling }, events: [], effects: [] };
  const grant = {
    kind: 'access.granted',
    personId: elected.personId,
    likeness: elected.best.likeness ?? { logit: 0, probability: 0, share: 0 },
    votes: elected.votes,
    capturedAtMs: sighting.capturedAtMs,
    ageMs: Math.round(atMs - sighting.capturedAtMs),
    threshold: policy.threshold,
    ...(visit === undefined ? {} : { visit }),
  } as const;
  cooling.set(elected.personId, atMs + policy.cooldownMs);
  return {
    state: { presentation: { ...presentation, ballots: [], counts: {}, quality: {}, granted: true, settled: true }, cooling },
    events: [grant],
    effects: [{ kind: 'open', grant, durationMs: policy.pulseMs }],
  };
}

function counted(counts: Readonly<Record<string, number>>, reasons: readonly string[]): Record<string, number> {
  const next = { ...counts };
  for (const reason of reasons) next[reason] = (next[reason] ?? 0) + 1;
  return next;
}

function reasonOf(sighting: Sighting, policy: Policy): Reason {
  const { finding } = sighting;
  if (finding.kind === 'person') return policy.armed ? 'person' : 'disarmed';
  if (finding.kind === 'low-quality' && finding.reasons.includes('several-faces')) return 'ambiguous';
  return finding.kind === 'nobody' ? 'unknown' : finding.kind;
}

function moreAlike(before: Sighting | undefined, now: Sighting): { best?: Sighting } {
  const better =
    !before || (now.likeness?.logit ?? Number.NEGATIVE_INFINITY) > (before.likeness?.logit ?? Number.NEGATIVE_INFINITY) ? now : before;
  return { best: better };
}

/** Why the presentation did not open the door: what most of its frames said. */
function denial(visit: Presentation, atMs: number, policy: Policy): AccessEvent {
  const ranked = Object.entries(visit.counts).toSorted((a, b) => b[1] - a[1]) as [Reason, number][];
  const most = ranked[0]?.[0] ?? 'unknown';
  const worst = Object.entries(visit.quality).toSorted((a, b) => b[1] - a[1])[0]?.[0];
  const reason: Denial = most === 'person' ? 'unknown' : most === 'low-quality' && worst === 'too-dark' ? 'too-dark' : most;
  const details: Record<Denial, string> = {
    unknown: visit.mostVotes > 0 ? `${visit.mostVotes} of ${policy.votes} frames agreed` : 'no enrolled person is like enough',
    ambiguous: worst === 'several-faces' ? 'several faces before the camera' : 'more than one person it could be',
    'low-quality': `the face was ${worst ?? 'poor'}`,
    'too-dark': 'too little light on the face',
    stale: `frames older than ${policy.maxFrameAgeMs} ms`,
    disarmed: 'face opening is switched off',
    'journal-down': '',
  };
  const best = visit.best;
  return {
    kind: 'access.denied',
    reason,
    detail: details[reason],
    ...(best?.likeness ? { likeness: best.likeness } : {}),
    ...(best?.finding.kind === 'person' ? { bestPersonId: best.finding.personId } : {}),
    capturedAtMs: best?.capturedAtMs ?? visit.lastFaceAtMs,
    ageMs: Math.round(atMs - (best?.capturedAtMs ?? visit.lastFaceAtMs)),
    ...(visit.visit === undefined ? {} : { visit: visit.visit }),
  };
}
