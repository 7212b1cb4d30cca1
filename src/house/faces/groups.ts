/**
 * Which faces are one person's: embeddings of unknown visitors go in, groups come out. Two pictures are linked where
 * the door would take one for the other, or where they are of one visit and alike enough for that. No group holds two
 * faces that even the loosest comparison takes for two people: who names a group enrols one person.
 */
import type { EmbedderInfo, Embedding } from '../../face/port.ts';
import { logitOf } from '../../identity/siamese.ts';
import { faceComparison } from '../../identity/threshold.ts';

/** Plain, for a thread. */
export interface ToGroup {
  readonly embedder: Pick<EmbedderInfo, 'head' | 'calibration' | 'dimension'>;
  /** One after the other. */
  readonly vectors: Float32Array;
  /** Of each picture: the first entry of its visit. */
  readonly visits: readonly number[];
  /** The logit from which the door takes two faces for one person. */
  readonly sameFrom: number;
}

/** The numbers of the pictures in each group, the largest group first; each picture is in one. */
export function groupFaces({ embedder, vectors, visits, sameFrom }: ToGroup): readonly (readonly number[])[] {
  const { head, dimension } = embedder;
  const { isSameFace } = faceComparison(embedder);
  const faces: readonly Embedding[] = visits.map((_, n) => vectors.subarray(n * dimension, (n + 1) * dimension));
  const groups = faces.map((_, n) => [n]);
  const links: { readonly a: number; readonly b: number; readonly logit: number }[] = [];
  for (const [a, one] of faces.entries())
    for (let b = a + 1; b < faces.length; b++) {
      const other = faces[b] as Embedding;
      const logit = logitOf(head, one, other);
      if (logit >= sameFrom || (visits[a] === visits[b] && isSameFace(one, other))) links.push({ a, b, logit });
    }
  for (const { a, b } of links.toSorted((one, other) => other.logit - one.logit)) {
    const [into, from] = [groups[a] as number[], groups[b] as number[]];
    if (into === from || into.some((x) => from.some((y) => !isSameFace(faces[x] as Embedding, faces[y] as Embedding)))) continue;
    into.push(...from);
    for (const n of from) groups[n] = into;
  }
  return [...new Set(groups)].map((group) => group.toSorted((x, y) => x - y)).toSorted((x, y) => y.length - x.length);
}
