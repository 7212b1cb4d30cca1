/**
 * The network that guards the door, as one reader and one gallery that stay the same objects while what is behind
 * them changes: a switch replaces reader, templates and threshold together. An embedding is only compared in the
 * gallery of the network that made it. learning/open.ts opens it (wire.ts, where a test brings its own reader); it
 * owns the guards and closes them at its end.
 */
import { Fault } from '../base/errors.ts';
import type { FaceReader, Reading, ReadOptions } from '../face/port.ts';
import type { Gallery, NewPerson } from '../identity/port.ts';
import type { Guard } from '../retrain/promotion.ts';

export interface Eyes {
  readonly reader: FaceReader;
  readonly gallery: Gallery;
  /** The gallery of the network that made this reading. */
  comparing(reading: Reading): Gallery;
  /** What guards the door now. */
  readonly current: Guard;
  /** The one before it, while it is kept. */
  readonly before: Guard | undefined;
  /** From the next frame on `next` guards the door; the one before stays open until the switch after, or `drop`. */
  turnTo(next: Guard): Promise<void>;
  /** Replaces a guard whose reader has died by one with the same network. */
  replace(next: Guard): void;
  /** Keeps the network before open beside the champion, where an earlier process made the switch. */
  keepBeside(guard: Guard): void;
  drop(): Promise<void>;
}

interface State {
  current: Guard;
  before: Guard | undefined;
  /** Which gallery a reading, or an embedding in it, belongs to. */
  readonly maker: WeakMap<object, Gallery>;
  /** Readings under way: a network is only closed after them. */
  readonly underWay: Map<Guard, Set<Promise<unknown>>>;
}

export function openEyes(first: Guard): Eyes & AsyncDisposable {
  const state: State = { current: first, before: undefined, maker: new WeakMap(), underWay: new Map() };
  return {
    reader: readerOver(state),
    gallery: galleryOver(state),
    comparing: (reading) => state.maker.get(reading) ?? state.current.gallery,
    get current() {
      return state.current;
    },
    get before() {
      return state.before;
    },
    turnTo: (next) => turnTo(state, next),
    replace: (next) => {
      state.current = next;
    },
    keepBeside: (guard) => {
      state.before = guard;
    },
    drop: () => drop(state),
    [Symbol.asyncDispose]: async () => {
      await drop(state);
      await state.current[Symbol.asyncDispose]();
    },
  };
}

async function turnTo(state: State, next: Guard): Promise<void> {
  const older = state.before;
  state.before = state.current;
  state.current = next;
  // A step back turns to the guard before, which must stay open.
  if (older && older !== next) await close(state, older);
}

async function drop(state: State): Promise<void> {
  const old = state.before;
  state.before = undefined;
  if (old) await close(state, old);
}

async function close({ underWay }: State, guard: Guard): Promise<void> {
  await Promise.allSettled(underWay.get(guard) ?? []);
  underWay.delete(guard);
  await guard[Symbol.asyncDispose]();
}

function readerOver(state: State): FaceReader {
  return {
    get embedder() {
      return state.current.reader.embedder;
    },
    read: (picture, options) => read(state, picture, options),
    [Symbol.asyncDispose]: async () => await state.current.reader[Symbol.asyncDispose](),
  };
}

async function read({ current, maker, underWay }: State, picture: Uint8Array, options?: ReadOptions): Promise<Reading> {
  const under = current.reader.read(picture, options);
  const all = underWay.get(current) ?? new Set();
  underWay.set(current, all.add(under));
  try {
    const reading = await under;
    maker.set(reading, current.gallery);
    for (const { embedding } of reading.faces) if (embedding) maker.set(embedding, current.gallery);
    return reading;
  } finally {
    all.delete(under);
  }
}

function galleryOver(state: State): Gallery {
  const now = () => state.current.gallery;
  return {
    list: () => now().list(),
    ids: () => now().ids(),
    find: (idOrName) => now().find(idOrName),
    enrol: (person, beforeStored) => {
      requireCurrent(state, person);
      return now().enrol(person, beforeStored);
    },
    rename: (id, name, beforeStored) => now().rename(id, name, beforeStored),
    rules: (id) => now().rules(id),
    setRules: (id, rules) => now().setRules(id, rules),
    forget: (id) => now().forget(id),
    forgetPicture: (id, picture) => now().forgetPicture(id, picture),
    pictures: (id) => now().pictures(id),
    picturesAbout: (id) => now().picturesAbout(id),
    picture: (id, picture) => now().picture(id, picture),
    dropPictures: () => now().dropPictures(),
    match: (probe, atMost) => (state.maker.get(probe) ?? now()).match(probe, atMost),
    get threshold() {
      return now().threshold;
    },
    consider: (evidence) => now().consider(evidence),
    enrolled: () => now().enrolled(),
    get people() {
      return now().people;
    },
    get templates() {
      return now().templates;
    },
    get stale() {
      return now().stale;
    },
    get unrecognised() {
      return now().unrecognised;
    },
    get unread() {
      return now().unread || (state.before?.gallery.unread ?? false);
    },
    get down() {
      return now().down;
    },
    findings: () => [...now().findings()],
    refresh: () => {
      state.before?.gallery.refresh();
      return now().refresh();
    },
    reembed: (embed, options) => now().reembed(embed, options),
    keepTemplates: (embedders) => now().keepTemplates(embedders),
    [Symbol.dispose]: () => undefined,
  };
}

/** Throws Fault `model-unfit` where a template was made by a network that no longer guards. */
function requireCurrent({ maker, current }: State, { pictures }: NewPerson): void {
  for (const { template, source } of pictures)
    if ((maker.get(template) ?? current.gallery) !== current.gallery)
      throw new Fault(
        'model-unfit',
        `The network of this door changed during this enrolment, after ${source} was read: start the enrolment again`,
      );
}
