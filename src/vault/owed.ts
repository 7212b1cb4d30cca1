/**
 * Keys that a removal could not destroy, because the keyring was held or its disk full: they are noted beside the
 * journal and destroyed later, so that no older backup brings the person back. The notes and the vault go in.
 */

import { parseJson } from '../base/jws.ts';
import { Compile, type Static, Type } from '../base/schema.ts';
import type { PersonId } from '../events.ts';
import type { KeyOwner, Vault } from './port.ts';

/** Texts by name that outlive the process: the notes of the journal. */
export interface RemovalNotes {
  note(name: string): string | undefined;
  keep(notes: Readonly<Record<string, string>>): void;
}

export interface OwedParts {
  readonly vault: Pick<Vault, 'destroy'>;
  readonly notes: RemovalNotes;
  /** Whether rows of them are there. */
  readonly isStored: (personId: PersonId) => boolean;
}

export const owedNote = 'removal.owed';
const ownerForm = Type.Union([Type.Object({ person: Type.String() }), Type.Object({ model: Type.String() })]);
const ownerCheck = Compile(ownerForm);
const owedForm = Type.Array(Type.Object({ personId: Type.String(), owners: Type.Array(ownerForm) }));
const check = Compile(owedForm);

/** Notes them durably. Throws what the journal throws. */
export function owe(notes: OwedParts['notes'], personId: PersonId, owners: readonly KeyOwner[]): void {
  keep(notes, [...owedIn(notes), { personId, owners: owners.filter((owner) => ownerCheck.Check(owner)) }]);
}

/** Destroys them. Whoever is still stored keeps theirs. Throws what the vault and the journal throw. */
export function payOwed({ vault, notes, isStored }: OwedParts): void {
  const owed = owedIn(notes);
  if (owed.length === 0) return;
  const owners = owed.filter(({ personId }) => !isStored(personId)).flatMap((one) => one.owners);
  if (owners.length > 0) vault.destroy(owners);
  keep(notes, []);
}

/** Whose keys a note names that is read elsewhere. */
export const ownersOwed = (text: string | undefined): readonly KeyOwner[] => owedOf(text).flatMap(({ owners }) => owners);

const owedIn = (notes: OwedParts['notes']): Static<typeof owedForm> => owedOf(notes.note(owedNote));

function owedOf(text = '[]'): Static<typeof owedForm> {
  const found = parseJson(Buffer.from(text));
  return check.Check(found) ? found : [];
}

const keep = (notes: OwedParts['notes'], owed: Static<typeof owedForm>): void => notes.keep({ [owedNote]: JSON.stringify(owed) });
