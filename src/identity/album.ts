/**
 * The pictures of one enrolment session: each encoded picture goes in and is judged at once; what may be stored comes
 * out. They stay in memory; the gallery is only compared with.
 */

import type { PersonId } from '../events.ts';
import type { FaceReader, QualityLimits } from '../face/port.ts';
import { type Candidate, type JudgedPicture, type PictureOrigin, readCandidate, refuse, withoutRepetition } from './candidate.ts';
import { alreadyEnrolled, resemblance } from './enrolment.ts';
import { pictureId } from './picture-id.ts';
import type { Gallery, PictureOutcome } from './port.ts';

export interface AlbumParts {
  readonly gallery: Pick<Gallery, 'match' | 'threshold' | 'pictures'>;
  /** Asked for each picture, because a reader that failed is replaced. */
  readonly reader: () => FaceReader;
  readonly limits: QualityLimits;
  readonly maxPictureBytes: number;
  /** The id under which the person is enrolled already, if any. Asked each time, because it may change. */
  readonly before: () => PersonId | undefined;
}

export interface Album {
  judge(source: string, picture: Uint8Array, origin?: PictureOrigin): Promise<PictureOutcome>;
  /** The pictures that show one person; empty where two people are shown equally often. */
  kept(): readonly Candidate[];
  /** Somebody else whom the kept pictures would pass for at the door. */
  lookAlike(): PersonId | undefined;
  /** Pictures in memory: kept, or waiting for others that resemble them. */
  readonly size: number;
}

export function album({ gallery, reader, limits, maxPictureBytes, before }: AlbumParts): Album {
  // Includes those that resemble none of the others yet: the first picture may have been the wrong one.
  const shown: Candidate[] = [];
  const belongingsOf = (candidates: readonly Candidate[]) => resemblance(candidates, gallery, reader().embedder, before());
  const kept = () => {
    const { belongings } = belongingsOf(shown);
    return shown.filter((_, i) => belongings[i]?.belongs);
  };

  const stored = () => {
    const id = before();
    // Of those that are not kept, the gallery tells repetitions by their digest.
    return id === undefined ? [] : gallery.pictures(id).flatMap(({ picture, source }) => (picture ? [{ picture, source }] : []));
  };

  const lookAlikeOf = (candidates: readonly Candidate[]) =>
    alreadyEnrolled(
      candidates.map(({ template }) => template),
      gallery,
      before(),
    );

  /** Refuses a picture of somebody whom the door knows: that person, unless a picture of the session is more alike. */
  const asLookAlike = (candidate: Candidate, logit: number | undefined): PictureOutcome | undefined => {
    const found = lookAlikeOf([candidate]);
    if (!found) return undefined;
    const { personId } = found;
    const likeness = `likeness ${found.logit.toFixed(1)}`;
    const known = logit === undefined || found.logit >= logit;
    return {
      accepted: false,
      source: candidate.source,
      reasons: [known ? 'already-enrolled' : 'too-alike'],
      detail: known
        ? `shows a person who is already enrolled, as ${personId} (${likeness}); add pictures under that name`
        : `too much like ${personId} (${likeness}): the door would take one for the other; try another look`,
      personId,
    };
  };

  const judgeCandidate = (candidate: Candidate): PictureOutcome => {
    const { belongings, bound } = belongingsOf([...shown, candidate]);
    const { belongs = false, logit } = belongings.at(-1) ?? {};
    const lookAlike = asLookAlike(candidate, logit);
    if (lookAlike) return lookAlike;
    shown.push(candidate);
    const { source, detail } = candidate;
    if (belongs) return { accepted: true, source, detail };
    const text = `does not show the same person as the others: its greatest likeness to them is ${(logit ?? Number.NaN).toFixed(1)}, at least ${bound.toFixed(1)} is expected`;
    return { accepted: false, source, reasons: ['another-person'], detail: text };
  };

  return {
    judge: async (source, picture, origin) => {
      if (picture.length > maxPictureBytes)
        return tellRefusal(refuse(source, ['too-large'], `${picture.length} bytes; a picture may have at most ${maxPictureBytes}`));
      const outcome = withoutRepetition(await readCandidate(source, picture, reader(), limits, origin), [...shown, ...stored()]);
      if (!outcome.accepted) return tellRefusal(outcome);
      const judged = judgeCandidate(outcome);
      // A picture that was turned is stored as another one than was given.
      return outcome.picture === picture ? judged : { ...judged, picture: pictureId(outcome.picture) };
    },
    kept,
    lookAlike: () => lookAlikeOf(kept())?.personId,
    get size() {
      return shown.length;
    },
  };
}

function tellRefusal(outcome: Exclude<JudgedPicture, Candidate>): PictureOutcome {
  const { source, reasons, detail } = outcome;
  return { accepted: false, source, reasons, detail };
}
