/**
 * Learning at a running door: frames, decisions and the clock go in; pictures are kept where the owner allows it, jobs run and stand still while somebody is there, a new
 * champion is watched beside the network before it, and what other processes promoted is taken over. Nothing here is in the way of a decision.
 */
import type { Event } from './access/port.ts';
import { readerOf, renewTemplates } from './adapters.ts';
import { type Beside, watchBeside } from './beside.ts';
import type { Frame } from './camera/port.ts';
import type { Config } from './config.ts';
import type { Moment } from './daemon.ts';
import { Fault, messageOf } from './errors.ts';
import { type Eyes, openEyes } from './eyes.ts';
import type { FaceReader, Reading } from './face/port.ts';
import { identify } from './identity/threshold.ts';
import type { Entry, Journal } from './journal/port.ts';
import type { Log } from './log.ts';
import { scheduleOf } from './retrain/due.ts';
import { jobsIn } from './retrain/jobs.ts';
import { markEntry } from './retrain/marking.ts';
import { pauseOf } from './retrain/pause.ts';
import type { Farm, JobStatus, Training } from './retrain/port.ts';
import type { Promotion, Twin } from './retrain/promotion.ts';
import { visitPictures } from './retrain/visit-pictures.ts';
import { openRetraining, openTwin, processOf, promotionFor, type Retraining, runnerOf, samplesOf, twinOf } from './retraining.ts';
import type { Clock } from './time.ts';

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
  looked(moment: Moment): void;
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
const theDoor = 'the door';

/** Opens the network that guards: the champion where it is whole and trusted, else what was before it. Throws what opening the configured network throws. */
export async function openLearning(options: LearningOptions): Promise<Learning> {
  const { config, journal, clock, log } = options;
  const retraining = await openRetraining(config);
  await using opening = new AsyncDisposableStack();
  opening.use(retraining);
  const { registry, store } = retraining;
  const record = (event: Event) => {
    try {
      journal.append(event);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      log.error({ code: error.code, kind: event.kind }, 'journal cannot be written');
    }
  };
  if (retraining.movedAway !== undefined) {
    const detail = `the registry was damaged and is now ${retraining.movedAway}; trained networks must be added anew`;
    log.error({ file: retraining.movedAway }, 'ALARM: the registry of trained networks was damaged and moved away');
    record({ kind: 'model.rolled-back', bundle: 'base', from: 'unknown', why: 'damaged', by: theDoor, detail });
  }
  const eyes = opening.use(openEyes(await firstTwin(retraining, options, record)));
  const samples = samplesOf(config, retraining, eyes.gallery);
  const process = opening.use(processOf(config, options.workshop, true));
  const pictures = visitPictures({
    samples,
    onKept: ({ seq, pictures: count, until }) => record({ kind: 'picture.kept', keptSeq: seq, pictures: count, until }),
    onFault: (fault) => log.warn({ err: fault.message }, 'a picture could not be kept'),
  });
  const over = new AbortController();
  const pause = pauseOf({ clock, mostMs: config.retrain.maxPauseMs });
  let beside: Beside | undefined;
  let seenChanges = registry.changes;
  let renewing: Promise<void> | undefined;
  let promoting: Promise<void> | undefined;
  let followed: Promise<void> = Promise.resolve();
  let stuckStale = 0;
  let peopleBefore = 0;
  let nextPurgeMs = clock.now();
  let nextScheduleMs = clock.now();

  const breathe = async () => {
    while (pause.still() && !over.signal.aborted) await clock.sleep(100, over.signal).catch(() => undefined);
    over.signal.throwIfAborted();
  };
  const open = async (id: string): Promise<Twin> =>
    eyes.before?.id === id ? eyes.before : eyes.current.id === id ? eyes.current : await openTwin(config, retraining, id, clock);

  const take = (twin: Twin) => {
    seenChanges = registry.changes;
    void beside?.end();
    beside = undefined;
    const turned = eyes.turnTo(twin);
    log.info({ network: twin.id, templates: twin.gallery.templates }, 'another network guards the door');
    watch();
    // One that was gone back from is not kept.
    void turned
      .then(() => (beside ? undefined : eyes.drop()))
      .catch((error) => log.error({ err: messageOf(error) }, 'a network cannot be closed'));
  };
  const promotion: Promotion = promotionFor(config, {
    ...{ retraining, samples, process, breathe, take, record },
    guarding: () => eyes.current.gallery,
    openTwin: open,
    signal: over.signal,
  });
  const runner = runnerOf(config, {
    ...{ retraining, samples, process, record, log },
    farm: options.farm,
    promote: (id, by, comparison) => promotion.promote(id, by, { comparison }),
    onStatus: (status) => learning.onStatus?.(status),
    onLine: (job, line) => learning.onLine?.(job, line),
  });

  /** A champion on probation is watched beside the network before it. */
  const watch = () => {
    const { probation } = registry;
    const other = eyes.before;
    if (!probation || !other || eyes.current.id === 'base') return;
    const { decisions, maxDisagreement } = config.retrain;
    beside = watchBeside({
      other,
      rules: { decisions, maxDisagreement, absenceMs: config.access.absenceMs },
      registry,
      from: probation,
      identify: (matches, { gallery }) => identify(matches, gallery.threshold, config.identity.ambiguityMargin),
      onProved: (count) => {
        registry.setProbation(undefined);
        record({ kind: 'model.proved', bundle: eyes.current.id, ...count });
        void eyes.drop();
      },
      onGoBack: (detail) => void promotion.rollback(theDoor, 'disagreement', detail),
      log,
    });
  };

  /** After a start in the middle of a probation, the network before is opened again. */
  const resumeProbation = async () => {
    const before = registry.before();
    if (!registry.probation || !before || eyes.current.id === 'base' || eyes.before) return;
    try {
      eyes.keepBeside(await openTwin(config, retraining, before === 'base' ? 'base' : before.id, clock));
      watch();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      log.warn({ code: error.code, err: error.message }, 'the network before cannot be watched beside the new one');
    }
  };

  /** What another process promoted or took back. */
  const follow = async () => {
    if (registry.changes === seenChanges) return;
    seenChanges = registry.changes;
    const wanted = registry.champion()?.id ?? 'base';
    if (wanted === eyes.current.id) return;
    if (wanted !== 'base') {
      const verdict = await registry.verify(wanted);
      if (!verdict.ok) return void (await promotion.rollback(theDoor, 'damaged', verdict.detail));
    }
    const twin = await open(wanted);
    if (twin.gallery.stale > 0) await renewTemplates(twin.gallery, twin.reader, breathe);
    if ((registry.champion()?.id ?? 'base') === wanted) take(twin);
    else if (twin !== eyes.before) await twin[Symbol.asyncDispose]();
  };

  /** Pictures that others enrolled while another network guarded. */
  const renew = () => {
    const { stale } = eyes.gallery;
    if (stale === 0) stuckStale = 0;
    if (renewing || stale <= stuckStale) return;
    renewing = renewTemplates(eyes.current.gallery, eyes.current.reader, breathe)
      .then(({ pictures: made, failed }) => {
        stuckStale = eyes.gallery.stale;
        log.info({ room: 'identity', pictures: made, failed: failed.length }, 'templates made for the network in use');
      })
      .catch((error) => {
        if (!over.signal.aborted) log.warn({ err: messageOf(error) }, 'templates cannot be made now');
      })
      .finally(() => {
        renewing = undefined;
      });
  };

  const jobs = jobsIn({ store, clock });
  const lookAtSchedule = scheduleOf({
    ...{ store, clock, log },
    when: config.retrain.schedule,
    timeZone: config.access.timeZone,
    synchronised: options.synchronised,
    start: () => jobs.start({ recipe: config.retrain.recipe, where: config.retrain.where, by: 'schedule' }),
  });
  const training: Training = {
    start: ({ recipe = config.retrain.recipe, where = config.retrain.where, by }) => jobs.start({ recipe, where, by }),
    status: jobs.status,
    cancel: jobs.cancel,
    bundles: () =>
      registry.list().map(({ id, state, version, recipe, createdAt, note }) => ({ id, state, version, recipe, createdAt, note })),
    promote: (text, by) => {
      const { id } = registry.find(text);
      if (process.pid !== undefined)
        throw new Fault('training-busy', 'A training or comparison is under way: wait for its end, or cancel it (train.cancel)');
      promoting = promotion
        .promote(id, by)
        .then(() => undefined)
        .catch((error) => {
          if (!over.signal.aborted) log.error({ network: id, err: messageOf(error) }, 'a network could not be promoted');
        });
      return id;
    },
    rollback: (by) => promotion.rollback(by),
    pictures: samples.pictures,
    mark: (mark) => markEntry({ journal, samples, gallery: eyes.gallery }, mark),
  };
  const attempt = (what: string, work: () => void) => {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      log.warn({ code: error.code, err: error.message }, what);
    }
  };

  const resources = opening.move();
  const learning: Learning = {
    eyes,
    training,
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
    looked: (moment) => beside?.looked(moment),
    journalled: (event, entry) => {
      if (event.kind !== 'access.granted' && event.kind !== 'access.denied') return;
      pictures.decided(event, entry);
      beside?.decided(event, clock.now());
    },
    tick: () => runner.hold(pause.still()),
    refresh: (people) =>
      attempt('the registry of trained networks cannot be read', () => {
        if (registry.changes !== seenChanges)
          followed = followed
            .then(follow)
            .catch((error) => log.warn({ err: messageOf(error) }, 'a promoted network cannot be taken over now'));
        renew();
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
      }),
    reopen: async () => {
      const { id, gallery } = eyes.current;
      try {
        eyes.replace(twinOf(id, await readerOf(config, retraining.folderOf(id)), gallery));
      } catch (error) {
        const damaged = error instanceof Fault && ['model-damaged', 'model-missing', 'model-unfit'].includes(error.code);
        if (id === 'base' || !damaged || !(await promotion.rollback(theDoor, 'damaged', messageOf(error)))) throw error;
      }
      return eyes.reader;
    },
    run: async (signal) => {
      const stop = () => over.abort(signal.reason);
      signal.addEventListener('abort', stop, { once: true });
      await resumeProbation();
      try {
        await runner.run(signal);
      } finally {
        over.abort(new Error('the door is closed'));
        await followed;
        await renewing;
        await promoting;
        await beside?.end();
        await pictures.written();
      }
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
  return learning;
}

/** The champion, or, where it is damaged or not to be trusted, what was before it; the pointer follows. */
async function firstTwin(retraining: Retraining, { config, clock, log }: LearningOptions, record: (event: Event) => void): Promise<Twin> {
  const { registry } = retraining;
  for (let champion = registry.champion(); champion; champion = registry.champion()) {
    const verdict = await registry.verify(champion.id);
    try {
      if (verdict.ok) return await openTwin(config, retraining, champion.id, clock);
    } catch (error) {
      if (!(error instanceof Fault && error.code.startsWith('model-'))) throw error;
      log.error({ network: champion.id, code: error.code, err: error.message }, 'the champion cannot be opened');
    }
    const detail = verdict.ok ? 'it cannot be opened' : `${verdict.reason}: ${verdict.detail}`;
    log.error(
      { network: champion.id, detail },
      'ALARM: the trained network in use is damaged or not to be trusted; the one before it guards the door',
    );
    const back = registry.rollback(`damaged: ${detail}`);
    if (!back) break;
    const bundle = back.to === 'base' ? 'base' : back.to.id;
    record({ kind: 'model.rolled-back', bundle, from: champion.id, why: 'damaged', by: theDoor, detail });
  }
  return openTwin(config, retraining, 'base', clock);
}
