/**
 * The passphrase of a vault on its way to a locked door: enclosed to a key that the door made at this start and keeps
 * in memory, so that its lasting keys open no recorded command. The answer to `vault.key` is signed by the door.
 */
import { Fault } from '../../base/errors.ts';
import { Compile } from '../../base/schema.ts';
import type { ReplyBody } from '../../command/reply.ts';
import { enclosedTo } from '../../command/unlocking-key.ts';
import { unlockingKeyResult } from '../../command/vault.ts';
import type { Ask } from './send-options.ts';

const check = Compile(unlockingKeyResult);

/** Throws Fault `broker-refused` where the door is of a version without such a key: nothing was sent then. */
export async function sendPassphrase(ask: Ask, args: { readonly passphrase?: string }): Promise<ReplyBody> {
  const answer = await ask('vault.key', {});
  if (answer.error?.code === 'unknown-command')
    throw new Fault(
      'broker-refused',
      'The door is older than this facelatch, and would take the passphrase under its lasting key only. It was not sent: update the door, or unlock it at the machine (facelatch run --unlock)',
    );
  if (!answer.ok || !check.Check(answer.result)) return answer;
  const { key, was } = answer.result;
  if (!key) return { ...answer, command: 'vault.unlock', result: { was } };
  return await ask('vault.unlock', { enclosed: await enclosedTo(key, args.passphrase ?? '') });
}
