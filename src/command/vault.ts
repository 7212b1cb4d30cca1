/** The command that gives a door the passphrase of its vault. */

import { Fault, messageOf } from '../base/errors.ts';
import { Type } from '../base/schema.ts';
import { defineCommand, done, refusal, unavailable } from './spec.ts';

const closed = { additionalProperties: false } as const;

export const vaultCommands = [
  defineCommand({
    name: 'vault.unlock',
    summary: 'Unlocks the vault of a door that recognises nobody because its key is missing; the door then starts again.',
    role: 'admin',
    changes: true,
    secret: true,
    args: Type.Object(
      {
        passphrase: Type.String({
          minLength: 1,
          maxLength: 1000,
          writeOnly: true,
          description: 'The passphrase, or the 24 words of the recovery phrase.',
        }),
      },
      closed,
    ),
    result: Type.Object({ was: Type.Enum(['locked', 'open']) }, closed),
    run: async ({ vault }, { passphrase }, { who }) => {
      if (!vault) return unavailable('vault that can be unlocked from afar');
      try {
        const outcome = await vault.unlock(passphrase, who);
        if (outcome === 'busy') return refusal('busy', 'Another passphrase is being tried: try again in a moment.');
        return done({ was: outcome === 'open' ? ('open' as const) : ('locked' as const) });
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        return refusal('denied', messageOf(error), error.code);
      }
    },
  }),
];
