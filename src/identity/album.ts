/**
 * One enrolment session's pictures: each encoded picture goes in and is judged at once, what may be stored comes out. Kept in memory
 * and bounded; nothing here touches the gallery but to compare.
 */

import type { PersonId } from '../events.ts';
import type { FaceReader, QualityLimits } from '../face/port.ts';
import { type Candidate, type JudgedPicture, readCandidate, refuse, withoutRepetition } from './candidate.ts';
import { alreadyEnrolled, resemblance } from './enrolment.ts';
import type { Gallery, PictureOutcome } from './port.ts';

export interface AlbumParts {
  readonly gallery: Pick<Gallery, 'match' | 'threshold' | 'pictures'>;
  /** Asked for each picture: a reader that failed is replaced. */
  readonly reader: () => FaceReader;
  readonly limits: QualityLimits;
  readonly maxPictureBytes: number;
  /** Under which id the person is enrolled already; undefined for a new one. Asked anew each time: that may change meanwhile. */
  readonly before: () => PersonId | undefined;
}

export interface Album {
  judge(source: string, picture: Uint8Array): Promise<PictureOutcome>;
  /** The pictures that show one and the same person; empty also where two people are shown equally often. */
  kept(): readonly Candidate[];
  /** Whom the kept pictures would pass for at the door. */
  twin(): PersonId | undefined;
  /** Pictures in memory, kept or waiting for others that resemble them. */
  readonly size: number;
}

export function album({ gallery, reader, limits, maxPictureBytes, before }: AlbumParts): Album {
  // Also those that resemble none of the others yet: the first one may have been the slip.
  const shown: Candidate[] = [];
  const belongingsOf = (candidates: readonly Candidate[]) => resemblance(candidates, gallery, reader().embedder, before());
  const kept = () => {
    const { belongings } = belongingsOf(shown);
    return shown.filter((_, i) => belongings[i]?.belongs);
  };

  const stored = () => {
    const id = before();
    return id === undefined ? [] : gallery.pictures(id);
  };

  const twinOf = (candidates: readonly Candidate[]) =>
    alreadyEnrolled(
      candidates.map(({ template }) => template),
      gallery,
      before(),
    );

  /** Someone else, whom the door knows: the same person where nothing in the session is more like this picture, else a look-alike. */
  const asTwin = (candidate: Candidate, logit: number | undefined): PictureOutcome | undefined => {
    const twin = twinOf([candidate]);
    if (!twin) return undefined;
    const { personId } = twin;
    const likeness = `likeness ${twin.logit.toFixed(1)}`;
    const known = logit === undefined || twin.logit >= logit;
    return {
      accepted: false,
      source: candidate.source,
      reasons: [known ? 'already-enrolled' : 'too-alike'],
      detail: known
        ? `shows a person who is already enrolled, as ${personId} (${likeness}); add pictures under that name`
        : `too alike to ${personId} (${likeness}): the door would take one for the other; try another look`,
      personId,
    };
  };

  const judgeCandidate = (candidate: Candidate): PictureOutcome => {
    const { belongings, bound } = belongingsOf([...shown, candidate]);
    const { belongs = false, logit } = belongings.at(-1) ?? {};
    const twin = asTwin(candidate, logit);
    if (twin) return twin;
    shown.push(candidate);
    const { source, detail } = candidate;
    if (belongs) return { accepted: true, source, detail };
    const text = `does not show the same person as the others: its greatest likeness to them is ${(logit ?? Number.NaN).toFixed(1)}, at least ${bound.toFixed(1)} is expected`;
    return { accepted: false, source, reasons: ['another-person'], detail: text };
  };

  return {
    judge: async (source, picture) => {
      if (picture.length > maxPictureBytes)
        return tellRefusal(refuse(source, ['too-large'], `${picture.length} bytes; a picture may have ${maxPictureBytes}`));
      const outcome = withoutRepetition(await readCandidate(source, picture, reader(), limits), [...shown, ...stored()]);
      return outcome.accepted ? judgeCandidate(outcome) : tellRefusal(outcome);
    },
    kept,
    twin: () => twinOf(kept())?.personId,
    get size() {
      return shown.length;
    },
  };
}

function tellRefusal(outcome: Exclude<JudgedPicture, Candidate>): PictureOutcome {
  const { source, reasons, detail } = outcome;
  return { accepted: false, source, reasons, detail };
}
