/**
 * How the house stands, for each who asks: its rooms go in, a policy, a status, a summary for people, and readings
 * for the metrics come out.
 */
import type { Entrance } from '../access/entrance.ts';
import type { Policy } from '../access/state.ts';
import { version } from '../base/version.ts';
import type { Event } from '../events.ts';
import type { MetricsOptions } from '../host/metrics.ts';
import { faceComparison, noteOf } from '../identity/threshold.ts';
import { livenessRulesOf } from './liveness-rules.ts';
import type { DaemonStatus } from './loops.ts';
import type { Rooms } from './rooms.ts';

export interface HouseStatus extends DaemonStatus {
  readonly cameraLabel: string;
  readonly relay: string;
  readonly door: 'safe' | 'active';
  readonly people: number;
  readonly broker: string;
  /** Faces that are left out because they never move. */
  readonly masked: number;
}

/** What the door decides by now: the settings in force, and the threshold of the network that guards. */
export function policyOf(rooms: Rooms): Policy {
  const { eyes, live, learning, lock } = rooms;
  const { down } = eyes.gallery;
  return {
    ...live.config.access,
    ...faceComparison(eyes.reader.embedder),
    pulseMs: live.config.relay.pulseMs,
    threshold: noteOf(eyes.gallery.threshold),
    liveness: livenessRulesOf(rooms),
    ...(lock ? { blocked: { reason: 'vault-locked', detail: 'the vault is locked, so nobody is recognised' } } : {}),
    ...(down === undefined ? {} : { blocked: { reason: 'gallery-down', detail: 'the people cannot be read' } }),
    ...(learning?.waiting?.now ? { partial: { reason: 'gallery-down', detail: beingMade(learning.waiting.people) } } : {}),
  };
}

const beingMade = (waiting: number): string => `templates of ${waiting} ${waiting === 1 ? 'person' : 'people'} are being made again`;

const enrolled = ({ gallery }: Rooms['eyes']): number => gallery.people;

export function houseStatus({ camera, relay, eyes, publishing, view }: Rooms, status: DaemonStatus): HouseStatus {
  return {
    ...status,
    cameraLabel: camera.label,
    relay: relay.label,
    door: relay.level,
    people: enrolled(eyes),
    broker: publishing?.summary ?? 'off',
    masked: view?.masked ?? 0,
  };
}

export function summaryOf({ relay, eyes, publishing, view, learning, lock }: Rooms, { camera }: DaemonStatus): string {
  const line = relay.held ? relay.label : `relay not held: ${relay.label}`;
  const masked = view?.masked ? `, ${view.masked} still face${view.masked > 1 ? 's' : ''} left out` : '';
  const making = learning?.waiting ? ` (${beingMade(learning.waiting.people)})` : '';
  const vault = lock ? '; VAULT LOCKED, nobody is recognised' : '';
  return `${line}${vault}; camera ${camera}${masked}; ${eyes.gallery.templates} templates${making}; broker ${publishing?.summary ?? 'off'}`;
}

export function readingsOf(
  { camera, clock, publishing, eyes, relay, view }: Rooms,
  status: DaemonStatus,
  { controller }: Pick<Entrance, 'controller'>,
): ReturnType<MetricsOptions['readings']> {
  return {
    ...status,
    frameAgeMs: camera.latest && clock.now() - camera.latest.capturedAtMs,
    broker: publishing?.state ?? 'off',
    backlog: publishing?.backlog ?? 0,
    people: enrolled(eyes),
    templates: eyes.gallery.templates,
    masked: view?.masked ?? 0,
    released: relay.level === 'active',
    relayHeld: relay.held,
    armed: controller.premises.armed,
    thresholdLogit: eyes.gallery.threshold.logit,
  };
}

export function startedEvent(rooms: Rooms): Extract<Event, { kind: 'daemon.started' }> {
  const { gallery, reader } = rooms.eyes;
  const { name, version: made, sha256 } = reader.embedder;
  return {
    kind: 'daemon.started',
    version,
    people: gallery.people,
    templates: gallery.templates,
    threshold: policyOf(rooms).threshold,
    models: [`${name} ${made} ${sha256.slice(0, 12)}`],
  };
}
