/**
 * Which rows of the gallery this door wrote: rows go in as the file gives them, those that the vault opens and that
 * carry the seal of the door come out, and the events that name the others. One change by SQL makes nobody a resident.
 */

import type { RowSeal, SealedFields } from '../../base/data/row-seal.ts';
import { parseJson } from '../../base/jws.ts';
import { Compile, Type } from '../../base/schema.ts';
import { checkedRow } from '../../base/sqlite.ts';
import type { Event, PersonId } from '../../events.ts';
import type { EmbedderInfo, Embedding } from '../../face/port.ts';
import type { Vault } from '../../vault/port.ts';
import type { Person, PersonRules } from '../port.ts';
import {
  imageAtRest,
  isUnopened,
  nameMarks,
  openImage,
  openPerson,
  openPicture,
  openTemplate,
  type PersonRow,
  type PictureRow,
  personAtRest,
  pictureAtRest,
  shownPerson,
  type TemplateRow,
  templateAtRest,
  type Unopened,
} from './at-rest.ts';
import type { GalleryStatements } from './statements.ts';

export interface GallerySeal {
  readonly rows: RowSeal;
  /** Whether this door has sealed its gallery before. From then on a row without a seal is refused. */
  readonly begun: boolean;
  /** Notes that the gallery is sealed, outside of the gallery. */
  begin(): void;
}

/** What rows are read and written with. */
export interface RowParts {
  readonly sql: GalleryStatements;
  readonly vault: Vault;
  /** Without one (tests, tools), every row that the vault opens counts. */
  readonly seal: RowSeal | undefined;
  readonly refusals: Refusals;
}

export type RefusedRow = Extract<Event, { kind: 'gallery.row-refused' }>;

const personFields = ({ id, name, enrolledAt, rules }: PersonRow): SealedFields => ['person', id, name, enrolledAt, rules];
const pictureFields = (row: PictureRow): SealedFields => ['picture', row.personId, row.sha256, row.source, row.addedAt];
const templateFields = (row: TemplateRow): SealedFields => ['template', row.personId, row.sha256, row.embedder, row.vector];

/** The refused rows of a gallery as they were told; each is told once. */
export interface Refusals {
  /** Told for each row that does not fit. `picture`: the beginning of its SHA-256. `why`: where it cannot be opened. */
  note(row: RefusedRow['row'], personId: PersonId, about?: { readonly picture?: string; readonly why?: Unopened }): void;
  /** Those not taken yet. */
  take(): readonly RefusedRow[];
}

export function refusedRows(): Refusals {
  const told = new Set<string>();
  let untold: RefusedRow[] = [];
  return {
    note: (row, personId, { picture, why } = {}) => {
      const key = `${row} ${personId} ${picture ?? ''} ${why ?? ''}`;
      if (told.has(key)) return;
      told.add(key);
      untold.push({ kind: 'gallery.row-refused', row, personId, ...(picture && { picture: picture.slice(0, 12) }), ...(why && { why }) });
    },
    take: () => {
      const taken = untold;
      untold = [];
      return taken;
    },
  };
}

const fits = ({ seal }: RowParts, fields: SealedFields, value: Uint8Array | null): boolean => seal?.fits(fields, value) ?? true;

const rulesForm = Compile(
  Type.Partial(
    Type.Object({
      enabled: Type.Boolean(),
      schedule: Type.String(),
      validFrom: Type.String(),
      validUntil: Type.String(),
      uses: Type.Number(),
      usesAfter: Type.Number(),
      usesSince: Type.String(),
      groups: Type.Array(Type.String()),
      pin: Type.String(),
      pinOpens: Type.Boolean(),
      pinNeeded: Type.Boolean(),
    }),
  ),
);

/** Rules that cannot be read must not let anybody in by guess: the gallery counts as damaged. */
const rulesOf = ({ sql }: RowParts, text: string): PersonRules => checkedRow(rulesForm, parseJson(Buffer.from(text)), sql.damaged);

/**
 * The rules and templates of one person; without rules where the person's row does not count, and then none of their
 * templates does. Undefined where there is no such person (any more).
 */
export function ownPerson(
  parts: RowParts & { readonly embedder: EmbedderInfo },
  id: PersonId,
): { readonly rules: PersonRules | undefined; readonly templates: readonly Embedding[]; readonly shown: Person | undefined } | undefined {
  const { sql, vault, embedder, refusals } = parts;
  const stored = sql.person(id);
  if (!stored) return undefined;
  const row = openPerson(vault, stored);
  const shown = shownPerson(stored, row);
  if (isUnopened(row) || !fits(parts, personFields(row), stored.seal)) {
    refusals.note('person', id, isUnopened(row) ? { why: row } : {});
    return row === 'removed' ? undefined : { rules: undefined, templates: [], shown };
  }
  const templates: Embedding[] = [];
  for (const one of sql.templatesOf(id, embedder.sha256)) {
    const template = openTemplate(vault, one);
    if (isUnopened(template)) refusals.note('template', id, { why: template });
    else if (fits(parts, templateFields(template), one.seal)) templates.push(sql.vector(template.vector, embedder));
    else refusals.note('template', id, { picture: template.sha256 });
  }
  return { rules: rulesOf(parts, row.rules), templates, shown };
}

/** The person's row as it stands, where this door wrote it. */
export function ownPersonRow(parts: RowParts, id: PersonId): PersonRow | undefined {
  const stored = parts.sql.person(id);
  const row = stored && openPerson(parts.vault, stored);
  return row && !isUnopened(row) && fits(parts, personFields(row), stored.seal) ? row : undefined;
}

type StoredImage = NonNullable<ReturnType<GalleryStatements['image']>>;

/** The picture's row, where this door wrote it as it stands; for its bytes its SHA-256 answers. */
export function ownPicture(parts: RowParts, stored: Omit<StoredImage, 'picture'>): PictureRow | undefined {
  const row = openPicture(parts.vault, stored);
  if (!isUnopened(row) && fits(parts, pictureFields(row), stored.seal)) return row;
  parts.refusals.note('picture', stored.personId, isUnopened(row) ? { why: row } : { picture: row.sha256 });
  return undefined;
}

/** The bytes of a picture; undefined where they cannot be opened, empty where they are not kept. */
export function pictureBytes({ vault }: RowParts, stored: StoredImage): Uint8Array | undefined {
  const picture = openImage(vault, stored, stored.picture);
  return isUnopened(picture) ? undefined : picture;
}

/** In the place of a picture of which only the template is kept: the row stays, and says where that came from. */
export const notKept = new Uint8Array(0);

/** Puts nothing in the place of the picture, under the same seals; false where nothing is there that can be opened. */
export function dropImage(parts: RowParts, stored: StoredImage): boolean {
  const picture = pictureBytes(parts, stored);
  if (!picture || picture.length === 0) return false;
  parts.sql.setImage(stored.pictureId, imageAtRest(parts.vault, stored, notKept));
  return true;
}

/** Stores the person's row, sealed: a new one, or in the place of the one with its id. */
export function storePerson({ sql, vault, seal }: RowParts, how: 'new' | 'renamed' | 'same-name', row: PersonRow): void {
  const stored = { id: row.id, details: personAtRest(vault, row), seal: seal?.of(personFields(row)) ?? null };
  if (how === 'same-name') sql.setDetails(stored);
  else sql[how === 'new' ? 'addPerson' : 'setPerson']({ ...stored, ...nameMarks(vault, row.name) });
}

/** Stores a new picture, sealed; its number in the file. `mark`: its `pictureMark`. */
export function storePicture({ sql, vault, seal }: RowParts, mark: Uint8Array, row: PictureRow, picture: Uint8Array): number {
  return sql.addPicture({ ...pictureAtRest(vault, mark, row, picture), seal: seal?.of(pictureFields(row)) ?? null });
}

/** Stores a template, sealed. `mark`: of its picture. False where the picture is gone. */
export function storeTemplate({ sql, vault, seal }: RowParts, pictureId: number, mark: Uint8Array, row: TemplateRow): boolean {
  return sql.setTemplate(pictureId, row.embedder, templateAtRest(vault, row, mark), seal?.of(templateFields(row)) ?? null);
}

/** Seals the rows as they stand, within the caller's transaction: those without a seal, or `all`. */
export function sealRows({ sql, vault, seal }: RowParts, all: boolean): void {
  if (!seal) return;
  const open = <Row extends { readonly seal: Uint8Array | null }>(rows: Iterable<Row>) =>
    [...rows].filter((row) => all || row.seal === null);
  for (const stored of open(sql.people())) {
    const row = openPerson(vault, stored);
    if (!isUnopened(row)) sql.setPersonSeal(row.id, seal.of(personFields(row)));
  }
  for (const stored of open(sql.pictures())) {
    const row = openPicture(vault, stored);
    if (!isUnopened(row)) sql.setPictureSeal(stored.pictureId, seal.of(pictureFields(row)));
  }
  for (const stored of open(sql.templates())) {
    const row = openTemplate(vault, stored);
    if (!isUnopened(row)) sql.setTemplateSeal(stored.pictureId, row.embedder, seal.of(templateFields(row)));
  }
}
