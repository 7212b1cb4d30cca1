/**
 * Which adapter stands behind which door: a configuration in, each room opened as it asks out. With `wire.ts` the only importer of adapters.
 */
import { statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { demoVisits } from './camera/demo-visits.ts';
import type { Camera } from './camera/port.ts';
import { replayCamera } from './camera/replay.ts';
import { rtspCamera } from './camera/rtsp.ts';
import { v4l2Camera } from './camera/v4l2.ts';
import { watched } from './camera/watch.ts';
import { webcamCamera } from './camera/webcam.ts';
import { commandDesk } from './command/desk.ts';
import { type DoorKeys, openDoorKeys } from './command/keys.ts';
import { operatorsIn } from './command/operators.ts';
import type { Desk } from './command/port.ts';
import { commands } from './command/registry.ts';
import type { CommandPorts } from './command/spec.ts';
import { openUsedCommands } from './command/used.ts';
import type { Config } from './config.ts';
import { Fault, messageOf } from './errors.ts';
import type { EmbedderInfo, FaceReader } from './face/port.ts';
import { openFaceReader } from './face/reader.ts';
import { makeFolder } from './folder.ts';
import { doorMetrics, type Metrics, type MetricsOptions } from './host/metrics.ts';
import { openMetricsServer } from './host/metrics-server.ts';
import { type NotifyEnvironment, openNotifySocket, type ServiceManager, serviceManager, watchdogMs } from './host/systemd.ts';
import { timeSync } from './host/time-sync.ts';
import type { EnrolmentSessions, Gallery, PersonId, Reembedded } from './identity/port.ts';
import { gallerySearch, type Search } from './identity/search.ts';
import { enrolmentSessions, type SessionsOptions } from './identity/sessions.ts';
import { openGallery } from './identity/sqlite.ts';
import type { Journal } from './journal/port.ts';
import { openJournal } from './journal/sqlite.ts';
import type { Log } from './log.ts';
import { announce } from './mqtt/announcement.ts';
import { type Broker, openBroker } from './mqtt/broker.ts';
import type { Publication } from './mqtt/client.ts';
import { discoveryMessage } from './mqtt/home-assistant.ts';
import { type BrokerProbe, probeBroker } from './mqtt/probe.ts';
import { type TellEvent, tellHomeAssistant } from './mqtt/tell-home-assistant.ts';
import { topicsOf } from './mqtt/topics.ts';
import { dryRelay } from './relay/dry.ts';
import { type ChipInfo, findLine, gpioDevice, type LineInfo } from './relay/gpio-device.ts';
import { openGpiodInputs, openOnoffInputs } from './relay/input-lines.ts';
import { polledInputs } from './relay/inputs.ts';
import { openKeptRelay } from './relay/kept-relay.ts';
import { loadOnoff, sysfsNumber } from './relay/onoff.ts';
import type { InputName, Inputs, Relay } from './relay/port.ts';
import { brokerOf, placeOf } from './relay-line.ts';
import type { Farm } from './retrain/port.ts';
import { type Clock, type SteppedClock, systemClock } from './time.ts';
import { version } from './version.ts';

/** What facelatch ships beside its code. */
export const root = fileURLToPath(new URL('..', import.meta.url));
export const demoPeopleFolder = join(root, 'config', 'demo-people');

/** A network's folder: a name in models/, or a path. */
export function modelFolder(name: string): string {
  return name.includes('/') ? resolve(name) : join(root, 'models', basename(name));
}

/** The face reader that the configuration asks for, or one with another embedder (a folder). */
export function readerOf({ face }: Config, embedder = modelFolder(face.embedder)): Promise<FaceReader> {
  return openFaceReader({
    detector: modelFolder(face.detector),
    embedder,
    threads: face.threads,
    provider: face.provider,
    limits: face.quality,
  });
}

/** The state folder, made when it is not there (for its owner alone: it holds faces). */
export function stateFolder({ state }: Config): string {
  const folder = resolve(state.folder);
  if (statSync(folder, { throwIfNoEntry: false })?.isFile())
    throw new Fault('bad-config', `${folder} is a file: set state.folder (--state) to a folder`);
  try {
    makeFolder(folder, 0o700);
  } catch (error) {
    throw new Fault(
      'bad-config',
      `The state folder ${folder} cannot be made (${messageOf(error)}); let this user write there, or set state.folder (--state) to another.`,
      error,
    );
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
export function renewTemplates(gallery: Gallery, reader: FaceReader, onPicture?: () => void | Promise<void>): Promise<Reembedded> {
  return gallery.reembed(async (picture) => {
    const [face] = (await reader.read(picture, { embed: 'dominant' })).faces;
    await onPicture?.();
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

/** The relay that the configuration asks for, at its safe level; a line is held by a keeper process. */
export async function relayOf(config: Config, clock: Clock, log: Log): Promise<Relay> {
  const { kind, maxMs, maxHoldMs } = config.relay;
  if (kind === 'dry') return dryRelay({ clock, maxMs, maxHoldMs });
  return openKeptRelay({ ...placeOf(config), maxMs, maxHoldMs, log });
}

/** Where the relay's line is, and who has it. Throws Faults `relay-missing`, `relay-forbidden`. */
export function relayLine({ relay }: Config): LineInfo {
  const settings = { chip: 'relay.chip', line: 'relay.line' };
  return findLine(gpioDevice(), { chip: relay.chip, line: relay.line, settings }).info;
}

/** Every chip with its lines; `forbidden`: devices that this user may not open. */
export function gpioLines(): { chips: (Omit<ChipInfo, 'lines'> & { readonly lines: LineInfo[] })[]; forbidden: readonly string[] } {
  const device = gpioDevice();
  const { chips, forbidden } = device.chips();
  return { chips: chips.map((chip) => ({ ...chip, lines: device.lines(chip) })), forbidden };
}

/** Whether onoff and the relay's line are there. Throws Fault `relay-missing`. */
export function checkSysfsLine({ relay }: Config): void {
  loadOnoff();
  sysfsNumber(relay, 'relay');
}

/** The inputs that the configuration names; undefined where none is wired. */
export function inputsOf({ inputs, relay }: Config, clock: Clock): Inputs | undefined {
  const wired = (['contact', 'exit', 'tamper'] as const).flatMap((name): [InputName, string][] =>
    inputs[name] ? [[name, inputs[name]]] : [],
  );
  if (inputs.kind === 'none' || wired.length === 0) return undefined;
  const { activeLow, bias, debounceMs } = inputs;
  const places = { chip: inputs.chip || relay.chip, lines: new Map(wired), activeLow, bias };
  const lines = inputs.kind === 'gpiod' ? openGpiodInputs(places) : openOnoffInputs(places);
  const label = `${wired.map(([name, line]) => `${name} ${line}`).join(', ')} of ${places.chip} (${inputs.kind})`;
  return polledInputs({ lines, debounceMs, clock, label });
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
export function stepping(camera: Camera, clock: SteppedClock, fps: number): Camera {
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

/** The demo's own broker. @throws Fault `bad-config` where its port is taken. */
export function embeddedBroker({ mqtt }: Config): Promise<Broker> {
  return openBroker({ port: mqtt.embeddedPort });
}

/** Where the keys of this door's operators are kept. */
export const operatorsFile = (config: Config): string => join(stateFolder(config), 'operators.json');
/** This door's own keys, made at their first use. */
export const doorKeysOf = (config: Config): Promise<DoorKeys> => openDoorKeys(join(stateFolder(config), 'door-keys.json'), config.door.id);

/** Where jobs go that are trained on a farm; undefined where none is set. Loaded only then. Throws Fault `bad-config`. */
export async function farmOf(config: Config, log: Log): Promise<Farm | undefined> {
  if (config.farm.url === '') return undefined;
  const { doorFarm } = await import('./farm-place.ts');
  return doorFarm(config, await doorKeysOf(config), log);
}

export interface DeskParts {
  readonly ports: CommandPorts;
  readonly log: Log;
  readonly clock?: Clock;
  readonly clockSynchronised?: (() => boolean) | undefined;
}

/** Enrolment from afar, over the gallery and camera of the running door. */
export function enrolmentOf(
  config: Config,
  parts: Pick<SessionsOptions, 'gallery' | 'journal' | 'reader' | 'camera' | 'log'>,
): EnrolmentSessions {
  return enrolmentSessions({ ...config.enrolment, ...parts, limits: config.face.quality, clock: systemClock });
}

export interface ServedMetrics extends Pick<Metrics, 'event' | 'looked'>, AsyncDisposable {}

/** The metrics and where they are fetched; undefined where nobody asked for them. */
export async function metricsOf({ door, metrics }: Config, readings: MetricsOptions['readings']): Promise<ServedMetrics | undefined> {
  if (!metrics.enabled) return undefined;
  const made = doorMetrics({ door: door.id, version, readings });
  const server = await openMetricsServer({ ...metrics, metrics: made });
  return { event: made.event, looked: made.looked, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** What takes commands. @throws Faults of the door's keys and of the list of used commands. */
export async function deskOf(config: Config, parts: DeskParts): Promise<Desk & Disposable> {
  const { allowUnsigned, maxCommandBytes, maxCommandLifeS, clockSkewS, clockCheck } = config.mqtt;
  const unknown = allowUnsigned.filter((name) => !commands.some((command) => command.name === name));
  if (unknown.length > 0) {
    const all = commands.map((command) => command.name).join(', ');
    throw new Fault('bad-config', `mqtt.allowUnsigned names ${unknown.join(', ')}; there are ${all}`);
  }
  const keys = await doorKeysOf(config);
  const used = openUsedCommands(join(stateFolder(config), 'commands.sqlite'));
  const desk = commandDesk({
    commands,
    keys,
    used,
    operators: operatorsIn(operatorsFile(config)),
    ports: parts.ports,
    log: parts.log,
    clock: parts.clock ?? systemClock,
    clockSynchronised: clockCheck ? (parts.clockSynchronised ?? timeSync()) : () => true,
    allowUnsigned,
    maxBytes: maxCommandBytes,
    maxLifeS: maxCommandLifeS,
    skewS: clockSkewS,
    errorsPerS: 10,
  });
  return { ...desk, [Symbol.dispose]: () => used[Symbol.dispose]() };
}

/** Where Home Assistant is told of this door, and what. */
export function discoveryOf(config: Config): { readonly topic: string; readonly payload: string } {
  const { mqtt, inputs, door } = config;
  const { prefix, person, image } = mqtt.homeAssistant;
  return discoveryMessage({
    topics: topicsOf(mqtt.prefix, door.id),
    ...{ prefix, person, image, version },
    door: door.id,
    inputs: (['contact', 'tamper'] as const).filter((name) => inputs.kind !== 'none' && inputs[name] !== ''),
    allowed: mqtt.commands ? mqtt.allowUnsigned : [],
  });
}

/** Where is noted what Home Assistant was told. */
export const announcedFile = (config: Config): string => join(stateFolder(config), 'home-assistant.json');

export interface HomeAssistantParts {
  readonly publication: Publication;
  readonly gallery: Pick<Gallery, 'find'>;
  /** The picture that was looked at last. */
  readonly lookedAt: () => Uint8Array | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** Announces the door to Home Assistant, or takes it back where it was announced and is not to be; undefined where it hears nothing from now on. */
export function homeAssistantOf(config: Config, { publication, gallery, lookedAt, clock, log }: HomeAssistantParts): TellEvent | undefined {
  const { enabled, person, image } = config.mqtt.homeAssistant;
  announce({ publication, file: announcedFile(config), discovery: enabled ? discoveryOf(config) : undefined, log });
  if (!enabled) return undefined;
  const named = (id: PersonId): string | undefined => {
    if (person !== 'name') return person === 'id' ? id : undefined;
    try {
      return gallery.find(id)?.name ?? id;
    } catch (error) {
      if (error instanceof Fault) return id;
      throw error;
    }
  };
  const picture = async () => {
    const seen = lookedAt();
    return seen && (await import('./face/thumbnail.ts')).thumbnail(seen);
  };
  return tellHomeAssistant({
    publication,
    topics: topicsOf(config.mqtt.prefix, config.door.id),
    named,
    clock,
    log,
    ...(image && { picture }),
  });
}

/** Whether the broker takes what this door would publish. */
export function brokerProbe(config: Config): Promise<BrokerProbe> {
  const { prefix, commands } = config.mqtt;
  return probeBroker({ broker: brokerOf(config), prefix, door: config.door.id, commands });
}

/** A camera that opens, or stands still and is closed, takes at most this much longer than its own patience; so does one frame's reading. */
const turnSlackMs = 10_000;
const cameraOpenMs = 15_000;

/** systemd, where it started this process as a unit with Type=notify; else undefined, and nothing is told to anybody. */
export async function serviceManagerOf(
  { camera }: Config,
  environment: NotifyEnvironment,
  pid: number,
  log: Log,
): Promise<(ServiceManager & Disposable) | undefined> {
  if (!environment.NOTIFY_SOCKET) return undefined;
  const socket = await openNotifySocket(environment.NOTIFY_SOCKET);
  const manager = serviceManager({
    notify: socket.notify,
    watchdogMs: watchdogMs(environment, pid),
    patienceMs: Math.max(cameraOpenMs, camera.freezeMs, 3000 / camera.fps) + turnSlackMs,
    clock: systemClock,
    log: log.child({ room: 'host' }),
  });
  return { ...manager, [Symbol.dispose]: () => socket[Symbol.dispose]() };
}
