/**
 * Live visits at rest. A row of the table `visit` and the vault go in; what the networks said of it comes out, and
 * back. It is sealed under the person's key together with everything else that the row says: nobody without the key
 * can make a visit, give it to another person, or let one count that nobody confirmed.
 */
import type { DatabaseSync } from 'node:sqlite';
import { Fault } from '../base/errors.ts';
import { parseJson } from '../base/jws.ts';
import { Compile, type Static, type TObject, Type } from '../base/schema.ts';
import { blob } from '../base/sqlite.ts';
import type { KeyOwner, SealedPlace, Vault } from '../vault/port.ts';
import type { NetworkView } from './known.ts';

export const visitTable = `
CREATE TABLE visit (
  seq INTEGER PRIMARY KEY, person TEXT NOT NULL, networks TEXT NOT NULL,
  confirmed TEXT CHECK (confirmed IN ('pin', 'challenge', 'operator')),
  views BLOB NOT NULL
) STRICT;
`;

export const visitColumns = 'seq, person, networks, confirmed, views';
const about = {
  seq: Type.Integer(),
  person: Type.String({ minLength: 1 }),
  networks: Type.String(),
  confirmed: Type.Union([Type.Null(), Type.Enum(['pin', 'challenge', 'operator'])]),
};
export type VisitAbout = Static<TObject<typeof about>>;
/** A row without what is sealed. */
export const visitAboutForm = Compile(Type.Object(about));
export const visitRowForm = Compile(Type.Object({ ...about, views: blob }));
/** `features`: 32-bit numbers, as base64. */
const viewsForm = Compile(
  Type.Array(Type.Object({ network: Type.String({ minLength: 1 }), logit: Type.Number(), features: Type.Optional(Type.String()) })),
);

const ownerOf = ({ person }: VisitAbout): KeyOwner => ({ person });
const placeOf = ({ seq, networks, confirmed }: VisitAbout): SealedPlace => ({
  schema: 'liveness 2',
  column: 'visit.views',
  row: JSON.stringify([seq, networks, confirmed]),
});

/** Undefined where the person was removed. */
export function sealedViews(vault: Vault, row: VisitAbout, views: readonly NetworkView[]): Uint8Array | undefined {
  const written = views.map(({ features, ...view }) => ({ ...view, ...(features && { features: base64Of(features) }) }));
  try {
    return vault.seal(ownerOf(row), placeOf(row), Buffer.from(JSON.stringify(written)));
  } catch (error) {
    if (error instanceof Fault && error.code === 'key-destroyed') return undefined;
    throw error;
  }
}

/** Undefined for what is left of somebody who was removed. Throws Fault `seal-broken`, and what `misfit` makes. */
export function openedViews(
  vault: Vault,
  row: VisitAbout & { readonly views: Uint8Array },
  misfit: () => Fault,
): readonly NetworkView[] | undefined {
  const bytes = vault.open(ownerOf(row), placeOf(row), row.views);
  if (!bytes) return undefined;
  const views = parseJson(bytes);
  if (!viewsForm.Check(views)) throw misfit();
  return views.map(({ features, ...view }) => ({
    ...view,
    ...(features !== undefined && { features: numbersOf(Buffer.from(features, 'base64')) }),
  }));
}

const base64Of = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString('base64');

/** Copied: a view of 32-bit numbers must begin at a multiple of four. */
const numbersOf = (bytes: Uint8Array): Float32Array => new Float32Array(Uint8Array.from(bytes).buffer, 0, bytes.length >> 2);

const oldSeenForm = Compile(
  Type.Object({ network: Type.String({ minLength: 1 }), logit: Type.Number(), features: Type.Union([Type.Null(), blob]) }),
);

/** Format 1 had a row for each network in a table of its own, as it was. Within the migration's transaction. */
export function sealVisits(db: DatabaseSync, vault: Vault, misfit: () => Fault): void {
  const seen = db.prepare('SELECT network, logit, features FROM seen WHERE seq = ? ORDER BY network');
  const rows = db
    .prepare('SELECT seq, person, networks, confirmed FROM visit ORDER BY seq')
    .all()
    .map((row) => {
      if (!visitAboutForm.Check(row)) throw misfit();
      const views = seen.all(row.seq).map((view): NetworkView => {
        if (!oldSeenForm.Check(view)) throw misfit();
        const { network, logit, features } = view;
        return { network, logit, ...(features && { features: numbersOf(features) }) };
      });
      return { row, sealed: sealedViews(vault, row, views) };
    });
  db.exec(`DROP TABLE seen; DROP TABLE visit; ${visitTable}`);
  const insert = db.prepare('INSERT INTO visit (seq, person, networks, confirmed, views) VALUES (?, ?, ?, ?, ?)');
  for (const { row, sealed } of rows) if (sealed) insert.run(row.seq, row.person, row.networks, row.confirmed, sealed);
}
