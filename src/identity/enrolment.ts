/**
 * Which pictures make a good enrolment, pure: candidates with their embeddings go in; which of them show another person
 * than the rest, and whom of the enrolled people they look like, come out.
 */

import type { PersonId } from '../events.ts';
import type { EmbedderInfo, Embedding } from '../face/port.ts';
import type { Gallery, Match } from './port.ts';
import { logitOf } from './siamese.ts';
import { calibrationCurve } from './threshold.ts';

/**
 * How alike two pictures must be to count as one person's: the logit that one in a hundred pairs of strangers reaches.
 *
 * This is much less strict than the door. The door asks "is this Ada, of everyone in the street?". Here somebody says
 * that all of these are Ada, and only a mistake is to be found (a wrong file in the folder, somebody else in front of
 * the camera). At the door's rate the calibration of the shipped embedder would refuse four of ten good pairs; at one
 * in a hundred it refuses one of thirteen, and a picture needs to resemble only one other of its group. Without a
 * calibration there is only the head's own even odds (logit 0).
 */
const slipFmr = 0.01;

export function samePersonLogit({ calibration }: EmbedderInfo): number {
  return calibration ? calibrationCurve(calibration).logitAt(slipFmr).logit : 0;
}

/**
 * Whether a picture may be enrolled beside the others, and its greatest likeness to those that may (absent where there
 * is none to compare with).
 */
export interface Belonging {
  readonly belongs: boolean;
  readonly logit?: number;
}

/**
 * Which pictures show the same person. Pictures linked by a likeness of at least `bound` form groups (a look to the
 * left and one to the right need not resemble each other, only one in between), and the largest group is the person.
 * Where two groups are largest, none belongs. `known`, the likeness of each picture to those already enrolled under the
 * name, decides: then the groups linked to those are the person.
 */
export function samePerson(
  embeddings: readonly Embedding[],
  { head }: Pick<EmbedderInfo, 'head'>,
  bound: number,
  known?: readonly number[],
): Belonging[] {
  const logits = embeddings.map((a) => embeddings.map((b) => logitOf(head, a, b)));
  const group = chosenGroup(groupsOf(logits, bound), bound, known);
  return embeddings.map((_, i) => {
    const others = (group ?? embeddings.map((_, j) => j)).filter((j) => j !== i).map((j) => logits[i]?.[j] ?? Number.NaN);
    if (known) others.push(known[i] ?? Number.NaN);
    return { belongs: group?.includes(i) ?? false, ...(others.length > 0 ? { logit: Math.max(...others) } : {}) };
  });
}

/** The pictures' indices by connected group. */
function groupsOf(logits: readonly (readonly number[])[], bound: number): number[][] {
  const left = new Set(logits.keys());
  const groups: number[][] = [];
  for (const start of left) {
    const group: number[] = [];
    const reached = [start];
    left.delete(start);
    for (let i = reached.pop(); i !== undefined; i = reached.pop()) {
      group.push(i);
      for (const j of left) {
        if ((logits[i]?.[j] ?? Number.NEGATIVE_INFINITY) < bound) continue;
        left.delete(j);
        reached.push(j);
      }
    }
    groups.push(group);
  }
  return groups;
}

function chosenGroup(groups: readonly number[][], bound: number, known?: readonly number[]): number[] | undefined {
  if (known) return groups.filter((group) => group.some((i) => (known[i] ?? Number.NEGATIVE_INFINITY) >= bound)).flat();
  const largest = Math.max(0, ...groups.map((group) => group.length));
  const candidates = groups.filter((group) => group.length === largest);
  return candidates.length === 1 ? candidates[0] : undefined;
}

/**
 * The enrolled person other than `self` whom one of the pictures would pass for at the door; the most alike of them.
 * The door could not tell the two apart, or it is one person under two names.
 */
export function alreadyEnrolled(
  embeddings: readonly Embedding[],
  gallery: Pick<Gallery, 'match' | 'threshold'>,
  self: PersonId | undefined,
): Match | undefined {
  const { policy, logit, verification } = gallery.threshold;
  const passes = (match: Match) => (policy === 'paper' ? match.share >= verification : match.logit >= logit);
  return embeddings
    .flatMap((embedding) => gallery.match(embedding, 5))
    .filter((match) => match.personId !== self && passes(match))
    .toSorted((a, b) => b.logit - a.logit)[0];
}

/** The likenesses of an enrolment, in the order of the candidates. */
export interface Resemblance {
  /** Whether each shows the same person as the others, or as those enrolled under the name. */
  readonly belongings: readonly Belonging[];
  /** The likeness that is expected of one person. */
  readonly bound: number;
}

/**
 * Compares candidates with each other and with the pictures of the person of that name, `before`, where there is one.
 */
export function resemblance(
  candidates: readonly { readonly template: Embedding }[],
  gallery: Pick<Gallery, 'match'>,
  embedder: EmbedderInfo,
  before: PersonId | undefined,
): Resemblance {
  const bound = samePersonLogit(embedder);
  const embeddings = candidates.map(({ template }) => template);
  const comparable = likenessToStored(embeddings, gallery, before);
  return { belongings: samePerson(embeddings, embedder, bound, comparable), bound };
}

/**
 * The likeness of each embedding to the stored pictures of a person; undefined where there is none to compare with, as
 * for a person whose templates are of another embedder: then only the new pictures count.
 */
function likenessToStored(
  embeddings: readonly Embedding[],
  gallery: Pick<Gallery, 'match'>,
  person: PersonId | undefined,
): readonly number[] | undefined {
  if (person === undefined) return undefined;
  const known = embeddings.flatMap((probe) => gallery.match(probe).find(({ personId }) => personId === person)?.logit ?? []);
  return known.length === embeddings.length ? known : undefined;
}

/** A person who has as many pictures as are kept can still add this many: a beard, new glasses. */
const alwaysRoom = 2;

/**
 * What one point of fitness is worth against variety, logits. The picture least like the others is often the worst one:
 * a picture that is a tenth less fit has to differ by one logit more.
 */
const fitnessInLogits = 10;

/** Which pictures are stored, and which are too many. Both in the order of the candidates. */
export interface VariedPictures<Picture> {
  readonly chosen: readonly Picture[];
  readonly leftOut: readonly Picture[];
}

/**
 * The best pictures that differ most from each other, and from those of the person who has some already, `before`; so
 * many that the person has at most `most`. Near-equal pictures teach the door nothing. Each next one is the one whose
 * nearest is farthest (Gonzalez, Clustering to minimize the maximum intercluster distance, 1985), less what its fitness
 * lacks.
 */
export function variedPictures<Picture extends { readonly template: Embedding; readonly fitness?: number }>(
  candidates: readonly Picture[],
  most: number,
  gallery: Pick<Gallery, 'match'>,
  { head }: Pick<EmbedderInfo, 'head'>,
  before: { readonly id: PersonId; readonly pictures: number } | undefined,
): VariedPictures<Picture> {
  const room = before ? Math.max(alwaysRoom, most - before.pictures) : most;
  if (candidates.length <= room) return { chosen: candidates, leftOut: [] };
  const embeddings = candidates.map(({ template }) => template);
  const logits = embeddings.map((a) => embeddings.map((b) => logitOf(head, a, b)));
  // A new person begins with the most typical picture: the least like the others may show an odd moment.
  const typical = logits.map((row) => -row.reduce((sum, logit) => sum + logit, 0) / row.length);
  const bonus = candidates.map(({ fitness = 1 }) => fitnessInLogits * fitness);
  const known = likenessToStored(embeddings, gallery, before?.id);
  const nearest = [...(known ?? typical)];
  const chosen = new Set<number>();
  while (chosen.size < room) {
    const cost = (i: number) => (nearest[i] ?? 0) - (bonus[i] ?? 0);
    const [next = 0] = [...nearest.keys()].filter((i) => !chosen.has(i)).sort((i, j) => cost(i) - cost(j));
    const isFirst = chosen.size === 0 && !known;
    chosen.add(next);
    logits[next]?.forEach((logit, i) => {
      nearest[i] = isFirst ? logit : Math.max(nearest[i] ?? logit, logit);
    });
  }
  return { chosen: candidates.filter((_, i) => chosen.has(i)), leftOut: candidates.filter((_, i) => !chosen.has(i)) };
}
