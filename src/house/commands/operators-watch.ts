/**
 * The list of operators while the door runs: its file as it changes goes in; entries that do not count are told, each
 * once. commands/open.ts opens it where commands are taken.
 */
import { namedOperators, operatorsFile, sealedOperators } from '../../adapters/vouched/operators.ts';
import { Fault, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type IsNamed, type Operators, operatorsFileAs, operatorsIn } from '../../command/operators.ts';
import type { Event } from '../../events.ts';
import type { Journal } from '../../journal/port.ts';
import type { Config } from '../../settings/load.ts';
import type { Vault } from '../../vault/port.ts';

export interface OperatorsWatch {
  look(): void;
}

interface Parts {
  readonly config: Config;
  /** Undefined where it is locked: seals cannot be told then. */
  readonly vault: Vault | undefined;
  readonly journal: Journal;
  readonly log: Log;
  readonly record: (event: Event) => void;
}

interface WatchedOperators {
  readonly watch: OperatorsWatch;
  /** Undefined where the vault is locked, or the operators of an earlier version cannot be sealed. */
  readonly sealKey: Uint8Array | undefined;
  readonly isNamed: IsNamed;
}

/** Without a key, each entry counts that the journal names; of an earlier version, each. */
export async function watchOperators(parts: Parts): Promise<WatchedOperators> {
  const { config, journal } = parts;
  const sealKey = await sealKeyOf(parts);
  const named = namedOperators(config, journal);
  // Read now: a journal that is down later keeps nobody from disarming the door.
  void named.digests;
  const { isNamed } = named;
  const file = operatorsFile(config);
  return { watch: watchOf(operatorsIn(file, sealKey, isNamed), file, parts), sealKey, isNamed };
}

async function sealKeyOf({ config, vault, journal, log, record }: Parts): Promise<Uint8Array | undefined> {
  try {
    return vault && (await sealedOperators(config, vault, journal, record)).sealKey;
  } catch (error) {
    if (!(error instanceof Fault) || error.code.startsWith('vault-')) throw error;
    log.error({ code: error.code, err: messageOf(error) }, 'the seals of the list of operators cannot be looked at');
    return undefined;
  }
}

function watchOf(operators: Pick<Operators, 'refused'>, file: string, { log, record }: Pick<Parts, 'log' | 'record'>): OperatorsWatch {
  const told = new Set<string>();
  let seenAs = '';
  const tell = async () => {
    for (const { name, role, kid: key, why } of await operators.refused()) {
      const entry = JSON.stringify([name, role, key, why]);
      if (told.has(entry)) continue;
      told.add(entry);
      log.error({ key, why }, 'the list of operators was changed from outside: the entry does not count');
      record({ kind: 'key.refused', name, role, key, why });
    }
  };
  /** Tried again at every look, and told once. */
  const unread = (error: unknown) => {
    if (!(error instanceof Fault)) throw error;
    if (seenAs !== error.message) log.error({ code: error.code, err: error.message }, 'the list of operators cannot be read');
    seenAs = error.message;
  };
  return {
    look: () => {
      try {
        const as = operatorsFileAs(file);
        if (as === seenAs) return;
        seenAs = as;
        void tell().catch(unread);
      } catch (error) {
        unread(error);
      }
    },
  };
}
