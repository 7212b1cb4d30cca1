/** What the daemon and the relay keeper say to each other. */
import type { FaultCode } from '../base/errors.ts';
import type { DevicePlace, LinePlace } from './line.ts';
import type { LineLimits } from './timer.ts';

export type Place = LinePlace | DevicePlace;

/**
 * The keeper's one argument, as JSON. Then lines on its input: `take <place as JSON>` (not an argument: those can be read by others, and a place may
 * hold a password), `alive`, `<id> pulse <ms>`, `<id> hold <ms>`, `<id> safe`.
 */
export interface KeeperOrder extends LineLimits {
  /** URL of the module that opens the line (`LineAdapter`). */
  readonly adapter: string;
  /** Not having heard anything for so long, it drives the safe level and ends. Milliseconds. */
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
