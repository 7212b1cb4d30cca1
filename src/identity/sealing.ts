/**
 * Which rows of the gallery this door wrote: rows go in as the database gives them, those that carry the seal of the
 * door come out, and the events that name the others. One change by SQL makes nobody a resident. sqlite.ts calls it.
 */
import type { RowSeal, SealedFields } from '../base/data/row-seal.ts';
import type { Event, PersonId } from '../events.ts';
import type { EmbedderInfo, Embedding } from '../face/port.ts';
import type { PersonRules } from './port.ts';
import type { GalleryStatements } from './statements.ts';

export interface GallerySeal {
  readonly rows: RowSeal;
  /** Whether this door has sealed its gallery before. From then on a row without a seal is refused. */
  readonly begun: boolean;
  /** Notes that the gallery is sealed, outside of the gallery. */
  begin(): void;
}

export type RefusedRow = Extract<Event, { kind: 'gallery.row-refused' }>;

interface PersonRow {
  readonly id: PersonId;
  readonly name: string;
  readonly enrolledAt: string;
  readonly rules: string;
}
interface PictureRow {
  readonly personId: PersonId;
  /** Of the picture's bytes, hexadecimal. */
  readonly sha256: string;
  readonly source: string;
  readonly addedAt: string;
}
interface TemplateRow extends Pick<PictureRow, 'personId' | 'sha256'> {
  readonly embedder: string;
  readonly vector: Uint8Array;
}

const personFields = ({ id, name, enrolledAt, rules }: PersonRow): SealedFields => ['person', id, name, enrolledAt, rules];
const pictureFields = (row: PictureRow): SealedFields => ['picture', row.personId, row.sha256, row.source, row.addedAt];
const templateFields = (row: TemplateRow): SealedFields => ['template', row.personId, row.sha256, row.embedder, row.vector];

/** The refused rows of a gallery as they were told; each is told once. */
export interface Refusals {
  /** Told for each row that does not fit. `picture`: the beginning of its SHA-256. */
  note(row: RefusedRow['row'], personId: PersonId, picture?: string): void;
  /** Those not taken yet. */
  take(): readonly RefusedRow[];
}

export function refusedRows(): Refusals {
  const told = new Set<string>();
  let untold: RefusedRow[] = [];
  return {
    note: (row, personId, picture) => {
      const key = `${row} ${personId} ${picture ?? ''}`;
      if (told.has(key)) return;
      told.add(key);
      untold.push({ kind: 'gallery.row-refused', row, personId, ...(picture === undefined ? {} : { picture: picture.slice(0, 12) }) });
    },
    take: () => {
      const taken = untold;
      untold = [];
      return taken;
    },
  };
}

/** Without a seal (tests, tools), every row counts. */
export type MaybeSeal = RowSeal | undefined;

const fits = (seal: MaybeSeal, fields: SealedFields, value: Uint8Array | null): boolean => seal?.fits(fields, value) ?? true;

/**
 * The rules and templates of one person; without rules where the person's row does not fit, and then none of their
 * templates counts. Undefined where there is no such person.
 */
export function ownPerson(
  {
    sql,
    embedder,
    seal,
    refusals: { note },
  }: { readonly sql: GalleryStatements; readonly embedder: EmbedderInfo; readonly seal: MaybeSeal; readonly refusals: Refusals },
  id: PersonId,
): { readonly rules: PersonRules | undefined; readonly templates: readonly Embedding[] } | undefined {
  const row = sql.sealedPerson(id);
  if (!row) return undefined;
  if (!fits(seal, personFields(row), row.seal)) {
    note('person', id);
    return { rules: undefined, templates: [] };
  }
  const templates: Embedding[] = [];
  for (const template of sql.templatesOf(id, embedder.sha256)) {
    if (fits(seal, templateFields(template), template.seal)) templates.push(sql.vector(template.vector, embedder));
    else note('template', id, template.sha256);
  }
  return { rules: sql.rulesOf(row.rules), templates };
}

/** Whether this door wrote the person's row as it stands. */
export function isOwnPerson(sql: GalleryStatements, seal: MaybeSeal, id: PersonId): boolean {
  const row = sql.sealedPerson(id);
  return row !== undefined && fits(seal, personFields(row), row.seal);
}

/** Whether this door wrote the picture's row as it stands; for its bytes its SHA-256 answers. */
export function isOwnPicture(sql: GalleryStatements, seal: MaybeSeal, pictureId: number): boolean {
  const row = sql.sealedPicture(pictureId);
  return row !== undefined && fits(seal, pictureFields(row), row.seal);
}

/** The SHA-256 of the person's pictures whose rows this door wrote. */
export function ownPictures(sql: GalleryStatements, seal: MaybeSeal, id: PersonId, { note }: Refusals): ReadonlySet<string> {
  const own = new Set<string>();
  for (const row of sql.sealedPicturesOf(id)) {
    if (fits(seal, pictureFields(row), row.seal)) own.add(row.sha256);
    else note('picture', id, row.sha256);
  }
  return own;
}

export function sealPerson(sql: GalleryStatements, seal: MaybeSeal, id: PersonId): void {
  const row = seal && sql.sealedPerson(id);
  if (row) sql.setPersonSeal(id, seal.of(personFields(row)));
}

export function sealPicture(sql: GalleryStatements, seal: MaybeSeal, pictureId: number): void {
  const row = seal && sql.sealedPicture(pictureId);
  if (row) sql.setPictureSeal(pictureId, seal.of(pictureFields(row)));
}

/** The seal of a template that is about to be stored; null where its picture is gone. */
export function templateSeal(
  sql: GalleryStatements,
  seal: MaybeSeal,
  pictureId: number,
  row: Pick<TemplateRow, 'embedder' | 'vector'>,
): Uint8Array | null {
  const picture = seal && sql.sealedPicture(pictureId);
  return picture ? seal.of(templateFields({ ...picture, ...row })) : null;
}

/** Seals the rows as they stand, within the caller's transaction: those without a seal, or `all`. */
export function sealRows(sql: GalleryStatements, seal: RowSeal, all: boolean): void {
  const open = <Row extends { readonly seal: Uint8Array | null }>(rows: Iterable<Row>) =>
    [...rows].filter((row) => all || row.seal === null);
  for (const row of open(sql.sealedPeople())) sql.setPersonSeal(row.id, seal.of(personFields(row)));
  for (const row of open(sql.sealedPictures())) sql.setPictureSeal(row.pictureId, seal.of(pictureFields(row)));
  for (const row of open(sql.sealedTemplates())) sql.setTemplateSeal(row.pictureId, row.embedder, seal.of(templateFields(row)));
}
