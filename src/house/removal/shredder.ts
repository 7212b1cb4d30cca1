/**
 * What goes with a person who is removed. The vault and the rooms that hold something of people go in; out come the
 * steps, in an order in which a cut at any moment leaves nothing that can be opened: what is held is noted, the keys
 * are destroyed, the rows are deleted, and every file of the state folder is searched for what was noted. The proof
 * stands in the journal. wire.ts opens one for the door, a command one for itself; it owns nothing.
 */
import { setImmediate } from 'node:timers/promises';
import { asFault, Fault, messageOf } from '../../base/errors.ts';
import type { Event, PersonId } from '../../events.ts';
import { type OwedParts, owe, payOwed } from '../../vault/owed.ts';
import type { KeyOwner, Vault } from '../../vault/port.ts';
import { type Searched, type Traces, tracesOf } from '../../vault/shredding.ts';
import { noteDestroyed } from '../../vault/witness.ts';
import type { BegunKeys } from './begun.ts';

/** What a room holds of one person. */
export interface Held {
  readonly traces: Traces;
  /** Whose keys go with the person's. */
  readonly owners: readonly KeyOwner[];
  /** Deletes it. Everything that was sealed is lost by then. */
  forget(): void;
}

/** A room that holds something of people. */
export interface Holder {
  of(personId: PersonId): Held;
  /** Deletes what is left of owners whose keys were destroyed; the people among whom there was something. */
  sweep(destroyed: readonly KeyOwner[]): readonly PersonId[];
}

export interface RemovalProof extends Searched {
  readonly personId: PersonId;
  /** Of the vault, after the key was destroyed. */
  readonly epoch: number;
}

export interface ShredderParts extends OwedParts {
  readonly begun: Pick<BegunKeys, 'clear'>;
  readonly vault: Pick<Vault, 'destroy' | 'destroyed' | 'settle' | 'epoch' | 'pseudonym'>;
  readonly holders: readonly Holder[];
  /** Writes into the journal. */
  readonly record: (event: Event) => void;
  /** Undefined where it could not be done. */
  readonly search: (traces: Traces) => Promise<Searched | undefined>;
}

export interface Shredder {
  /** All but the search, which begins afterwards. Throws a Fault where something is left; the rest is removed. */
  shred(personId: PersonId): void;
  /** What the searches since found; undefined for one that was not possible. */
  proofs(): Promise<readonly (RemovalProof | undefined)[]>;
  /**
   * Destroys the keys that an earlier removal could not destroy, and takes back those that a killed enrolment has left.
   * Throws what the vault, the journal and the gallery throw.
   */
  retry(): void;
  /** The same, and deletes what a removal that was cut has left, and what an old file has brought back. */
  finish(): void;
}

export function shredderOf(parts: ShredderParts): Shredder {
  const searches = new Set<Promise<RemovalProof | undefined>>();
  let settling: Promise<void> | undefined;
  // One for all removals under way: a step of it takes milliseconds of the door's thread.
  const settled = (): Promise<void> => {
    settling ??= settle(parts).finally(() => {
      settling = undefined;
    });
    return settling;
  };
  return {
    shred: (personId) => {
      const { traces, faults } = shredded(parts, personId);
      const search = proved({ ...parts, settled }, personId, traces).finally(() => searches.delete(search));
      searches.add(search);
      // Where the removal itself ends with a fault, nobody waits for the search.
      search.catch(() => undefined);
      const [first] = faults;
      if (first) throw new Fault(first.code, `The person is removed, but something of them is left: ${first.message}`, first);
    },
    proofs: () => Promise.all(searches),
    retry: () => retry(parts),
    finish: () => {
      finish(parts);
      retry(parts);
      noteDestroyed(parts);
    },
  };
}

function shredded(
  { vault, holders, notes }: ShredderParts,
  personId: PersonId,
): { readonly traces: Traces; readonly faults: readonly Fault[] } {
  const faults: Fault[] = [];
  // Whatever fails: what can go, goes.
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work();
    } catch (error) {
      faults.push(asFault(error, 'vault-down', messageOf(error)));
      return undefined;
    }
  };
  const held = holders.flatMap((holder) => attempt(() => holder.of(personId)) ?? []);
  const owners: KeyOwner[] = [{ person: personId }, ...held.flatMap((one) => one.owners)];
  attempt(() => {
    vault.destroy(owners);
    return 'destroyed';
    // Noted before the rows go: afterwards nobody knows whose keys are left.
  }) ?? attempt(() => owe(notes, personId, owners));
  for (const one of held) attempt(() => one.forget());
  return { traces: tracesOf(held.map(({ traces }) => traces)), faults };
}

/** Where another process holds the log, the house tries it again every second, and each start. */
async function settle({ vault }: ShredderParts): Promise<void> {
  // After whoever removes the person has journalled that.
  do await setImmediate();
  while (vault.settle() === 'more');
}

async function proved(
  { vault, notes, record, search, settled }: ShredderParts & { readonly settled: () => Promise<void> },
  personId: PersonId,
  traces: Traces,
): Promise<RemovalProof | undefined> {
  await settled();
  noteDestroyed({ vault, notes });
  const { epoch } = vault;
  const searched = await search(traces);
  if (!searched) return undefined;
  const { files, bytes, found, unread } = searched;
  record({
    ...{ kind: 'person.shredded', personId, epoch, files, bytes, hits: found.length },
    ...(unread.length > 0 && { unread: unread.length }),
  });
  return { personId, epoch, ...searched };
}

function retry(parts: ShredderParts): void {
  payOwed(parts);
  parts.begun.clear();
}

function finish({ vault, holders, record }: ShredderParts): void {
  while (vault.settle() === 'more');
  const destroyed = vault.destroyed().map(({ owner }) => owner);
  if (destroyed.length === 0) return;
  const people = new Set(holders.flatMap((holder) => holder.sweep(destroyed)));
  for (const personId of people) record({ kind: 'person.removed', personId });
}
