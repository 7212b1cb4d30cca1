/**
 * The path of a frame: a frame and what the networks read in it go in, the sighting to decide on comes out; then who
 * looks at the decided moment.
 */
import type { Observation, Sighting } from '../access/port.ts';
import { sight } from '../access/sight.ts';
import type { Frame } from '../camera/port.ts';
import type { Reading } from '../face/port.ts';
import { identify } from '../identity/threshold.ts';
import type { Rooms } from './rooms.ts';

export function sightingOf(rooms: Rooms, frame: Frame, reading: Reading): Sighting | Promise<Sighting> {
  const { config, learning, eyes } = rooms;
  rooms.lookedAt = frame.picture;
  rooms.facing = reading.faces[0];
  learning?.saw(frame, reading);
  const gallery = eyes.comparing(reading);
  const sighting = sight(frame.picture, frame.capturedAtMs, reading, {
    gallery,
    isBehind: rooms.view?.isBehind === true,
    identify: (matches) => identify(matches, gallery.threshold, config.identity.ambiguityMargin),
  });
  return rooms.liveness ? rooms.liveness.check(frame, reading, sighting) : sighting;
}

/** After the door has decided. */
export function decidedOn({ metrics, learning, evidence, listeners, clock, console: web }: Rooms, moment: Observation): void {
  metrics?.looked(moment.sighting, clock.now() - moment.frame.capturedAtMs);
  learning?.looked(moment);
  evidence?.looked(moment);
  web?.decided(moment);
  listeners.onMoment?.(moment);
}
