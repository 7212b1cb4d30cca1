/**
 * The opened rooms of a house, and what changes while it runs: the one record that the paths of frames, events and
 * time work on. wire.ts fills it in the order in which the rooms open.
 */
import type { ControllerOptions } from '../access/controller.ts';
import type { Observation } from '../access/port.ts';
import type { ServedMetrics } from '../adapters/host.ts';
import type { Fault } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import type { BrowserCamera } from '../camera/demo/browser.ts';
import type { SharedCamera } from '../camera/shared.ts';
import type { Event } from '../events.ts';
import type { Face } from '../face/port.ts';
import type { ServiceManager } from '../host/systemd.ts';
import type { Entry, Journal, JournalReader } from '../journal/port.ts';
import type { Eyes } from '../learning/eyes.ts';
import type { Learning } from '../learning/open.ts';
import type { PublicationStatus } from '../mqtt/client.ts';
import type { TellEvent } from '../mqtt/tell-home-assistant.ts';
import type { Relay } from '../relay/port.ts';
import type { LiveSettings } from '../settings/live.ts';
import type { Config } from '../settings/load.ts';
import type { Backups } from '../vault/backup/routine.ts';
import type { Vault } from '../vault/port.ts';
import type { ChallengeWatch } from './challenge-watch.ts';
import type { OperatorsWatch } from './commands/operators-watch.ts';
import type { DoorEvidenceWatch } from './door-evidence.ts';
import type { InfraredWatch } from './liveness/infrared-watch.ts';
import type { LivenessWatch } from './liveness/liveness-watch.ts';
import type { SureTime } from './retention/sure-time.ts';
import type { RetentionWatch } from './retention/watch.ts';
import type { View } from './view.ts';

/** Whoever runs the house may listen. */
export interface Listeners {
  readonly onEvent?: ControllerOptions['onEvent'];
  readonly onMoment?: (moment: Observation) => void;
  /** systemd, where it waits for this process. */
  readonly serviceManager?: ServiceManager | undefined;
  /** The last lines of the log, as JSON, the oldest first. */
  readonly logLines?: () => readonly string[];
  /** The checks of `facelatch doctor`, in a process of their own. */
  readonly examine?: (signal: AbortSignal) => Promise<readonly ExaminedPart[]>;
}

/** What `facelatch doctor` says about one part. A note is not a problem: something is left out, or could be better. */
export interface ExaminedPart {
  readonly name: string;
  readonly health: 'ok' | 'note' | 'problem';
  readonly found: string;
}

/** What a running house tells the broker (house/publishing.ts). */
export interface Publishing {
  /** Resolves when the signal has ended it. */
  readonly done: Promise<void>;
  /** Of everything that happens. */
  readonly event: TellEvent;
  showStates(): void;
  readonly state: PublicationStatus['state'];
  readonly backlog: number;
  /** How it stands, for people. */
  readonly summary: string;
}

/** What a running house tells its console (house/console/open.ts). */
export interface ConsoleFeed {
  /** A frame was decided on. */
  decided(moment: Observation): void;
  happened(event: Event, entry: Entry | undefined): void;
  tick(): void;
}

export interface Rooms {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly listeners: Listeners;
  /** Where it is locked, all that it does is to say so. */
  readonly vault: Vault;
  readonly journal: Journal;
  /** The time by which data is past its own. */
  readonly time: SureTime;
  /** The journal for whoever asks from afar. */
  readonly entries: JournalReader;
  /** Absent where a test brings its own reader: there is nothing to learn for it. */
  readonly learning: Learning | undefined;
  readonly eyes: Eyes;
  readonly relay: Relay;
  readonly camera: SharedCamera;
  /** Where a browser is the camera. */
  readonly ownCamera: BrowserCamera | undefined;
  readonly live: LiveSettings;
  /** Why the vault is locked: then nobody is recognised (house/locked.ts). Undefined where it is open. */
  readonly lock: Fault | undefined;
  /** The keyring as it was looked at last. */
  keyring: string;
  /** Since when it is unlocked. */
  unlockedAtMs: number | undefined;
  lookedForKeyMs: number;
  /** Ends the house, to be opened again. */
  readonly reopen: AbortController;
  /** What happened since the start. */
  readonly counts: { grants: number; denials: number; alarms: number };
  /** How many are enrolled, as of the last second. */
  people: number;
  /** The picture that was looked at last. */
  lookedAt: Uint8Array | undefined;
  /** Once the controller can journal what changes in it. */
  view: View | undefined;
  /** Likewise; undefined where nobody has to show that they live. */
  liveness: LivenessWatch | undefined;
  /** Undefined where nothing shows a challenge. */
  challenges: ChallengeWatch | undefined;
  /** Likewise; undefined without an infrared camera. */
  infrared: InfraredWatch | undefined;
  /** The face that was looked at last. */
  facing: Face | undefined;
  /** Likewise. */
  evidence: DoorEvidenceWatch | undefined;
  /** Likewise; undefined without commands. */
  operators: OperatorsWatch | undefined;
  /** Likewise. */
  backups: Backups | undefined;
  retention: RetentionWatch | undefined;
  metrics: ServedMetrics | undefined;
  /** Undefined where there is none. */
  console: ConsoleFeed | undefined;
  /** From the start to the stop of a house that publishes. */
  publishing: Publishing | undefined;
}
