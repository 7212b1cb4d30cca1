/**
 * The composition root: a configuration in, the whole house out; the only place that knows which adapter stands behind which door.
 * What is acquired here is released in reverse order.
 */
import { mkdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ControllerOptions, openController } from './access/controller.ts';
import type { Policy } from './access/decide.ts';
import { sight } from './access/sight.ts';
import { demoVisits } from './camera/demo-visits.ts';
import type { Camera } from './camera/port.ts';
import { replayCamera } from './camera/replay.ts';
import { rtspCamera } from './camera/rtsp.ts';
import { v4l2Camera } from './camera/v4l2.ts';
import { watched } from './camera/watch.ts';
import { webcamCamera } from './camera/webcam.ts';
import type { Config } from './config.ts';
import { type DaemonStatus, daemonLoops, type Moment } from './daemon.ts';
import { asFault, Fault, messageOf } from './errors.ts';
import type { EmbedderInfo, FaceReader } from './face/port.ts';
import { openFaceReader } from './face/reader.ts';
import { lockState } from './host/lock.ts';
import type { Gallery, Reembedded } from './identity/port.ts';
import { gallerySearch, type Search } from './identity/search.ts';
import { openGallery } from './identity/sqlite.ts';
import { identify } from './identity/threshold.ts';
import type { Journal } from './journal/port.ts';
import { openJournal } from './journal/sqlite.ts';
import type { Log } from './log.ts';
import { type Broker, openBroker } from './mqtt/broker.ts';
import { type Publication, publishJournal } from './mqtt/client.ts';
import type { BrokerOptions } from './mqtt/connection.ts';
import { type BrokerProbe, probeBroker } from './mqtt/probe.ts';
import { dryRelay } from './relay/dry.ts';
import type { Relay } from './relay/port.ts';
import { type Clock, type SteppedClock, steppedClock, systemClock } from './time.ts';
import { version } from './version.ts';

/** What facelatch ships beside its code. */
export const root = fileURLToPath(new URL('..', import.meta.url));
export const demoPeopleFolder = join(root, 'config', 'demo-people');

/** A network's folder: a name in models/, or a path. */
export function modelFolder(name: string): string {
  return name.includes('/') ? resolve(name) : join(root, 'models', basename(name));
}

/** The face reader that the configuration asks for. */
export function readerOf({ face }: Config): Promise<FaceReader> {
  return openFaceReader({
    detector: modelFolder(face.detector),
    embedder: modelFolder(face.embedder),
    threads: face.threads,
    limits: face.quality,
  });
}

/** The state folder, made when it is not there (for its owner alone: it holds faces). */
export function stateFolder({ state }: Config): string {
  const folder = resolve(state.folder);
  if (statSync(folder, { throwIfNoEntry: false })?.isFile())
    throw new Fault('bad-config', `${folder} is a file: set state.folder (--state) to a folder`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw asFault(error, 'bad-config', `The folder ${folder} (state.folder) cannot be made`);
  }
  return folder;
}

export function galleryOf(config: Config, embedder: EmbedderInfo, clock: Clock = systemClock): Gallery {
  return openGallery({ file: join(stateFolder(config), 'people.sqlite'), embedder, policy: config.identity, clock });
}

/**
 * Makes the templates that the embedder in use lacks from the stored pictures, as after a change of embedder. `onPicture` is told of each.
 * What fails is named in the result and left as it is.
 */
export function renewTemplates(gallery: Gallery, reader: FaceReader, onPicture?: () => void): Promise<Reembedded> {
  return gallery.reembed(async (picture) => {
    const [face] = (await reader.read(picture, { embed: 'dominant' })).faces;
    onPicture?.();
    if (!face?.embedding) throw new Fault('bad-picture', 'No face is found in this stored picture by the networks in use');
    return face.embedding;
  });
}

/** A search in memory alone, under the head of an embedder. */
export function searchOf({ identity }: Config, embedder: EmbedderInfo): Search {
  return gallerySearch(embedder, identity.detection);
}

export function journalOf(config: Config, clock: Clock = systemClock): Journal {
  return openJournal({ file: join(stateFolder(config), 'journal.sqlite'), clock });
}

/** The demo people, as their pictures are named. */
export const demoPeople = Array.from({ length: 16 }, (_, i) => `p${String(i + 1).padStart(2, '0')}`);

/** The camera that the configuration asks for, watched for freezing and darkness. */
export function cameraOf({ camera }: Config, clock: Clock): Camera {
  const { width, height, fps, device, url, replay } = camera;
  const lockStep = replay.speed === 0;
  switch (camera.source) {
    case 'replay': {
      const { enrolled, visits, seed, speed, from, loop } = replay;
      const strangers = demoPeople.filter((name) => !enrolled.includes(name));
      const source =
        from === 'demo'
          ? demoVisits({ folder: demoPeopleFolder, enrolled, strangers, visits, seed, fps, speed, clock })
          : replayCamera({ from, fps, speed, loop, clock });
      return lockStep ? source : watched(source, { ...camera, clock });
    }
    case 'v4l2':
      return watched(v4l2Camera({ device, width, height, fps, clock }), { ...camera, clock });
    case 'webcam':
      return watched(webcamCamera({ device, width, height, fps, clock }), { ...camera, clock });
    case 'rtsp':
      return watched(rtspCamera({ url, width, height, fps, clock }), { ...camera, clock });
  }
}

/** A lock-step replay moves its own clock, one frame period a frame. */
function stepping(camera: Camera, clock: SteppedClock, fps: number): Camera {
  return {
    label: camera.label,
    frames: async function* (signal) {
      for await (const frame of camera.frames(signal)) {
        clock.step(1000 / fps);
        yield { ...frame, capturedAtMs: clock.now() };
      }
    },
  };
}

/** How the broker is reached; `url` where it is not the configured one. */
export function brokerOf({ mqtt }: Config, url: string = mqtt.url): BrokerOptions {
  return {
    url,
    protocol: mqtt.embedded ? '3.1.1' : mqtt.protocol,
    user: mqtt.user,
    password: mqtt.password,
    passwordFile: mqtt.passwordFile,
    caFile: mqtt.caFile,
  };
}

/** What a test or the command line may put in place of what the configuration would give. */
export interface Overrides {
  readonly clock?: Clock;
  readonly camera?: Camera;
  readonly reader?: FaceReader;
  readonly relay?: Relay;
  readonly onEvent?: ControllerOptions['onEvent'];
  readonly onMoment?: (moment: Moment) => void;
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
  const openReader = () => (overrides.reader ? Promise.resolve(overrides.reader) : readerOf(config));
  // Closed again by the loops when they end; here for whatever fails before they begin.
  const reader = opening.use(await openReader());
  const gallery = opening.use(galleryOf(config, reader.embedder, clock));
  if (gallery.stale > 0) {
    const { pictures, failed } = await renewTemplates(gallery, reader);
    log.warn(
      { room: 'identity', pictures, failed: failed.map(({ personId, source }) => `${personId} ${source}`) },
      'templates made anew for another embedder',
    );
  }
  const relay = opening.use(overrides.relay ?? dryRelay({ clock, maxMs: config.relay.maxMs }));
  const plainCamera = overrides.camera ?? cameraOf(config, clock);
  const camera = stepped ? stepping(plainCamera, stepped, config.camera.fps) : plainCamera;
  const policy = (): Policy => {
    const { policy: kind, logit, fmr, extrapolated } = gallery.threshold;
    return { ...config.access, pulseMs: config.relay.pulseMs, threshold: { policy: kind, logit, fmr, extrapolated } };
  };
  const controller = openController({
    journal,
    relay,
    policy,
    journalDown: config.access.journalDown,
    clock,
    log: log.child({ room: 'access' }),
    ...(overrides.onEvent ? { onEvent: overrides.onEvent } : {}),
  });
  const loops = daemonLoops({
    camera,
    reader,
    openReader,
    sight: (frame, reading) =>
      sight(frame.picture, frame.capturedAtMs, reading, {
        gallery,
        identify: (matches) => identify(matches, gallery.threshold, config.identity.ambiguityMargin),
      }),
    controller,
    onTick: () => showStates(),
    refresh: () => {
      try {
        if (gallery.refresh()) log.info({ room: 'identity', templates: gallery.templates }, 'people changed');
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
    ...(overrides.onMoment ? { onMoment: overrides.onMoment } : {}),
  });
  const broker = config.mqtt.enabled && config.mqtt.embedded ? opening.use(await embeddedBroker(config)) : undefined;
  let publication: Publication | undefined;
  const showStates = () => {
    publication?.show('door', relay.level === 'active' ? 'released' : 'locked');
    publication?.show('camera', loops.status.camera === 'failed' ? 'failed' : 'working');
    publication?.show('mode', config.access.armed ? 'armed' : 'disarmed');
  };
  const resources = opening.move();
  const describe = (e: EmbedderInfo) => `${e.name} ${e.version} ${e.sha256.slice(0, 12)}`;
  return {
    config,
    reader,
    gallery,
    journal,
    get status() {
      const { state, backlog } = publication?.status ?? { state: 'off', backlog: 0 };
      const waiting = backlog > 0 ? ` (${backlog} waiting)` : '';
      return {
        ...loops.status,
        cameraLabel: camera.label,
        relay: relay.label,
        door: relay.level,
        people: gallery.list().length,
        broker: state + waiting,
      };
    },
    run: async (signal) => {
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
      if (config.mqtt.enabled) {
        const { prefix } = config.mqtt;
        const options = {
          journal,
          broker: brokerOf(config, broker?.url),
          prefix,
          door: config.door.id,
          clock: systemClock,
          log: log.child({ room: 'mqtt' }),
          signal: over.signal,
        };
        publication = publishJournal(options);
        showStates();
      }
      try {
        await loops.run(signal);
      } finally {
        await relay.safe();
        controller.record({ kind: 'daemon.stopped', reason: signal.aborted ? messageOf(signal.reason) : 'replay ended' });
        showStates();
        over.abort();
        await publication?.done;
      }
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** The demo's own broker. @throws Fault `bad-config` where its port is taken. */
export function embeddedBroker({ mqtt }: Config): Promise<Broker> {
  return openBroker({ port: mqtt.embeddedPort });
}

/** Whether the broker takes what this door would publish. */
export function brokerProbe(config: Config): Promise<BrokerProbe> {
  return probeBroker({ broker: brokerOf(config), prefix: config.mqtt.prefix, door: config.door.id });
}
