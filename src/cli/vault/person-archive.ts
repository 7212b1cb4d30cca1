/** What this door holds about one person: its rooms go in, a ZIP archive comes out. */

import { existsSync } from 'node:fs';
import { extname } from 'node:path';
import { type Zippable, zipSync } from 'fflate';
import { journalOf } from '../../adapters/journal.ts';
import type { EmbedderInfo } from '../../face/port.ts';
import { archiveTexts, withoutOthers } from '../../house/console/person-archive.ts';
import type { Gallery, Person } from '../../identity/port.ts';
import { samplesOf, storeFile } from '../../learning/parts.ts';
import { openRetrainStore } from '../../retrain/store.ts';
import type { Config } from '../../settings/load.ts';
import type { Vault } from '../../vault/port.ts';

interface ArchivedRooms {
  readonly config: Config;
  readonly vault: Vault;
  readonly gallery: Gallery;
  readonly embedder: EmbedderInfo;
}

export interface PersonArchive {
  readonly zip: Uint8Array;
  readonly pictures: number;
  readonly kept: number;
  readonly entries: number;
}

/** `at`: ISO 8601. Throws the faults of the rooms: an archive with something missing would be a false answer. */
export function personArchive(rooms: ArchivedRooms, person: Person, at: string): PersonArchive {
  const { config, gallery } = rooms;
  const { id } = person;
  const pictures = gallery.pictures(id);
  const kept = keptOf(rooms, id);
  using journal = journalOf(config);
  const entries = journal.naming(id).map((entry) => ({ ...entry, event: withoutOthers(entry.event, id) }));
  const about = pictures.map(({ picture, ...rest }) => ({ ...rest, bytes: picture?.length ?? 0 }));
  const texts = archiveTexts(rooms, person, { pictures: about, at });
  const files: Zippable = Object.fromEntries(Object.entries(texts).map(([name, content]) => [name, text(content)]));
  files['journal.jsonl'] = text(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  for (const [i, { picture, source }] of pictures.entries())
    if (picture) files[`pictures/${numbered(i)}${extensionOf(picture, source)}`] = stored(picture);
  for (const { seq, picture, i } of kept) files[`kept/${seq}-${numbered(i)}.jpg`] = stored(picture);
  return { zip: zipSync(files), pictures: pictures.length, kept: kept.length, entries: entries.length };
}

const text = (content: string): Uint8Array => Buffer.from(content);
/** Pictures are compressed already. */
const stored = (picture: Uint8Array): [Uint8Array, { level: 0 }] => [picture, { level: 0 }];
const numbered = (i: number): string => String(i + 1).padStart(2, '0');

function extensionOf(picture: Uint8Array, source: string): string {
  const stated = extname(source).toLowerCase();
  if (/^\.[a-z]{3,4}$/.test(stated)) return stated;
  return picture[0] === 0x89 ? '.png' : '.jpg';
}

/** Pictures of visits that are kept for training. */
function keptOf({ config, vault, gallery }: ArchivedRooms, id: string) {
  if (!existsSync(storeFile(config))) return [];
  using store = openRetrainStore(storeFile(config), vault);
  const samples = samplesOf(config, { store }, gallery);
  return samples
    .kept()
    .filter(({ personId }) => personId === id)
    .flatMap(({ seq }) => samples.pictures(seq).map((picture, i) => ({ seq, picture, i })));
}
