/**
 * Whether the keyring is the one of before: which keys were destroyed, and its epoch, are noted beside the journal. An
 * older `vault.sqlite` that somebody puts back holds the keys of people who were removed since: they are destroyed
 * again before anybody is recognised. The vault and the journal go in; what was found comes out. It owns nothing.
 *
 * The note carries a MAC under the key of the door, which no destruction changes: whoever can write the journal's file
 * and has no key cannot have somebody's key destroyed.
 */
import { timingSafeEqual } from 'node:crypto';
import { parseJson } from '../base/jws.ts';
import { Compile, Type } from '../base/schema.ts';
import type { Event } from '../events.ts';
import type { RemovalNotes } from './owed.ts';
import type { KeyOwner, Vault } from './port.ts';
import { ownerName, ownerOf } from './sealing.ts';

interface WitnessParts {
  readonly vault: Pick<Vault, 'destroy' | 'destroyed' | 'epoch' | 'pseudonym'>;
  readonly notes: RemovalNotes;
}

type KeyringReplaced = Extract<Event, { kind: 'vault.replaced' }>;

export const destroyedNote = 'vault.destroyed';
const noteForm = Compile(Type.Object({ said: Type.String(), mac: Type.String() }));
const saidForm = Compile(Type.Object({ epoch: Type.Integer(), owners: Type.Array(Type.String()) }));

/** Notes it durably where it is not noted. Throws what the vault and the journal throw. */
export function noteDestroyed({ vault, notes }: WitnessParts): void {
  const owners = namesOf(vault);
  const said = JSON.stringify({ epoch: vault.epoch, owners: [...owners].sort() });
  const note = JSON.stringify({ said, mac: macOf(vault, said).toString('base64url') });
  if (notes.note(destroyedNote) !== note) notes.keep({ [destroyedNote]: note });
}

/**
 * Destroys again what an older keyring has brought back, then notes how it stands. Whoever calls it journals the event.
 * Throws what the vault and the journal throw.
 */
export function destroyAgain(parts: WitnessParts): KeyringReplaced | undefined {
  const { vault } = parts;
  const before = noted(parts);
  const has = vault.epoch;
  const destroyed = namesOf(vault);
  const back = before.owners.filter((name) => !destroyed.has(name)).flatMap((name): KeyOwner[] => destructible(ownerOf(name)));
  if (back.length > 0) vault.destroy(back);
  noteDestroyed(parts);
  return back.length > 0 || has < before.epoch ? { kind: 'vault.replaced', had: before.epoch, has, removed: back.length } : undefined;
}

const destructible = (owner: KeyOwner | undefined): KeyOwner[] => (owner === undefined || owner === 'door' ? [] : [owner]);

const namesOf = (vault: Pick<Vault, 'destroyed'>): ReadonlySet<string> => new Set(vault.destroyed().map(({ owner }) => ownerName(owner)));

/** Whose keys a note names that is read elsewhere; none where it was not written with this vault. */
export const ownersNoted = (vault: Pick<Vault, 'pseudonym'>, note: string | undefined): readonly KeyOwner[] =>
  saidIn(vault, note).owners.flatMap((name) => destructible(ownerOf(name)));

const noted = ({ vault, notes }: WitnessParts) => saidIn(vault, notes.note(destroyedNote));

function saidIn(vault: Pick<Vault, 'pseudonym'>, text: string | undefined): { readonly epoch: number; readonly owners: readonly string[] } {
  const note = parseJson(Buffer.from(text ?? ''));
  if (!noteForm.Check(note)) return nothing;
  const [mac, right] = [Buffer.from(note.mac, 'base64url'), macOf(vault, note.said)];
  if (mac.length !== right.length || !timingSafeEqual(mac, right)) return nothing;
  const said = parseJson(Buffer.from(note.said));
  return saidForm.Check(said) ? said : nothing;
}

const nothing = { epoch: 0, owners: [] };

const macOf = (vault: Pick<Vault, 'pseudonym'>, said: string): Buffer =>
  Buffer.from(vault.pseudonym('door', 'note of destroyed keys', said) ?? []);
