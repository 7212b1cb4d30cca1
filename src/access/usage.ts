/**
 * How often somebody came in, and whether they are inside, as the journal's order tells it: by sequence, because a
 * clock may have been wrong. It remembers what it counted, so that a decision reads only the entries since.
 */

import { parseJson } from '../base/jws.ts';
import { Compile, type Static, Type } from '../base/schema.ts';
import type { PersonId } from '../events.ts';
import type { PersonRules } from '../identity/port.ts';
import type { Entry, Journal, JournalNotes, Seq } from '../journal/port.ts';

export interface Usage {
  /** Grants since the person's number of uses was set. Throws what the journal throws. */
  used(personId: PersonId, rules: UseRules): number;
  /** They came in and have not left. Throws what the journal throws. */
  inside(personId: PersonId): boolean;
}

interface Count {
  readonly of: string;
  upTo: Seq;
  used: number;
}

type UseRules = Pick<PersonRules, 'uses' | 'usesAfter' | 'usesSince'>;

const cameIn = ['access.granted', 'request.granted'] as const;
const cameOrLeft = [...cameIn, 'person.left'] as const;
const numberOf = ({ usesAfter, usesSince }: UseRules): string => `${usesAfter} ${usesSince}`;

/** What the entries said that were removed from the journal since: those up to `upTo`. */
const carriedName = 'access.usage';
const carriedForm = Type.Object({
  upTo: Type.Integer({ minimum: 0 }),
  /** Grants under the number of uses that `of` names. */
  used: Type.Record(Type.String(), Type.Object({ of: Type.String(), used: Type.Integer({ minimum: 0 }) })),
  inside: Type.Array(Type.String()),
});
const carriedCheck = Compile(carriedForm);
type Carried = Static<typeof carriedForm>;

function carriedIn(journal: Pick<Journal, 'note'>): Carried {
  const text = journal.note(carriedName);
  const found = text === undefined ? undefined : parseJson(Buffer.from(text));
  return carriedCheck.Check(found) ? found : { upTo: 0, used: {}, inside: [] };
}

/**
 * What has to be known of the entries up to `upTo` once they are removed: how often each of these people came in, and
 * whether they are inside. `pause`: called for each of them, because many take long. Throws what the journal throws.
 */
export async function usageCarried(
  journal: Pick<Journal, 'note' | 'query'>,
  people: readonly { readonly id: PersonId; readonly rules: UseRules }[],
  upTo: Seq,
  pause: () => Promise<void>,
): Promise<JournalNotes> {
  const before = carriedIn(journal);
  const next: Carried = { upTo, used: {}, inside: [] };
  for (const { id, rules } of people) {
    const [last] = journal.query({ personId: id, kinds: cameOrLeft, upTo, limit: 1 });
    if (last ? last.event.kind !== 'person.left' : before.inside.includes(id)) next.inside.push(id);
    if (rules.uses !== undefined) {
      const { of, upTo: from, used } = startOf(journal, before, id, rules);
      const more = from < upTo ? journal.query({ personId: id, kinds: cameIn, after: from, upTo }).length : 0;
      next.used[id] = { of, used: used + more };
    }
    await pause();
  }
  return { [carriedName]: JSON.stringify(next) };
}

/** Where counting begins. */
function startOf(journal: Pick<Journal, 'query'>, { upTo, used }: Carried, personId: PersonId, rules: UseRules): Count {
  const of = numberOf(rules);
  const carried = used[personId];
  return carried?.of === of ? { of, upTo, used: carried.used } : { of, upTo: beginning(journal, personId, rules), used: 0 };
}

export function usageIn(journal: Pick<Journal, 'query' | 'note'>): Usage {
  const counts = new Map<PersonId, Count>();
  return {
    used: (personId, rules) => {
      if (rules.uses === undefined) return 0;
      let count = counts.get(personId);
      if (count?.of !== numberOf(rules)) {
        count = startOf(journal, carriedIn(journal), personId, rules);
        counts.set(personId, count);
      }
      const entries = journal.query({ personId, kinds: cameIn, after: count.upTo });
      count.used += entries.length;
      count.upTo = entries.at(-1)?.seq ?? count.upTo;
      return count.used;
    },
    inside: (personId) => {
      const [last] = journal.query({ personId, kinds: cameOrLeft, limit: 1 });
      return last ? last.event.kind !== 'person.left' : carriedIn(journal).inside.includes(personId);
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
