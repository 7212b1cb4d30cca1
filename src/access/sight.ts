/**
 * Turns one frame into one piece of evidence. In: the picture and what was read in it. Out: the dominant face, its
 * quality, and whom it is identified as.
 */
import { createHash } from 'node:crypto';
import type { Likeness } from '../events.ts';
import type { Reading } from '../face/port.ts';
import type { Gallery, Identification } from '../identity/port.ts';
import type { Finding, Sighting } from './port.ts';

export interface SightOptions {
  /** The faces are those of people behind the visitor, whose own face was not found. */
  readonly isBehind?: boolean;
  readonly gallery: Pick<Gallery, 'match' | 'threshold'>;
  /** Whom the matches identify, by the identity room's rule under the threshold in force. */
  readonly identify: (matches: ReturnType<Gallery['match']>) => Identification;
}

/** Nobody further down the list can win or contest the vote. */
const mostCandidates = 16;

/** By which a repeated frame is known: SHA-256 of its bytes, shortened. */
function frameDigest(picture: Uint8Array): string {
  return createHash('sha256').update(picture).digest('base64url').slice(0, 16);
}

/** The sighting of one frame. */
export function sight(
  picture: Uint8Array,
  capturedAtMs: number,
  reading: Reading,
  { gallery, identify, isBehind = false }: SightOptions,
): Sighting {
  const common = { digest: frameDigest(picture), capturedAtMs };
  const face = reading.faces[0];
  if (!face) return { ...common, finding: { kind: 'nobody' } };
  if (isBehind) return { ...common, finding: { kind: 'low-quality', reasons: ['several-faces'] } };
  if (!face.embedding) return { ...common, finding: { kind: 'low-quality', reasons: face.quality.reasons } };
  const matches = gallery.match(face.embedding, mostCandidates);
  const found = identify(matches);
  const best = found.kind === 'person' ? found.match : matches[0];
  const likeness: { likeness?: Likeness } = best
    ? { likeness: { logit: best.logit, probability: best.probability, share: best.share } }
    : {};
  const weight = face.weight === undefined ? {} : { weight: face.weight };
  return { ...common, finding: findingOf(found), ...likeness, face: face.embedding, ...weight };
}

function findingOf(found: Identification): Finding {
  if (found.kind === 'person') return { kind: 'person', personId: found.match.personId };
  return { kind: found.kind === 'nobody' ? 'unknown' : 'ambiguous' };
}
