/**
 * What the live view shows: decided moments, events and the door's state go in; what the console process is told comes
 * out, while somebody watches and only as fast as it takes it. Pictures go out as they came from the camera.
 */
import type { Entrance } from '../../access/entrance.ts';
import type { Observation } from '../../access/port.ts';
import type { Frame } from '../../camera/port.ts';
import type { FromConsole, LiveFace, LiveMoment } from '../../console/port.ts';
import type { ConsoleProgram } from '../../console/program.ts';
import type { Event, PersonId } from '../../events.ts';
import type { Face, Reading } from '../../face/port.ts';
import { probabilityOf } from '../../identity/siamese.ts';
import type { Loops } from '../loops.ts';
import type { ConsoleFeed, Rooms } from '../rooms.ts';
import { type DoorNow, doorNow } from './door-now.ts';

/** What the console process says of those who watch. */
export interface LiveFeed extends ConsoleFeed {
  /** How many listen, and how many of them look at pictures, from now on. */
  watched(now: Pick<Extract<FromConsole, { kind: 'watching' }>, 'listeners' | 'viewers'>): void;
  /** The process took the last moment. */
  took(): void;
}

interface State {
  readonly rooms: Rooms;
  readonly entrance: Pick<Entrance, 'controller' | 'inputsKnown'>;
  readonly loops: Pick<Loops, 'status'>;
  readonly program: () => Pick<ConsoleProgram, 'tell'> | undefined;
  listeners: number;
  viewers: number;
  sent: number;
  /** Moments that the process has not taken yet. */
  untaken: number;
  lastAtMs: number;
  state: string;
}

/** Moments on the way at a time: one may travel while the next is made. */
const mostUntaken = 2;
/** Without a moment for so long, the camera's newest picture is shown as it is. Milliseconds. */
const quietMs = 1000;

export function liveFeed(parts: Pick<State, 'rooms' | 'entrance' | 'loops' | 'program'>): LiveFeed {
  const state: State = { ...parts, listeners: 0, viewers: 0, sent: 0, untaken: 0, lastAtMs: 0, state: '' };
  return {
    watched: ({ listeners, viewers }) => {
      if (listeners > state.listeners) state.state = ''; // whoever came last knows nothing yet
      Object.assign(state, { listeners, viewers });
      state.untaken = 0;
    },
    took: () => {
      state.untaken = Math.max(0, state.untaken - 1);
    },
    decided: (moment) => {
      if (isDue(state, 900 / state.rooms.config.console.liveFps)) send(state, moment.frame, momentOf(state, moment));
    },
    happened: (event, entry) => {
      if (state.listeners > 0)
        state.program()?.tell({ kind: 'told', topic: 'event', data: { seq: entry?.seq, at: entry?.at, ...named(state.rooms, event) } });
    },
    tick: () => tick(state),
  };
}

const isDue = ({ viewers, untaken, rooms, lastAtMs }: State, everyMs: number): boolean =>
  viewers > 0 && untaken < mostUntaken && rooms.clock.now() - lastAtMs >= everyMs;

function tick(state: State): void {
  if (state.listeners === 0) return;
  const { latest } = state.rooms.camera;
  if (latest && isDue(state, quietMs)) send(state, latest, { faces: [], finding: 'not-looked', width: 0, height: 0 });
  const now: DoorNow = doorNow(state.rooms, state.entrance, state.loops);
  const text = JSON.stringify(now);
  if (text === state.state) return;
  state.state = text;
  state.program()?.tell({ kind: 'told', topic: 'state', data: now });
}

type Seen = Omit<LiveMoment, 'n' | 'at'>;

function send(state: State, { picture, capturedAtMs }: Frame, seen: Seen): void {
  const { clock } = state.rooms;
  const at = new Date(clock.wall() - (clock.now() - capturedAtMs)).toISOString();
  const moment: LiveMoment = { n: state.sent + 1, at, ...seen };
  if (!state.program()?.tell({ kind: 'moment', moment, picture })) return;
  state.sent++;
  state.untaken++;
  state.lastAtMs = clock.now();
}

function momentOf({ rooms }: State, { reading, sighting }: Observation): Seen {
  const { finding, likeness, liveness } = sighting;
  const { threshold } = rooms.eyes.gallery;
  const name = finding.kind === 'person' && !rooms.lock ? rooms.eyes.gallery.find(finding.personId)?.name : undefined;
  return {
    ...{ width: reading.width, height: reading.height, finding: finding.kind },
    faces: reading.faces.map((face, at) => faceOf(face, at === 0, reading)),
    ...(finding.kind === 'person' && name !== undefined && { person: { id: finding.personId, name } }),
    ...(likeness && { likeness: likeness.probability, threshold: probabilityOf(threshold.logit) }),
    ...(liveness && {
      live: { ...(liveness.passive && { score: liveness.passive.logit }), ...(liveness.unsure && { unsure: liveness.unsure }) },
    }),
  };
}

const faceOf = ({ box, quality }: Face, dominant: boolean, { width, height }: Reading): LiveFace => ({
  left: box.x1 / width,
  top: box.y1 / height,
  width: (box.x2 - box.x1) / width,
  height: (box.y2 - box.y1) / height,
  quality: quality.reasons,
  dominant,
});

/** With the names of whom it is about, by their ids, where they are known. */
function named({ eyes, lock }: Rooms, event: Event): object {
  if (lock) return event;
  const fields = event as Partial<Record<'personId' | 'bestPersonId' | 'withPersonId', PersonId>>;
  const ids = [fields.personId, fields.bestPersonId, fields.withPersonId].filter((id) => id !== undefined);
  const names = ids.flatMap((id) => [[id, eyes.gallery.find(id)?.name] as const]).filter(([, name]) => name !== undefined);
  return names.length === 0 ? event : { ...event, names: Object.fromEntries(names) };
}
