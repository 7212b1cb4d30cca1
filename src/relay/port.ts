/** The door of the relay room: the one thing that can open the lock. */

export interface Relay extends AsyncDisposable {
  /**
   * Drives the line to its active level for `durationMs` (capped by the relay's own hard maximum) and back to the safe one.
   * Resolves at the rising edge, not at the end. A pulse during a pulse lengthens it to the later end, never beyond the maximum
   * counted from the first edge. Throws Fault `relay-failed` when the line cannot be driven.
   */
  pulse(durationMs: number): Promise<void>;
  /**
   * Drives the line to its active level until `leaseMs` (at most 5 s) have passed without another call: whoever holds the door renews the lease each
   * second, so that a hold ends by itself with whoever held it. Never longer than the relay's own maximum for holds, counted from the first
   * lease; then it stays safe until the renewals have paused. Resolves and throws like `pulse`.
   */
  hold(leaseMs: number): Promise<void>;
  /** Drives the safe level now, and ends pulse and hold. */
  safe(): Promise<void>;
  /** The level driven last. */
  readonly level: 'safe' | 'active';
  /**
   * Whether the line is really ours now: READY waits for it. A relay that lost its line (its keeper was killed) drives it safe, takes it again, and
   * is not held meanwhile: a pulse then throws and is not made up for.
   */
  readonly held: boolean;
  /** For people: what this relay is. */
  readonly label: string;
}

/** The lines that come in: door contact (active: open), request-to-exit button (active: pressed), tamper (active: tampered). */
export type InputName = 'contact' | 'exit' | 'tamper';

export interface InputChange {
  readonly input: InputName;
  readonly active: boolean;
  /** When it became stable, monotonic milliseconds. */
  readonly atMs: number;
}

/** Debounced input lines. */
export interface Inputs extends AsyncDisposable {
  /** The present level of every input that is wired, first; then each change, until `signal` is aborted. */
  changes(signal: AbortSignal): AsyncIterable<InputChange>;
  /** For people. */
  readonly label: string;
}

/** The network relays whose commands facelatch knows; `own` is given its commands by the owner. A closed list. */
export const deviceModels = ['shelly', 'shelly-gen1', 'tasmota', 'zigbee2mqtt', 'own'] as const;
export type DeviceModel = (typeof deviceModels)[number];
