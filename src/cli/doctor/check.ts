/** A check of `facelatch doctor`. */
import type { ExaminedPart } from '../../house/rooms.ts';

export interface Check extends ExaminedPart {
  /** What this door does not do because of it, for the last line: `no lock is moved`. */
  readonly lacks?: readonly string[];
}

export type Found = Omit<Check, 'name'>;
