/**
 * The networks that guard the door now, as one reader and one gallery that stay the same objects while what stands behind them changes: a switch takes reader, templates
 * and threshold at once. An embedding is only ever compared in the gallery of the network that made it.
 */
import { Fault } from '../base/errors.ts';
import type { FaceReader, Reading } from '../face/port.ts';
import type { Gallery, NewPerson } from '../identity/port.ts';
import type { Twin } from '../retrain/promotion.ts';

export interface Eyes {
  readonly reader: FaceReader;
  readonly gallery: Gallery;
  /** The gallery of the network that made this reading. */
  comparing(reading: Reading): Gallery;
  /** The twin that guards the door. */
  readonly current: Twin;
  /** The one before it, while it is kept. */
  readonly before: Twin | undefined;
  /** From the next frame on `next` guards the door; the one before stays open until the switch after, or `drop`. */
  turnTo(next: Twin): Promise<void>;
  /** Puts a twin of the same bundle in place of one whose reader has died. */
  replace(next: Twin): void;
  /** Looks beside the champion, for a new champion that was switched to by an earlier process. */
  keepBeside(twin: Twin): void;
  drop(): Promise<void>;
}

export function openEyes(first: Twin): Eyes & AsyncDisposable {
  const maker = new WeakMap<object, Gallery>();
  let current = first;
  let before: Twin | undefined;

  /** Readings under way: a network is only closed after them. */
  const underWay = new Map<Twin, Set<Promise<unknown>>>();
  const close = async (twin: Twin) => {
    await Promise.allSettled(underWay.get(twin) ?? []);
    underWay.delete(twin);
    await twin[Symbol.asyncDispose]();
  };

  const own = (reading: Reading, gallery: Gallery): Reading => {
    maker.set(reading, gallery);
    for (const { embedding } of reading.faces) if (embedding) maker.set(embedding, gallery);
    return reading;
  };
  const reader: FaceReader = {
    get embedder() {
      return current.reader.embedder;
    },
    read: async (picture, options) => {
      const twin = current;
      const reading = twin.reader.read(picture, options);
      const all = underWay.get(twin) ?? new Set();
      underWay.set(twin, all.add(reading));
      try {
        return own(await reading, twin.gallery);
      } finally {
        all.delete(reading);
      }
    },
    [Symbol.asyncDispose]: async () => await current.reader[Symbol.asyncDispose](),
  };
  const check = (person: NewPerson) => {
    for (const { template, source } of person.pictures)
      if ((maker.get(template) ?? current.gallery) !== current.gallery)
        throw new Fault(
          'model-unfit',
          `The network of this door was changed during this enrolment, after ${source} was read: begin it again`,
        );
  };
  const now = () => current.gallery;
  const gallery: Gallery = {
    list: () => now().list(),
    find: (idOrName) => now().find(idOrName),
    enrol: (person, beforeStored) => {
      check(person);
      return now().enrol(person, beforeStored);
    },
    rename: (id, name, beforeStored) => now().rename(id, name, beforeStored),
    rules: (id) => now().rules(id),
    setRules: (id, rules) => now().setRules(id, rules),
    forget: (id) => now().forget(id),
    forgetPicture: (id, picture) => now().forgetPicture(id, picture),
    pictures: (id) => now().pictures(id),
    match: (probe, atMost) => (maker.get(probe) ?? now()).match(probe, atMost),
    get threshold() {
      return now().threshold;
    },
    get templates() {
      return now().templates;
    },
    get stale() {
      return now().stale;
    },
    refresh: () => {
      before?.gallery.refresh();
      return now().refresh();
    },
    reembed: (embed) => now().reembed(embed),
    keepTemplates: (embedders) => now().keepTemplates(embedders),
    [Symbol.dispose]: () => undefined,
  };
  const drop = async () => {
    const old = before;
    before = undefined;
    if (old) await close(old);
  };
  return {
    reader,
    gallery,
    comparing: (reading) => maker.get(reading) ?? current.gallery,
    get current() {
      return current;
    },
    get before() {
      return before;
    },
    turnTo: async (next) => {
      const older = before;
      before = current;
      current = next;
      // Back to the one before: it is not another one.
      if (older && older !== next) await close(older);
    },
    replace: (next) => {
      current = next;
    },
    keepBeside: (twin) => {
      before = twin;
    },
    drop,
    [Symbol.asyncDispose]: async () => {
      await drop();
      await current[Symbol.asyncDispose]();
    },
  };
}
