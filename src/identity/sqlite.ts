/**
 * The gallery in an SQLite file: people, their verification images and templates go in, durably and whole; the
 * likenesses of a probe come out of a copy of the templates in memory.
 */

import { dropPictures, enrol, forgetPicture, rename, setRules } from './gallery/changes.ts';
import { aboutPicturesOf, listPeople, ownPictureOf, ownPicturesOf, peopleNamed, personWith } from './gallery/listing.ts';
import { change, type GalleryOptions, looking, openedGallery, refreshGallery } from './gallery/opened.ts';
import { forgetCopy } from './gallery/reading.ts';
import { reembed } from './gallery/reembed.ts';
import { onlyOne } from './name.ts';
import type { Gallery } from './port.ts';
import { guarded } from './rows/database.ts';

/**
 * Opens the gallery. Throws Faults `bad-config`, `model-unfit` (see `thresholdsOf`), `database-newer`,
 * `gallery-damaged`, `gallery-down`, `disk-full`, and those of the vault.
 */
export function openGallery(options: GalleryOptions): Gallery {
  const opened = openedGallery(options);
  const { file, embedder, search } = opened;
  return {
    list: () => looking(opened, listPeople),
    ids: () => [...opened.copy.known.keys()],
    find: (idOrName) => looking(opened, () => personWith(opened, idOrName) ?? onlyOne(peopleNamed(opened, idOrName))),
    enrol: (person, beforeStored) => enrol(opened, person, beforeStored),
    rename: (id, name, beforeStored) => rename(opened, id, name, beforeStored),
    rules: (id) => opened.copy.known.get(id)?.rules ?? {},
    setRules: (id, given) => setRules(opened, id, given),
    forget: (id) => change(opened, ({ sql }) => sql.remove(id)),
    forgetPicture: (id, picture) => forgetPicture(opened, id, picture),
    pictures: (id) => looking(opened, () => ownPicturesOf(opened, id)),
    picturesAbout: (id) => looking(opened, () => aboutPicturesOf(opened, id)),
    picture: (id, picture) => looking(opened, () => ownPictureOf(opened, id, picture)),
    dropPictures: () => dropPictures(opened),
    match: (probe, atMost) => search.match(probe, atMost),
    get threshold() {
      return opened.threshold.now;
    },
    consider: (evidence) => opened.threshold.consider(evidence),
    enrolled: () => opened.copy.enrolled,
    get people() {
      return opened.copy.known.size;
    },
    get templates() {
      return search.count;
    },
    get stale() {
      return opened.copy.stale;
    },
    get unrecognised() {
      return opened.copy.unrecognised;
    },
    get unread() {
      return opened.copy.toRead.size > 0;
    },
    get down() {
      return opened.down;
    },
    findings: () => [...opened.found.splice(0), ...opened.refusals.take()],
    refresh: () => guarded(file, () => refreshGallery(opened)),
    reembed: (embed, how) => reembed(opened, embed, how),
    keepTemplates: (embedders) => change(opened, ({ sql }) => sql.keepTemplates([...embedders, embedder.sha256])),
    [Symbol.dispose]: () => {
      forgetCopy(opened);
      if (opened.db.isOpen) opened.db.close();
    },
  };
}
