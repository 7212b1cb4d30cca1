/** What this door holds about one person: its rooms go in, a ZIP archive comes out. */

import { existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import { type Zippable, zipSync } from 'fflate';
import { shownRules } from '../../access/person-rules.ts';
import { stateFolder } from '../../adapters/basics.ts';
import { consentRules } from '../../adapters/consents.ts';
import { journalOf } from '../../adapters/journal.ts';
import { liveVisitsOf } from '../../adapters/liveness.ts';
import { version } from '../../base/version.ts';
import { jsonText } from '../../base/whole-file.ts';
import type { Event } from '../../events.ts';
import type { EmbedderInfo } from '../../face/port.ts';
import type { Gallery, Person } from '../../identity/port.ts';
import { personFields } from '../../journal/pseudonyms.ts';
import { samplesOf, storeFile } from '../../learning/parts.ts';
import { openRetrainStore } from '../../retrain/store.ts';
import type { Config } from '../../settings/load.ts';
import type { Vault } from '../../vault/port.ts';

export interface PersonRooms {
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
export function personArchive(rooms: PersonRooms, person: Person, at: string): PersonArchive {
  const { config, vault, gallery, embedder } = rooms;
  const { id } = person;
  const pictures = gallery.pictures(id);
  const kept = keptOf(rooms, id);
  using journal = journalOf(config);
  const entries = journal.naming(id).map((entry) => ({ ...entry, event: withoutOthers(entry.event, id) }));
  const consents = consentRules(config, vault).book((book) => book.of(id));
  const templates = gallery.enrolled().find((enrolled) => enrolled.id === id)?.templates ?? [];
  const files: Zippable = {
    'README.txt': text(readme(config, at)),
    'person.json': text(jsonText({ ...person, rules: shownRules(gallery.rules(id)), consents })),
    'visits.json': text(jsonText(liveVisits(rooms, id))),
    'templates.json': text(
      jsonText({
        embedder: { name: embedder.name, version: embedder.version, sha256: embedder.sha256 },
        templates: templates.map((template) => [...template]),
      }),
    ),
    'journal.jsonl': text(entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')),
    'pictures.json': text(jsonText(pictures.map(({ picture, ...about }) => ({ ...about, bytes: picture?.length ?? 0 })))),
  };
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
function keptOf({ config, vault, gallery }: PersonRooms, id: string) {
  if (!existsSync(storeFile(config))) return [];
  using store = openRetrainStore(storeFile(config), vault);
  const samples = samplesOf(config, { store }, gallery);
  return samples
    .kept()
    .filter(({ personId }) => personId === id)
    .flatMap(({ seq }) => samples.pictures(seq).map((picture, i) => ({ seq, picture, i })));
}

/** Who else stands in an entry is not told: their id is theirs. */
function withoutOthers(event: Event, id: string): Event {
  const others = Object.entries(event).filter(([field, value]) => personFields.has(field) && value !== id);
  return Object.assign({ ...event }, Object.fromEntries(others.map(([field]) => [field, 'somebody else'])));
}

/** What the check for living faces remembers of their visits. */
function liveVisits({ config, vault }: PersonRooms, id: string) {
  if (!existsSync(join(stateFolder(config), 'liveness.sqlite'))) return [];
  using visits = liveVisitsOf(config, vault);
  return visits.of(id).map(({ seq, confirmedBy, views }) => ({
    seq,
    confirmedBy,
    networks: views.map(({ features, ...view }) => ({ ...view, ...(features && { features: [...features] }) })),
  }));
}

const readme = ({ door }: Config, at: string): string =>
  `What the door ${door.id} holds about one person, as of ${at}. Written by facelatch ${version}.

person.json     name, id, rules and consents. A PIN is stored as a hash and not in here.
pictures/       the pictures that the person was enrolled with; pictures.json says from where and when.
                Those of 0 bytes are not kept, only the templates made from them.
kept/           pictures of visits that are kept for training, by the number of their journal entry.
templates.json  the numbers that the network makes of each picture; the door compares faces by them.
visits.json     what the networks of the check for living faces said of visits that it remembers, by the number of
                their journal entry.
journal.jsonl   every journal entry in which the person stands, one a line: those about them; those of a visitor who was
                not let in and looked most like them (bestPersonId; that may have been somebody else); and those of
                somebody who came in together with them (withPersonId). Other people are not named.

Not in here: trained networks and the threshold, which are made from many people and name nobody; backups.
`;
