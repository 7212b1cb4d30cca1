/** From what a frame holds to one piece of evidence: the dominant face, its quality, and whom it is identified as. */
import { createHash } from 'node:crypto';
import type { Likeness } from '../events.ts';
import type { Reading } from '../face/port.ts';
import type { Gallery, Identification } from '../identity/port.ts';
import type { Finding, Sighting } from './port.ts';

export interface SightOptions {
  readonly gallery: Pick<Gallery, 'match' | 'threshold'>;
  /** Whom the matches identify (identity room's rule under the threshold in force). */
  readonly identify: (matches: ReturnType<Gallery['match']>) => Identification;
}

/** Nobody further down the list can win or contest the decision. */
const mostCandidates = 16;

/** The digest by which a repeated frame is known: SHA-256 of its bytes, shortened. */
export function digestOf(picture: Uint8Array): string {
  return createHash('sha256').update(picture).digest('base64url').slice(0, 16);
}

/** The sighting of one frame. */
export function sight(picture: Uint8Array, capturedAtMs: number, reading: Reading, { gallery, identify }: SightOptions): Sighting {
  const common = { digest: digestOf(picture), capturedAtMs };
  const face = reading.faces[0];
  if (!face) return { ...common, finding: { kind: 'nobody' } };
  if (!face.embedding) return { ...common, finding: { kind: 'low-quality', reasons: face.quality.reasons } };
  const matches = gallery.match(face.embedding, mostCandidates);
  const found = identify(matches);
  const best = found.kind === 'person' ? found.match : matches[0];
  const likeness: { likeness?: Likeness } = best
    ? { likeness: { logit: best.logit, probability: best.probability, share: best.share } }
    : {};
  return { ...common, finding: findingOf(found), ...likeness };
}

function findingOf(found: Identification): Finding {
  if (found.kind === 'person') return { kind: 'person', personId: found.match.personId };
  return { kind: found.kind === 'nobody' ? 'unknown' : 'ambiguous' };
}
