/** The port of the relay room: the only thing that can open the lock, and the input lines beside it. */

/** The relay of the lock. Disposing of it drives the safe level and releases the line. */
export interface Relay extends AsyncDisposable {
  /**
   * Drives the line to its active level for `durationMs` (milliseconds, > 0, limited by `relay.maxMs`), then back to
   * the safe level. Resolves at the first edge, not at the end. A pulse during a pulse extends it to the later end, at
   * most `relay.maxMs` after the first edge.
   * @throws Fault `relay-failed` if the line cannot be driven, is not held, or a network relay does not confirm. A
   * failed pulse is never repeated.
   */
  pulse(durationMs: number): Promise<void>;
  /**
   * Drives the line to its active level until `leaseMs` (milliseconds, > 0, at most 5,000) have passed without another
   * call. The holder renews the lease every second, so a hold ends by itself when its holder is gone. A hold is limited
   * by `relay.maxHoldMs` from its first lease; after that the line stays safe until the renewals have paused. Resolves
   * and throws like `pulse`.
   */
  hold(leaseMs: number): Promise<void>;
  /** Drives the safe level now and ends pulse and hold. Resolves when it is driven. Throws like `pulse`. */
  safe(): Promise<void>;
  /** The level driven last. */
  readonly level: 'safe' | 'active';
  /**
   * Whether this process controls the line now; READY waits for it. A relay that lost its line (its keeper was killed)
   * drives it safe and takes it again. Meanwhile it is not held: a pulse throws and is not repeated later.
   */
  readonly held: boolean;
  /** For people: which relay this is. */
  readonly label: string;
}

/**
 * Input lines: door contact (active: open), request-to-exit button (active: pressed), tamper switch (active: case
 * open).
 */
export type InputName = 'contact' | 'exit' | 'tamper';

/** A new stable level of an input. */
export interface InputChange {
  readonly input: InputName;
  readonly active: boolean;
  /** When it became stable: monotonic milliseconds of the Clock. */
  readonly atMs: number;
}

/** Debounced input lines. Disposing of them closes the lines. */
export interface Inputs extends AsyncDisposable {
  /**
   * First the present level of every wired input, then each change, until `signal` is aborted. Throws if a line cannot
   * be read.
   */
  changes(signal: AbortSignal): AsyncIterable<InputChange>;
  /** For people: which lines these are. */
  readonly label: string;
}

/** The network relays whose commands facelatch knows. For `own` the configuration gives the commands. A closed list. */
export const deviceModels = ['shelly', 'shelly-gen1', 'tasmota', 'zigbee2mqtt', 'own'] as const;
export type DeviceModel = (typeof deviceModels)[number];

/** How a relay reached by HTTP may be given its password. A closed list. */
export const deviceLogins = ['auto', 'digest', 'basic'] as const;
export type DeviceLogin = (typeof deviceLogins)[number];
