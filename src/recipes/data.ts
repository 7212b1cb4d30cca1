/** Whether there is enough data to learn from. (Whether its labels contradict each other: retrain/labels.ts.) */
import type { TrainingData } from '../retrain/port.ts';

interface Needed {
  readonly people: number;
  /** Of each of these people. */
  readonly pictures: number;
}

/** Undefined if `data` is enough, else one sentence that says how much of what is missing. */
export function lackOf({ people }: TrainingData, recipe: string, needed: Needed): string | undefined {
  if (people.length === 1)
    return `${recipe} needs at least ${needed.people} people, and there is only one: it cannot learn to tell people apart from one person`;
  const enough = people.filter(({ samples }) => samples.length >= needed.pictures).length;
  if (enough >= needed.people) return undefined;
  const missing = needed.people - enough;
  return (
    `${recipe} needs at least ${needed.people} people with ${needed.pictures} pictures each; there ${people.length === 0 ? 'is nobody' : `are ${people.length} people, ${enough} of them with enough pictures`}: ` +
    `${missing} more ${missing === 1 ? 'person' : 'people'} with ${needed.pictures} pictures ${missing === 1 ? 'is' : 'are'} missing`
  );
}
