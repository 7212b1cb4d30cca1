/**
 * What the door learns of living faces at its camera: the evidence of frames and the grants go in; the visits that were
 * confirmed otherwise than by the face are kept, and what is known from them comes out. Nothing is written on the way
 * to the relay. The liveness watch opens it and owns the file.
 */
import { Fault, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Event } from '../../events.ts';
import type { Gallery } from '../../identity/port.ts';
import type { Entry, Journal } from '../../journal/port.ts';
import { clearLooks, type KnownLive } from '../../liveness/judge.ts';
import { knownLive, viewsOf } from '../../liveness/known.ts';
import type { FrameEvidence, LivenessInfo } from '../../liveness/port.ts';
import type { KeptVisit, LiveVisits } from '../../liveness/visits.ts';

export interface LiveVisitsWatch extends Disposable {
  known(networks: LivenessInfo): KnownLive;
  /** The networks looked at a face of this person. */
  saw(personId: string, evidence: FrameEvidence): void;
  /** Something was journalled. */
  journalled(event: Event, entry: Entry, networks: LivenessInfo | undefined): void;
  /** Every second: writes what has to be kept, and takes in what people said of the door's visits. */
  refresh(gallery: Pick<Gallery, 'people' | 'ids'>): void;
  /** Forgets what nobody confirmed, up to this entry. */
  forgetAttempts(upTo: number): void;
}

export interface LiveVisitsWatchParts {
  readonly open: () => LiveVisits;
  readonly journal: Pick<Journal, 'query' | 'head'>;
  readonly log: Log;
}

interface State extends LiveVisitsWatchParts {
  /** Absent where the file cannot be used: the door goes on with the shipped threshold. */
  visits: LiveVisits | undefined;
  known: { readonly networks: string; readonly known: KnownLive } | undefined;
  /** Of the latest seconds. */
  seen: { readonly personId: string; readonly evidence: FrameEvidence }[];
  readonly waiting: { readonly visit: KeptVisit; readonly networks: string }[];
  markedUpTo: number;
  people: number;
}

/** Frames of one visit lie within this time. Milliseconds. */
const visitMs = 6000;
const leastFrames = 3;

export function watchLiveVisits(parts: LiveVisitsWatchParts): LiveVisitsWatch {
  const state: State = { ...parts, visits: undefined, known: undefined, seen: [], waiting: [], markedUpTo: parts.journal.head, people: -1 };
  attempt(state, () => {
    state.visits = parts.open();
  });
  return {
    known: (networks) => knownIn(state, networks),
    saw: (personId, evidence) => {
      const fromMs = evidence.capturedAtMs - visitMs;
      state.seen = [...state.seen.filter((one) => one.evidence.capturedAtMs >= fromMs), { personId, evidence }];
    },
    journalled: (event, entry, networks) => {
      if (networks) journalled(state, event, entry, networks);
    },
    refresh: (gallery) => attempt(state, () => refresh(state, gallery)),
    forgetAttempts: (upTo) => attempt(state, () => state.visits?.forgetUnconfirmed(upTo)),
    [Symbol.dispose]: () => {
      attempt(state, () => write(state));
      state.visits?.[Symbol.dispose]();
    },
  };
}

/** The door does not depend on the file. */
function attempt(state: State, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    state.log.error({ room: 'liveness', code: error.code, err: messageOf(error) }, 'live visits cannot be kept');
    state.visits?.[Symbol.dispose]();
    state.visits = undefined;
    state.waiting.length = 0;
  }
}

function knownIn(state: State, { sha256, scales }: LivenessInfo): KnownLive {
  if (state.known?.networks === sha256) return state.known.known;
  let known = knownLive([], scales.length);
  attempt(state, () => {
    known = knownLive(state.visits?.confirmed(sha256) ?? [], scales.length);
  });
  state.known = { networks: sha256, known };
  return known;
}

function journalled(state: State, event: Event, entry: Entry, { sha256, scales }: LivenessInfo): void {
  if (event.kind !== 'access.granted' || !state.visits) return;
  const { personId, liveness } = event;
  const own = clearLooks(state.seen.filter((one) => one.personId === personId).map(({ evidence }) => evidence));
  state.seen = [];
  const views = viewsOf(own);
  // What was shown to a door that was told of a spoof teaches nothing.
  if (own.length < leastFrames || views.length < scales.length || liveness?.verdict === 'spoof') return;
  const confirmedBy = liveness?.proof;
  state.waiting.push({ visit: { seq: entry.seq, personId, views, ...(confirmedBy && { confirmedBy }) }, networks: sha256 });
}

function refresh(state: State, gallery: Pick<Gallery, 'people' | 'ids'>): void {
  const { visits, journal } = state;
  if (!visits) return;
  write(state);
  const marks = journal.query({ kinds: ['entry.marked'], after: state.markedUpTo });
  state.markedUpTo = marks.at(-1)?.seq ?? state.markedUpTo;
  for (const { event } of marks) {
    if (event.kind !== 'entry.marked') continue;
    if (visits.mark(event.markedSeq, event.personId)) state.known = undefined;
  }
  // Of -1: somebody may have been removed while the door was closed.
  if (state.people < 0 || gallery.people < state.people) {
    visits.forgetOthers(new Set(gallery.ids()));
    state.known = undefined;
  }
  state.people = gallery.people;
}

function write(state: State): void {
  for (const { visit, networks } of state.waiting.splice(0)) {
    state.visits?.keep(visit, networks);
    if (visit.confirmedBy) state.known = undefined;
  }
}
