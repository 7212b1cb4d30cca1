/**
 * The registry of operators: names, roles and public keys in one file. It is read again for each command, so that a
 * removed key is refused at once.
 */
import { readFileSync } from 'node:fs';
import { Fault, messageOf } from '../base/errors.ts';
import { Compile, Type } from '../base/schema.ts';
import { type PublicKey, publicKeyOf, replaceFile, thumbprint } from './keys.ts';
import { type Role, roles } from './port.ts';

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

export interface Operators {
  /** @throws Fault `bad-config` where the file cannot be read. */
  list(): Promise<readonly Operator[]>;
  /**
   * `beforeStored` hears of it when it is sure to fit; what it throws stops it. @throws Fault `bad-argument` where the
   * name or the key is taken, or the name does not fit.
   */
  add(operator: NewOperator, beforeStored?: (operator: Operator) => void): Promise<Operator>;
  /** Whose key it was; undefined when nobody has that name. */
  remove(name: string): Promise<Operator | undefined>;
}

const nameFits = /^[A-Za-z0-9_.@-]{1,64}$/;
const registry = Compile(
  Type.Object({
    operators: Type.Array(
      Type.Object({ name: Type.String({ pattern: nameFits }), role: Type.Enum([...roles]), key: Type.Unknown(), addedAt: Type.String() }),
    ),
  }),
);

/** The registry in `file`; empty where there is none. */
export function operatorsIn(file: string): Operators {
  const list = async (): Promise<readonly Operator[]> => {
    const entries = entriesOf(file);
    return Promise.all(entries.map(async (entry) => ({ ...entry, kid: await thumbprint(entry.key) })));
  };
  const write = (operators: readonly Operator[]) => replaceFile(file, { operators: operators.map(({ kid: _kid, ...entry }) => entry) });
  return {
    list,
    add: async ({ name, role, key, addedAt }, beforeStored) => {
      if (!nameFits.test(name)) throw new Fault('bad-argument', `"${name}" cannot name an operator: give 1 to 64 of A–Z a–z 0–9 _ . @ -`);
      const before = await list();
      const operator: Operator = { name, role, key, kid: await thumbprint(key), addedAt };
      if (before.some((other) => other.name === name))
        throw new Fault(
          'bad-argument',
          `There is an operator ${name} already: run "facelatch key remove ${name}" first, or choose another name`,
        );
      const same = before.find((other) => other.kid === operator.kid);
      if (same) throw new Fault('bad-argument', `This key is ${same.name}'s already: each operator needs a key of their own`);
      beforeStored?.(operator);
      write([...before, operator]);
      return operator;
    },
    remove: async (name) => {
      const before = await list();
      const left = before.filter((operator) => operator.name !== name);
      const removed = before.find((operator) => operator.name === name);
      if (removed) write(left);
      return removed;
    },
  };
}

function entriesOf(file: string): Omit<Operator, 'kid'>[] {
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
    return held.operators.map(({ name, role, key, addedAt }) => ({ name, role, key: publicKeyOf(key, 'Ed25519'), addedAt }));
  } catch (error) {
    throw new Fault('bad-config', `The file of operators' keys ${file} is damaged (${messageOf(error)}): restore or remove it`, error);
  }
}
