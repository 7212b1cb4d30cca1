/**
 * Changes to who is enrolled: a gallery and a journal go in, the one place that changes both comes out (command line,
 * MQTT commands, enrolment sessions).
 *
 * The rule follows the direction of the change.
 * - What lets somebody in (a new person, more pictures, another name) is journalled first, inside the gallery's
 *   transaction. A journal that is down refuses the change and nothing is stored, so nobody can be enrolled without a
 *   trace. If the gallery fails after that, the journal tells of an enrolment that is not there; a second entry takes
 *   it back, where the journal still takes one.
 * - What keeps somebody out (a person or a picture removed) is done first and journalled afterwards. A full disk or a
 *   damaged journal must not keep a face that was taken away opening the door. The removal stays, and the fault says
 *   that its record is missing.
 *
 * A crash between the two steps leaves the same: an entry without its enrolment, or a removal without its entry.
 */
import { Fault, messageOf } from '../base/errors.ts';
import type { Event, PersonId } from '../events.ts';
import type { Journal } from '../journal/port.ts';
import type { Consent, ConsentBook, Gallery, NewPerson, Person, Roster } from './port.ts';

/** The keys that enrolments make. Both may throw Faults of the journal, the gallery and the vault. */
export interface EnrolmentKeys {
  /** What is noted with the entry that somebody is being enrolled. */
  begin(personId: PersonId): Readonly<Record<string, string>>;
  /** The enrolment is over. Where nothing of them is stored, their key goes. */
  end(personId: PersonId): void;
}

export interface RosterParts {
  readonly gallery: Pick<Gallery, 'find' | 'enrol' | 'rename' | 'forget' | 'forgetPicture'>;
  readonly journal: Pick<Journal, 'append'>;
  /** Absent (tests): consents are neither recorded nor required. */
  readonly consents?: { readonly book: ConsentBook; readonly required: boolean };
  /** Absent (tests): the key of somebody whose enrolment failed stays. */
  readonly keys?: EnrolmentKeys;
  /** Removes everything that the door holds of a person, the gallery's rows too. Absent (tests): the gallery alone. */
  readonly shred?: (personId: PersonId) => void;
}

/** Holds nothing open. */
export function rosterOf(parts: RosterParts): Roster {
  const { gallery } = parts;
  return {
    enrol: (person, by, consent) => enrol(parts, person, by, consent),
    requireConsent: (name, consent) => requireConsent(parts, gallery.find(name), consent),
    consent: (id, consent, by) => {
      const person = gallery.find(id);
      if (person) giveConsent(parts, person, consent, by);
    },
    withdraw: (id, by) => withdraw(parts, id, by),
    rename: (id, name, by) =>
      gallery.rename(id, name, () => intend(parts, { kind: 'person.renamed', personId: id, ...asked(by) }, 'The name is as it was')),
    remove: (id, by) => remove(parts, id, by),
    removePicture: (id, picture, by) => {
      const person = gallery.forgetPicture(id, picture);
      const event: Event = { kind: 'person.picture-removed', personId: id, left: person.pictures, by };
      note(parts, event, 'The picture is removed');
      return person;
    },
  };
}

/** Absent for the shell of the door itself. */
const asked = (by: string | undefined): { readonly by?: string } => (by === undefined ? {} : { by });

function remove(parts: RosterParts, id: PersonId, by?: string): boolean {
  const { gallery, shred, consents } = parts;
  if (shred ? gallery.find(id)?.id !== id : !gallery.forget(id)) return false;
  try {
    shred?.(id);
    consents?.book((book) => book.end(id));
  } finally {
    note(parts, { kind: 'person.removed', personId: id, ...asked(by) }, 'The person is removed');
  }
  return true;
}

/** The record first, as long as it can be written; but whoever takes their consent back is removed in any case. */
function withdraw(parts: RosterParts, id: PersonId, by: string): boolean {
  if (!parts.gallery.find(id)) return false;
  const failed: unknown[] = [];
  const attempt = (work: () => void) => {
    try {
      work();
    } catch (error) {
      failed.push(error);
    }
  };
  attempt(() => parts.consents?.book((consents) => consents.withdraw(id)));
  attempt(() => parts.journal.append({ kind: 'consent.withdrawn', personId: id, by }));
  const removed = remove(parts, id, by);
  if (failed.length > 0)
    throw new Fault('journal-down', `The person is removed, but the withdrawal is not recorded: ${messageOf(failed[0])}`, failed[0]);
  return removed;
}

/** @throws Fault `consent-missing`. */
function requireConsent({ consents }: RosterParts, person: Person | undefined, consent: Consent | undefined): void {
  if (!consents?.required || consent) return;
  if (person && consents.book((book) => book.inForce(person.id))) return;
  throw new Fault(
    'consent-missing',
    'This person has given no consent that is recorded, and privacy.consent is "required": ask them, then give the version of the text that they agreed to (--consent VERSION, or the field consent of the command)',
  );
}

/** The record, then the entry; without the entry the record is taken back. The answer deletes the record. */
function giveConsent(parts: RosterParts, { id, name }: Person, consent: Consent, by: string): () => void {
  const { consents } = parts;
  const record = consents?.book((book) => book.give({ id, name }, consent, by));
  const drop = () => record !== undefined && consents?.book((book) => book.takeBack(record));
  try {
    intend(parts, { kind: 'consent.given', personId: id, ...consent, by }, 'Nothing was stored');
  } catch (error) {
    drop();
    throw error;
  }
  return () => void drop();
}

function enrol(parts: RosterParts, person: NewPerson, by: string | undefined, consent: Consent | undefined): Person {
  let begun: PersonId | undefined;
  let intended: Person | undefined;
  let before = 0;
  let takeConsentBack: (() => void) | undefined;
  try {
    return parts.gallery.enrol(person, (next, had) => {
      requireConsent(parts, next, consent);
      const event: Event = { kind: 'person.enrolled', personId: next.id, pictures: next.pictures, ...asked(by) };
      begun = next.id;
      intend(parts, event, 'Nothing was stored', next.id);
      [intended, before] = [next, had];
      if (consent) takeConsentBack = giveConsent(parts, next, consent, by ?? 'cli');
    });
  } catch (error) {
    if (intended && takeBack(parts, intended, before, by)) takeConsentBack?.();
    throw error;
  } finally {
    if (begun !== undefined) ended(parts, begun);
  }
}

/** What cannot be done now is done at the next start. */
function ended({ keys }: RosterParts, personId: PersonId): void {
  try {
    keys?.end(personId);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
}

/**
 * Writes an entry before its change; nothing is changed where that is not possible. `begun`: whose enrolment it is.
 * @throws Fault `journal-down`.
 */
function intend({ journal, keys }: RosterParts, event: Event, outcome: string, begun?: PersonId): void {
  try {
    journal.append(event, begun === undefined ? undefined : keys?.begin(begun));
  } catch (error) {
    throw new Fault('journal-down', `${outcome}, because the journal cannot be written: ${messageOf(error)}`, error);
  }
}

/** Writes an entry after its change, which stays. @throws Fault `journal-down`. */
function note({ journal }: RosterParts, event: Event, outcome: string): void {
  try {
    journal.append(event);
  } catch (error) {
    throw new Fault('journal-down', `${outcome}, but the journal has no record of it: ${messageOf(error)}`, error);
  }
}

/**
 * The gallery failed after the entry: a second entry says so, unless the enrolment is there after all or nobody can
 * tell. True where it is not there.
 */
function takeBack({ gallery, journal }: RosterParts, { id }: Person, before: number, by = 'cli'): boolean {
  let nothingStored = false;
  try {
    const left = gallery.find(id)?.pictures ?? 0;
    nothingStored = left === before;
    if (nothingStored)
      journal.append(left === 0 ? { kind: 'person.removed', personId: id } : { kind: 'person.picture-removed', personId: id, left, by });
  } catch {
    // The gallery's own fault is what the caller hears. The entry that stands tells of more access than there is, never
    // of less.
  }
  return nothingStored;
}
