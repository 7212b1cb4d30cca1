/**
 * The 1:N search in memory: people with their templates go in, and for each probe the people come out ranked by
 * likeness.
 */
import { Fault } from '../base/errors.ts';
import type { PersonId } from '../events.ts';
import type { EmbedderInfo, Embedding } from '../face/port.ts';
import type { Match } from './port.ts';
import { logitOfProbability, probabilityOf, templateMatrix } from './siamese.ts';

export interface Search {
  /** Templates held. */
  readonly count: number;
  /** Replaces everything; each person has at least one template. */
  load(people: readonly { readonly id: PersonId; readonly templates: readonly Embedding[] }[]): void;
  /** At most `atMost` people, the most alike first; equal ones in the order in which they were loaded. */
  match(probe: Embedding, atMost?: number): Match[];
}

/**
 * An empty search under the embedder's head. `detection`: probability above which a template counts for a person's
 * share, 0…1.
 */
export function gallerySearch(embedder: EmbedderInfo, detection: number): Search {
  const matrix = templateMatrix(embedder.head, embedder.dimension);
  const detectionLogit = logitOfProbability(detection);
  let ids: readonly PersonId[] = [];
  // The rows of person i: from ends[i - 1] (0 for the first) up to ends[i].
  let ends = new Uint32Array(0);
  let best = new Float32Array(0);

  const matchOf = (person: number, logits: Float32Array): Match => {
    const logit = best[person] ?? 0;
    const own = logits.subarray(ends[person - 1] ?? 0, ends[person]);
    const share = own.reduce((count, value) => count + (value > detectionLogit ? 1 : 0), 0) / own.length;
    return { personId: ids[person] ?? '', logit, probability: probabilityOf(logit), share };
  };

  return {
    get count() {
      return matrix.count;
    },
    load: (people) => {
      matrix.load(people.flatMap((person) => person.templates));
      ids = people.map((person) => person.id);
      let end = 0;
      ends = Uint32Array.from(people, (person) => {
        end += person.templates.length;
        return end;
      });
      best = new Float32Array(people.length);
    },
    match: (probe, atMost = ids.length) => {
      checkEmbedding(embedder, probe);
      const logits = matrix.score(probe);
      bestOfEach(logits, ends, best);
      return ranked(best, atMost).map((person) => matchOf(person, logits));
    },
  };
}

/** Throws Fault `model-unfit` unless `embedding` is a unit vector of the embedder's dimension. */
export function checkEmbedding(embedder: EmbedderInfo, embedding: Embedding): void {
  let squares = 0;
  for (const value of embedding) squares += value * value;
  if (embedding.length === embedder.dimension && Math.abs(squares - 1) < 1e-2) return;
  throw new Fault(
    'model-unfit',
    `The embedder ${embedder.name} should give ${embedder.dimension} numbers of length 1, it gave ${embedding.length} of length ${Math.sqrt(squares).toPrecision(3)}: check normalise and dimension in its manifest.`,
  );
}

function bestOfEach(logits: Float32Array, ends: Uint32Array, best: Float32Array): void {
  let row = 0;
  for (let person = 0; person < ends.length; person++) {
    const end = ends[person] ?? 0;
    let highest = Number.NEGATIVE_INFINITY;
    for (; row < end; row++) {
      const logit = logits[row] ?? 0;
      if (logit > highest) highest = logit;
    }
    best[person] = highest;
  }
}

/** Indices of the `atMost` largest values, the largest first. */
function ranked(values: Float32Array, atMost: number): number[] {
  if (atMost >= values.length) {
    return Array.from(values.keys()).sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
  }
  const top: number[] = [];
  let lowest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? lowest;
    if (top.length >= atMost && !(value > lowest)) continue;
    let place = top.length;
    while (place > 0 && (values[top[place - 1] ?? 0] ?? 0) < value) place--;
    top.splice(place, 0, i);
    if (top.length > atMost) top.pop();
    if (top.length === atMost) lowest = values[top[atMost - 1] ?? 0] ?? lowest;
  }
  return top;
}
