/**
 * The roll of trainers. Every few seconds each trainer publishes a signed statement: its name, its device, its recipes
 * and its version. Doors read it.
 */
import { presenceKey } from './names.ts';
import type { FarmRedis } from './redis.ts';
import { type Known, type Party, signStatement, verifyStatement } from './seal.ts';
import { type Presence, presenceForm } from './statements.ts';

/** A statement is kept in Redis for this many intervals. */
const keptIntervals = 3;

export async function tellPresence(
  { client, guard, wall }: FarmRedis,
  prefix: string,
  by: Party,
  said: Omit<Presence, 'iat'>,
  everyMs: number,
): Promise<void> {
  const text = await signStatement({ ...said, iat: wall() / 1000 }, 'facelatch-farm-trainer+jwt', by);
  await guard(client.set(presenceKey(prefix, by.id), text, 'PX', keptIntervals * everyMs));
}

export async function withdrawPresence({ client, guard }: FarmRedis, prefix: string, { id }: Party): Promise<void> {
  await guard(client.unlink(presenceKey(prefix, id)));
}

/** Those of `trainers` that are there now. A statement signed by anybody else is ignored. */
export async function presentTrainers({ client, guard }: FarmRedis, prefix: string, trainers: readonly Known[]): Promise<Presence[]> {
  const texts = await guard(client.mget(trainers.map(({ id }) => presenceKey(prefix, id))));
  const found: Presence[] = [];
  for (const [i, text] of texts.entries()) {
    const trainer = trainers[i];
    if (!text || !trainer) continue;
    const read = await verifyStatement(text, 'facelatch-farm-trainer+jwt', [trainer], presenceForm);
    if ('claims' in read) found.push(read.claims);
  }
  return found;
}
