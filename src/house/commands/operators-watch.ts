/**
 * The list of operators while the door runs: its file as it changes goes in; entries that this door did not write are
 * told, each once. wire.ts opens it where the vault is open and commands are taken.
 */
import { operatorsFile, sealedOperators } from '../../adapters/command.ts';
import { Fault, messageOf } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { type Operators, operatorsFileAs } from '../../command/operators.ts';
import type { Event } from '../../events.ts';
import type { Config } from '../../settings/load.ts';
import type { Vault } from '../../vault/port.ts';

export interface OperatorsWatch {
  look(): void;
}

interface Parts {
  readonly config: Config;
  /** Open. */
  readonly vault: Vault;
  readonly log: Log;
  readonly record: (event: Event) => void;
}

/** Undefined where the operators of an earlier version cannot be sealed: then each entry counts. */
export async function watchOperators(parts: Parts): Promise<{ readonly watch: OperatorsWatch; readonly sealKey: Uint8Array } | undefined> {
  const { config, vault, log, record } = parts;
  try {
    const { operators, sealKey } = await sealedOperators(config, vault, record);
    return { watch: watchOf(operators, operatorsFile(config), parts), sealKey };
  } catch (error) {
    if (!(error instanceof Fault) || error.code.startsWith('vault-')) throw error;
    log.error({ code: error.code, err: messageOf(error) }, 'the list of operators cannot be sealed: each entry counts');
    return undefined;
  }
}

function watchOf(operators: Pick<Operators, 'refused'>, file: string, { log, record }: Pick<Parts, 'log' | 'record'>): OperatorsWatch {
  const told = new Set<string>();
  let seenAs = '';
  const tell = async () => {
    for (const { name, role, kid: key } of await operators.refused()) {
      const entry = JSON.stringify([name, role, key]);
      if (told.has(entry)) continue;
      told.add(entry);
      log.error({ key }, 'the list of operators was changed from outside: the entry does not count');
      record({ kind: 'key.refused', name, role, key });
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
