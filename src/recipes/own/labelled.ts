/**
 * Faces of labelled pictures go in; the pictures whose label is probably wrong, and the people who may be one person,
 * come out.
 */
import type { Embedding } from '../../face/port.ts';

/** One face of a person whom the folder of the picture names. */
export interface LabelledFace {
  /** The picture, as people are told. */
  readonly picture: string;
  /** The person's place in the list of people. */
  readonly person: number;
  /** Of length 1. */
  readonly embedding: Embedding;
}

export interface Mislabelled {
  readonly picture: string;
  readonly person: number;
  /** Whom it resembles more. */
  readonly nearer: number;
}

export interface LabelCheck {
  readonly right: readonly LabelledFace[];
  readonly mislabelled: readonly Mislabelled[];
  /** Pairs of people who may be one person. */
  readonly alike: readonly (readonly [number, number])[];
}

/**
 * A picture is mislabelled where the mean of somebody else's pictures is nearer to it than the mean of the other
 * pictures of its own person. The worst of each person goes first, and the person is looked at again without it: one
 * wrong picture moves the mean away from the right ones. The last picture of a person cannot be judged: it is right.
 */
export function checkPictureLabels(faces: readonly LabelledFace[], people: number): LabelCheck {
  const wrong = new Map<LabelledFace, number>();
  const means = meansOf(faces, people);
  let looked = faces;
  while (looked.length > 0) {
    const worst = new Map<number, { readonly face: LabelledFace; readonly nearer: number; readonly by: number }>();
    for (const face of looked) {
      const found = nearerThanOwn(face, means);
      if (found && found.by > (worst.get(face.person)?.by ?? 0)) worst.set(face.person, { face, ...found });
    }
    for (const { face, nearer } of worst.values()) {
      wrong.set(face, nearer);
      takeOut(face, means);
    }
    looked = looked.filter((face) => worst.has(face.person) && !wrong.has(face));
  }
  const right = faces.filter((face) => !wrong.has(face));
  return {
    right,
    mislabelled: [...wrong].map(([{ picture, person }, nearer]) => ({ picture, person, nearer })),
    alike: alikePeople(right, faces),
  };
}

/** The sum of each person's embeddings, and how many they are. */
interface Means {
  readonly sums: readonly Float64Array[];
  readonly counts: number[];
}

function meansOf(faces: readonly LabelledFace[], people: number): Means {
  const size = faces[0]?.embedding.length ?? 0;
  const sums = Array.from({ length: people }, () => new Float64Array(size));
  const counts = new Array<number>(people).fill(0);
  for (const { person, embedding } of faces) {
    const sum = sums[person] as Float64Array;
    for (let i = 0; i < size; i++) sum[i] = (sum[i] as number) + (embedding[i] as number);
    counts[person] = (counts[person] as number) + 1;
  }
  return { sums, counts };
}

function takeOut({ person, embedding }: LabelledFace, { sums, counts }: Means): void {
  const sum = sums[person] as Float64Array;
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) - (embedding[i] as number);
  counts[person] = (counts[person] as number) - 1;
}

/** Who is nearer, and by how much. */
function nearerThanOwn({ person, embedding }: LabelledFace, { sums, counts }: Means): { nearer: number; by: number } | undefined {
  if ((counts[person] as number) < 2) return undefined;
  const likeness = (other: number): number => {
    const sum = sums[other] as Float64Array;
    const without = other === person ? 1 : 0;
    let [dot, square] = [0, 0];
    for (let i = 0; i < sum.length; i++) {
      const value = (sum[i] as number) - without * (embedding[i] as number);
      dot += value * (embedding[i] as number);
      square += value * value;
    }
    return dot / (Math.sqrt(square) || 1);
  };
  const own = likeness(person);
  let [most, nearer] = [own, -1];
  for (let other = 0; other < sums.length; other++) {
    // One picture alone takes none away: it may be the wrong one itself.
    if (other === person || (counts[other] as number) < 2) continue;
    const found = likeness(other);
    if (found > most) [most, nearer] = [found, other];
  }
  return nearer < 0 ? undefined : { nearer, by: most - own };
}

/**
 * The share of the pairs of two people that must be as alike as one person for the two to be named: of right pictures,
 * and of all, in case one person's pictures were divided so that those of one folder took the other's away.
 */
const alikeShares = { right: 0.1, all: 0.2 } as const;
/** Pictures of each, of those that are compared. */
const mostCompared = 10;

/** Pairs of people of whom many pairs of pictures reach the median cosine within one person. */
function alikePeople(right: readonly LabelledFace[], all: readonly LabelledFace[]): (readonly [number, number])[] {
  const rightOf = Map.groupBy(right, ({ person }) => person);
  const groups = [...Map.groupBy(all, ({ person }) => person)].map(([person, own]) => {
    return { person, all: own.slice(0, mostCompared), right: (rightOf.get(person) ?? []).slice(0, mostCompared) };
  });
  const within = groups.flatMap(({ right: own }) => own.flatMap((one, i) => own.slice(0, i).map((other) => cosine(one, other))));
  const median = within.toSorted((a, b) => a - b)[Math.floor(within.length / 2)];
  if (median === undefined) return [];
  const isAlike = (own: readonly LabelledFace[], others: readonly LabelledFace[], share: number): boolean => {
    let reached = 0;
    for (const a of own) for (const b of others) if (cosine(a, b) >= median) reached++;
    return reached > 0 && reached >= share * own.length * others.length;
  };
  return groups.flatMap((one, index) =>
    groups
      .slice(index + 1)
      .filter((other) => isAlike(one.right, other.right, alikeShares.right) || isAlike(one.all, other.all, alikeShares.all))
      .map((other) => [one.person, other.person] as const),
  );
}

function cosine({ embedding: a }: LabelledFace, { embedding: b }: LabelledFace): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
