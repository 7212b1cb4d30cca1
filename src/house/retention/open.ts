/** The retention of a running house: its rooms go in, the watch over them comes out. wire.ts opens and ends it. */
import { join } from 'node:path';
import type { Entrance } from '../../access/entrance.ts';
import { ruleNames, ruler } from '../../access/person-rules.ts';
import { stateFolder } from '../../adapters/basics.ts';
import { consentRules } from '../../adapters/consents.ts';
import type { Log } from '../../base/log.ts';
import type { Clock } from '../../base/time.ts';
import type { Gallery, Roster } from '../../identity/port.ts';
import { journalClearing } from '../../journal/clearing.ts';
import type { Journal, JournalReader } from '../../journal/port.ts';
import type { Config } from '../../settings/load.ts';
import type { Vault } from '../../vault/port.ts';
import type { SureTime } from './sure-time.ts';
import { type RetentionParts, type RetentionWatch, retentionWatch } from './watch.ts';

/** The rooms as they are at each look. */
interface RetainedRooms {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly journal: Journal;
  readonly time: SureTime;
  readonly entries: JournalReader;
  readonly eyes: { readonly gallery: Gallery };
  readonly vault: Vault;
  readonly learning: Pick<RetentionParts, 'samples'> | undefined;
  readonly liveness: Pick<RetentionParts, 'forgetAttempts'> | undefined;
  /** The face that was looked at last; undefined where there was none. */
  readonly facing: unknown;
}

export function openRetention(
  rooms: RetainedRooms,
  { controller, people }: Pick<Entrance, 'controller' | 'people'>,
  roster: Roster,
  removals: RetentionParts['removals'],
): RetentionWatch {
  const { config, clock, log, journal, time, entries, vault, learning } = rooms;
  const folder = stateFolder(config);
  return retentionWatch({
    ...{ config, folder, clock, journal, time, entries, roster, removals, vault },
    gallery: galleryOf(rooms),
    rule: ruler({ gallery: people, journal, names: ruleNames(config.access) }),
    consents: consentRules(config, vault, clock).book,
    clearing: journalClearing(join(folder, 'journal.sqlite')),
    log: log.child({ room: 'privacy' }),
    record: controller.record,
    quiet: () => controller.settled || rooms.facing === undefined,
    forgetAttempts: (upTo) => rooms.liveness?.forgetAttempts(upTo),
    samples: learning?.samples,
  });
}

/** Of the network that guards: another one may, later. */
const galleryOf = (rooms: RetainedRooms): RetentionParts['gallery'] => ({
  ids: () => rooms.eyes.gallery.ids(),
  rules: (id) => rooms.eyes.gallery.rules(id),
});
