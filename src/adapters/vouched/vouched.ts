/**
 * What files that lie outside of the vault say, vouched for by the door. The journal and the secret of the door's rows
 * go in; what was noted last comes out, and the notes to write with the entry of a change. Whoever puts an older file
 * back, or writes one, and does not change the journal as well, is found out, whether the vault is locked or not.
 *
 * A note stands beside the journal under a MAC; the entry of each change holds its digest, so an older note that is put
 * back does not fit the newest entry. Where the entry was removed because of its age, the note stands alone.
 */
import { createHash } from 'node:crypto';
import { type RowSeal, rowSeal } from '../../base/data/row-seal.ts';
import { parseJson } from '../../base/jws.ts';
import { Compile, Type } from '../../base/schema.ts';
import { gallerySecret } from '../../command/keys.ts';
import type { EventKind } from '../../events.ts';
import type { Journal, JournalNotes } from '../../journal/port.ts';
import type { Config } from '../../settings/load.ts';
import { doorKeysFile } from '../basics.ts';

/** `unfit`: the note is not what this door wrote last. */
export type Said = { readonly text: string } | 'nothing' | 'unfit';

export interface Vouched {
  said(): Said;
  /** What to write from now on: the notes, together with the entry that holds the digest. */
  saying(text: string): { readonly digest: string; readonly notes: JournalNotes };
}

export interface VouchedWhat {
  /** Name of the note. */
  readonly name: string;
  /** Kinds of entries that hold a digest of it. */
  readonly kinds: readonly EventKind[];
}

const form = Compile(Type.Object({ said: Type.String(), mac: Type.String() }));
const digestForm = Compile(Type.Object({ digest: Type.String() }));
/** Entries of earlier versions have no digest. */
const entriesLookedAt = 50;

export function vouchedBy(config: Config, journal: Pick<Journal, 'note' | 'query'>, { name, kinds }: VouchedWhat): Vouched {
  const seal: RowSeal = rowSeal(Buffer.from(gallerySecret(doorKeysFile(config)), 'base64url'), `facelatch ${name} 1`);
  const newestDigest = (): string | undefined => {
    const entry = journal.query({ kinds, limit: entriesLookedAt }).findLast(({ event }) => digestForm.Check(event));
    return entry && digestForm.Check(entry.event) ? entry.event.digest : undefined;
  };
  const saidIn = (note: string | undefined): Said => {
    if (note === undefined) return newestDigest() === undefined ? 'nothing' : 'unfit';
    const found = parseJson(Buffer.from(note));
    if (!form.Check(found) || !seal.fits([found.said], Buffer.from(found.mac, 'base64url'))) return 'unfit';
    return textDigest(found.said) === (newestDigest() ?? textDigest(found.said)) ? { text: found.said } : 'unfit';
  };
  // Asked for every command: the note is one row, and only another one has to be checked.
  let last: { readonly note: string | undefined; readonly said: Said } | undefined;
  return {
    said: () => {
      const note = journal.note(name);
      if (!last || last.note !== note) last = { note, said: saidIn(note) };
      return last.said;
    },
    saying: (text) => {
      const mac = Buffer.from(seal.of([text])).toString('base64url');
      return { digest: textDigest(text), notes: { [name]: JSON.stringify({ said: text, mac }) } };
    },
  };
}

/** SHA-256, base64url. */
export const textDigest = (text: string): string => createHash('sha256').update(text).digest('base64url');
