/**
 * The kept pictures of unknown people, compared with each other: the rooms of the house go in; groups come out, as
 * far as they are known. Embeddings are made while nobody waits before the door, and stay in memory only.
 * console/open.ts opens it; it owns the thread that compares, and ends with the console.
 */
import { isBadPicture, messageOf } from '../../base/errors.ts';
import { type SideThread, sideThread } from '../../base/side-thread.ts';
import type { Clock } from '../../base/time.ts';
import type { Embedding } from '../../face/port.ts';
import { pauseOf } from '../../retrain/pause.ts';
import type { UnknownPicture } from '../../retrain/samples.ts';
import type { Rooms } from '../rooms.ts';
import type { ToGroup } from './groups.ts';

export interface FoundFaces {
  /** While pictures are being read and compared. */
  readonly comparing?: { readonly done: number; readonly total: number };
  /** Two pictures or more each, of one person. */
  readonly groups: readonly (readonly UnknownPicture[])[];
  readonly alone: readonly UnknownPicture[];
  /** Pictures that show no face that can be compared. */
  readonly unread: number;
  /** Older pictures that are not compared. */
  readonly more: number;
}

export interface UnknownFaces extends AsyncDisposable {
  /** What is known now; begins to compare what is new. */
  found(): FoundFaces;
  /** Somebody stands before the door: it has the reader to itself. */
  saw(): void;
}

/** Compared at a time, the newest ones: every pair of them is. */
const mostFaces = 400;
/** A face that stays holds this back for so long, then only now and then. Milliseconds. */
const patienceMs = 10_000;
/** Between two pictures: the door needs its processor. Milliseconds. */
const restMs = 100;

interface State {
  readonly rooms: Rooms;
  readonly clock: Clock;
  readonly thread: SideThread<ToGroup, readonly (readonly number[])[]>;
  readonly over: AbortController;
  readonly pause: ReturnType<typeof pauseOf>;
  /** Of the embedder that made the faces. */
  embedder: string;
  readonly faces: Map<string, Embedding | 'none'>;
  groups: readonly (readonly string[])[];
  /** The pictures that are grouped. */
  grouped: string;
  working: Promise<void> | undefined;
}

export function unknownFaces(rooms: Rooms, clock: Clock): UnknownFaces {
  const thread = sideThread<ToGroup, readonly (readonly number[])[]>({
    module: new URL('./worker.ts', import.meta.url),
    ...{ mostWaiting: 1, patienceMs: 60_000, heapMb: 64, idleMs: 5000 },
  });
  const state: State = {
    ...{ rooms, clock, thread, over: new AbortController(), pause: pauseOf({ clock, mostMs: patienceMs }) },
    ...{ embedder: '', faces: new Map(), groups: [], grouped: '', working: undefined },
  };
  return {
    found: () => found(state),
    saw: state.pause.saw,
    [Symbol.asyncDispose]: async () => {
      state.over.abort(new Error('the console is closed'));
      await thread[Symbol.asyncDispose]();
      await state.working;
    },
  };
}

/** One more than are compared, to tell whether there are more. */
const picturesOf = ({ rooms: { learning, lock } }: State): readonly UnknownPicture[] =>
  learning && !lock ? learning.samples.unknowns(mostFaces * 10) : [];

function found(state: State): FoundFaces {
  const all = picturesOf(state);
  const pictures = all.slice(0, mostFaces);
  const { sha256 } = state.rooms.eyes.reader.embedder;
  if (state.embedder !== sha256) {
    state.faces.clear();
    Object.assign(state, { embedder: sha256, groups: [], grouped: '' });
  }
  const kept = new Set(pictures.map(({ id }) => id));
  for (const id of state.faces.keys()) if (!kept.has(id)) state.faces.delete(id);
  const read = pictures.filter(({ id }) => state.faces.has(id)).length;
  const isDone = read === pictures.length && keyOf(pictures) === state.grouped;
  if (!isDone)
    state.working ??= work(state, pictures).finally(() => {
      state.working = undefined;
    });
  const byId = new Map(pictures.map((picture) => [picture.id, picture]));
  const groups = state.groups.map((group) => group.flatMap((id) => byId.get(id) ?? [])).filter(({ length }) => length > 0);
  return {
    ...(!isDone && { comparing: { done: read, total: pictures.length } }),
    groups: groups.filter(({ length }) => length > 1),
    alone: groups.filter(({ length }) => length === 1).flat(),
    unread: pictures.filter(({ id }) => state.faces.get(id) === 'none').length,
    more: all.length - pictures.length,
  };
}

const keyOf = (pictures: readonly UnknownPicture[]): string => pictures.map(({ id }) => id).join(' ');

async function work(state: State, pictures: readonly UnknownPicture[]): Promise<void> {
  const { signal } = state.over;
  try {
    for (const { id } of pictures) {
      if (state.faces.has(id)) continue;
      await rest(state);
      if (signal.aborted) return;
      const face = await faceOf(state, id);
      if (face) state.faces.set(id, face);
    }
    await group(state, pictures);
  } catch (error) {
    if (!signal.aborted) state.rooms.log.warn({ room: 'console', err: messageOf(error) }, 'unknown faces cannot be compared now');
  }
}

async function rest({ clock, pause, over: { signal } }: State): Promise<void> {
  do await clock.sleep(restMs, signal).catch(() => undefined);
  while (pause.still() && !signal.aborted);
}

/** Undefined where the picture is no longer kept. */
async function faceOf({ rooms }: State, id: string): Promise<Embedding | 'none' | undefined> {
  const picture = rooms.learning?.samples.unknown(id);
  if (!picture) return undefined;
  try {
    const { faces } = await rooms.eyes.reader.read(picture, { embed: 'dominant' });
    return faces[0]?.embedding ?? 'none';
  } catch (error) {
    if (isBadPicture(error)) return 'none';
    throw error;
  }
}

async function group(state: State, pictures: readonly UnknownPicture[]): Promise<void> {
  const { rooms, faces, thread } = state;
  const { head, calibration, dimension } = rooms.eyes.reader.embedder;
  const readable = pictures.flatMap((picture) => {
    const face = faces.get(picture.id);
    return face && face !== 'none' && face.length === dimension ? [{ picture, face }] : [];
  });
  const vectors = new Float32Array(readable.length * dimension);
  for (const [n, { face }] of readable.entries()) vectors.set(face, n * dimension);
  const groups = await thread.ask({
    embedder: { head, dimension, ...(calibration && { calibration }) },
    vectors,
    visits: readable.map(({ picture }) => picture.visit),
    sameFrom: rooms.eyes.gallery.threshold.logit,
  });
  if (!groups) return;
  state.groups = groups.map((numbers) => numbers.flatMap((n) => readable[n]?.picture.id ?? []));
  state.grouped = keyOf(pictures);
}
