/** Enrolled people who could come in as each other. In: people with their templates, a logit. Out: the pairs. */
import type { PersonId } from '../../events.ts';
import type { EmbedderInfo } from '../../face/port.ts';
import type { EnrolledPerson } from '../port.ts';
import { templateMatrix } from '../siamese.ts';

export interface AlikePair {
  readonly people: readonly [PersonId, PersonId];
  /** The largest over their templates. */
  readonly logit: number;
}

/** Every pair of whom a template of one reaches `least` against one of the other; the most alike first. */
export function pairsAlike({ head, dimension }: EmbedderInfo, people: readonly EnrolledPerson[], least: number): readonly AlikePair[] {
  const matrix = templateMatrix(head, dimension);
  matrix.load(people.flatMap(({ templates }) => templates));
  const owners = people.flatMap(({ templates }, owner) => templates.map(() => owner));
  const found = new Map<string, AlikePair>();
  for (const [one, { id, templates }] of people.entries())
    for (const template of templates)
      for (const [row, logit] of matrix.score(template).entries()) {
        const other = owners[row] as number;
        const key = `${one} ${other}`;
        if (other <= one || logit < least || logit <= (found.get(key)?.logit ?? Number.NEGATIVE_INFINITY)) continue;
        found.set(key, { people: [id, (people[other] as EnrolledPerson).id], logit });
      }
  return [...found.values()].toSorted((a, b) => b.logit - a.logit);
}
