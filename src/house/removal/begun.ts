/**
 * Keys of people whose enrolment fails. A key is made with the first journal entry about somebody, before anything is
 * stored: an enrolment that fails takes it back, and what one that was killed has left goes at the next start. The
 * vault, the notes of the journal and the file of the people go in.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pid } from 'node:process';
import { stateFolder } from '../../adapters/basics.ts';
import { parseJson } from '../../base/jws.ts';
import { Compile, Type } from '../../base/schema.ts';
import { isAlive } from '../../base/whole-file.ts';
import type { PersonId } from '../../events.ts';
import { storedPeople } from '../../identity/gallery/stored.ts';
import type { EnrolmentKeys } from '../../identity/roster.ts';
import type { Journal } from '../../journal/port.ts';
import type { Config } from '../../settings/load.ts';
import type { Vault } from '../../vault/port.ts';

interface BegunParts {
  readonly vault: Pick<Vault, 'takeBack'>;
  readonly notes: Pick<Journal, 'note' | 'keep'>;
  /** Whether rows of them are there, or that cannot be told. */
  readonly mayBeStored: (personId: PersonId) => boolean;
}

export interface BegunKeys extends EnrolmentKeys {
  /** Takes back the keys that killed enrolments have left. Throws what the vault, the journal and the gallery throw. */
  clear(): void;
}

const noteName = 'enrolment.begun';
const begunForm = Compile(Type.Array(Type.Object({ personId: Type.String(), pid: Type.Integer() })));

/** `pid`: of the process that enrols them. */
interface Begun {
  readonly personId: PersonId;
  readonly pid: number;
}

function begunKeys(parts: BegunParts): BegunKeys {
  const { notes } = parts;
  return {
    begin: (personId) => noted([...begunIn(notes), { personId, pid }]),
    end: (personId) => {
      takeBack(parts, personId);
      notes.keep(noted(begunIn(notes).filter((one) => one.personId !== personId)));
    },
    clear: () => {
      const begun = begunIn(notes);
      // An enrolment takes no turns of this process: none of its own is under way.
      const left = begun.filter((one) => one.pid === pid || !isAlive(one.pid));
      for (const { personId } of left) takeBack(parts, personId);
      if (left.length > 0) notes.keep(noted(begun.filter((one) => !left.includes(one))));
    },
  };
}

function takeBack({ vault, mayBeStored }: BegunParts, personId: PersonId): void {
  if (!mayBeStored(personId)) vault.takeBack({ person: personId });
}

const noted = (begun: readonly Begun[]) => ({ [noteName]: JSON.stringify(begun) });

function begunIn(notes: Pick<Journal, 'note'>): readonly Begun[] {
  const found = parseJson(Buffer.from(notes.note(noteName) ?? '[]'));
  return begunForm.Check(found) ? found : [];
}

/** Of a state folder. */
export function begunKeysOf(config: Config, vault: Vault, notes: BegunParts['notes']): BegunKeys {
  const file = join(stateFolder(config), 'people.sqlite');
  return begunKeys({ vault, notes, mayBeStored: (personId) => !existsSync(file) || storedPeople(file).has(personId) });
}
