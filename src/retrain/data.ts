/** What is wrong with data before anything is learned from it: too little, or the same face under two names. */

import type { Embedding } from '../face/port.ts';
import type { PersonId } from '../identity/port.ts';
import type { Sample, TrainingData } from './port.ts';

export interface Needed {
  readonly people: number;
  /** Pictures of each of so many people. */
  readonly pictures: number;
}

/** Undefined where `data` is enough, else one sentence that says how much is missing of what. */
export function lackOf({ people }: TrainingData, recipe: string, needed: Needed): string | undefined {
  if (people.length === 1)
    return `${recipe} needs at least ${needed.people} people, there is only one: nothing can be learned from one person alone about telling people apart`;
  const enough = people.filter(({ samples }) => samples.length >= needed.pictures).length;
  if (enough >= needed.people) return undefined;
  const missing = needed.people - enough;
  return (
    `${recipe} needs at least ${needed.people} people with ${needed.pictures} pictures each; there ${people.length === 0 ? 'is nobody' : `are ${people.length} people, ${enough} of them with enough pictures`}: ` +
    `${missing} more ${missing === 1 ? 'person' : 'people'} with ${needed.pictures} pictures ${missing === 1 ? 'is' : 'are'} missing`
  );
}

/** Pictures of what seems one face under two names. */
export interface Contradiction {
  readonly people: readonly [PersonId, PersonId];
  /** Ids of the pictures; the same id twice where it is the very same picture. */
  readonly samples: readonly [string, string];
  /** Mean logit of the first picture against the other person's pictures; Infinity for the very same picture. */
  readonly likeness: number;
}

/**
 * The same picture under two names, and pictures that are on average as like to another person's pictures as `limit` (the logit of a false-match
 * rate that nobody reaches by chance). At most one for each picture and person, the most alike first.
 */
export function contradictions(
  { people }: TrainingData,
  embeddings: ReadonlyMap<string, Embedding>,
  likeness: (a: Embedding, b: Embedding) => number,
  limit: number,
): readonly Contradiction[] {
  const found: Contradiction[] = [];
  for (const [index, person] of people.entries())
    for (const other of people.slice(index + 1)) {
      const twice = person.samples.find(({ id }) => other.samples.some((sample) => sample.id === id));
      if (twice)
        found.push({ people: [person.personId, other.personId], samples: [twice.id, twice.id], likeness: Number.POSITIVE_INFINITY });
      for (const [one, two] of [
        [person, other],
        [other, person],
      ] as const) {
        const theirs = embedded(two.samples, embeddings);
        if (theirs.length === 0) continue;
        for (const [sample, embedding] of embedded(one.samples, embeddings)) {
          const logits = theirs.map(([, template]) => likeness(embedding, template));
          const mean = logits.reduce((sum, logit) => sum + logit, 0) / logits.length;
          const nearest = theirs[logits.indexOf(Math.max(...logits))]?.[0] as Sample;
          if (mean >= limit && nearest.id !== sample.id)
            found.push({ people: [one.personId, two.personId], samples: [sample.id, nearest.id], likeness: mean });
        }
      }
    }
  return found.sort((a, b) => b.likeness - a.likeness);
}

const embedded = (samples: readonly Sample[], embeddings: ReadonlyMap<string, Embedding>) =>
  samples.flatMap((sample): [Sample, Embedding][] => {
    const embedding = embeddings.get(sample.id);
    return embedding ? [[sample, embedding]] : [];
  });

/** One sentence that shows the worst of them. */
export function contradictionsText(found: readonly Contradiction[]): string {
  const shown = found
    .slice(0, 3)
    .map(({ people: [a, b], samples: [one, other], likeness }) =>
      one === other
        ? `picture ${one.slice(0, 12)} is given for ${a} and for ${b}`
        : `picture ${one.slice(0, 12)} of ${a} shows whom picture ${other.slice(0, 12)} of ${b} shows (logit ${likeness.toFixed(1)})`,
    );
  const more = found.length > 3 ? `, and ${found.length - 3} more` : '';
  return `The same face has two names: ${shown.join('; ')}${more}. Remove the pictures that are wrong (facelatch people show), or one of the two people, and train again`;
}
