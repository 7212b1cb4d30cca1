/**
 * Comparing with the people of a door from the command line: a gallery in, something to match probes against out, with
 * templates made again in memory for people who lack them; and a match as JSON.
 */

import { isBadPicture } from '../../base/errors.ts';
import type { FaceReader } from '../../face/port.ts';
import type { Gallery, Match } from '../../identity/port.ts';
import { gallerySearch } from '../../identity/search.ts';
import { thresholdsOf } from '../../identity/threshold.ts';
import type { Config } from '../../settings/load.ts';
import { tell } from '../context.ts';
import type { MatchRate } from '../likeness-words.ts';
import { openProgress } from '../progress.ts';
import { people } from '../words.ts';

/** As much of a gallery as comparing takes. */
export type ComparedGallery = Pick<Gallery, 'match' | 'threshold' | 'templates'>;

/** Tells on standard error who cannot be compared with, if anyone. */
export function tellStale({ stale }: Gallery): void {
  if (stale > 0)
    tell(
      `facelatch: ${people(stale)} enrolled with another embedder cannot be compared with here; "facelatch run" makes their templates again`,
    );
}

/**
 * The gallery itself. Where people lack templates of the embedder in use (another one is being tried): a search over
 * templates made from the stored pictures, in memory only, because the gallery's own templates belong to the door.
 */
export async function comparedGallery(
  gallery: Gallery,
  reader: FaceReader,
  { identity }: Config,
  stop: AbortSignal,
): Promise<ComparedGallery> {
  if (gallery.stale === 0) return gallery;
  const { embedder } = reader;
  const pictures = gallery.list().flatMap(({ id }) => gallery.pictures(id).flatMap(({ picture }) => (picture ? [{ id, picture }] : [])));
  const progress = openProgress('reading the enrolled', pictures.length, 'pictures');
  const templates = new Map<string, Float32Array[]>();
  try {
    for (const [done, { id, picture }] of pictures.entries()) {
      stop.throwIfAborted();
      const template = await templateOf(picture, reader);
      if (template) templates.set(id, [...(templates.get(id) ?? []), template]);
      progress.update(done + 1);
    }
  } finally {
    progress.stop();
  }
  const search = gallerySearch(embedder, identity.detection);
  search.load([...templates].map(([id, own]) => ({ id, templates: own })));
  return { match: search.match, templates: search.count, threshold: thresholdsOf(identity, embedder)(search.count) };
}

/** Undefined where the networks in use find no face in it. */
async function templateOf(picture: Uint8Array, reader: FaceReader): Promise<Float32Array | undefined> {
  try {
    return (await reader.read(picture, { embed: 'dominant' })).faces[0]?.embedding;
  } catch (error) {
    if (isBadPicture(error)) return undefined;
    throw error;
  }
}

/** A match as JSON: the person, the likeness and what it stands for. */
export function matchJson(match: Match, nameOf: (id: string) => string, rate: (logit: number) => MatchRate): object {
  const { personId, logit, probability, share } = match;
  const { fmr, extrapolated } = rate(logit);
  return { person: { id: personId, name: nameOf(personId) }, logit, probability, share, fmr, extrapolated };
}
