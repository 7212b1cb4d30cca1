/** What is written about one person for them to read: the rooms of the door go in, the texts of an archive come out. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { shownRules } from '../../access/person-rules.ts';
import { stateFolder } from '../../adapters/basics.ts';
import { consentRules } from '../../adapters/consents.ts';
import { liveVisitsOf } from '../../adapters/liveness.ts';
import { version } from '../../base/version.ts';
import { jsonText } from '../../base/whole-file.ts';
import type { Event } from '../../events.ts';
import type { EmbedderInfo } from '../../face/port.ts';
import type { Gallery, Person } from '../../identity/port.ts';
import { personFields } from '../../journal/pseudonyms.ts';
import type { Config } from '../../settings/load.ts';
import type { Vault } from '../../vault/port.ts';

interface PersonRooms {
  readonly config: Config;
  readonly vault: Vault;
  readonly gallery: Pick<Gallery, 'rules' | 'enrolled'>;
  readonly embedder: EmbedderInfo;
}

/** By file name. `pictures`: what is told of each. `at`: ISO 8601. Throws the faults of the rooms. */
export function archiveTexts(
  rooms: PersonRooms,
  person: Person,
  { pictures, at }: { readonly pictures: readonly object[]; readonly at: string },
): Readonly<Record<string, string>> {
  const { config, vault, gallery, embedder } = rooms;
  const { id } = person;
  const consents = consentRules(config, vault).book((book) => book.of(id));
  const templates = gallery.enrolled().find((enrolled) => enrolled.id === id)?.templates ?? [];
  return {
    'README.txt': readme(config, at),
    'person.json': jsonText({ ...person, rules: shownRules(gallery.rules(id)), consents }),
    'visits.json': jsonText(liveVisits(rooms, id)),
    'templates.json': jsonText({
      embedder: { name: embedder.name, version: embedder.version, sha256: embedder.sha256 },
      templates: templates.map((template) => [...template]),
    }),
    'pictures.json': jsonText(pictures),
  };
}

/** Who else stands in an entry is not told: their id is theirs. */
export function withoutOthers(event: Event, id: string): Event {
  const others = Object.entries(event).filter(([field, value]) => personFields.has(field) && value !== id);
  return Object.assign({ ...event }, Object.fromEntries(others.map(([field]) => [field, 'somebody else'])));
}

/** What the check for living faces remembers of their visits. */
function liveVisits({ config, vault }: Pick<PersonRooms, 'config' | 'vault'>, id: string) {
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
                Those that are not kept are not in here, only the templates made from them.
kept/           pictures of visits that are kept for training, by the number of their journal entry.
templates.json  the numbers that the network makes of each picture; the door compares faces by them.
visits.json     what the networks of the check for living faces said of visits that it remembers, by the number of
                their journal entry.
journal.jsonl   every journal entry in which the person stands, one a line: those about them; those of a visitor who was
                not let in and looked most like them (bestPersonId; that may have been somebody else); and those of
                somebody who came in together with them (withPersonId). Other people are not named.

Not in here: trained networks and the threshold, which are made from many people and name nobody; backups.
`;
