/** Operators who send signed commands over MQTT: the same people sign in to the console under the same names. */
import { listOperators, removeOperator } from '../../adapters/vouched/operators.ts';
import { Type } from '../../base/schema.ts';
import { roles } from '../../command/port.ts';
import { done } from '../../command/spec.ts';
import { defineOperation } from './operation.ts';

const closed = { additionalProperties: false } as const;
const operator = Type.Object(
  {
    name: Type.String(),
    role: Type.Enum([...roles]),
    key: Type.String({ description: 'Thumbprint of the key (RFC 7638).' }),
    addedAt: Type.String(),
  },
  closed,
);

export const operatorOperations = [
  defineOperation({
    name: 'operators.keys',
    summary: 'Whose keys count for signed commands over MQTT.',
    role: 'admin',
    changes: false,
    args: Type.Object({}, closed),
    result: Type.Object({ operators: Type.Array(operator), refused: Type.Array(operator) }, closed),
    run: async ({ rooms }) => {
      const { operators, refused } = await listOperators(rooms.config, rooms.journal);
      const shown = (all: typeof operators) => all.map(({ name, role, kid, addedAt }) => ({ name, role, key: kid, addedAt }));
      return done({ operators: shown(operators), refused: shown(refused) });
    },
  }),
  defineOperation({
    name: 'operators.key.remove',
    summary: 'Takes the key of an operator away: their signed commands are refused from now on.',
    role: 'admin',
    changes: true,
    args: Type.Object({ name: Type.String({ minLength: 1, maxLength: 64 }) }, closed),
    result: Type.Object({ removed: Type.Boolean() }, closed),
    run: async ({ rooms }, { name }) => done({ removed: await removeOperator(rooms.config, name) }),
  }),
];
