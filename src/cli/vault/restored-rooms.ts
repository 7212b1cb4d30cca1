/**
 * Every room over a restored state folder, opened once and closed again: a configuration with that folder in, how many
 * people are there out, or the fault of whatever does not open. Files of older versions are brought to this one.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { doorKeysFile, galleryOf } from '../../adapters/basics.ts';
import { doorKeysOf } from '../../adapters/command.ts';
import { consoleAccounts } from '../../adapters/console.ts';
import { journalOf } from '../../adapters/journal.ts';
import { liveVisitsOf } from '../../adapters/liveness.ts';
import { vaultOf } from '../../adapters/vault.ts';
import { forgetEmergencyPin } from '../../adapters/vouched/emergency-pin.ts';
import { nameRestoredOperators, operatorsFile } from '../../adapters/vouched/operators.ts';
import { Fault } from '../../base/errors.ts';
import { openUsedCommands } from '../../command/limits/used.ts';
import { operatorsIn } from '../../command/operators.ts';
import type { Event } from '../../events.ts';
import { openShredder } from '../../house/removal/open.ts';
import type { Journal } from '../../journal/port.ts';
import { embedderOf } from '../../learning/networks.ts';
import { storeFile } from '../../learning/parts.ts';
import { openRetrainStore } from '../../retrain/store.ts';
import type { Config } from '../../settings/load.ts';
import { type KeyOwner, peopleOf, type Vault } from '../../vault/port.ts';

export interface RestoredRooms {
  readonly people: number;
  /** Why the people were not opened: the network of the configuration is not there. */
  readonly unopened: string | undefined;
  /** Whether the door's keys were made on another machine. */
  readonly copied: boolean;
}

export interface Restoration {
  /** When the backup was taken, ISO 8601. */
  readonly takenAt: string;
  /** Whose keys were destroyed in it because they were destroyed at this door since. */
  readonly removed: readonly KeyOwner[];
}

/** Its journal names what happened: with the keyring lost, nothing else would tell the next restore who was removed. */
export async function openRestoredRooms(config: Config, { takenAt, removed }: Restoration): Promise<RestoredRooms> {
  using vault = vaultOf(config);
  const has = (name: string) => existsSync(join(config.state.folder, name));
  const copied = existsSync(doorKeysFile(config)) && (await doorKeysOf(config)).copied === true;
  await operatorsIn(operatorsFile(config)).list();
  if (has('commands.sqlite')) openUsedCommands(join(config.state.folder, 'commands.sqlite'))[Symbol.dispose]();
  if (has('console/console.sqlite')) consoleAccounts(config)[Symbol.dispose]();
  if (has('retrain.sqlite')) openRetrainStore(storeFile(config), vault)[Symbol.dispose]();
  if (has('liveness.sqlite')) liveVisitsOf(config, vault)[Symbol.dispose]();
  using journal = journalOf(config);
  journal.append({ kind: 'backup.restored', takenAt, removed: removed.length });
  forgetEmergencyPin(config, journal, 'restore');
  await nameRestoredOperators(config, vault, journal);
  const named = peopleOf(removed);
  for (const personId of named) journal.append({ kind: 'person.removed', personId });
  const record = (found: Event) => {
    if (found.kind !== 'person.removed' || !named.includes(found.personId)) journal.append(found);
  };
  const opened = has('people.sqlite') ? storedPeople(config, vault, journal, record) : { people: 0, unopened: undefined };
  return { ...opened, copied };
}

/** What the backup holds of those who were removed since is deleted from it. */
function storedPeople(
  config: Config,
  vault: Vault,
  notes: Journal,
  record: (event: Event) => void,
): Pick<RestoredRooms, 'people' | 'unopened'> {
  try {
    using gallery = galleryOf(config, embedderOf(config), vault);
    using shredder = openShredder(config, { vault, gallery, record, notes });
    shredder.finish();
    return { people: gallery.list().length, unopened: undefined };
  } catch (error) {
    if (!(error instanceof Fault && error.code.startsWith('model-'))) throw error;
    return { people: 0, unopened: error.message };
  }
}
