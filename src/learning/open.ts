/**
 * Learning at a running door: frames, decisions and the clock go in; pictures are kept where the owner allows it, jobs run and stand still while somebody is there, a new
 * champion is watched beside the network before it, and what other processes promoted is taken over. Nothing here is in the way of a decision.
 */

import type { Observation } from '../access/port.ts';
import { Fault } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import type { Frame } from '../camera/port.ts';
import type { Event } from '../events.ts';
import type { FaceReader, Reading } from '../face/port.ts';
import type { Entry, Journal } from '../journal/port.ts';
import { scheduleOf } from '../retrain/due.ts';
import { type Jobs, jobsIn } from '../retrain/jobs.ts';
import { pauseOf } from '../retrain/pause.ts';
import type { Farm, JobStatus, Training } from '../retrain/port.ts';
import type { Registry } from '../retrain/registry.ts';
import type { Samples } from '../retrain/samples.ts';
import { visitPictures } from '../retrain/visit-pictures.ts';
import type { Config } from '../settings/load.ts';
import { type Eyes, openEyes } from './guard.ts';
import { openRetraining, processOf, runnerOf, samplesOf } from './parts.ts';
import { trainingOf } from './requests.ts';
import { firstTwin, succession } from './succession.ts';
import { templateRenewal } from './template-renewal.ts';

export interface LearningOptions {
  readonly config: Config;
  readonly journal: Journal;
  readonly clock: Clock;
  readonly log: Log;
  /** Whether the wall clock is held to true time: the schedule needs that. */
  readonly synchronised: () => boolean;
  /** A module that exports `workshopOf`, in place of the shipped one. */
  readonly workshop?: string | undefined;
  readonly farm?: Farm | undefined;
}

export interface Learning extends AsyncDisposable {
  readonly eyes: Eyes;
  readonly training: Training;
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
  onStatus: ((status: JobStatus) => void) | undefined;
  onLine: ((job: string, line: string) => void) | undefined;
}

const purgeMs = 600_000;
const scheduleMs = 20_000;

/** Opens the network that guards: the champion where it is whole and trusted, else what was before it. Throws what opening the configured network throws. */
export async function openLearning(options: LearningOptions): Promise<Learning> {
  const { config, journal, clock, log } = options;
  const retraining = await openRetraining(config);
  await using opening = new AsyncDisposableStack();
  opening.use(retraining);
  const { registry, store } = retraining;
  const record = recorder(journal, log);
  const eyes = opening.use(openEyes(await firstTwin({ config, retraining, clock, log, record })));
  const samples = samplesOf(config, retraining, eyes.gallery);
  const process = opening.use(processOf(config, options.workshop, true));
  const pictures = visitPictures({
    samples,
    onKept: ({ seq, pictures: count, until }) => record({ kind: 'picture.kept', keptSeq: seq, pictures: count, until }),
    onFault: (fault) => log.warn({ err: fault.message }, 'a picture could not be kept'),
  });
  const over = new AbortController();
  const { signal } = over;
  const pause = pauseOf({ clock, mostMs: config.retrain.maxPauseMs });
  const untilQuiet = async () => {
    while (pause.still() && !signal.aborted) await clock.sleep(100, signal).catch(() => undefined);
    signal.throwIfAborted();
  };
  const { promotion, probation, ...networks } = succession({
    ...{ config, retraining, samples, process, eyes, clock, log, untilQuiet, record, signal },
  });
  const renewal = templateRenewal({ eyes, untilQuiet, signal, log });
  const runner = runnerOf(config, {
    ...{ retraining, samples, process, record, log },
    farm: options.farm,
    promote: (id, by, comparison) => promotion.promote(id, by, { comparison }),
    onStatus: (status) => learning.onStatus?.(status),
    onLine: (job, line) => learning.onLine?.(job, line),
  });
  const jobs = jobsIn({ store, clock });
  const asked = trainingOf({ config, journal, registry, samples, eyes, process, promotion, jobs, signal, log });
  const lookAtSchedule = scheduleOf({
    ...{ store, clock, log },
    when: config.retrain.schedule,
    timeZone: config.access.timeZone,
    synchronised: options.synchronised,
    start: () => jobs.start({ recipe: config.retrain.recipe, where: config.retrain.where, by: 'schedule' }),
  });
  const keepHouse = houseKeeping({ config, clock, registry, samples, eyes, jobs, lookAtSchedule });

  const resources = opening.move();
  const learning: Learning = {
    eyes,
    training: asked.training,
    onStatus: undefined,
    onLine: undefined,
    saw: (frame, reading) => {
      const [face] = reading.faces;
      if (!face) return;
      pause.saw();
      runner.hold(pause.still());
      if (face.embedding && (config.retrain.keepGrantsDays > 0 || config.retrain.keepUnknownsDays > 0))
        pictures.saw(frame.capturedAtMs, frame.picture);
    },
    looked: probation.looked,
    journalled: (event, entry) => {
      if (event.kind !== 'access.granted' && event.kind !== 'access.denied') return;
      pictures.decided(event, entry);
      probation.decided(event, clock.now());
    },
    tick: () => runner.hold(pause.still()),
    refresh: (people) => {
      try {
        networks.follow();
        renewal.look();
        keepHouse(people);
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        log.warn({ code: error.code, err: error.message }, 'the registry of trained networks cannot be read');
      }
    },
    reopen: networks.reopen,
    run: async (until) => {
      const stop = () => over.abort(until.reason);
      until.addEventListener('abort', stop, { once: true });
      await probation.resume();
      try {
        await runner.run(until);
      } finally {
        over.abort(new Error('the door is closed'));
        await networks.followed();
        await renewal.done();
        await asked.promoted();
        await probation.end();
        await pictures.written();
      }
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
  return learning;
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

interface HouseKeepingParts {
  readonly config: Config;
  readonly registry: Registry;
  readonly samples: Samples;
  readonly eyes: Eyes;
  readonly jobs: Jobs;
  readonly clock: Clock;
  readonly lookAtSchedule: () => void;
}

/** Every second, with how many people are enrolled: what is due by the schedule, and what is kept no longer. */
function houseKeeping({ config, clock, registry, samples, eyes, jobs, lookAtSchedule }: HouseKeepingParts): (people: number) => void {
  let peopleBefore = 0;
  let nextPurgeMs = clock.now();
  let nextScheduleMs = clock.now();
  return (people) => {
    if (people < peopleBefore) {
      // Whoever was removed is removed here, too: what is kept of them, and a training that looks at it.
      nextPurgeMs = clock.now();
      jobs.cancel('the door: somebody was removed from the people');
    }
    peopleBefore = people;
    if (clock.now() >= nextScheduleMs) {
      nextScheduleMs = clock.now() + scheduleMs;
      lookAtSchedule();
    }
    if (clock.now() >= nextPurgeMs) {
      nextPurgeMs = clock.now() + purgeMs;
      samples.purge();
      if (registry.prune(config.retrain.keepBundles).length > 0 && !eyes.before)
        eyes.gallery.keepTemplates([...registry.list().map(({ embedder }) => embedder), registry.base]);
    }
  };
}
