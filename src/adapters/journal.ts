/** A configuration in, the journal of its state folder opened out, and those who its rows are about. */
import { join } from 'node:path';
import { stampingWall } from '../access/clock/stamping.ts';
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

export const journalFile = (config: Config): string => join(stateFolder(config), 'journal.sqlite');

/** `people`: closed with the journal. No entry is stamped before the time that it surely is. */
export function journalOf(config: Config, clock: Clock = systemClock, people: Pseudonyms = journalPeople(config, clock)): Journal {
  try {
    const signer = textSigner(heldKeys(doorKeysFile(config)));
    const own: { journal?: Journal } = {};
    const stamping: Clock = { ...clock, wall: stampingWall(clock, () => own.journal) };
    own.journal = openJournal({ file: journalFile(config), clock: stamping, signer, people });
    return own.journal;
  } catch (error) {
    people[Symbol.dispose]();
    throw error;
  }
}

/**
 * Who the rows of the journal are about, all of them known at once. The journal works without the vault too: while that
 * is locked, it shows pseudonyms as they stand in the rows.
 */
export function journalPeople(config: Config, clock: Clock = systemClock): Pseudonyms {
  const state: { vault: Vault | undefined; triedAtMs: number } = { vault: undefined, triedAtMs: Number.NEGATIVE_INFINITY };
  const vault = () => {
    if (state.vault || clock.now() < state.triedAtMs + againMs) return state.vault;
    state.triedAtMs = clock.now();
    state.vault = vaultIfOpen(config, clock);
    return state.vault;
  };
  const people = pseudonyms({ vault, close: () => state.vault?.[Symbol.dispose]() });
  while (!people.catchUp());
  return people;
}

/** How long to leave a locked vault alone. Milliseconds. */
const againMs = 10_000;

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
  return journalReader(journalFile(config), people);
}
