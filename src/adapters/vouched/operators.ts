/**
 * The operators of a door, vouched for by the journal and sealed under the vault: who is on the list, and every change
 * of it. In: the configuration, and where they are open, the vault and the journal. Each change is journalled.
 */
import { join } from 'node:path';
import { Fault, messageOf } from '../../base/errors.ts';
import { parseJson } from '../../base/jws.ts';
import { Compile, Type } from '../../base/schema.ts';
import { heldKeys, noteSealed } from '../../command/keys.ts';
import {
  entryDigest,
  type IsNamed,
  type NewOperator,
  type Operator,
  type Operators,
  operatorsIn,
  type RefusedOperator,
} from '../../command/operators.ts';
import type { Event } from '../../events.ts';
import { lockChanges } from '../../host/lock.ts';
import type { Journal, JournalNotes } from '../../journal/port.ts';
import type { Config } from '../../settings/load.ts';
import type { Vault } from '../../vault/port.ts';
import { doorKeysFile, stateFolder } from '../basics.ts';
import { journalOf } from '../journal.ts';
import { vaultOf } from '../vault.ts';
import { type Said, vouchedBy } from './vouched.ts';

/** Where the keys of this door's operators are kept. */
export const operatorsFile = (config: Config): string => join(stateFolder(config), 'operators.json');

/** What vouches for operators. It stays the same when the key of the vault is another one. */
function operatorSealKey(vault: Pick<Vault, 'pseudonym'>): Uint8Array {
  const key = vault.pseudonym('door', 'operators', 'seal');
  if (key) return key;
  throw new Fault('vault-damaged', 'The keyring has no key of the door: restore a backup (facelatch restore)');
}

const operatorsNote = { name: 'operators', kinds: ['key.added', 'key.removed', 'key.listed'] } as const;
const digestsForm = Compile(Type.Array(Type.String()));

type NotedIn = Pick<Journal, 'append' | 'note' | 'query'>;

interface NamedOperators {
  readonly isNamed: IsNamed;
  /** Undefined before the first time: then every entry that is sealed counts. */
  readonly digests: readonly string[] | undefined;
  /** What goes into the journal with the entry of a change; nothing before the first time. */
  saying(digests: readonly string[]): { readonly digest?: string; readonly notes?: JournalNotes };
}

/**
 * Whom the journal names as the operators of this door, whether the vault is locked or not. With a journal that was
 * lost or does not fit, nobody. While it cannot be read, those whom it named last.
 */
export function namedOperators(config: Config, journal: Pick<Journal, 'note' | 'query'>): NamedOperators {
  const vouched = vouchedBy(config, journal, operatorsNote);
  const isFirst = () => !heldKeys(doorKeysFile(config)).operatorsNoted;
  let last: { readonly said: Said; readonly digests: ReadonlySet<string> | undefined } | undefined;
  const named = () => {
    let said: Said;
    try {
      said = vouched.said();
    } catch (error) {
      if (!(error instanceof Fault) || !last) throw error;
      return last.digests;
    }
    if (last?.said !== said || said === 'nothing') last = { said, digests: said === 'nothing' && isFirst() ? undefined : digestsIn(said) };
    return last.digests;
  };
  return {
    isNamed: (digest) => named()?.has(digest) ?? true,
    get digests() {
      const digests = named();
      return digests && [...digests];
    },
    saying: (digests) => (named() ? vouched.saying(JSON.stringify(digests.toSorted())) : {}),
  };
}

function digestsIn(said: Said): ReadonlySet<string> {
  const found = typeof said === 'object' ? parseJson(Buffer.from(said.text)) : [];
  return new Set(digestsForm.Check(found) ? found : []);
}

/**
 * The journal names these entries from now on, and no other. Throws Faults of the door's keys and of the journal.
 */
function nameOperators(config: Config, journal: NotedIn, operators: readonly Operator[], by: string): void {
  const { digest, notes } = vouchedBy(config, journal, operatorsNote).saying(JSON.stringify(operators.map(entryDigest).toSorted()));
  journal.append({ kind: 'key.listed', operators: operators.length, by, digest }, notes);
  noteSealed(doorKeysFile(config), 'operatorsNoted');
}

export interface SealedOperators {
  readonly operators: Operators;
  readonly sealKey: Uint8Array;
  readonly named: NamedOperators;
}

/**
 * The operators of this door, with what vouches for them. Those of a version that did not seal them are sealed as they
 * stand, once, and journalled; those of one whose journal did not name them are named as they are sealed, once. Throws
 * Faults of the door's keys, the list, the vault and the journal.
 */
export async function sealedOperators(
  config: Config,
  vault: Pick<Vault, 'pseudonym'>,
  journal: NotedIn,
  record: (event: Event) => void = (event) => void journal.append(event),
): Promise<SealedOperators> {
  const [file, sealKey] = [operatorsFile(config), operatorSealKey(vault)];
  const named = namedOperators(config, journal);
  if (!heldKeys(doorKeysFile(config)).operatorsSealed) {
    await operatorsIn(file, sealKey).seal(({ name, role, kid }) => record({ kind: 'key.sealed', name, role, key: kid }));
    noteSealed(doorKeysFile(config), 'operatorsSealed');
  }
  if (!named.digests) nameOperators(config, journal, await operatorsIn(file, sealKey).list(), 'start');
  return { operators: operatorsIn(file, sealKey, named.isNamed), sealKey, named };
}

/**
 * Lets a key send commands. It is journalled first: nobody may command the door without a trace. @throws Fault
 * `journal-down`, `bad-argument`, `vault-locked`.
 */
export async function addOperator(config: Config, operator: NewOperator): Promise<Operator> {
  using _changes = lockChanges(stateFolder(config));
  using vault = vaultOf(config);
  using journal = journalOf(config);
  const { operators, named } = await sealedOperators(config, vault, journal);
  return await operators.add(operator, ({ name, role, kid }, digests) => {
    const { digest, notes } = named.saying(digests);
    journal.append({ kind: 'key.added', name, role, key: kid, ...(digest !== undefined && { digest }) }, notes);
  });
}

/**
 * Somebody at the machine vouches for the list as it stands: every entry in it counts from now on. Throws as
 * `addOperator` does.
 */
export async function vouchForOperators(config: Config, by: string): Promise<readonly Operator[]> {
  using _changes = lockChanges(stateFolder(config));
  using vault = vaultOf(config);
  using journal = journalOf(config);
  const { sealKey } = await sealedOperators(config, vault, journal);
  const operators = operatorsIn(operatorsFile(config), sealKey);
  await operators.seal(({ name, role, kid }) => void journal.append({ kind: 'key.sealed', name, role, key: kid }));
  const all = await operators.list();
  nameOperators(config, journal, all, by);
  return all;
}

/** After a restore: a backup that was proved holds the list of operators as it was, whatever was written in between. */
export async function nameRestoredOperators(config: Config, vault: Pick<Vault, 'pseudonym'>, journal: NotedIn): Promise<void> {
  const { operatorsSealed, operatorsNoted } = heldKeys(doorKeysFile(config));
  if (operatorsSealed && operatorsNoted)
    nameOperators(config, journal, await operatorsIn(operatorsFile(config), operatorSealKey(vault)).list(), 'restore');
}

export interface ListedOperators {
  readonly operators: readonly Operator[];
  readonly refused: readonly RefusedOperator[];
  /** Whom the journal names and the list does not have: an older list was put back, or it was changed by hand. */
  readonly lacking: number;
  /** Why it cannot be told now which entries count. */
  readonly unchecked?: string;
}

/** Who may send commands, and entries that do not count. */
export async function listOperators(config: Config, journal?: Pick<Journal, 'note' | 'query'>): Promise<ListedOperators> {
  const file = operatorsFile(config);
  if (!heldKeys(doorKeysFile(config)).operatorsSealed) {
    const unchecked = 'they are sealed at the next start of the door';
    return { operators: await operatorsIn(file).list(), refused: [], lacking: 0, unchecked };
  }
  using own = journal ? undefined : journalOf(config);
  const { digests, isNamed } = namedOperators(config, journal ?? own ?? journalOf(config));
  const listed = async (sealKey?: Uint8Array) => {
    const list = operatorsIn(file, sealKey, isNamed);
    const [operators, refused] = [await list.list(), await list.refused()];
    const there = new Set([...operators, ...refused].map(entryDigest));
    return { operators, refused, lacking: (digests ?? []).filter((digest) => !there.has(digest)).length };
  };
  try {
    using vault = vaultOf(config);
    return await listed(operatorSealKey(vault));
  } catch (error) {
    if (!(error instanceof Fault && error.code.startsWith('vault-'))) throw error;
    return { ...(await listed()), ...(!digests && { unchecked: error.message }) };
  }
}

/**
 * Takes a key away: the journal names it no longer, and then it is out of the list. A journal that is down keeps no key
 * in force. False when nobody has that name. @throws Fault `journal-down`: then the key is removed all the same.
 */
export async function removeOperator(config: Config, name: string): Promise<boolean> {
  using _changes = lockChanges(stateFolder(config));
  const file = operatorsFile(config);
  const names = namesIn(config);
  using journal = 'fault' in names ? undefined : names.journal;
  let fault = 'fault' in names ? names.fault : undefined;
  const operators = operatorsIn(file, undefined, 'fault' in names ? undefined : names.named.isNamed);
  const removed = await operators.remove(name, ({ role, kid }, digests) => {
    if ('fault' in names) return;
    try {
      const { digest, notes } = names.named.saying(digests);
      journal?.append({ kind: 'key.removed', name, role, key: kid, ...(digest !== undefined && { digest }) }, notes);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      fault = error;
    }
  });
  if (removed && fault)
    throw new Fault(
      'journal-down',
      `The key is removed, but the journal has no record of it, so a copy of the list would bring it back: ${messageOf(fault)}`,
      fault,
    );
  return removed !== undefined;
}

function namesIn(config: Config): { readonly journal: Journal; readonly named: NamedOperators } | { readonly fault: Fault } {
  try {
    const journal = journalOf(config);
    return { journal, named: namedOperators(config, journal) };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { fault: error };
  }
}
