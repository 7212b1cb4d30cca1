/**
 * The composition root: a configuration in, the whole house out. What is acquired here is released in reverse order.
 */

import type { ControllerOptions } from './access/controller.ts';
import type { Policy } from './access/decide.ts';
import { openEntrance } from './access/entrance.ts';
import { ruleNames, ruler } from './access/person-rules.ts';
import type { Door, Event } from './access/port.ts';
import { sight } from './access/sight.ts';
import { enrolmentOf, galleryOf, journalOf, readerOf, renewTemplates, stateFolder } from './adapters.ts';
import { cameraOf, stepping } from './adapters-camera.ts';
import { deskOf } from './adapters-command.ts';
import { metricsOf, type ServedMetrics } from './adapters-host.ts';
import { embeddedBroker, homeAssistantOf } from './adapters-mqtt.ts';
import { inputsOf, relayOf } from './adapters-relay.ts';
import type { Camera } from './camera/port.ts';
import { sharedCamera } from './camera/shared.ts';
import { networks, newestVersion } from './cli/networks.ts';
import { statusOf } from './command/enrol.ts';
import { partsOf } from './command/parts.ts';
import type { CommandPorts } from './command/spec.ts';
import type { Config } from './config.ts';
import { type DaemonStatus, daemonLoops, type Moment } from './daemon.ts';
import { Fault, messageOf } from './errors.ts';
import { openEyes } from './eyes.ts';
import type { EmbedderInfo, FaceReader } from './face/port.ts';
import { lockState } from './host/lock.ts';
import type { ServiceManager } from './host/systemd.ts';
import { timeSync } from './host/time-sync.ts';
import type { EnrolmentSessions, Gallery } from './identity/port.ts';
import { identify } from './identity/threshold.ts';
import { followJournal } from './journal/follow.ts';
import type { Journal } from './journal/port.ts';
import { openLearning } from './learning.ts';
import { liveSettings } from './live-settings.ts';
import type { Log } from './log.ts';
import { type Publication, publishJournal } from './mqtt/client.ts';
import { encodeEnrolment, encodeTrainingLine, publicEntry } from './mqtt/codec.ts';
import type { States } from './mqtt/messages.ts';
import type { TellEvent } from './mqtt/tell-home-assistant.ts';
import { type Topics, topicsOf } from './mqtt/topics.ts';
import type { InputName, Inputs, Relay } from './relay/port.ts';
import { brokerOf } from './relay-line.ts';
import type { JobStatus } from './retrain/port.ts';
import type { Twin } from './retrain/promotion.ts';
import { farmOf, twinOf } from './retraining.ts';
import { type Clock, steppedClock, systemClock } from './time.ts';
import { version } from './version.ts';

/** What somebody should go and look at. */
const alarms: ReadonlySet<Event['kind']> = new Set(['door.held-open', 'door.forced-open', 'tamper.raised', 'relay.failed']);

/** What a test or the command line may put in place of what the configuration would give. */
export interface Overrides {
  readonly clock?: Clock;
  readonly camera?: Camera;
  readonly reader?: FaceReader;
  readonly relay?: Relay;
  readonly inputs?: Inputs;
  readonly onEvent?: ControllerOptions['onEvent'];
  readonly onMoment?: (moment: Moment) => void;
  /** Whether the wall clock is held to true time: signed commands need that. */
  readonly clockSynchronised?: () => boolean;
  /** systemd, where it waits for this process. */
  readonly serviceManager?: ServiceManager | undefined;
  /** A module that exports `workshopOf`: what learns and measures, in place of the shipped recipes. */
  readonly workshop?: string;
}

export interface HouseStatus extends DaemonStatus {
  readonly cameraLabel: string;
  readonly relay: string;
  readonly door: 'safe' | 'active';
  readonly people: number;
  readonly broker: string;
}

/** The house, opened and not yet running. */
export interface House extends AsyncDisposable {
  readonly config: Config;
  readonly reader: FaceReader;
  readonly gallery: Gallery;
  readonly journal: Journal;
  /** For everyone who is not a face. */
  readonly door: Door;
  readonly status: HouseStatus;
  /** Runs until `signal` is aborted or a replay has been played to its end. */
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Opens everything, in order: the state folder's lock, journal, networks, gallery, relay at its safe level, broker, camera.
 * @throws Fault of whatever could not be opened; what was opened before it is released.
 */
export async function wire(config: Config, log: Log, overrides: Overrides = {}): Promise<House> {
  await using opening = new AsyncDisposableStack();
  const stepped = config.camera.source === 'replay' && config.camera.replay.speed === 0 && !overrides.camera ? steppedClock() : undefined;
  const clock = overrides.clock ?? stepped ?? systemClock;
  opening.use(lockState(stateFolder(config)));
  const journal = opening.use(journalOf(config, clock));
  // A reader that a test brings guards alone: there is nothing to learn for it.
  const learning = overrides.reader
    ? undefined
    : opening.use(
        await openLearning({
          ...{ config, journal, clock },
          log: log.child({ room: 'retrain' }),
          synchronised: overrides.clockSynchronised ?? timeSync(),
          workshop: overrides.workshop,
          farm: await farmOf(config, log.child({ room: 'farm' })),
        }),
      );
  const eyes = learning?.eyes ?? opening.use(openEyes(await brought(config, overrides, clock)));
  const { reader, gallery } = eyes;
  if (gallery.stale > 0) {
    const renewing = () => overrides.serviceManager?.opening('making templates anew for another embedder');
    const { pictures, failed } = await renewTemplates(gallery, reader, renewing);
    log.warn(
      { room: 'identity', pictures, failed: failed.map(({ personId, source }) => `${personId} ${source}`) },
      'templates made anew for another embedder',
    );
  }
  const relay = opening.use(overrides.relay ?? (await relayOf(config, clock, log.child({ room: 'relay' }))));
  const plainCamera = overrides.camera ?? cameraOf(config, clock);
  const camera = sharedCamera(stepped ? stepping(plainCamera, stepped, config.camera.fps) : plainCamera);
  const live = liveSettings(config);
  const openInputs = () => {
    const inputs = inputsOf(config, clock);
    return inputs && opening.use(inputs);
  };
  const policy = (): Policy => {
    const { policy: kind, logit, fmr, extrapolated } = gallery.threshold;
    return { ...live.config.access, pulseMs: live.config.relay.pulseMs, threshold: { policy: kind, logit, fmr, extrapolated } };
  };
  let publication: Publication | undefined;
  let tellEvent: TellEvent | undefined;
  let lookedAt: Uint8Array | undefined;
  let metrics: ServedMetrics | undefined;
  const counts = { grants: 0, denials: 0, alarms: 0 };
  const entrance = openEntrance({
    journal,
    relay,
    gallery,
    rules: config.access,
    policy,
    premises: () => ({ ...live.config.access, ...live.config.relay }),
    inputs: overrides.inputs ?? openInputs(),
    synchronised: overrides.clockSynchronised ?? timeSync(),
    clock,
    log: log.child({ room: 'access' }),
    onEvent: (event, entry) => {
      overrides.onEvent?.(event, entry);
      if (event.kind === 'access.granted') counts.grants++;
      if (event.kind === 'access.denied') counts.denials++;
      if (alarms.has(event.kind)) counts.alarms++;
      tellEvent?.(event, entry);
      if (entry) learning?.journalled(event, entry);
      // The others come from the journal, with those that other processes write.
      if (!entry) metrics?.event(event);
    },
  });
  const { controller, door } = entrance;
  let people = gallery.list().length;
  const loops = daemonLoops({
    camera,
    reader,
    openReader: async () => (learning ? learning.reopen() : reader),
    sight: (frame, reading) => {
      lookedAt = frame.picture;
      learning?.saw(frame, reading);
      const compares = eyes.comparing(reading);
      return sight(frame.picture, frame.capturedAtMs, reading, {
        gallery: compares,
        identify: (matches) => identify(matches, compares.threshold, config.identity.ambiguityMargin),
      });
    },
    controller,
    onTick: () => {
      entrance.tick();
      learning?.tick();
      showStates();
      overrides.serviceManager?.attend({ relayHeld: relay.held, turns: loops.status.turns, status: summary() });
    },
    refresh: () => {
      try {
        if (gallery.refresh()) log.info({ room: 'identity', templates: gallery.templates }, 'people changed');
        people = gallery.list().length;
        learning?.refresh(people);
      } catch (error) {
        // The people known so far go on being known; the next second tries again.
        if (!(error instanceof Fault)) throw error;
        log.warn({ room: 'identity', code: error.code, err: error.message }, 'changes to the people cannot be read');
      }
    },
    clock,
    log,
    retry: { minMs: config.camera.retryMinMs, maxMs: config.camera.retryMaxMs },
    idleFps: stepped ? 0 : config.face.idleFps,
    onMoment: (moment) => {
      metrics?.looked(moment.sighting, clock.now() - moment.frame.capturedAtMs);
      learning?.looked(moment);
      overrides.onMoment?.(moment);
    },
  });
  const broker = config.mqtt.enabled && config.mqtt.embedded ? opening.use(await embeddedBroker(config)) : undefined;
  const enrolment = opening.use(
    enrolmentOf(config, {
      gallery,
      journal,
      reader: () => reader,
      camera: {
        watch: camera.watch,
        get working() {
          return loops.status.camera === 'running';
        },
      },
      log: log.child({ room: 'identity' }),
    }),
  );
  const commandPorts: CommandPorts = {
    door,
    gallery,
    rule: ruler({ gallery, journal, names: ruleNames(config.access), clock }),
    journal,
    enrolment,
    entries: (query) => journal.query(query).map((entry) => publicEntry(entry, config.door.id)),
    parts: partsOf({ clock: systemClock, maxBytes: config.enrolment.maxPictureBytes, maxAtOnce: 4, patienceMs: 60_000 }),
    settings: {
      all: live.all,
      set: (path, value, by) => {
        const changed = live.set(path, value);
        if (typeof changed !== 'string') controller.record({ kind: 'setting.changed', path, value, by });
        return changed;
      },
    },
    ...(learning && { training: learning.training }),
    models: () => networks(config).map(({ folder: _folder, ...network }) => network),
    ...(config.mqtt.snapshots && learning && { keptPictures: learning.training.pictures }),
    ...(config.mqtt.snapshots && {
      snapshot: async () => {
        const frame = camera.latest;
        if (!frame) return undefined;
        return { capturedAt: new Date(clock.wall() - (clock.now() - frame.capturedAtMs)).toISOString(), picture: frame.picture };
      },
    }),
  };
  const desk =
    config.mqtt.enabled && config.mqtt.commands
      ? opening.use(
          await deskOf(config, {
            ports: commandPorts,
            log: log.child({ room: 'command' }),
            clockSynchronised: overrides.clockSynchronised,
          }),
        )
      : undefined;
  const wired = (name: InputName) => config.inputs.kind !== 'none' && config.inputs[name] !== '';
  const installed = networks(config);
  const modelNow = () => {
    const { name, version: of } = reader.embedder;
    return { name, version: of, latest: newestVersion(reader.embedder, installed) };
  };
  const showStates = () => {
    if (!publication) return;
    const { premises } = controller;
    publication.show('door', !relay.held ? 'unknown' : relay.level === 'active' ? 'released' : 'locked');
    publication.show('camera', loops.status.camera === 'failed' ? 'failed' : 'working');
    publication.show('mode', premises.armed ? 'armed' : 'disarmed');
    if (wired('contact'))
      publication.show('contact', !entrance.inputsKnown || !premises.door ? 'unknown' : premises.door.open ? 'open' : 'closed');
    if (wired('tamper'))
      publication.show('tamper', !entrance.inputsKnown ? 'unknown' : premises.tamperSinceMs === undefined ? 'clear' : 'raised');
    publication.show('counts', { people, templates: gallery.templates, ...counts });
    publication.show('model', modelNow());
  };
  const brokerState = () => {
    if (!publication) return 'off';
    const { state, backlog, commands, setAside } = publication.status;
    const waiting = backlog > 0 ? ` (${backlog} waiting)` : '';
    return `${state}${waiting}${commands === 'deaf' ? ', delivers no commands' : ''}${setAside > 0 ? `, refused ${setAside} for good` : ''}`;
  };
  const summary = () =>
    `${relay.held ? relay.label : `relay not held: ${relay.label}`}; camera ${loops.status.camera}; ${gallery.templates} templates; broker ${brokerState()}`;
  metrics = await metricsOf(config, () => ({
    ...loops.status,
    frameAgeMs: camera.latest && clock.now() - camera.latest.capturedAtMs,
    broker: publication?.status.state ?? 'off',
    backlog: publication?.status.backlog ?? 0,
    people: gallery.list().length,
    templates: gallery.templates,
    released: relay.level === 'active',
    relayHeld: relay.held,
    armed: controller.premises.armed,
    thresholdLogit: gallery.threshold.logit,
  }));
  if (metrics) opening.use(metrics);
  const resources = opening.move();
  const describe = (e: EmbedderInfo) => `${e.name} ${e.version} ${e.sha256.slice(0, 12)}`;
  return {
    config,
    reader,
    gallery,
    journal,
    door,
    get status() {
      return {
        ...loops.status,
        cameraLabel: camera.label,
        relay: relay.label,
        door: relay.level,
        people: gallery.list().length,
        broker: brokerState(),
      };
    },
    run: async (signal) => {
      const stopping = () => overrides.serviceManager?.stopping();
      signal.addEventListener('abort', stopping, { once: true });
      controller.record({
        kind: 'daemon.started',
        version,
        people: gallery.list().length,
        templates: gallery.templates,
        threshold: policy().threshold,
        models: [describe(reader.embedder)],
      });
      // Publishing ends last, so that the broker hears of the stop too.
      const over = new AbortController();
      const following =
        metrics &&
        followJournal({
          journal,
          clock: systemClock,
          log: log.child({ room: 'host' }),
          after: journal.head,
          signal: over.signal,
          onEntry: ({ event }) => metrics?.event(event),
        });
      if (config.mqtt.enabled) {
        const { prefix, drainPerS } = config.mqtt;
        const options = {
          journal,
          broker: brokerOf(config, broker?.url),
          prefix,
          drainPerS,
          door: config.door.id,
          clock: systemClock,
          log: log.child({ room: 'mqtt' }),
          signal: over.signal,
          ...(desk && { desk }),
          ...(config.mqtt.homeAssistant.enabled && { homeAssistant: config.mqtt.homeAssistant }),
        };
        publication = publishJournal(options);
        tellEvent = homeAssistantOf(config, { ...options, publication, gallery, lookedAt: () => lookedAt });
        showStates();
        const topics = topicsOf(prefix, config.door.id);
        if (learning) {
          learning.onStatus = (status) => publication?.show('training', shownJob(status));
          learning.onLine = (job, line) =>
            publication?.tell(topics.training(job), { payload: encodeTrainingLine(job, line, systemClock.wall()), retain: false });
        }
        void tellEnrolment(enrolment, topics, publication, over.signal);
      }
      try {
        const played = new AbortController();
        const both = AbortSignal.any([signal, played.signal]);
        const learns = learning?.run(both).catch((error) => {
          // The door does not depend on it.
          log.fatal({ room: 'retrain', err: error }, 'learning has ended by a mistake in the program');
        });
        await Promise.all([loops.run(both).finally(() => played.abort()), entrance.watchInputs(both), learns]);
      } finally {
        await relay.safe();
        controller.record({ kind: 'daemon.stopped', reason: signal.aborted ? messageOf(signal.reason) : 'replay ended' });
        showStates();
        over.abort();
        await publication?.done;
        await following;
      }
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** The reader that a test brings, with the people of the state folder. */
async function brought(config: Config, { reader }: Overrides, clock: Clock): Promise<Twin> {
  const given = reader ?? (await readerOf(config));
  return twinOf('base', given, galleryOf(config, given.embedder, clock));
}

/** A job as its retained state has it. */
function shownJob({ progress, ...job }: JobStatus): States['training'] {
  if (!progress) return job;
  const { stage, done, total, figures } = progress;
  return { ...job, stage, done, total, ...(figures && { figures }) };
}

/** Whoever enrols from afar sees the prompts as they change. */
async function tellEnrolment(sessions: EnrolmentSessions, topics: Topics, publication: Publication, signal: AbortSignal): Promise<void> {
  for await (const status of sessions.changes(signal))
    publication.tell(topics.enrolment(status.session), { payload: encodeEnrolment(statusOf(status), systemClock.wall()), retain: false });
}
