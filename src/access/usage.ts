/**
 * How often somebody came in, and whether they are inside, as the journal's order tells it: by sequence, because a
 * clock may have been wrong. It remembers what it counted, so that a decision reads only the entries since.
 */
import type { PersonId } from '../events.ts';
import type { PersonRules } from '../identity/port.ts';
import type { Entry, Journal, Seq } from '../journal/port.ts';

export interface Usage {
  /** Grants since the person's number of uses was set. Throws what the journal throws. */
  used(personId: PersonId, rules: Pick<PersonRules, 'uses' | 'usesAfter' | 'usesSince'>): number;
  /** They came in and have not left. Throws what the journal throws. */
  inside(personId: PersonId): boolean;
}

interface Count {
  readonly of: string;
  upTo: Seq;
  used: number;
}

const cameIn = ['access.granted', 'request.granted'] as const;

export function usageIn(journal: Pick<Journal, 'query'>): Usage {
  const counts = new Map<PersonId, Count>();
  return {
    used: (personId, rules) => {
      if (rules.uses === undefined) return 0;
      const of = `${rules.usesAfter} ${rules.usesSince}`;
      let count = counts.get(personId);
      if (count?.of !== of) {
        count = { of, upTo: beginning(journal, personId, rules), used: 0 };
        counts.set(personId, count);
      }
      const entries = journal.query({ personId, kinds: cameIn, after: count.upTo });
      count.used += entries.length;
      count.upTo = entries.at(-1)?.seq ?? count.upTo;
      return count.used;
    },
    inside: (personId) => {
      const [last] = journal.query({ personId, kinds: [...cameIn, 'person.left'], limit: 1 });
      return last !== undefined && last.event.kind !== 'person.left';
    },
  };
}

/** The entry after which uses count: the one that set their number. */
function beginning(
  journal: Pick<Journal, 'query'>,
  personId: PersonId,
  { usesAfter, usesSince }: Pick<PersonRules, 'usesAfter' | 'usesSince'>,
): Seq {
  const ruled = (entry: Entry | undefined) =>
    entry?.event.kind === 'person.ruled' && entry.event.personId === personId && entry.event.changed.includes('uses');
  if (usesAfter !== undefined) {
    // In another journal than the one in which the number was set, every entry counts.
    const [entry] = journal.query({ after: usesAfter - 1, upTo: usesAfter });
    return ruled(entry) ? usesAfter : 0;
  }
  // As versions before sequences left it.
  const setting = journal.query({ personId, kinds: ['person.ruled'] }).findLast(ruled);
  if (setting) return setting.seq;
  const [first] = usesSince === undefined ? [] : journal.query({ since: usesSince, personId, kinds: cameIn });
  return first ? first.seq - 1 : usesSince === undefined ? 0 : (journal.query({ limit: 1 })[0]?.seq ?? 0);
}
