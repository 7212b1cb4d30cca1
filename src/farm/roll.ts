/** The roll of trainers: each says every few seconds, signed, who it is, on what device, what it can do and in which version; doors read it. */

import { presenceKey } from './names.ts';
import type { FarmRedis } from './redis.ts';
import type { Known, Party } from './seal.ts';
import { sign, verify } from './seal.ts';
import { type Presence, presence } from './statements.ts';

/** What a trainer said is kept for so many of its intervals. */
const keptFor = 3;

export async function tellPresence(
  { client, guard, wall }: FarmRedis,
  prefix: string,
  by: Party,
  said: Omit<Presence, 'iat'>,
  everyMs: number,
): Promise<void> {
  const text = await sign({ ...said, iat: wall() / 1000 }, 'facelatch-farm-trainer+jwt', by);
  await guard(client.set(presenceKey(prefix, by.id), text, 'PX', keptFor * everyMs));
}

export async function withdrawPresence({ client, guard }: FarmRedis, prefix: string, { id }: Party): Promise<void> {
  await guard(client.unlink(presenceKey(prefix, id)));
}

/** Those of `trainers` that are there now. What somebody else wrote in their place counts for nothing. */
export async function presentTrainers({ client, guard }: FarmRedis, prefix: string, trainers: readonly Known[]): Promise<Presence[]> {
  const texts = await guard(client.mget(trainers.map(({ id }) => presenceKey(prefix, id))));
  const found: Presence[] = [];
  for (const [i, text] of texts.entries()) {
    const trainer = trainers[i];
    if (!text || !trainer) continue;
    const read = await verify(text, 'facelatch-farm-trainer+jwt', [trainer], presence);
    if ('claims' in read) found.push(read.claims);
  }
  return found;
}
