/**
 * Learning at a running door: frames, decisions and the clock go in. Pictures are kept where the owner allows it,
 * jobs run and pause while somebody is there, a new champion is watched beside the network before it, and what other
 * processes promoted is taken over. Nothing here delays a decision. wire.ts opens it; it owns the eyes, the registry
 * and the training process, and ends with the door.
 */

import type { Observation } from '../access/port.ts';
import { helperReaderOf } from '../adapters/basics.ts';
import { Fault, messageOf } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import type { Frame } from '../camera/port.ts';
import type { Event } from '../events.ts';
import type { FaceReader, Reading } from '../face/port.ts';
import type { Entry, Journal } from '../journal/port.ts';
import { readManifest } from '../retrain/bundle.ts';
import { scheduleOf } from '../retrain/due.ts';
import type { LearningPlace } from '../retrain/held/of-person.ts';
import type { JobRunner } from '../retrain/job-runner.ts';
import { type Jobs, jobsIn } from '../retrain/jobs.ts';
import { type Pause, pauseOf } from '../retrain/pause.ts';
import type { BundleManifest, Farm, JobStatus, Training } from '../retrain/port.ts';
import type { Samples } from '../retrain/samples.ts';
import { type VisitPictures, visitPictures } from '../retrain/visit-pictures.ts';
import type { Config } from '../settings/load.ts';
import type { Vault } from '../vault/port.ts';
import { type Eyes, openEyes } from './eyes.ts';
import { firstGuards, keptNetworksOf, tidy } from './first-guards.ts';
import type { KeptNetworks } from './kept-networks.ts';
import { learningPlace, openRetraining, type Retraining, runnerOf } from './parts.ts';
import { trainingOf } from './requests.ts';
import { openSuccession, type Succession } from './succession.ts';
import { type TemplateRenewal, templateRenewal } from './template-renewal.ts';

export interface LearningOptions {
  readonly config: Config;
  readonly journal: Journal;
  /** Seals what is kept of people. Learning does not own it. */
  readonly vault: Vault;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether the wall clock is held to true time: the schedule needs that. */
  readonly synchronised: () => boolean;
  /** A module that exports `workshopOf`, in place of the shipped one. */
  readonly workshop?: string | undefined;
  readonly farm?: Farm | undefined;
  /** The time by which kept pictures are past theirs, wall-clock milliseconds; by default the clock's. */
  readonly surelyMs?: () => number;
}

export interface Learning extends AsyncDisposable {
  readonly eyes: Eyes;
  readonly training: Training;
  /** What is kept of visitors, for whoever limits it by time and space, or shows it. */
  readonly samples: Pick<Samples, 'dropOldest' | 'visitorDays' | 'emptyLog' | 'pictures' | 'counts' | 'unknowns' | 'unknown'>;
  /** What is held of a person, and its removal. */
  readonly place: LearningPlace;
  /** People for whom templates of another network are being made; absent: for nobody. */
  readonly waiting: TemplateRenewal['waiting'];
  /** A frame was read; before it is decided on. */
  saw(frame: Frame, reading: Reading): void;
  /** A frame was decided on. */
  looked(moment: Observation): void;
  /** Something was journalled. */
  journalled(event: Event, entry: Entry): void;
  tick(): void;
  /** Every second: what other processes changed. `people`: enrolled now. */
  refresh(people: number): void;
  /** A reader for the network that guards, after it died; the network before it where it is damaged. */
  reopen(): Promise<FaceReader>;
  /** Jobs, until `signal` is aborted. */
  run(signal: AbortSignal): Promise<void>;
  /** What a trained network was measured at; undefined where its statement cannot be read. */
  metricsOf(id: string): BundleManifest['metrics'] | undefined;
  /** Hears of jobs from now on, until learning is closed. */
  subscribe(listener: LearningListener): void;
}

export interface LearningListener {
  readonly onStatus: (status: JobStatus) => void;
  readonly onLine: (job: string, line: string) => void;
}

interface State {
  readonly samples: Samples;
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly retraining: Retraining;
  readonly kept: KeptNetworks;
  readonly eyes: Eyes;
  readonly succession: Succession;
  readonly pictures: VisitPictures;
  readonly pause: Pause;
  readonly runner: JobRunner;
  readonly jobs: Jobs;
  readonly lookAtSchedule: () => void;
  readonly renewal: TemplateRenewal;
  /** Resolves when no promotion that was asked for is under way. */
  readonly promoted: () => Promise<void>;
  readonly over: AbortController;
  peopleBefore: number;
  nextPurgeMs: number;
  nextScheduleMs: number;
}

const purgeMs = 600_000;
const scheduleMs = 20_000;

/**
 * Opens the network that guards: the champion where it is whole and trusted, else what was before it. Throws what
 * opening the configured network throws.
 */
export async function openLearning(options: LearningOptions): Promise<Learning> {
  const { config, vault, journal, clock, log, workshop } = options;
  await using opening = new AsyncDisposableStack();
  const retraining = opening.use(await openRetraining(config, vault));
  const record = recorder(journal, log);
  const kept = keptNetworksOf(config);
  const { guard, coming } = await firstGuards({ config, retraining, kept, clock, log, record });
  const eyes = opening.use(openEyes(guard));
  const over = new AbortController();
  const { signal } = over;
  const pause = pauseOf({ clock, mostMs: config.retrain.maxPauseMs });
  const untilQuiet = async () => {
    while (pause.still() && !signal.aborted) await clock.sleep(100, signal).catch(() => undefined);
    signal.throwIfAborted();
  };
  const succession = opening.use(openSuccession({ config, retraining, eyes, clock, log, workshop, untilQuiet, record, signal }));
  const { process, promotion } = succession;
  const surelyMs = options.surelyMs ?? clock.wall;
  const samples: Samples = { ...succession.samples, purge: () => succession.samples.purge(surelyMs()) };
  const listeners = new Set<LearningListener>();
  const runner = runnerOf(config, {
    ...{ retraining, samples, process, record, log },
    farm: options.farm,
    promote: (id, by, comparison) => promotion.promote(id, by, { comparison }),
    onStatus: (status) => listeners.forEach(({ onStatus }) => void onStatus(status)),
    onLine: (job, line) => listeners.forEach(({ onLine }) => void onLine(job, line)),
  });
  const { registry, store } = retraining;
  const jobs = jobsIn({ store, clock });
  const { training, promoted } = trainingOf({ config, journal, registry, samples, eyes, process, promotion, jobs, signal, log });
  const state: State = {
    ...{ config, clock, log, retraining, kept, eyes, succession, pause, runner, jobs, promoted, over },
    samples,
    pictures: picturesOf(samples, record, log),
    lookAtSchedule: lookAtScheduleOf(options, store, jobs),
    renewal: opening.use(
      templateRenewal({
        ...{ eyes, coming, untilQuiet, record, signal, log },
        onTurned: () => tidy({ kept, retraining, eyes, log }),
        openHelper: ({ id }) => helperReaderOf(config, retraining.placeOf(id)),
      }),
    ),
    ...{ peopleBefore: 0, nextPurgeMs: clock.now(), nextScheduleMs: clock.now() },
  };
  const resources = opening.move();
  return {
    ...{ eyes, training, samples, place: learningPlace(config, store) },
    get waiting() {
      return state.renewal.waiting;
    },
    subscribe: (listener) => void listeners.add(listener),
    metricsOf: (id) => metricsOf(registry, id),
    saw: (frame, reading) => saw(state, frame, reading),
    looked: succession.probation.looked,
    journalled: (event, entry) => journalled(state, event, entry),
    tick: () => runner.hold(pause.still()),
    refresh: (people) => refresh(state, people),
    reopen: succession.reopen,
    run: (until) => run(state, until),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

function metricsOf(registry: Retraining['registry'], id: string): BundleManifest['metrics'] | undefined {
  const read = readManifest(registry.folder(id), id);
  return read.ok === 'read' ? read.manifest.metrics : undefined;
}

function picturesOf(samples: Samples, record: (event: Event) => void, log: Log): VisitPictures {
  return visitPictures({
    samples,
    onKept: ({ seq, pictures, until }) => record({ kind: 'picture.kept', keptSeq: seq, pictures, until }),
    onFault: (fault) => log.warn({ err: messageOf(fault) }, 'a picture could not be kept'),
  });
}

function lookAtScheduleOf({ config, clock, log, synchronised }: LearningOptions, store: Retraining['store'], jobs: Jobs): () => void {
  const { schedule: when, recipe, where } = config.retrain;
  return scheduleOf({
    ...{ store, clock, log, when, synchronised },
    timeZone: config.access.timeZone,
    start: () => jobs.start({ recipe, where, by: 'schedule' }),
  });
}

function saw({ config, pause, runner, pictures }: State, frame: Frame, reading: Reading): void {
  const [face] = reading.faces;
  if (!face) return;
  pause.saw();
  runner.hold(pause.still());
  if (face.embedding && (config.retrain.keepGrantsDays > 0 || config.retrain.keepUnknownsDays > 0))
    pictures.saw(frame.capturedAtMs, frame.picture);
}

function journalled({ pictures, succession, clock }: State, event: Event, entry: Entry): void {
  if (event.kind !== 'access.granted' && event.kind !== 'access.denied') return;
  pictures.decided(event, entry);
  succession.probation.decided(event, clock.now());
}

/** What fails keeps nothing else back. */
function refresh(state: State, people: number): void {
  const attempt = (failed: string, work: () => void) => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      state.log.warn({ code: error.code, err: messageOf(error) }, failed);
    }
  };
  attempt('the registry of trained networks cannot be read', () => state.succession.follow());
  attempt('templates that are missing cannot be looked for', () => state.renewal.look());
  attempt('what is past its time cannot be removed now', () => keepHouse(state, people));
}

async function run({ over, succession, runner, renewal, promoted, pictures }: State, until: AbortSignal): Promise<void> {
  const stop = () => over.abort(until.reason);
  until.addEventListener('abort', stop, { once: true });
  await succession.probation.resume();
  try {
    await runner.run(until);
  } finally {
    over.abort(new Error('the door is closed'));
    await succession.followed();
    await renewal.done();
    await promoted();
    await succession.probation.end();
    await pictures.written();
  }
}

/** What is due by the schedule, and what is no longer kept. */
function keepHouse(state: State, people: number): void {
  const { config, clock, retraining, eyes, jobs } = state;
  if (people < state.peopleBefore) {
    // Whoever was removed is removed here, too: what is kept of them, and a training that looks at it.
    state.nextPurgeMs = clock.now();
    jobs.cancel('the door: somebody was removed from the people');
  }
  state.peopleBefore = people;
  if (clock.now() >= state.nextScheduleMs) {
    state.nextScheduleMs = clock.now() + scheduleMs;
    state.lookAtSchedule();
  }
  if (clock.now() >= state.nextPurgeMs) {
    state.nextPurgeMs = clock.now() + purgeMs;
    if (people > 0) state.kept.keep(retraining.base);
    state.samples.purge();
    const { registry } = retraining;
    if (registry.prune(config.retrain.keepBundles).length > 0 && !eyes.before)
      eyes.gallery.keepTemplates([...registry.list().map(({ embedder }) => embedder), registry.base]);
  }
}

/** Learning goes on although the journal cannot be written. */
function recorder(journal: Journal, log: Log): (event: Event) => void {
  return (event) => {
    try {
      journal.append(event);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      log.error({ code: error.code, kind: event.kind }, 'journal cannot be written');
    }
  };
}
