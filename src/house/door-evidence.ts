/**
 * What the running door learns about its strangers: readings, decisions and the clock go in; from time to time a thread
 * of its own measures the evidence, which is kept on the disk and handed to the gallery, and every move of the
 * threshold is journalled. wire.ts opens it; it owns the thread and ends with the door. It delays no decision.
 *
 * Whoever stands before the door decides what is seen of unknown visitors. So of them only one in ten minutes counts,
 * nobody counts whose visit a grant ends (a resident who was misread first), and identity/evidence/weigh.ts bounds what
 * all of them may do. How well the camera shows people is taken from people who were let in alone.
 */
import type { Observation } from '../access/port.ts';
import { modelFolder, stateFolder, strangersTrouble } from '../adapters/basics.ts';
import { cameraFitness, keepKnownOfDoor, knownOfDoor } from '../adapters/evidence.ts';
import type { EvidenceRequest } from '../adapters/worker.ts';
import { messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import { type SideThread, sideThread } from '../base/side-thread.ts';
import type { Clock } from '../base/time.ts';
import type { Event } from '../events.ts';
import { digestOf } from '../identity/evidence/door.ts';
import { sampleOf } from '../identity/evidence/measure.ts';
import type { KnownOfDoor } from '../identity/evidence/stored.ts';
import type { DoorEvidence, EnrolledPerson } from '../identity/port.ts';
import { noteOf } from '../identity/threshold.ts';
import type { Eyes } from '../learning/eyes.ts';
import type { Config } from '../settings/load.ts';

export interface DoorEvidenceOptions {
  readonly config: Config;
  readonly eyes: Eyes;
  readonly clock: Pick<Clock, 'now'>;
  /** For stamps. */
  readonly time: Pick<Clock, 'wall'>;
  readonly log: Log;
  readonly record: (event: Event) => void;
  /** Measures; by default a thread of low priority. */
  readonly measure?: SideThread<EvidenceRequest, DoorEvidence | undefined>;
}

export interface DoorEvidenceWatch extends AsyncDisposable {
  /** A frame was decided on. */
  looked(moment: Observation): void;
  /** Something was journalled. */
  journalled(event: Event): void;
  /** Every second. */
  look(): void;
}

interface State extends Required<DoorEvidenceOptions> {
  known: KnownOfDoor;
  /** Everyone enrolled, by the list that the gallery keeps until somebody changes, and since when. */
  seen: readonly EnrolledPerson[];
  sinceMs: number;
  /** Of whom the latest measurement is. */
  of: readonly EnrolledPerson[] | undefined;
  measuring: boolean;
  measuredMs: number;
  /** New visitors since then. */
  news: boolean;
  /** A visitor who was turned away, until it is clear that no grant follows. */
  turnedAway: { readonly logit: number; readonly atMs: number } | undefined;
  countedMs: number;
  fitness: number | undefined;
  /** The threshold's logit as it was last journalled. */
  told: number;
}

/** A grant within this time shows that the visitor before it was a resident. */
const sameVisitMs = 60_000;
const betweenVisitsMs = 600_000;
const mostVisits = 200;
const keptDays = 90;
const mostFitness = 200;
/** People come one after the other; and after a start the door comes first. */
const settledMs = 10_000;
/** New visitors are measured this often at the most, and everything this often at the least. */
const [soonestMs, latestMs] = [600_000, 86_400_000];
/** A smaller move is none. Logits. */
const moved = 0.05;

export function doorEvidence(options: DoorEvidenceOptions): DoorEvidenceWatch {
  const { config, eyes, clock } = options;
  const thread =
    options.measure ??
    sideThread({
      module: new URL('../adapters/worker.ts', import.meta.url),
      ...{ mostWaiting: 1, patienceMs: 120_000, heapMb: 128, idleMs: 5000 },
    });
  const known = knownOf(config, eyes);
  const trouble = config.identity.policy === 'target-fmr' ? strangersTrouble(eyes.reader.embedder) : undefined;
  if (trouble !== undefined) options.log.warn({ detail: trouble }, 'the threshold goes without the cohort of strangers');
  const enrolled = eyes.gallery.enrolled();
  const state: State = {
    ...options,
    measure: thread,
    known,
    seen: enrolled,
    sinceMs: clock.now(),
    of: known.evidence?.digest === digestOf(enrolled) ? enrolled : undefined,
    measuring: false,
    measuredMs: clock.now(),
    news: false,
    turnedAway: undefined,
    countedMs: Number.NEGATIVE_INFINITY,
    fitness: undefined,
    told: eyes.gallery.threshold.logit,
  };
  return {
    looked: ({ reading, sighting }) => {
      if (sighting.finding.kind === 'person') state.fitness = reading.faces[0]?.fitness;
    },
    journalled: (event) => journalled(state, event),
    look: () => look(state),
    [Symbol.asyncDispose]: () => thread[Symbol.asyncDispose](),
  };
}

function knownOf(config: Config, { reader }: Eyes): KnownOfDoor {
  return knownOfDoor(stateFolder(config), reader.embedder) ?? { embedder: reader.embedder.sha256, visits: [], fitness: [] };
}

function journalled(state: State, event: Event): void {
  const nowMs = state.clock.now();
  if (event.kind === 'daemon.started') state.told = event.threshold.logit;
  if (event.kind === 'access.granted') {
    state.turnedAway = undefined;
    if (state.fitness !== undefined) state.known = { ...state.known, fitness: [...state.known.fitness, state.fitness].slice(-mostFitness) };
  }
  if (event.kind !== 'access.denied' || event.reason !== 'unknown' || !event.likeness) return;
  if (nowMs - state.countedMs < betweenVisitsMs) return;
  // Of several attempts within a visit the last counts: whoever tries longest is turned to the camera.
  state.turnedAway = { logit: event.likeness.logit, atMs: nowMs };
}

function look(state: State): void {
  const { eyes, clock, config, turnedAway } = state;
  const nowMs = clock.now();
  if (turnedAway && nowMs - turnedAway.atMs > sameVisitMs) count(state, turnedAway.logit, nowMs);
  const enrolled = eyes.gallery.enrolled();
  if (enrolled !== state.seen) Object.assign(state, { seen: enrolled, sinceMs: nowMs });
  if (state.measuring) return;
  const measures = config.identity.doorEvidence && config.identity.policy === 'target-fmr';
  const changed = measures && enrolled !== state.of;
  const sinceMeasuredMs = nowMs - state.measuredMs;
  if (changed ? nowMs - state.sinceMs >= settledMs : measures && sinceMeasuredMs >= (state.news ? soonestMs : latestMs))
    void measureNow(state, enrolled);
  else if (!changed) tellMoves(state);
}

function count(state: State, logit: number, nowMs: number): void {
  const wallMs = state.time.wall();
  const from = new Date(wallMs - keptDays * 86_400_000).toISOString();
  const visits = [...state.known.visits, { at: new Date(wallMs).toISOString(), logit }].filter(({ at }) => at >= from);
  Object.assign(state, {
    turnedAway: undefined,
    countedMs: nowMs,
    news: true,
    known: { ...state.known, visits: visits.slice(-mostVisits) },
  });
}

async function measureNow(state: State, enrolled: readonly EnrolledPerson[]): Promise<void> {
  const { eyes, config, clock, log, measure } = state;
  const { reader, gallery } = eyes.current;
  const { embedder } = reader;
  if (state.known.embedder !== embedder.sha256) state.known = knownOf(config, eyes);
  Object.assign(state, { measuring: true, of: enrolled, news: false, measuredMs: clock.now() });
  try {
    const fitness = cameraFitness(state.known.fitness);
    const evidence = await measure.ask({
      ...{ embedder, digest: digestOf(enrolled), sample: sampleOf(enrolled, embedder.dimension) },
      visitors: state.known.visits.map(({ logit }) => logit),
      chances: gallery.threshold.layers?.chances.independent ?? 1,
      cohort: modelFolder('cohort'),
      ...(fitness !== undefined && { fitness }),
    });
    // It is needed seldom, and holds much memory.
    await measure[Symbol.asyncDispose]();
    if (eyes.current.gallery !== gallery) return;
    if (!evidence) throw new Error('the thread that measures it gave no answer');
    gallery.consider(evidence);
    state.known = { ...state.known, evidence, visits: state.known.visits.map((visit) => coarse(state, visit)) };
    keepKnownOfDoor(stateFolder(config), state.known);
  } catch (error) {
    state.news = true; // it is tried again soon, not in a day
    log.warn({ err: messageOf(error) }, "the door's evidence cannot be measured or kept now");
  } finally {
    state.measuring = false;
  }
}

/** Of an attempt that is a while ago, only the day is kept. */
function coarse({ config, time }: State, visit: KnownOfDoor['visits'][number]): KnownOfDoor['visits'][number] {
  const from = new Date(time.wall() - config.privacy.unknownDays * 86_400_000).toISOString();
  return visit.at < from ? { ...visit, at: `${visit.at.slice(0, 10)}T00:00:00.000Z` } : visit;
}

function tellMoves(state: State): void {
  const { threshold } = state.eyes.gallery;
  if (Math.abs(threshold.logit - state.told) < moved) return;
  const { people = 0, visits = 0 } = threshold.layers?.door ?? {};
  state.record({ kind: 'threshold.moved', before: state.told, threshold: noteOf(threshold), people, visits });
  state.told = threshold.logit;
}
