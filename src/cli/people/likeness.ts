/** Likeness as the commands report it: a gallery and matches in; matches with the false-match rate they stand for, whoever's templates are missing made anew, out. */

import { Fault } from '../../base/errors.ts';
import type { EmbedderInfo, FaceReader } from '../../face/port.ts';
import type { Gallery, Match, Threshold } from '../../identity/port.ts';
import { gallerySearch } from '../../identity/search.ts';
import { calibrationCurve, thresholdsOf } from '../../identity/threshold.ts';
import type { Config } from '../../settings/load.ts';
import { tell } from '../context.ts';
import { openProgress } from '../progress.ts';
import { counted, oneIn, percent } from '../words.ts';

/** The false-match rate of one comparison at a logit; null without a calibration: then nothing is known. */
export interface Rate {
  readonly fmr: number | null;
  readonly extrapolated: boolean;
}

export function rateOf({ calibration }: EmbedderInfo): (logit: number) => Rate {
  if (!calibration) return () => ({ fmr: null, extrapolated: false });
  return calibrationCurve(calibration).fmrAt;
}

export function rateText({ fmr, extrapolated }: Rate, { name }: EmbedderInfo): string {
  if (fmr === null) return `unknown: the embedder ${name} has no calibration`;
  return `${oneIn(fmr)} comparisons of strangers${extrapolated ? ' (extrapolated: beyond the end of the calibration table)' : ''}`;
}

export function thresholdText({ policy, logit, fmr, extrapolated, detection, verification }: Threshold): string {
  if (policy === 'paper') return `the paper's: ${percent(verification)} of a person's pictures above probability ${detection}`;
  return `logit ${logit.toFixed(2)}, ${oneIn(fmr)} comparisons${extrapolated ? ' (extrapolated: beyond the end of the calibration table)' : ''}`;
}

/** As much of a gallery as comparing takes. */
export type Comparison = Pick<Gallery, 'match' | 'threshold' | 'templates'>;

/** Tells on standard error who cannot be compared with, if anyone. */
export function tellStale({ stale }: Gallery): void {
  if (stale > 0)
    tell(
      `facelatch: ${counted(stale, 'person', 'people')} enrolled with another embedder cannot be compared with here; "facelatch run" makes their templates anew`,
    );
}

/**
 * The gallery itself; or, where people lack templates of the embedder in use (another one was chosen to try it), a search over templates made anew
 * from the stored pictures, in memory only: the gallery's own templates belong to the door.
 */
export async function comparisonOf(gallery: Gallery, reader: FaceReader, { identity }: Config, stop: AbortSignal): Promise<Comparison> {
  if (gallery.stale === 0) return gallery;
  const { embedder } = reader;
  const pictures = gallery.list().flatMap(({ id }) => gallery.pictures(id).map(({ picture }) => ({ id, picture })));
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
    if (error instanceof Fault && error.code === 'bad-picture') return undefined;
    throw error;
  }
}

/** A match as JSON: the person, the likeness and what it stands for. */
export function matchJson(match: Match, nameOf: (id: string) => string, rate: (logit: number) => Rate): object {
  const { personId, logit, probability, share } = match;
  const { fmr, extrapolated } = rate(logit);
  return { person: { id: personId, name: nameOf(personId) }, logit, probability, share, fmr, extrapolated };
}

/** A match in one line. */
export function matchText({ logit, probability, share }: Match, rate: Rate): string {
  const stands = rate.fmr === null ? 'no calibration' : `${oneIn(rate.fmr)}${rate.extrapolated ? ', extrapolated' : ''}`;
  return `logit ${logit.toFixed(2)} · probability ${percent(probability)} · false-match rate ${stands} · share ${percent(share)}`;
}
