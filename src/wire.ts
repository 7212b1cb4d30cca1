/**
 * The composition root: a configuration in, the whole house out. What is acquired here is released in reverse order.
 */

import type { ControllerOptions } from './access/controller.ts';
import type { Policy } from './access/decide.ts';
import { openEntrance } from './access/entrance.ts';
import type { Door, Observation } from './access/port.ts';
import { sight } from './access/sight.ts';
import { enrolmentOf, galleryOf, journalOf, readerOf, renewTemplates, stateFolder } from './adapters/basics.ts';
import { cameraOf, stepping } from './adapters/camera.ts';
import { deskOf } from './adapters/command.ts';
import { metricsOf, type ServedMetrics } from './adapters/host.ts';
import { embeddedBroker } from './adapters/mqtt.ts';
import { inputsOf, relayOf } from './adapters/relay.ts';
import { Fault } from './base/errors.ts';
import type { Log } from './base/log.ts';
import { type Clock, steppedClock, systemClock } from './base/time.ts';
import { version } from './base/version.ts';
import type { Camera } from './camera/port.ts';
import { sharedCamera } from './camera/shared.ts';
import type { EmbedderInfo, FaceReader } from './face/port.ts';
import { lockState } from './host/lock.ts';
import type { ServiceManager } from './host/systemd.ts';
import { timeSync } from './host/time-sync.ts';
import { commandPorts } from './house/command-ports.ts';
import { doorStates, tally } from './house/door-states.ts';
import { type DaemonStatus, daemonLoops } from './house/loops.ts';
import { publishingOf } from './house/publishing.ts';
import { runHouse } from './house/running.ts';
import type { Gallery } from './identity/port.ts';
import { rosterOf } from './identity/roster.ts';
import { identify } from './identity/threshold.ts';
import type { Journal } from './journal/port.ts';
import { type Eyes, openEyes } from './learning/eyes.ts';
import { openLearning } from './learning/open.ts';
import { farmOf, guardOf } from './learning/parts.ts';
import type { Inputs, Relay } from './relay/port.ts';
import type { Guard } from './retrain/promotion.ts';
import { liveSettings } from './settings/live.ts';
import type { Config } from './settings/load.ts';

/** What a test or the command line may put in place of what the configuration would give. */
export interface Overrides {
  readonly clock?: Clock;
  readonly camera?: Camera;
  readonly reader?: FaceReader;
  readonly relay?: Relay;
  readonly inputs?: Inputs;
  readonly onEvent?: ControllerOptions['onEvent'];
  readonly onMoment?: (moment: Observation) => void;
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
  await renewStale(eyes, overrides.serviceManager, log);
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
  const publishing = publishingOf(config);
  const since = tally();
  let lookedAt: Uint8Array | undefined;
  let metrics: ServedMetrics | undefined;
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
      since.event(event);
      publishing.event(event, entry);
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
      publishing.showStates();
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
  const roster = rosterOf({ gallery, journal });
  const enrolment = opening.use(
    enrolmentOf(config, {
      gallery,
      roster,
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
  const desk =
    config.mqtt.enabled && config.mqtt.commands
      ? opening.use(
          await deskOf(config, {
            ports: commandPorts({ config, live, door, controller, gallery, roster, journal, enrolment, camera, learning, clock }),
            log: log.child({ room: 'command' }),
            clockSynchronised: overrides.clockSynchronised,
          }),
        )
      : undefined;
  const showStates = doorStates({ config, relay, entrance, loops, reader, gallery, people: () => people, counts: since.counts });
  const summary = () =>
    `${relay.held ? relay.label : `relay not held: ${relay.label}`}; camera ${loops.status.camera}; ${gallery.templates} templates; broker ${publishing.summary}`;
  metrics = await metricsOf(config, () => ({
    ...loops.status,
    frameAgeMs: camera.latest && clock.now() - camera.latest.capturedAtMs,
    broker: publishing.state,
    backlog: publishing.backlog,
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
        broker: publishing.summary,
      };
    },
    run: async (signal) => {
      const stopping = () => overrides.serviceManager?.stopping();
      signal.addEventListener('abort', stopping, { once: true });
      const started = {
        kind: 'daemon.started',
        version,
        people: gallery.list().length,
        templates: gallery.templates,
        threshold: policy().threshold,
        models: [describe(reader.embedder)],
      } as const;
      const told = { journal, gallery, enrolment, desk, learning, showStates, brokerUrl: broker?.url, lookedAt: () => lookedAt };
      await runHouse({ journal, relay, entrance, loops, learning, publishing, told, metrics, log }, started, signal);
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** The reader that a test brings, with the people of the state folder. */
async function brought(config: Config, { reader }: Overrides, clock: Clock): Promise<Guard> {
  const given = reader ?? (await readerOf(config));
  return guardOf('base', given, galleryOf(config, given.embedder, clock));
}

/** Templates that another embedder made are made anew before the door begins to look. */
async function renewStale({ gallery, reader }: Eyes, serviceManager: ServiceManager | undefined, log: Log): Promise<void> {
  if (gallery.stale === 0) return;
  const renewing = () => serviceManager?.opening('making templates anew for another embedder');
  const { pictures, failed } = await renewTemplates(gallery, reader, renewing);
  log.warn(
    { room: 'identity', pictures, failed: failed.map(({ personId, source }) => `${personId} ${source}`) },
    'templates made anew for another embedder',
  );
}
