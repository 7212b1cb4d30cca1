/** The protocol between the daemon and the relay keeper. */
import type { FaultCode } from '../base/errors.ts';
import type { DevicePlace, LinePlace } from './line.ts';
import type { LineLimits } from './timer.ts';

export type Place = LinePlace | DevicePlace;

/**
 * The keeper's only argument, as JSON. After it come lines on its input: `take <place as JSON>` (not an argument: other
 * users can read arguments, and a place may hold a password), `alive`, `<id> pulse <ms>`, `<id> hold <ms>`, `<id>
 * safe`.
 */
export interface KeeperOrder extends LineLimits {
  /** URL of the module that opens the line (`LineAdapter`). */
  readonly adapter: string;
  /** After this long without a line on its input, the keeper drives the safe level and ends. Milliseconds. */
  readonly silenceMs: number;
}

/** A line of the keeper's output, as JSON. */
export type FromKeeper =
  | { readonly up: true }
  | { readonly held: string }
  | { readonly fault: { readonly code: FaultCode; readonly message: string } }
  | { readonly done: number }
  | { readonly failed: number; readonly message: string }
  | { readonly edge: 'safe' | 'active' }
  | { readonly alive: true };
