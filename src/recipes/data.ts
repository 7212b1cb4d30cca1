/** Whether there is enough to learn from. (Whether the labels contradict each other: labels.ts.) */
import type { TrainingData } from '../retrain/port.ts';

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
