/** Reports, before a split by person, how many people it needs where there are too few. */
import { Fault } from '../../base/errors.ts';
import type { Part, SplitOptions } from './dataset.ts';

/** Throws Fault `bad-argument` with the number that is needed and the number there is. */
export function requireEnoughPeople({ name, subjects }: Part, split: SplitOptions): void {
  if (split.by !== 'person') return;
  // A single person with anchors (the tutorial's layout) is in every part, by other pictures; each part also needs a
  // stranger.
  const lone = subjects.filter(({ first }) => first.length > 0).length === 1;
  const needed = leastPeople(split, lone ? 1 : 2);
  const there = subjects.length - Number(lone);
  if (there >= needed) return;
  const what = lone ? 'strangers (people in negative/)' : 'people';
  throw new Fault(
    'bad-argument',
    `A split by person into training, validation and test needs at least ${needed} ${what}; ${name} has ${there}: add people, or split by picture (--split picture).`,
  );
}

/** The smallest number of people of whom each part gets `each`. */
function leastPeople({ validation, test }: SplitOptions, each: number): number {
  for (let people = 3 * each; ; people++) {
    const from = Math.round(people * (1 - validation - test));
    const to = Math.round(people * (1 - test));
    if (Math.min(from, to - from, people - to) >= each) return people;
  }
}
