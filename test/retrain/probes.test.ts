/** Whether a comparison could measure at all is counted before anything is trained. */
import { expect, it } from 'vitest';
import type { LabelledPerson } from '../../src/retrain/port.ts';
import { tooFewProbes } from '../../src/retrain/probes.ts';

const person = (personId: string, pictures: number) =>
  ({
    personId,
    samples: Array.from({ length: pictures }, (_, i) => ({ id: `${personId}-${i}`, picture: new Uint8Array() })),
  }) as unknown as LabelledPerson;
const dataOf = (...people: LabelledPerson[]) => ({ frozen: { people, strangers: [] }, enrolled: people });

it('six pictures of two people are enough', () => {
  expect(tooFewProbes(dataOf(person('ada', 3), person('bob', 3)))).toBeUndefined();
});

it.each([
  ['one person', dataOf(person('ada', 8)), /8 pictures of 1 person: at least 6 pictures of 2 people/],
  ['few pictures', dataOf(person('ada', 2), person('bob', 3)), /5 pictures of 2 people/],
  ['pictures that nothing can be compared with', dataOf(person('ada', 6), person('bob', 1)), /6 pictures of 1 person/],
])('%s are too few, with the numbers', (_, data, says) => {
  expect(tooFewProbes(data)).toMatch(says);
});
