/**
 * A configuration in, rooms opened as it says out. Here is what most commands need (what ships, the state folder,
 * networks, people); every other room has a file of its own beside this one.
 */

import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type RowSeal, rowSeal } from '../base/data/row-seal.ts';
import { Fault, messageOf } from '../base/errors.ts';
import { makeFolder } from '../base/make-folder.ts';
import type { NetworkPlace } from '../base/model/place.ts';
import { type Clock, systemClock } from '../base/time.ts';
import { gallerySecret, heldKeys, noteSealed } from '../command/keys.ts';
import type { EmbedderInfo, FaceReader } from '../face/port.ts';
import { openFaceReader, type ReaderOptions } from '../face/reader.ts';
import { type ManyReader, openFaceReaders } from '../face/readers.ts';
import type { Strangers } from '../identity/chances.ts';
import type { DoorEvidence, EnrolledPerson, EnrolmentSessions, Gallery, Reembedded, ReembedOptions } from '../identity/port.ts';
import type { GallerySeal } from '../identity/rows/sealing.ts';
import { gallerySearch, type Search } from '../identity/search.ts';
import { enrolmentSessions, type SessionsOptions } from '../identity/sessions.ts';
import { openGallery } from '../identity/sqlite.ts';
import { type GalleryThreshold, galleryThreshold } from '../identity/threshold.ts';
import { cohortEmbedder, cohortTrouble, openCohort } from '../recipes/cohort.ts';
import type { Config } from '../settings/load.ts';
import type { Vault } from '../vault/port.ts';
import { knownOfDoor } from './evidence.ts';

/** What facelatch ships beside its code. */
export const root = fileURLToPath(new URL('../..', import.meta.url));
export const demoPeopleFolder = join(root, 'config', 'demo-people');

/** The folder of a network: a name in models/, or a path. */
export function modelFolder(name: string): string {
  return name.includes('/') ? resolve(name) : join(root, 'models', basename(name));
}

/** The face reader that the configuration names, or one with another embedder. */
export function readerOf(config: Config, embedder: NetworkPlace = modelFolder(config.face.embedder)): Promise<FaceReader> {
  return openFaceReader(readerOptions(config, embedder));
}

/** More readers need more memory than they save time: each holds both networks. */
const mostReaders = 4;

/** For `pictures` pictures: a reader with one thread on each processor. A GPU has one. */
export function manyReaderOf(
  config: Config,
  pictures: number,
  embedder: NetworkPlace = modelFolder(config.face.embedder),
): Promise<ManyReader> {
  const options = readerOptions(config, embedder);
  const readers = config.face.provider === 'cpu' ? Math.min(mostReaders, availableParallelism(), pictures) : 1;
  return readers > 1 ? openFaceReaders({ ...options, threads: 1 }, readers) : openFaceReaders(options, 1);
}

/**
 * A second reader beside one that is there, on the other processor, for work that gives way to what the door sees;
 * undefined where there is no other processor.
 */
export async function helperReaderOf(config: Config, embedder: NetworkPlace): Promise<FaceReader | undefined> {
  if (config.face.provider !== 'cpu' || availableParallelism() < 2) return undefined;
  return openFaceReader({ ...readerOptions(config, embedder), threads: 1, niceness: 10 });
}

const readerOptions = ({ face }: Config, embedder: NetworkPlace): ReaderOptions => ({
  detector: modelFolder(face.detector),
  embedder,
  threads: face.threads,
  provider: face.provider,
  limits: face.quality,
});

/**
 * Where the state folder is; it is not made. @throws Fault `bad-config` for a file, and where this user may not enter
 * it.
 */
export function statePlace({ state }: Pick<Config, 'state'>): string {
  const folder = resolve(state.folder);
  let found: Stats | undefined;
  try {
    found = statSync(folder, { throwIfNoEntry: false });
    if (found?.isDirectory()) accessSync(folder, constants.X_OK);
  } catch (error) {
    throw new Fault(
      'bad-config',
      `This user cannot enter the state folder ${folder} (${messageOf(error)}): run the command as the user of the service (sudo -u facelatch …), or set state.folder (--state) to another.`,
      error,
    );
  }
  if (found && !found.isDirectory()) throw new Fault('bad-config', `${folder} is a file: set state.folder (--state) to a folder`);
  return folder;
}

/** The state folder, made where it does not exist (for its owner alone: it holds faces). */
export function stateFolder({ state }: Config): string {
  const folder = statePlace({ state });
  try {
    makeFolder(folder, 0o700);
  } catch (error) {
    throw new Fault(
      'bad-config',
      `The state folder ${folder} cannot be made (${messageOf(error)}); let this user write there, or set state.folder (--state) to another.`,
      error,
    );
  }
  return folder;
}

/** Where this door's own keys are kept. */
export const doorKeysFile = (config: Config): string => join(stateFolder(config), 'door-keys.json');

/**
 * The people, sealed by the vault; whoever opened it closes it after them. `reseal`: somebody at the machine vouches
 * for every row as it stands.
 */
export function galleryOf(config: Config, embedder: EmbedderInfo, vault: Vault, clock: Clock = systemClock, reseal = false): Gallery {
  const seal = sealOf(doorKeysFile(config));
  const file = join(stateFolder(config), 'people.sqlite');
  const evidence = storedEvidence(config, embedder);
  return openGallery({
    file,
    vault,
    embedder,
    policy: config.identity,
    clock,
    seal,
    reseal,
    strangers: () => shippedStrangers(embedder),
    keepPictures: !config.privacy.templatesOnly,
    evidence,
  });
}

/** What the threshold takes into account of this door; undefined where there is nothing, or the settings forbid it. */
function storedEvidence(config: Config, embedder: EmbedderInfo): DoorEvidence | undefined {
  return config.identity.doorEvidence ? knownOfDoor(stateFolder(config), embedder)?.evidence : undefined;
}

/** The threshold of these people, measured to its end; `at` tells it for other rates. */
export function thresholdOf(config: Config, embedder: EmbedderInfo, people: readonly EnrolledPerson[]): GalleryThreshold {
  const threshold = galleryThreshold(config.identity, embedder, () => shippedStrangers(embedder));
  threshold.consider(storedEvidence(config, embedder));
  threshold.load(people);
  while (threshold.continue());
  return threshold;
}

/**
 * Half of the shipped strangers: all of them would take twice as long to score, and the other half says the same.
 * Undefined where they are of another embedder, or cannot be read: the door opens without them.
 */
export function shippedStrangers({ sha256 }: EmbedderInfo): Strangers | undefined {
  const folder = modelFolder('cohort');
  if (cohortEmbedder(folder) !== sha256) return undefined;
  try {
    const { embedder, people } = openCohort(folder);
    return { embedder, embeddings: people.flat().filter((_, index) => index % 2 === 0) };
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

/** Why this embedder goes without the shipped strangers, for people; undefined where it has them. */
export const strangersTrouble = (embedder: EmbedderInfo): string | undefined => cohortTrouble(modelFolder('cohort'), embedder);

/** What this door seals carries its secret. `purpose` keeps seals of different kinds apart. */
export const doorSeal = (config: Config, purpose: string): RowSeal => sealFor(doorKeysFile(config), purpose);

const sealFor = (keys: string, purpose: string): RowSeal => rowSeal(Buffer.from(gallerySecret(keys), 'base64url'), purpose);

/** The seal that tells this door's rows from those of others. Throws Fault `bad-config`. */
function sealOf(keys: string): GallerySeal {
  return {
    rows: sealFor(keys, 'facelatch gallery rows 1'),
    begun: heldKeys(keys).gallerySealed,
    begin: () => noteSealed(keys, 'gallerySealed'),
  };
}

/**
 * Makes the missing templates of the embedder in use from the stored pictures, as after a change of embedder.
 * `onPicture` is called for each. What fails is named in the result and left as it is.
 */
export function renewTemplates(
  gallery: Gallery,
  reader: FaceReader | ManyReader,
  onPicture?: () => void | Promise<void>,
  options?: ReembedOptions,
): Promise<Reembedded> {
  const embed = async (picture: Uint8Array) => {
    const [face] = (await reader.read(picture, { embed: 'dominant' })).faces;
    await onPicture?.();
    if (!face?.embedding) throw new Fault('bad-picture', 'No face is found in this stored picture by the networks in use');
    return face.embedding;
  };
  return gallery.reembed(embed, { ...('atOnce' in reader && { atOnce: reader.atOnce }), ...options });
}

/** A search in memory, under the head of an embedder. */
export function searchOf({ identity }: Config, embedder: EmbedderInfo): Search {
  return gallerySearch(embedder, identity.detection);
}

/** Remote enrolment, over the gallery and camera of the running door. */
export function enrolmentSessionsOf(
  config: Config,
  parts: Pick<SessionsOptions, 'gallery' | 'roster' | 'journal' | 'reader' | 'camera' | 'outside' | 'log'>,
): EnrolmentSessions {
  return enrolmentSessions({ ...config.enrolment, ...parts, limits: config.face.quality, clock: systemClock });
}
