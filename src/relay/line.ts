/**
 * What opens the lock, as the keeper sees it: a line of this computer or a device on the network. Each adapter is a
 * module that exports `openLine`.
 */

import type { DeviceLogin, DeviceModel } from './port.ts';

export type Level = 'safe' | 'active';

export interface Line extends Disposable {
  /** Throws Fault `relay-failed` if the line cannot be driven. */
  drive(level: Level): void;
  /** For people: chip and line. */
  readonly label: string;
}

/** What a released lock means for the line. */
export interface Wiring {
  /** The relay is on while the line is electrically low. */
  readonly activeLow: boolean;
  /**
   * `fail-secure`: current releases the lock; without power the door is locked (an electric strike). `fail-safe`:
   * current locks; without power the door is open (a magnet). The safe level is then the relay switched on.
   */
  readonly wiring: 'fail-secure' | 'fail-safe';
}

/** Where the line is. */
export interface LinePlace extends Wiring {
  /** The chip's label, such as pinctrl-bcm2711 (`facelatch relay lines` prints them). */
  readonly chip: string;
  /** The line's name on that chip, or # and its offset for a line without a name. */
  readonly line: string;
}

/**
 * A relay that is controlled by its own commands over a network. It cannot be held like a line. So it is asked before a
 * release, told how long to stay on so that it switches off by itself, told to switch off at the end, and its
 * confirmation is awaited.
 */
export interface DeviceLine extends Disposable {
  /**
   * Resolves when the device has confirmed the level. `restMs`: the longest time that it may stay active. After a
   * failure the level is unknown, and the caller must drive the safe level. An active level is never sent twice.
   * @throws Fault `relay-missing`, `relay-forbidden`, `relay-failed`.
   */
  drive(level: Level, restMs: number): Promise<void>;
  /**
   * Checks that the device answers now, and switches nothing: a command must never wait somewhere for an absent device.
   * Throws the same faults.
   */
  ready(): Promise<Level | undefined>;
  readonly label: string;
}

/** Where a device is and what it understands. Texts that do not apply are empty. */
export interface DevicePlace {
  readonly model: DeviceModel;
  /** For HTTP the URL of the device, for MQTT its topic. */
  readonly address: string;
  /** Which relay of the device, from 0. */
  readonly channel: number;
  /** Model `own`: its commands, and the texts in its answers that tell the level. */
  readonly release: string;
  readonly lock: string;
  readonly ask: string;
  readonly reports: string;
  readonly released: string;
  readonly locked: string;
  /** Time-out for each answer. Milliseconds. */
  readonly timeoutMs: number;
  readonly user: string;
  readonly passwordFile: string;
  /** How the password may be given over HTTP. */
  readonly login: DeviceLogin;
  readonly caFile: string;
}

export type AnyLine = Line | DeviceLine;

export const isDevice = (line: AnyLine): line is DeviceLine => 'ready' in line;

/**
 * What an adapter module exports. Opening drives the safe level before anything else.
 * @throws Fault `relay-missing`, `relay-busy`, `relay-forbidden`, `relay-failed`.
 */
export interface LineAdapter<Place = LinePlace> {
  openLine(place: Place): AnyLine | Promise<AnyLine>;
}

/** What the module of a network relay exports in addition. */
export interface DeviceAdapter<Place = DevicePlace> extends LineAdapter<Place> {
  /** The device, before anything is sent to it. Throws Fault `bad-config`. */
  openDevice(place: Place): DeviceLine;
}

/** Whether the relay's coil is on at a level. */
export const coilOn = (level: Level, { wiring }: Pick<Wiring, 'wiring'>): boolean => (level === 'active') !== (wiring === 'fail-safe');
