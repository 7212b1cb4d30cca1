/** One line of hardware as the keeper drives it; each adapter is a module that exports `openLine`. */

export interface Line extends Disposable {
  /** Throws Fault `relay-failed` where the line cannot be driven. */
  drive(level: 'safe' | 'active'): void;
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

/** What an adapter module exports. Opening drives the safe level first of all. Throws Faults `relay-missing`, `relay-busy`, `relay-forbidden`, `relay-failed`. */
export interface LineAdapter {
  openLine(place: LinePlace): Line | Promise<Line>;
}

/** Whether the relay's coil is switched on at a level. */
export const coilOn = (level: 'safe' | 'active', { wiring }: Pick<Wiring, 'wiring'>): boolean =>
  (level === 'active') !== (wiring === 'fail-safe');
