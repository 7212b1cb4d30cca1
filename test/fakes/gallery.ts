/** A gallery in memory that works like the real one: plain formula, plain arrays; several may be opened on one shelf of people. */
import { createHash, randomUUID } from 'node:crypto';
import { Fault } from '../../src/base/errors.ts';
import type { Clock } from '../../src/base/time.ts';
import type { EmbedderInfo, Embedding } from '../../src/face/port.ts';
import { withName } from '../../src/identity/lookalike.ts';
import { bearerOf, onlyOne, personName } from '../../src/identity/name.ts';
import { pictureToForget } from '../../src/identity/picture-id.ts';
import type { Gallery, Match, Person, PersonRules } from '../../src/identity/port.ts';
import { checkEmbedding } from '../../src/identity/search.ts';
import { logitOf, probabilityOf } from '../../src/identity/siamese.ts';
import { galleryThreshold, type ThresholdPolicy } from '../../src/identity/threshold.ts';

interface Shelved {
  readonly picture: Uint8Array;
  readonly source: string;
  readonly addedAt: string;
  readonly sha256: string;
  /** By embedder. */
  readonly templates: Map<string, Embedding>;
}

/** What several fakes may share, as processes share a file. */
export interface Shelf {
  people: { readonly id: string; name: string; readonly enrolledAt: string; pictures: Shelved[]; rules?: PersonRules }[];
  version: number;
}

export const emptyShelf = (): Shelf => ({ people: [], version: 0 });

export interface MemoryGalleryOptions {
  readonly embedder: EmbedderInfo;
  readonly policy: ThresholdPolicy;
  readonly clock: Clock;
  readonly shelf?: Shelf;
}

export function memoryGallery({ embedder, policy, clock, shelf = emptyShelf() }: MemoryGalleryOptions): Gallery {
  const threshold = galleryThreshold(policy, embedder);
  const own = (picture: Shelved) => picture.templates.get(embedder.sha256);
  const take = () => ({
    version: shelf.version,
    people: shelf.people
      .map(({ id, pictures }) => ({ id, templates: pictures.flatMap((picture) => own(picture) ?? []) }))
      .filter((person) => person.templates.length > 0),
    stale: shelf.people.filter((person) => !person.pictures.every(own)).length,
  });
  let taken = take();
  threshold.load(taken.people);
  const change = () => {
    shelf.version++;
    taken = take();
    threshold.load(taken.people);
  };
  const templates = () => taken.people.reduce((sum, person) => sum + person.templates.length, 0);
  const shown = ({ id, name, enrolledAt, pictures }: Shelf['people'][number]): Person => ({
    id,
    name,
    enrolledAt,
    pictures: pictures.length,
  });
  const alike = (name: string) => withName(shelf.people.map(shown), name);
  const byId = (id: string) => shelf.people.find((person) => person.id === id);

  return {
    list: () => shelf.people.map(shown).sort((a, b) => (a.name < b.name ? -1 : 1)),
    ids: () => shelf.people.map(({ id }) => id),
    find: (idOrName) => {
      const found = byId(idOrName);
      return found ? shown(found) : onlyOne(alike(idOrName));
    },
    enrol: (person, beforeStored) => {
      const name = personName(person.name);
      const at = new Date(clock.wall()).toISOString();
      if (person.pictures.length === 0) throw new Fault('bad-argument', 'Give a picture.');
      const known = byId(bearerOf(name, alike(name))?.id ?? '');
      if (person.id !== undefined && known?.id !== person.id && (known || byId(person.id)))
        throw new Fault('bad-argument', 'The id or the name is somebody else’s.');
      const pictures = [...(known?.pictures ?? [])];
      for (const { picture, template, source } of person.pictures) {
        checkEmbedding(embedder, template);
        if (picture.length === 0) throw new Fault('bad-argument', 'Give another picture.');
        const sha256 = createHash('sha256').update(picture).digest('hex');
        const other = shelf.people.find((each) => each !== known && each.pictures.some((one) => one.sha256 === sha256));
        if (other) throw new Fault('bad-argument', `The picture is enrolled already, for ${other.id}.`);
        const same = pictures.findIndex((one) => one.sha256 === sha256);
        if (same >= 0) pictures[same]!.templates.set(embedder.sha256, template);
        else pictures.push({ picture, source, addedAt: at, sha256, templates: new Map([[embedder.sha256, template]]) });
      }
      const enrolled = known ?? {
        ...{ id: person.id ?? randomUUID(), name, enrolledAt: at, pictures },
        ...(person.rules && { rules: person.rules }),
      };
      beforeStored?.({ ...shown(enrolled), pictures: pictures.length }, known?.pictures.length ?? 0);
      enrolled.pictures = pictures;
      if (!known) shelf.people.push(enrolled);
      change();
      return shown(enrolled);
    },
    rename: (id, text, beforeStored) => {
      const name = personName(text);
      const person = byId(id);
      if (!person) throw new Fault('not-found', `There is no person with the id ${id}.`);
      if (alike(name).some((each) => each.id !== id)) throw new Fault('bad-argument', 'That name is taken.');
      beforeStored?.();
      person.name = name;
      change();
      return shown(person);
    },
    rules: (id) => byId(id)?.rules ?? {},
    setRules: (id, rules) => {
      const person = byId(id);
      if (!person) throw new Fault('not-found', `There is no person with the id ${id}`);
      person.rules = rules;
      change();
    },
    forget: (id) => {
      const before = shelf.people.length;
      shelf.people = shelf.people.filter((person) => person.id !== id);
      if (shelf.people.length === before) return false;
      change();
      return true;
    },
    forgetPicture: (id, picture) => {
      const person = byId(id);
      if (!person) throw new Fault('not-found', `There is no person with the id ${id}`);
      const gone = pictureToForget(
        shown(person),
        person.pictures.map(({ sha256 }) => ({ id: sha256 })),
        picture,
      );
      person.pictures = person.pictures.filter(({ sha256 }) => sha256 !== gone);
      change();
      return shown(person);
    },
    pictures: (id) => (byId(id)?.pictures ?? []).map(({ sha256, picture, source, addedAt }) => ({ id: sha256, picture, source, addedAt })),
    picturesAbout: (id) => (byId(id)?.pictures ?? []).map(({ sha256, source, addedAt }) => ({ id: sha256, source, addedAt })),
    picture: (id, picture) => byId(id)?.pictures.find(({ sha256 }) => sha256 === picture)?.picture,
    dropPictures: () => 0,
    match: (probe, atMost = Number.POSITIVE_INFINITY) => {
      checkEmbedding(embedder, probe);
      const matches = taken.people.map(({ id, templates }): Match => {
        const logits = templates.map((template) => logitOf(embedder.head, probe, template));
        const logit = Math.max(...logits);
        const counting = logits.filter((each) => probabilityOf(each) > policy.detection).length;
        return { personId: id, logit, probability: probabilityOf(logit), share: counting / logits.length };
      });
      return matches.sort((a, b) => b.logit - a.logit).slice(0, atMost);
    },
    get threshold() {
      return threshold.now;
    },
    consider: threshold.consider,
    enrolled: () => taken.people,
    get people() {
      return shelf.people.length;
    },
    get templates() {
      return templates();
    },
    unread: false,
    get stale() {
      return taken.stale;
    },
    get unrecognised() {
      return shelf.people.map(({ id }) => id).filter((id) => !taken.people.some((person) => person.id === id));
    },
    down: undefined,
    findings: () => [],
    refresh: () => {
      if (taken.version === shelf.version) return false;
      taken = take();
      threshold.load(taken.people);
      return true;
    },
    reembed: async (embed, { readEveryMs, atOnce = 1 } = {}) => {
      const failed: { personId: string; source: string; fault: Fault }[] = [];
      let pictures = 0;
      const waiting = shelf.people.flatMap(({ id, pictures: all }) =>
        all.filter((each) => !own(each)).map((picture, nth) => ({ id, picture, nth })),
      );
      const next = waiting.toSorted((a, b) => a.nth - b.nth).values();
      const lane = async () => {
        for (const { id, picture } of next) {
          try {
            const template = await embed(picture.picture);
            checkEmbedding(embedder, template);
            picture.templates.set(embedder.sha256, template);
            pictures++;
            if (readEveryMs !== undefined) change();
          } catch (error) {
            if (!(error instanceof Fault) || error.code === 'reader-failed') throw error;
            failed.push({ personId: id, source: picture.source, fault: error });
          }
        }
      };
      await Promise.all(Array.from({ length: atOnce }, lane));
      change();
      return { pictures, failed };
    },
    keepTemplates: (embedders) => {
      let forgotten = 0;
      for (const { templates: made } of shelf.people.flatMap((person) => person.pictures))
        for (const name of [...made.keys()])
          if (name !== embedder.sha256 && !embedders.includes(name)) forgotten += made.delete(name) ? 1 : 0;
      change();
      return forgotten;
    },
    [Symbol.dispose]: () => {
      taken = { ...taken, people: [] };
    },
  };
}
