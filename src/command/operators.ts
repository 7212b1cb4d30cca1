/**
 * The registry of operators: names, roles and public keys in one file. It is read again for each command, so that a
 * removed key is refused at once. With a key of the vault each entry carries a seal, and one without does not count:
 * whoever may write the file is not an admin by that. Nor does one count that the journal does not name: an older file
 * that is put back brings nobody back.
 */
import { createHash, createHmac } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { Fault, messageOf } from '../base/errors.ts';
import { Compile, Type } from '../base/schema.ts';
import { type PublicKey, publicKeyOf, replaceFile, thumbprint } from './keys.ts';
import { operatorName, type Role, roles } from './port.ts';

export interface Operator {
  readonly name: string;
  readonly role: Role;
  readonly key: PublicKey;
  /** The key's thumbprint: the `kid` of what it signs. */
  readonly kid: string;
  /** ISO 8601, UTC. */
  readonly addedAt: string;
}

export type NewOperator = Omit<Operator, 'kid'>;

/** `why`: this door did not write it (`seal`), or its journal does not name it (`journal`). */
export interface RefusedOperator extends Operator {
  readonly why: 'seal' | 'journal';
}

/** Whether the journal names the entry with this digest. */
export type IsNamed = (digest: string) => boolean;

export interface Operators {
  /** Who counts. @throws Fault `bad-config` where the file cannot be read. */
  list(): Promise<readonly Operator[]>;
  /** Entries that do not count. None where there is nothing to tell them by. */
  refused(): Promise<readonly RefusedOperator[]>;
  /**
   * `beforeStored` hears of it when it is sure to fit, with the digests of all that count then; what it throws stops
   * it. An entry that is refused gives way. @throws Fault `bad-argument` where the name or the key is taken, or the
   * name does not fit.
   */
  add(operator: NewOperator, beforeStored?: (operator: Operator, digests: readonly string[]) => void): Promise<Operator>;
  /**
   * Whose key it was; undefined when nobody has that name. Needs no key of the vault. `beforeRemoved` hears of it, with
   * the digests of those that count then. It must not throw.
   */
  remove(name: string, beforeRemoved?: (operator: Operator, digests: readonly string[]) => void): Promise<Operator | undefined>;
  /** Seals every entry as it stands; `beforeStored` hears of those that had no seal. */
  seal(beforeStored: (operator: Operator) => void): Promise<void>;
}

/** What the journal names an entry by: its name, role, key and time, and no other, make this digest. */
export const entryDigest = ({ name, role, key, addedAt }: Omit<Operator, 'kid'>): string =>
  createHash('sha256')
    .update(JSON.stringify([name, role, key.x, addedAt]))
    .digest('base64url');

interface Entry extends Omit<Operator, 'kid'> {
  readonly seal?: string;
}

const registry = Compile(
  Type.Object({
    operators: Type.Array(
      Type.Object({
        ...{ name: Type.String({ pattern: operatorName }), role: Type.Enum([...roles]), key: Type.Unknown(), addedAt: Type.String() },
        seal: Type.Optional(Type.String()),
      }),
    ),
  }),
);

/**
 * The registry in `file`; empty where there is none. `sealKey`: of the vault; without it seals are not looked at.
 * `isNamed`: by the journal; without it every entry that is sealed counts.
 */
export function operatorsIn(file: string, sealKey?: Uint8Array, isNamed?: IsNamed): Operators {
  const isSealed = (entry: Entry) => !sealKey || entry.seal === sealOf(entry, sealKey);
  const counts = (entry: Entry) => isSealed(entry) && (isNamed?.(entryDigest(entry)) ?? true);
  const write = (operators: readonly Entry[]) => replaceFile(file, { operators });
  return {
    list: () => known(entriesOf(file).filter(counts)),
    refused: async () => {
      const refused = entriesOf(file).filter((entry) => !counts(entry));
      const why = refused.map((entry) => (isSealed(entry) ? ('journal' as const) : ('seal' as const)));
      return (await known(refused)).map((operator, at) => ({ ...operator, why: why[at] ?? 'seal' }));
    },
    add: async ({ name, role, key, addedAt }, beforeStored) => {
      if (!operatorName.test(name))
        throw new Fault('bad-argument', `"${name}" cannot name an operator: give 1 to 64 of A–Z a–z 0–9 _ . @ -`);
      const entries = entriesOf(file);
      const before = await known(entries.filter(counts));
      const operator: Operator = { name, role, key, kid: await thumbprint(key), addedAt };
      if (before.some((other) => other.name === name))
        throw new Fault(
          'bad-argument',
          `There is an operator ${name} already: run "facelatch key remove ${name}" first, or choose another name`,
        );
      const same = before.find((other) => other.kid === operator.kid);
      if (same) throw new Fault('bad-argument', `This key is ${same.name}'s already: each operator needs a key of their own`);
      beforeStored?.(operator, [...before, operator].map(entryDigest));
      const left = entries.filter((entry) => counts(entry) || (entry.name !== name && entry.key.x !== key.x));
      write([...left, sealed({ name, role, key, addedAt }, sealKey)]);
      return operator;
    },
    remove: async (name, beforeRemoved) => {
      const entries = entriesOf(file);
      const named = entries.filter((entry) => entry.name === name);
      const [removed] = await known(named.toSorted((a, b) => Number(counts(b)) - Number(counts(a))));
      if (!removed) return undefined;
      const left = entries.filter((entry) => entry.name !== name);
      beforeRemoved?.(removed, left.filter(counts).map(entryDigest));
      write(left);
      return removed;
    },
    seal: async (beforeStored) => {
      const entries = entriesOf(file);
      const unsealed = entries.filter((entry) => !counts(entry));
      if (unsealed.length === 0) return;
      for (const operator of await known(unsealed)) beforeStored(operator);
      write(entries.map((entry) => sealed(entry, sealKey)));
    },
  };
}

/** Another text for another content of the file. */
export function operatorsFileAs(file: string): string {
  try {
    const found = statSync(file, { bigint: true, throwIfNoEntry: false });
    return found ? `${found.dev} ${found.ino} ${found.size} ${found.mtimeNs}` : 'none';
  } catch (error) {
    throw new Fault('bad-config', `The operators' keys in ${file} cannot be looked at: check the owner and mode of its folder`, error);
  }
}

const known = (entries: readonly Entry[]): Promise<Operator[]> =>
  Promise.all(entries.map(async ({ name, role, key, addedAt }) => ({ name, role, key, kid: await thumbprint(key), addedAt })));

const sealed = (entry: Entry, sealKey: Uint8Array | undefined): Entry => (sealKey ? { ...entry, seal: sealOf(entry, sealKey) } : entry);

const sealOf = ({ name, role, key, addedAt }: Entry, sealKey: Uint8Array): string =>
  createHmac('sha256', sealKey)
    .update(JSON.stringify([name, role, key.x, addedAt]))
    .digest('base64url');

function entriesOf(file: string): Entry[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new Fault('bad-config', `The operators' keys in ${file} cannot be read (${messageOf(error)}): check its owner and mode`, error);
  }
  try {
    const held: unknown = JSON.parse(text);
    if (!registry.Check(held)) throw new Error('an entry does not fit');
    return held.operators.map(({ key, ...entry }) => ({ ...entry, key: publicKeyOf(key, 'Ed25519') }));
  } catch (error) {
    throw new Fault('bad-config', `The file of operators' keys ${file} is damaged (${messageOf(error)}): restore or remove it`, error);
  }
}
