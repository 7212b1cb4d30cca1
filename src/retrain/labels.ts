/**
 * Whether the labels contradict each other: the same picture under two names, a picture that shows somebody other
 * than its label says, one face enrolled as two people. Pictures go in, as the door's own network sees them; nothing
 * comes out, or a fault that names people and pictures by ids that can be looked up. It is checked for every recipe,
 * wherever it runs.
 */
import { Fault, isBadPicture } from '../base/errors.ts';
import type { PersonId } from '../events.ts';
import type { Calibration, Embedding, FaceReader, Head } from '../face/port.ts';
import type { LabelledPerson, RecipeProgress, Sample } from './port.ts';

/** Two people may be one when they are this alike: by the rate of comparisons of strangers that reach it … */
const sameFaceFmr = 1e-4;
/**
 * … and by the share of the likeness that the pictures of each have among themselves. Two people who merely resemble
 * each other reach the rate at a door with much light and one camera (measured over 120 pairs: at most 0.33 of their
 * own likeness; pictures of one person from two occasions: at least 0.45).
 */
const sameFaceShare = 0.4;
/** The characters of a picture's id that are shown: enough to tell pictures apart. */
export const shownId = (id: string): string => id.slice(0, 12);

export interface Contradiction {
  /**
   * `picture`: one under two names; `wrong`: the first picture shows the second person; `people`: two names, one
   * face.
   */
  readonly kind: 'picture' | 'wrong' | 'people';
  readonly people: readonly [PersonId, PersonId];
  /** The picture of each that shows it best. */
  readonly samples: readonly [Sample, Sample];
  /** Logit; Infinity for the same picture. */
  readonly likeness: number;
}

type Likeness = (a: Embedding, b: Embedding) => number;

export interface LabelParts {
  readonly logitOf: (head: Head, a: Embedding, b: Embedding) => number;
  readonly logitAt: (calibration: Calibration, fmr: number) => number;
}

export interface LabelRun {
  readonly people: readonly LabelledPerson[];
  /**
   * Of the embedder that training starts from; undefined, or without a calibration: only the same picture is looked
   * for.
   */
  readonly reader: FaceReader | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: RecipeProgress) => void;
}

/** How many pictures were looked at. Throws Fault `training-failed`. */
export async function checkLabels({ people, reader, signal, onProgress }: LabelRun, { logitOf, logitAt }: LabelParts): Promise<number> {
  const embedder = reader?.embedder;
  const limit = embedder?.calibration ? logitAt(embedder.calibration, sameFaceFmr) : undefined;
  const embeddings = new Map<string, Embedding>();
  const all = people.flatMap(({ samples }) => samples);
  const same = samePictures(people);
  if (reader && limit !== undefined && same.length === 0)
    for (const [done, { id, picture }] of all.entries()) {
      signal.throwIfAborted();
      const embedding = await embeddingOf(reader, picture);
      if (embedding) embeddings.set(id, embedding);
      onProgress({ stage: 'checking', done: done + 1, total: all.length });
    }
  const found = embedder && limit !== undefined ? alike(people, embeddings, (a, b) => logitOf(embedder.head, a, b), limit) : [];
  if (same.length + found.length > 0) throw new Fault('training-failed', contradictionsText([...same, ...found]));
  return embeddings.size;
}

/** A picture that cannot be read teaches nothing wrong: recipes leave it out. */
async function embeddingOf(reader: FaceReader, picture: Uint8Array): Promise<Embedding | undefined> {
  try {
    return (await reader.read(picture, { embed: 'dominant' })).faces[0]?.embedding;
  } catch (error) {
    if (isBadPicture(error)) return undefined;
    throw error;
  }
}

/** The same picture under two names; once for each two people. */
export function samePictures(people: readonly LabelledPerson[]): readonly Contradiction[] {
  const owner = new Map<string, { readonly personId: PersonId; readonly sample: Sample }>();
  const found = new Map<string, Contradiction>();
  for (const { personId, samples } of people)
    for (const sample of samples) {
      const first = owner.get(sample.id);
      if (!first) owner.set(sample.id, { personId, sample });
      else if (first.personId !== personId)
        found.set(`${first.personId} ${personId}`, {
          kind: 'picture',
          people: [first.personId, personId],
          samples: [first.sample, sample],
          likeness: Number.POSITIVE_INFINITY,
        });
    }
  return [...found.values()];
}

/**
 * Pictures of what seems one face under two names: each pair of people, or else each picture, once; the most alike
 * first.
 */
export function alike(
  people: readonly LabelledPerson[],
  embeddings: ReadonlyMap<string, Embedding>,
  likeness: Likeness,
  limit: number,
): readonly Contradiction[] {
  const seen = people.map((person) => withOwn(person, embeddings, likeness)).filter(({ faces }) => faces.length > 0);
  const found: Contradiction[] = [];
  for (const [index, one] of seen.entries())
    for (const other of seen.slice(index + 1)) {
      const logits = one.faces.map((face) => other.faces.map((theirs) => likeness(face.embedding, theirs.embedding)));
      const mean = meanOf(logits.flat());
      // Of people with one picture nothing tells how alike their own are.
      const own = Math.min(one.own ?? Number.POSITIVE_INFINITY, other.own ?? Number.POSITIVE_INFINITY);
      if (mean >= limit && Number.isFinite(own) && mean >= sameFaceShare * own) {
        found.push({ kind: 'people', people: [one.personId, other.personId], samples: nearest(one, other, logits), likeness: mean });
        continue;
      }
      found.push(...wrongOf(one, other, logits, limit));
      const turned = other.faces.map((_, column) => logits.map((row) => row[column] as number));
      found.push(...wrongOf(other, one, turned, limit));
    }
  return found.sort((a, b) => b.likeness - a.likeness);
}

interface Seen {
  readonly personId: PersonId;
  readonly faces: readonly { readonly sample: Sample; readonly embedding: Embedding; readonly own: number | undefined }[];
  /** Mean likeness of this person's pictures among themselves. */
  readonly own: number | undefined;
}

function withOwn({ personId, samples }: LabelledPerson, embeddings: ReadonlyMap<string, Embedding>, likeness: Likeness): Seen {
  const known = samples.flatMap((sample) => {
    const embedding = embeddings.get(sample.id);
    return embedding ? [{ sample, embedding }] : [];
  });
  const faces = known.map((face) => {
    const others = known.filter((other) => other !== face).map((other) => likeness(face.embedding, other.embedding));
    return { ...face, own: others.length > 0 ? meanOf(others) : undefined };
  });
  const owns = faces.flatMap(({ own }) => own ?? []);
  return { personId, faces, own: owns.length > 0 ? meanOf(owns) : undefined };
}

/** Pictures of `one` that are more like `other`'s than like the rest of their own. */
function wrongOf(one: Seen, other: Seen, logits: readonly (readonly number[])[], limit: number): Contradiction[] {
  return one.faces.flatMap(({ sample, own }, row): Contradiction[] => {
    const mean = meanOf(logits[row] as readonly number[]);
    if (own === undefined || mean < limit || mean < own) return [];
    const samples = [sample, other.faces[indexOfMost(logits[row] as readonly number[])]?.sample as Sample] as const;
    return [{ kind: 'wrong', people: [one.personId, other.personId], samples, likeness: mean }];
  });
}

function nearest(one: Seen, other: Seen, logits: readonly (readonly number[])[]): readonly [Sample, Sample] {
  const row = indexOfMost(logits.map((each) => Math.max(...each)));
  const column = indexOfMost(logits[row] as readonly number[]);
  return [one.faces[row]?.sample as Sample, other.faces[column]?.sample as Sample];
}

const meanOf = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const indexOfMost = (values: readonly number[]) => values.indexOf(Math.max(...values));

/** One sentence with the worst of them, and where to look. */
export function contradictionsText(found: readonly Contradiction[]): string {
  const shown = found.slice(0, 3).map(({ kind, people: [a, b], samples: [one, other], likeness }) => {
    if (kind === 'picture') return `picture ${nameOf(one)} is given for ${a} and for ${b}`;
    if (kind === 'people')
      return `${a} and ${b} look like one person, as pictures ${nameOf(one)} and ${nameOf(other)} show best (mean logit ${likeness.toFixed(1)})`;
    return `picture ${nameOf(one)} of ${a} shows whom picture ${nameOf(other)} of ${b} shows (mean logit ${likeness.toFixed(1)})`;
  });
  const more = found.length > 3 ? `, and ${found.length - 3} more` : '';
  return (
    `The same face has two names: ${shown.join('; ')}${more}. "facelatch people show ID" lists a person's pictures by these ids ` +
    '(--pictures FOLDER writes them out), "facelatch journal marks" those kept of the journal. Correct the mark ("facelatch journal mark"), or remove one of the two ("facelatch people remove ID"; enrol again where pictures were mixed up), then train again; ' +
    'where they are two people who are so alike, set retrain.checkLabels to false'
  );
}

const nameOf = ({ id, origin }: Sample) => `${shownId(id)} (${origin})`;
