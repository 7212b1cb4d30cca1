/**
 * What of the picture counts at this door: the owner's zones, less the places of faces that never move. Readings go in,
 * the mask for the next picture comes out; what has changed is journalled and logged. wire.ts opens it.
 */

import type { Log } from '../base/log.ts';
import type { Clock } from '../base/time.ts';
import type { Event, Region } from '../events.ts';
import { inFrontWatch } from '../face/in-front.ts';
import type { Box, Mask, Reading } from '../face/port.ts';
import { posterWatch } from '../face/posters.ts';
import type { Config } from '../settings/load.ts';

export interface View {
  /** For the next picture. */
  mask(): Mask;
  /** What was read under that mask. */
  saw(reading: Reading): void;
  /** Whether somebody nearer, whose face is not found in this reading, stands before those in it. */
  readonly isBehind: boolean;
  /** Faces that are left out because they never move. */
  readonly masked: number;
}

export interface ViewParts {
  readonly config: Pick<Config, 'camera' | 'face'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly record: (event: Event) => unknown;
}

export function doorView({ config, clock, log, record }: ViewParts): View {
  const { zones } = config.camera;
  const posters = posterWatch(config.face.posterMs);
  const front = inFrontWatch(config.face.quality.dominance);
  let isBehind = false;
  return {
    mask: () => ({ zones, ...posters.mask(clock.now()) }),
    saw: (reading) => {
      isBehind = front.isBehind(reading, clock.now());
      for (const { kind, box, forMs, why = 'moved' } of posters.saw(reading, clock.now())) {
        const place = regionOf(box, reading);
        const ms = Math.round(forMs);
        if (kind === 'noticed') log.warn({ ...place, stillMs: ms }, 'a face that does not move is left out');
        else log.info({ ...place, why, afterMs: ms }, 'a face that was left out counts again');
        record(
          kind === 'noticed' ? { kind: 'face.masked', box: place, stillMs: ms } : { kind: 'face.unmasked', box: place, why, afterMs: ms },
        );
      }
    },
    get isBehind() {
      return isBehind;
    },
    get masked() {
      return posters.count;
    },
  };
}

/** A box may reach beyond the picture. */
function regionOf({ x1, y1, x2, y2 }: Box, { width, height }: Reading): Region {
  const share = (v: number, of: number) => Math.round(1000 * Math.min(1, Math.max(0, v / of))) / 1000;
  const [left, top] = [share(x1, width), share(y1, height)];
  return { left, top, width: share(x2, width) - left, height: share(y2, height) - top };
}
