/** What opens the lock, as the keeper drives it: a line of this computer, or a device on the network; each adapter is a module that exports `openLine`. */

import type { DeviceModel } from './port.ts';

export type Level = 'safe' | 'active';

export interface Line extends Disposable {
  /** Throws Fault `relay-failed` where the line cannot be driven. */
  drive(level: Level): void;
  /** For people: chip and line. */
  readonly label: string;
}

/** How a released lock shows on the wire. */
export interface Wiring {
  /** The line is electrically low when the relay is on. */
  readonly activeLow: boolean;
  /**
   * `fail-secure`: current releases the lock, and without it the door is locked (an electric strike). `fail-safe`: current locks, and without it the
   * door is open (a magnet): the safe level is then the relay switched on.
   */
  readonly wiring: 'fail-secure' | 'fail-safe';
}

/** Where the line is. */
export interface LinePlace extends Wiring {
  /** The chip's label, such as pinctrl-bcm2711 (`facelatch relay lines` prints them). */
  readonly chip: string;
  /** The line's name on that chip, or # and its offset there for a line without a name. */
  readonly line: string;
}

/**
 * A relay that is reached by its own command over a network. Nothing of it can be held: it is asked first, told how long to stay on so that it
 * switches off by itself, told to switch off at the end, and its own word is waited for.
 */
export interface DeviceLine extends Disposable {
  /**
   * Resolves when the device has said that it is at that level. `restMs`: for how long at the most it shall be active. What fails leaves the level
   * unknown: the safe one must be driven then. An active level is never sent twice. Throws Faults `relay-missing`, `relay-forbidden`, `relay-failed`.
   */
  drive(level: Level, restMs: number): Promise<void>;
  /** Whether the device answers now, and moves nothing: a command for one that does not must not wait for it somewhere. Throws likewise. */
  ready(): Promise<Level | undefined>;
  readonly label: string;
}

/** Where a device is and what it understands; texts that do not apply are empty. */
export interface DevicePlace {
  readonly model: DeviceModel;
  /** Of a device reached by HTTP its URL, by MQTT its topic. */
  readonly address: string;
  /** Which of its relays, from 0. */
  readonly channel: number;
  /** Of the model `own`: its commands, and what its answers hold at each level. */
  readonly release: string;
  readonly lock: string;
  readonly ask: string;
  readonly reports: string;
  readonly released: string;
  readonly locked: string;
  /** Every answer is waited for so long. Milliseconds. */
  readonly timeoutMs: number;
  readonly user: string;
  readonly passwordFile: string;
  readonly caFile: string;
}

export type AnyLine = Line | DeviceLine;

export const isDevice = (line: AnyLine): line is DeviceLine => 'ready' in line;

/** What an adapter module exports. Opening drives the safe level first of all. Throws Faults `relay-missing`, `relay-busy`, `relay-forbidden`, `relay-failed`. */
export interface LineAdapter<Place = LinePlace> {
  openLine(place: Place): AnyLine | Promise<AnyLine>;
}

/** What the module of a network relay exports besides. */
export interface DeviceAdapter<Place = DevicePlace> extends LineAdapter<Place> {
  /** The device as it is: nothing is sent yet. Throws Fault `bad-config`. */
  openDevice(place: Place): DeviceLine;
}

/** Whether the relay's coil is switched on at a level. */
export const coilOn = (level: Level, { wiring }: Pick<Wiring, 'wiring'>): boolean => (level === 'active') !== (wiring === 'fail-safe');
