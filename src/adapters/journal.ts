/** A configuration in, the journal of its state folder opened out, and those who its rows are about. */
import { join } from 'node:path';
import { Fault } from '../base/errors.ts';
import { type Clock, systemClock } from '../base/time.ts';
import { heldKeys, textSigner } from '../command/keys.ts';
import type { Journal, JournalReader } from '../journal/port.ts';
import { type Pseudonyms, pseudonyms } from '../journal/pseudonyms.ts';
import { journalReader } from '../journal/reader.ts';
import { openJournal } from '../journal/sqlite.ts';
import type { Config } from '../settings/load.ts';
import type { Vault } from '../vault/port.ts';
import { doorKeysFile, stateFolder } from './basics.ts';
import { vaultOf } from './vault.ts';

/** `people`: closed with the journal. */
export function journalOf(config: Config, clock: Clock = systemClock, people: Pseudonyms = journalPeople(config, clock)): Journal {
  try {
    const signer = textSigner(heldKeys(doorKeysFile(config)));
    return openJournal({ file: join(stateFolder(config), 'journal.sqlite'), clock, signer, people });
  } catch (error) {
    people[Symbol.dispose]();
    throw error;
  }
}

/**
 * Who the rows of the journal are about, all of them known at once. The journal works without the vault too: then it
 * shows pseudonyms as they stand in the rows.
 */
export function journalPeople(config: Config, clock: Clock = systemClock): Pseudonyms {
  const vault = vaultIfOpen(config, clock);
  const people = pseudonyms({ vault: () => vault, close: () => vault?.[Symbol.dispose]() });
  while (!people.catchUp());
  return people;
}

function vaultIfOpen(config: Config, clock: Clock): Vault | undefined {
  try {
    return vaultOf(config, clock);
  } catch (error) {
    if (error instanceof Fault) return undefined;
    throw error;
  }
}

/** The journal for whoever asks from afar. `people`: they stay open. */
export function journalReaderOf(config: Config, people: Pseudonyms): JournalReader {
  return journalReader(join(stateFolder(config), 'journal.sqlite'), people);
}
