/**
 * Where one attempt ends and the next begins (ISO/IEC 30107-3 calls an attempt a presentation). In: what was seen of a
 * visit so far and the next frame with a face. Out: the visit that the frame belongs to, and the one that ended because
 * the face became another. Pure.
 *
 * A face becomes another when two frames in a row do not resemble the running mean of the frames before. One odd frame
 * (a blink, a blur) ends nothing.
 */
import type { Embedding } from '../face/port.ts';
import type { Resembles } from './lock-out.ts';
import type { Sighting } from './port.ts';
import { begun, type Presentation, type PresentationRules } from './presentation.ts';

/** The visit before a frame, and what ended with it. */
interface Belonging {
  readonly visit: Presentation;
  /** The attempt of the face before. */
  readonly ended?: Presentation;
  /** Frames of the new face that were counted to the one before: to be looked at again. */
  readonly again: readonly Sighting[];
  /** The frame does not resemble those before it: it is no vote for the one whom they show. */
  readonly isOdd: boolean;
}

type AttemptRules = Pick<PresentationRules, 'denyAfterMs' | 'votes'> & { readonly isSameFace?: Resembles };

/** To which attempt `sighting` belongs. */
export function belonging(before: Presentation, sighting: Sighting, atMs: number, rules: AttemptRules): Belonging {
  const { face } = sighting;
  const { isSameFace } = rules;
  if (!face || !isSameFace || !before.face) return { visit: face ? withFace(before, face) : before, again: [], isOdd: false };
  const isSame = isSameFace(before.face.mean, face) || isKnown(before, sighting);
  if (isSame) {
    const { odd: _, ...rest } = before;
    return { visit: withFace(rest, face), again: [], isOdd: false };
  }
  const { odd } = before;
  if (!odd) return { visit: { ...before, odd: { sighting, before } }, again: [], isOdd: true };
  const ended = odd.before;
  const again = odd.sighting.face && isSameFace(odd.sighting.face, face) ? [odd.sighting] : [];
  return { visit: withFace(carried(ended, begun(atMs, rules), rules), face), ended, again, isOdd: false };
}

/** Recognised as the one whom the frames before showed: somebody who turns their head does not become another. */
const isKnown = ({ ballots, grantedTo }: Presentation, { finding }: Sighting): boolean =>
  finding.kind === 'person' &&
  (grantedTo === finding.personId ||
    ballots.some((ballot) => ballot.finding.kind === 'person' && ballot.finding.personId === finding.personId));

function withFace(visit: Presentation, face: Embedding): Presentation {
  const of = visit.face?.of ?? 0;
  const before = visit.face?.mean;
  if (!before || before.length !== face.length) return { ...visit, face: { mean: face, of: 1 } };
  const sum = before.map((value, i) => value * of + (face[i] ?? 0));
  const length = Math.sqrt(sum.reduce((squares, value) => squares + value * value, 0));
  return { ...visit, face: { mean: length > 0 ? sum.map((value) => value / length) : face, of: of + 1 } };
}

/** Attempts too short for a vote are counted together: a quick change of faces leaves an entry too. */
function carried(ended: Presentation, next: Presentation, { votes }: AttemptRules): Presentation {
  if (ended.granted || ended.settled || ended.frames >= votes) return next;
  const { frames, counts, compared, quality } = ended;
  return { ...next, frames, counts, compared, quality, ...(ended.best && { best: ended.best }) };
}
