/** The commands that give a door the passphrase of its vault: its key for that, and the passphrase under it. */

import { Fault, messageOf } from '../base/errors.ts';
import { Type } from '../base/schema.ts';
import type { Outcome } from './port.ts';
import { type Call, type CommandPorts, defineCommand, done, refusal, unavailable } from './spec.ts';

const closed = { additionalProperties: false } as const;
const secret = { minLength: 1, maxLength: 1000, writeOnly: true } as const;
const was = Type.Enum(['locked', 'open']);
const none = 'vault that can be unlocked from afar';

export const unlockingKeyResult = Type.Object(
  {
    was,
    key: Type.Optional(
      Type.Object(
        { kty: Type.Literal('OKP'), crv: Type.Literal('X25519'), x: Type.String() },
        { ...closed, description: 'JSON Web Key. The door makes another one at each start, in memory. Absent where the vault is open.' },
      ),
    ),
  },
  closed,
);

export const vaultCommands = [
  defineCommand({
    name: 'vault.key',
    summary: 'The key to which `vault.unlock` encloses the passphrase; another one after each start of the door.',
    role: 'admin',
    changes: false,
    args: Type.Object({}, closed),
    result: unlockingKeyResult,
    run: async ({ vault }) => {
      if (!vault) return unavailable(none);
      const key = await vault.key();
      return done(key ? { was: 'locked' as const, key } : { was: 'open' as const });
    },
  }),
  defineCommand({
    name: 'vault.unlock',
    summary: 'Unlocks the vault of a door that recognises nobody because its key is missing; the door then starts again.',
    role: 'admin',
    changes: true,
    secret: true,
    args: Type.Object(
      {
        passphrase: Type.Optional(
          Type.String({
            ...secret,
            description: 'The passphrase, or the 24 words of the recovery phrase. From the console only: over MQTT it comes `enclosed`.',
          }),
        ),
        enclosed: Type.Optional(
          Type.String({
            ...{ minLength: 1, maxLength: 8000 },
            description: 'The same as a compact JWE (ECDH-ES, A256GCM) to the key that `vault.key` gives.',
          }),
        ),
      },
      closed,
    ),
    result: Type.Object({ was }, closed),
    run: async ({ vault }, { passphrase, enclosed }, call) => {
      if (!vault) return unavailable(none);
      if (enclosed === undefined && passphrase === undefined) return refusal('invalid-arguments', 'The passphrase is missing.');
      if (enclosed === undefined && isFromAfar(call)) return refusal('refused', tooOld);
      const given = enclosed === undefined ? passphrase : await vault.disclose(enclosed);
      return given === undefined ? await notDisclosed(vault) : await unlock(vault, given, call);
    },
  }),
];

const isFromAfar = ({ by }: Call): boolean => by.kind === 'operator' && by.via === 'mqtt';

const tooOld =
  'The passphrase must come enclosed to the key that the door gives (vault.key): whoever recorded this command and later reads the lasting keys of the door reads it. This sender is older than the door: update facelatch there, and send it again.';

type VaultPort = NonNullable<CommandPorts['vault']>;

const notDisclosed = async (vault: VaultPort): Promise<Outcome<{ was: 'open' }>> =>
  (await vault.key())
    ? refusal('refused', 'This was not enclosed to the key of this start of the door: ask for its key again (vault.key).')
    : done({ was: 'open' as const });

async function unlock(vault: VaultPort, passphrase: string, { who }: Call): Promise<Outcome<{ was: 'locked' | 'open' }>> {
  try {
    const outcome = await vault.unlock(passphrase, who);
    if (outcome === 'busy') return refusal('busy', 'Another passphrase is being tried: try again in a moment.');
    return done({ was: outcome === 'open' ? ('open' as const) : ('locked' as const) });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return refusal('denied', messageOf(error), error.code);
  }
}
