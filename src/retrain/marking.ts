/**
 * What a person says of a journal entry: a sequence number and a mark go in; the journal records who said so, and the
 * kept pictures of that entry are labelled.
 */
import { Fault } from '../base/errors.ts';
import type { PersonId } from '../events.ts';
import type { Gallery } from '../identity/port.ts';
import type { Journal } from '../journal/port.ts';
import type { Mark } from './port.ts';
import type { Samples } from './samples.ts';

export interface MarkingParts {
  readonly journal: Pick<Journal, 'query' | 'append'>;
  readonly samples: Pick<Samples, 'mark'>;
  readonly gallery: Pick<Gallery, 'find'>;
}

export interface MarkRequest {
  readonly seq: number;
  readonly as: Mark;
  /** Name or id, for `person`. */
  readonly person?: string;
  readonly by: string;
}

/**
 * Journals the mark, then labels. Throws Faults `not-found`, `bad-argument`, those of the journal and of the kept
 * pictures.
 */
export function markEntry(
  { journal, samples, gallery }: MarkingParts,
  { seq, as, person, by }: MarkRequest,
): { readonly pictures: number; readonly personId?: PersonId } {
  const [entry] = journal.query({ after: seq - 1, upTo: seq, limit: 1 });
  if (!entry)
    throw new Fault('not-found', `The journal has no entry ${seq}: "facelatch journal --kind access" shows those that can be marked`);
  const { kind } = entry.event;
  if (kind !== 'access.granted' && kind !== 'access.denied')
    throw new Fault('bad-argument', `Entry ${seq} is ${kind}: only access.granted and access.denied can be marked`);
  if (kind === 'access.denied' && (as === 'right' || as === 'not-them'))
    throw new Fault('bad-argument', `Entry ${seq} let nobody in: say whom it shows (person), or that it is a stranger`);
  if ((as === 'person') !== (person !== undefined))
    throw new Fault('bad-argument', as === 'person' ? 'Say whom the entry shows: a name or an id' : `${as} takes no person`);
  const found = person === undefined ? undefined : gallery.find(person);
  if (person !== undefined && !found) throw new Fault('not-found', `Nobody of the name or id "${person.slice(0, 64)}" is enrolled`);
  const whose = found?.id ?? (as === 'right' && entry.event.kind === 'access.granted' ? entry.event.personId : undefined);
  journal.append({ kind: 'entry.marked', markedSeq: seq, as, by, ...(whose !== undefined && { personId: whose }) });
  // For somebody who was let in, "stranger" means that it was not them: the pictures are still a grant's, and are
  // kept as long.
  const label = as === 'stranger' && kind === 'access.granted' ? 'not-them' : as;
  return { pictures: samples.mark(seq, label, whose), ...(whose !== undefined && { personId: whose }) };
}
