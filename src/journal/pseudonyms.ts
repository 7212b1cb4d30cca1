/**
 * Who the rows of the journal are about. An event goes in, and comes out as it is written: each person's id replaced by
 * a pseudonym that only their own key in the vault can make again. Back, while the key is there. When it is destroyed,
 * the rows of that person are nobody's, and the chain of hashes stays as it is.
 *
 * Somebody without a key stands in rows with the id itself: rows of versions before the vault, of a locked vault, and
 * those written after a removal. A random id says nothing of a person who is gone.
 */
import { Fault } from '../base/errors.ts';
import type { Event, PersonId } from '../events.ts';
import { peopleOf, type Vault } from '../vault/port.ts';

export interface Pseudonyms extends Disposable {
  /** The event as it is written. */
  written(event: Event): Event;
  /** The event as it was before it was written, as far as keys are there. */
  read(event: Event): Event;
  /** What may stand in rows for this person. */
  of(personId: PersonId): readonly string[];
  /** Takes in new keys for a few milliseconds. True when all are known. */
  catchUp(): boolean;
}

/** Ids as they are. */
export const plainIds: Pseudonyms = {
  written: (event) => event,
  read: (event) => event,
  of: (personId) => [personId],
  catchUp: () => true,
  [Symbol.dispose]: () => undefined,
};

/** The fields of an event that hold the id of a person. */
export const personFields: ReadonlySet<string> = new Set(['personId', 'withPersonId', 'bestPersonId']);

const prefix = 'pseudonym:';
/** Of 32: two people have the same one with a chance of 2^-128. */
const pseudonymBytes = 16;

/** Whether it stands for somebody whose key is not there: they were removed, or the vault is locked. */
export const isPseudonym = (personId: string): boolean => personId.startsWith(prefix);

/** The deciding thread may be the one that waits. Milliseconds. */
const atMostMs = 2;

export interface PseudonymsOptions {
  /** Undefined while it is locked. */
  readonly vault: () => Pick<Vault, 'pseudonym' | 'owners' | 'holds' | 'changes'> | undefined;
  readonly close?: () => void;
}

interface State extends PseudonymsOptions {
  /** Of the keyring when its owners were read. */
  changes: string | undefined;
  readonly byId: Map<PersonId, string>;
  readonly ids: Map<string, PersonId>;
  /** Those who have a key, and whose pseudonym is not known yet. */
  readonly waiting: Set<PersonId>;
}

export function pseudonyms(options: PseudonymsOptions): Pseudonyms {
  const state: State = { ...options, changes: undefined, byId: new Map(), ids: new Map(), waiting: new Set() };
  return {
    written: (event) => {
      if (!namesPeople(event)) return event;
      refresh(state);
      const isNew = event.kind === 'person.enrolled';
      return withPeople(event, (id) => pseudonymOf(state, id, isNew) ?? id);
    },
    read: (event) => (namesPeople(event) ? withPeople(event, (name) => idOf(state, name)) : event),
    of: (personId) => {
      refresh(state);
      const pseudonym = pseudonymOf(state, personId, false);
      return pseudonym === undefined ? [personId] : [personId, pseudonym];
    },
    catchUp: () => {
      refresh(state);
      return learn(state);
    },
    [Symbol.dispose]: () => options.close?.(),
  };
}

function namesPeople(event: Event): boolean {
  for (const field of personFields) if (field in event) return true;
  return false;
}

function withPeople(event: Event, change: (id: string) => string): Event {
  const people = Object.entries(event).filter(([field]) => personFields.has(field));
  return Object.assign({ ...event }, Object.fromEntries(people.map(([field, id]) => [field, typeof id === 'string' ? change(id) : id])));
}

/** The keyring may fail at a moment in which the door must go on: then what is known stays known. */
function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

/** Who has a key now. */
function refresh(state: State): void {
  attempt(() => {
    const vault = state.vault();
    if (!vault || vault.changes === state.changes) return;
    const { changes } = vault;
    const people = new Set(peopleOf(vault.owners()));
    for (const [id, pseudonym] of state.byId) {
      if (people.has(id)) continue;
      state.byId.delete(id);
      state.ids.delete(pseudonym);
    }
    state.waiting.clear();
    for (const id of people) if (!state.byId.has(id)) state.waiting.add(id);
    state.changes = changes;
  });
}

/** Undefined where the person has no key. `isNew`: then one is made. */
function pseudonymOf(state: State, id: PersonId, isNew: boolean): string | undefined {
  const known = state.byId.get(id);
  if (known !== undefined) return known;
  return attempt(() => {
    const vault = state.vault();
    const owner = { person: id };
    if (!vault || isPseudonym(id) || !(isNew || state.waiting.has(id) || vault.holds(owner))) return undefined;
    const bytes = vault.pseudonym(owner, 'journal', id);
    if (!bytes) return undefined;
    const pseudonym = `${prefix}${Buffer.from(bytes.subarray(0, pseudonymBytes)).toString('base64url')}`;
    state.byId.set(id, pseudonym);
    state.ids.set(pseudonym, id);
    state.waiting.delete(id);
    return pseudonym;
  });
}

function idOf(state: State, name: string): string {
  if (!isPseudonym(name)) return name;
  refresh(state);
  const known = state.ids.get(name);
  if (known !== undefined || state.waiting.size === 0) return known ?? name;
  learn(state);
  return state.ids.get(name) ?? name;
}

/** True when nobody is waiting any more. */
function learn(state: State): boolean {
  const endMs = performance.now() + atMostMs;
  for (const id of [...state.waiting]) {
    if (performance.now() > endMs) return false;
    pseudonymOf(state, id, false);
    state.waiting.delete(id);
  }
  return true;
}
