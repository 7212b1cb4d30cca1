/**
 * The door's evidence on the disk: what was measured, and what it was measured from, goes in and comes back after a
 * restart. A file that this door did not write counts for nothing: whoever could write it could loosen the door.
 */
import { existsSync, readFileSync } from 'node:fs';
import type { RowSeal } from '../../base/data/row-seal.ts';
import { Compile, type Static, Type } from '../../base/schema.ts';
import { jsonText, writeWhole } from '../../base/whole-file.ts';

const share = Type.Number({ minimum: 0, maximum: 1 });
const exceedances = Type.Object({ people: Type.Integer({ minimum: 0 }), share, excess: Type.Number({ minimum: 0 }) });
const evidence = Type.Object({
  embedder: Type.String(),
  digest: Type.String(),
  residents: exceedances,
  cohort: Type.Optional(exceedances),
  visitors: Type.Object({ visits: Type.Integer({ minimum: 0 }), share }),
});
const known = Type.Object({
  /** SHA-256 of the embedder that all of this is of. */
  embedder: Type.String(),
  evidence: Type.Optional(evidence),
  /** Unknown visitors, oldest first: when (ISO 8601, UTC), and the logit of the best match; nothing to see them by. */
  visits: Type.Array(Type.Object({ at: Type.String(), logit: Type.Number() })),
  /** How well this camera shows people who were let in (the embedder's own measure, 0…1), oldest first. */
  fitness: Type.Array(share),
});
/** All that a door keeps about its strangers. */
export type KnownOfDoor = Readonly<Static<typeof known>>;

const form = Compile(Type.Object({ schema: Type.Literal(1), kind: Type.Literal('door-evidence'), known, seal: Type.String() }));

const fields = (of: KnownOfDoor) => ['door evidence', JSON.stringify(of)];

/** Undefined where there is none, it is damaged, or this door did not write it. */
export function readKnown(file: string, seal: RowSeal): KnownOfDoor | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const document: unknown = JSON.parse(readFileSync(file, 'utf8'));
    if (!form.Check(document) || !seal.fits(fields(document.known), Buffer.from(document.seal, 'base64url'))) return undefined;
    return document.known;
  } catch {
    return undefined;
  }
}

/** Throws the file system's error. */
export function writeKnown(file: string, seal: RowSeal, of: KnownOfDoor): void {
  writeWhole(file, jsonText({ schema: 1, kind: 'door-evidence', known: of, seal: Buffer.from(seal.of(fields(of))).toString('base64url') }));
}
