/**
 * The composition root: a configuration in, the whole house out. The rooms open in order and are released in reverse
 * order; what they do is in house/.
 */

import { randomUUID } from 'node:crypto';
import { openEntrance } from './access/entrance.ts';
import type { Door } from './access/port.ts';
import { backupsOf } from './adapters/backup.ts';
import { enrolmentSessionsOf, stateFolder } from './adapters/basics.ts';
import { cameraOf, stepping } from './adapters/camera.ts';
import { doorSignerOf } from './adapters/command.ts';
import { consentRules } from './adapters/consents.ts';
import { metricsOf } from './adapters/host.ts';
import { journalOf, journalPeople, journalReaderOf } from './adapters/journal.ts';
import { inputsOf, relayOf } from './adapters/relay.ts';
import { Fault, messageOf } from './base/errors.ts';
import type { Log } from './base/log.ts';
import { type BootTime, type Clock, runTime, steppedClock, systemClock } from './base/time.ts';
import type { CameraIdentity } from './camera/binding.ts';
import { browserCamera } from './camera/demo/browser.ts';
import { openEar } from './camera/demo/ear.ts';
import type { Camera } from './camera/port.ts';
import { sharedCamera } from './camera/shared.ts';
import type { Event } from './events.ts';
import type { FaceReader } from './face/port.ts';
import { bootTime } from './host/boot-time.ts';
import { openTrim } from './host/free-memory.ts';
import { lockState } from './host/lock.ts';
import { stateModes } from './host/state-folder.ts';
import { timeSync } from './host/time-sync.ts';
import { deskFor, portsOf } from './house/commands/open.ts';
import { openHouseConsole } from './house/console/open.ts';
import { doorEvidence } from './house/door-evidence.ts';
import { doorStates } from './house/door-states.ts';
import { tellEvent } from './house/event-path.ts';
import { eyesOf } from './house/eyes.ts';
import { decidedOn, sightingOf } from './house/frame-path.ts';
import { houseVault, lockedEyes, lockedPin } from './house/locked.ts';
import { daemonLoops, type Loops } from './house/loops.ts';
import { watchMounting } from './house/mounting-watch.ts';
import { challengeWatchOf, infraredWatchOf, livenessWatchOf, retryOf } from './house/open-liveness.ts';
import { outsidePictures } from './house/outside-pictures.ts';
import { begunKeysOf } from './house/removal/begun.ts';
import { openDoorShredder } from './house/removal/open.ts';
import type { Shredder } from './house/removal/shredder.ts';
import { openRetention } from './house/retention/open.ts';
import { sureTime } from './house/retention/sure-time.ts';
import type { Listeners, Rooms } from './house/rooms.ts';
import { type HouseEnd, runHouse } from './house/running.ts';
import { type HouseStatus, houseStatus, policyOf, readingsOf } from './house/standing.ts';
import { lookAtKeyring, onTick, takeInChanges } from './house/time-path.ts';
import { doorView } from './house/view.ts';
import type { Gallery, Roster } from './identity/port.ts';
import { rosterOf } from './identity/roster.ts';
import type { Journal } from './journal/port.ts';
import { networkList } from './learning/network-list.ts';
import { openLearning } from './learning/open.ts';
import { farmOf } from './learning/parts.ts';
import type { LivenessChecker } from './liveness/port.ts';
import type { Inputs, Relay } from './relay/port.ts';
import { liveSettings } from './settings/live.ts';
import type { Config } from './settings/load.ts';

/** What a test or the command line may put in place of what the configuration would give. */
export interface Overrides extends Listeners {
  readonly clock?: Clock;
  /** Time since the computer started; with a clock of a test's own, since the clock began. */
  readonly boot?: BootTime;
  readonly camera?: Camera;
  readonly reader?: FaceReader;
  /** The checks of liveness. Absent: as configured; none where a test brings its own reader. */
  readonly liveness?: LivenessChecker;
  readonly relay?: Relay;
  readonly inputs?: Inputs;
  /** Whether the wall clock is held to true time: signed commands need that. */
  readonly clockSynchronised?: () => boolean;
  /** A module that exports `workshopOf`: what learns and measures, in place of the shipped recipes. */
  readonly workshop?: string;
}

/** The house, opened and not yet running. */
export interface House extends AsyncDisposable {
  readonly config: Config;
  readonly reader: FaceReader;
  readonly gallery: Gallery;
  readonly journal: Journal;
  /** Who is removed here leaves nothing in any room. */
  readonly roster: Pick<Roster, 'remove'>;
  /** For everyone who is not a face. */
  readonly door: Door;
  readonly status: HouseStatus;
  /** Why the vault is locked; undefined where it is open. */
  readonly lock: Fault | undefined;
  /** The address of the console, with the one-time link of the first admin while there is none. */
  readonly console: string | undefined;
  /** Runs until `signal` is aborted, a replay has been played to its end, or a locked vault is unlocked. */
  run(signal: AbortSignal): Promise<HouseEnd>;
}

/**
 * Opens everything, in order: the state folder's lock, vault, journal, networks, gallery, relay at its safe level,
 * camera, broker, desk. Throws the Fault of whatever could not be opened; what was opened before it is released.
 */
export async function wire(config: Config, log: Log, overrides: Overrides = {}): Promise<House> {
  await using opening = new AsyncDisposableStack();
  const rooms = await openRooms(config, log, overrides, opening);
  const { clock, journal, eyes, relay, camera, learning, live } = rooms;
  const { reader, gallery } = eyes;
  const synchronised = overrides.clockSynchronised ?? timeSync();
  const entrance = openEntrance({
    ...{ vault: rooms.vault, emergencyPin: lockedPin(rooms), journal, relay, gallery, clock, synchronised },
    boot: overrides.boot ?? (overrides.clock ? undefined : bootTime()) ?? runTime(clock, randomUUID()),
    rules: { ...config.access, liveness: config.liveness },
    policy: () => policyOf(rooms),
    premises: () => ({ ...live.config.access, ...live.config.relay }),
    inputs: overrides.inputs ?? used(opening, inputsOf(config, clock)),
    log: log.child({ room: 'access' }),
    onEvent: (event, entry) => tellEvent(rooms, event, entry),
  });
  const { controller, door, people } = entrance;
  const outside = opening.use(outsidePictures(systemClock));
  rooms.view = doorView({ config, clock, log: log.child({ room: 'face' }), record: controller.record });
  const ofEvidence = { config, eyes, clock, time: rooms.time, log: log.child({ room: 'identity' }), record: controller.record };
  if (!rooms.lock) rooms.evidence = opening.use(doorEvidence(ofEvidence));
  rooms.infrared = await infraredWatchOf(rooms);
  rooms.backups = opening.use(
    backupsOf(config, { vault: rooms.vault, journal, clock, synchronised, record: controller.record, log: log.child({ room: 'vault' }) }),
  );
  rooms.liveness = used(opening, await livenessWatchOf(rooms, overrides, controller.record));
  const mounting = watchMounting(rooms, controller);
  const trim = openTrim(systemClock);
  const loops: Loops = daemonLoops({
    ...{ camera, reader, controller, clock, log, view: rooms.view },
    openReader: async () => (learning ? learning.reopen() : reader),
    cuts: () => rooms.liveness?.cuts,
    sight: (frame, reading) => sightingOf(rooms, frame, reading),
    onMoment: (moment) => {
      if (moment.reading.faces.length > 0 && !controller.settled) outside.saw();
      decidedOn(rooms, moment);
      mounting?.looked(moment, controller.settled);
    },
    onTick: () => onTick(rooms, entrance, loops),
    refresh: () => {
      trim();
      return takeInChanges(rooms, controller.record);
    },
    retry: retryOf(config),
    idleFps: isStepped(config, overrides) ? 0 : config.face.idleFps,
  });
  const isBroker = config.mqtt.enabled && config.mqtt.embedded;
  const broker = isBroker ? opening.use(await (await import('./adapters/mqtt.ts')).embeddedBroker(config)) : undefined;
  const { roster, shredder } = rosterIn(rooms, controller.record, opening);
  if (!rooms.lock) rooms.retention = opening.use(openRetention(rooms, entrance, roster, shredder));
  const seen = cameraSeen(rooms, loops);
  const enrolment = opening.use(
    enrolmentSessionsOf(config, {
      ...{ gallery, roster, journal, reader: () => reader, camera: seen, outside },
      log: log.child({ room: 'identity' }),
    }),
  );
  const networks = opening.use(networkList(config));
  const ports = portsOf(rooms, { controller, door, people, roster, networks, enrolment });
  const desk = used(opening, await deskFor(rooms, { ports, record: controller.record, clockSynchronised: overrides.clockSynchronised }));
  const web = used(opening, await openHouseConsole(rooms, { entrance, loops, ports, enrolment, shredder }));
  rooms.console = web?.feed;
  const signer = config.mqtt.enabled ? await doorSignerOf(config) : undefined;
  rooms.challenges = used(opening, challengeWatchOf(rooms, broker?.url));
  const showStates = doorStates(rooms, entrance, loops);
  rooms.metrics = used(opening, await metricsOf(config, () => readingsOf(rooms, loops.status, entrance)));
  const resources = opening.move();
  return {
    ...{ config, reader, gallery, journal, roster, door },
    lock: rooms.lock,
    console: web?.link,
    get status() {
      return houseStatus(rooms, loops.status);
    },
    run: (signal) => runHouse(rooms, { entrance, loops, enrolment, desk, signer, showStates, brokerUrl: broker?.url }, signal),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** The rooms that know nothing of each other's running. */
async function openRooms(config: Config, log: Log, overrides: Overrides, opening: AsyncDisposableStack): Promise<Rooms> {
  const stepped = isStepped(config, overrides) ? steppedClock() : undefined;
  const clock = overrides.clock ?? stepped ?? systemClock;
  opening.use(lockState(guardedFolder(config, log)));
  const { vault, lock } = await houseVault(config, clock);
  opening.use(vault);
  const people = journalPeople(config, clock);
  const journal = opening.use(journalOf(config, overrides.clock ?? systemClock, people));
  const entries = opening.use(journalReaderOf(config, people));
  const synchronised = overrides.clockSynchronised ?? timeSync();
  const time = sureTime({ clock: overrides.clock ?? systemClock, journal, synchronised });
  const kept = { vault, lock, journal, log, keyring: '' };
  // Before the people are read: nobody is recognised whom an older keyring has brought back.
  lookAtKeyring(kept, journal.append);
  const { eyes, learning } = await openGuarding({ config, log, clock, vault, lock, journal, time }, overrides, opening);
  const relay = opening.use(overrides.relay ?? (await relayOf(config, clock, log.child({ room: 'relay' }))));
  const ear = openEar();
  const onBound = ({ title, ids, port }: CameraIdentity) => journal.append({ kind: 'camera.bound', title, ids, port });
  const ownCamera = config.camera.source === 'browser' ? browserCamera(clock) : undefined;
  const plainCamera = overrides.camera ?? ownCamera ?? cameraOf(config, clock, onBound, ear.said);
  const camera = sharedCamera(stepped ? stepping(plainCamera, stepped, config.camera.fps) : plainCamera);
  return {
    ...{ ...kept, config, clock, time, entries, learning, eyes, relay, camera, ownCamera },
    listeners: {
      ...overrides,
      onEvent: (event, entry) => {
        ear.heard(event);
        overrides.onEvent?.(event, entry);
      },
    },
    live: liveSettings(config),
    ...{ unlockedAtMs: undefined, lookedForKeyMs: clock.now(), reopen: new AbortController() },
    counts: { grants: 0, denials: 0, alarms: 0 },
    people: eyes.gallery.people,
    lookedAt: undefined,
    view: undefined,
    ...{ liveness: undefined, infrared: undefined, facing: undefined, challenges: undefined, console: undefined },
    ...{ evidence: undefined, operators: undefined },
    backups: undefined,
    retention: undefined,
    metrics: undefined,
    publishing: undefined,
  };
}

/** The state folder. Throws Fault `bad-config` where other users could write there. */
function guardedFolder(config: Config, log: Log): string {
  const folder = stateFolder(config);
  const { writable, readable } = stateModes(folder);
  if (writable !== undefined) throw new Fault('bad-config', writable);
  if (readable !== undefined) log.warn(readable);
  return folder;
}

/** A reader that a test brings guards alone: there is nothing to learn for it. Nor where the vault is locked. */
async function openGuarding(
  { config, log, clock, vault, lock, journal, time }: Pick<Rooms, 'config' | 'log' | 'clock' | 'vault' | 'lock' | 'journal' | 'time'>,
  overrides: Overrides,
  opening: AsyncDisposableStack,
): Promise<Pick<Rooms, 'eyes' | 'learning'>> {
  if (lock) return { eyes: opening.use(await lockedEyes(config, lock, overrides.reader)), learning: undefined };
  if (overrides.reader) return { eyes: opening.use(eyesOf(config, overrides.reader, vault, clock)), learning: undefined };
  const learning = opening.use(
    await openLearning({
      ...{ config, vault, journal, clock },
      log: log.child({ room: 'retrain' }),
      surelyMs: () => time.nowMs,
      synchronised: overrides.clockSynchronised ?? timeSync(),
      workshop: overrides.workshop,
      farm: await farmOf(config, log.child({ room: 'farm' })),
    }),
  );
  return { eyes: learning.eyes, learning };
}

/** Whoever is removed here leaves nothing in any room. */
function rosterIn(
  rooms: Rooms,
  record: (event: Event) => void,
  opening: AsyncDisposableStack,
): { readonly roster: Roster; readonly shredder: Shredder } {
  const { config, vault, journal, learning, lock, log } = rooms;
  const { gallery } = rooms.eyes;
  const shredder = opening.use(openDoorShredder(config, { vault, gallery, record, notes: journal }, learning?.place));
  if (!lock) finishRemovals(shredder, log);
  const keys = begunKeysOf(config, vault, journal);
  const roster = rosterOf({ gallery, journal, keys, consents: consentRules(config, vault, rooms.time), shred: shredder.shred });
  return { roster, shredder };
}

/** What a removal that was cut has left. The door opens without: it knows nobody whose key was destroyed. */
function finishRemovals(shredder: Pick<Shredder, 'finish'>, log: Log): void {
  try {
    shredder.finish();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    log.error({ room: 'vault', code: error.code, err: messageOf(error) }, 'what is left of removed people cannot be deleted now');
  }
}

/** The camera as an enrolment sees it. */
const cameraSeen = ({ camera }: Rooms, { status }: Loops) => ({
  watch: camera.watch,
  get working() {
    return status.camera === 'running';
  },
});

/** A replay in lock-step moves its own clock. */
const isStepped = ({ camera }: Config, { camera: brought }: Overrides): boolean =>
  camera.source === 'replay' && camera.replay.speed === 0 && !brought;

function used<T extends Disposable | AsyncDisposable>(stack: AsyncDisposableStack, resource: T | undefined): T | undefined {
  return resource && stack.use(resource);
}
