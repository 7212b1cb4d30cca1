/** What the door orders, as a trainer reads it: a job of the queue in; the order, which this door signed for this trainer and which is good now, or why it is refused, out. */
import { Compile } from 'typebox/compile';
import type { Recipe } from '../retrain/port.ts';
import type { FarmNames } from './names.ts';
import type { FarmRedis } from './redis.ts';
import { type Known, type Party, unseal } from './seal.ts';
import { type FarmJob, jobData, type Order, order as orderSchema } from './statements.ts';

export interface OrderReader {
  readonly redis: FarmRedis;
  readonly names: FarmNames;
  readonly party: Party;
  readonly door: Known;
  readonly recipe: Recipe;
  readonly engine: string;
  readonly clockSkewS: number;
}

const dataFits = Compile(jobData);

export async function readOrder(
  { party, door, recipe, engine, clockSkewS, names, redis }: OrderReader,
  job: FarmJob,
): Promise<{ readonly order: Order } | { readonly refused: string }> {
  const { data } = job;
  if (!dataFits.Check(data)) return { refused: 'has another form than this version knows' };
  const read = await unseal(data.order, 'facelatch-farm-order+jwt', party, [door], orderSchema);
  if ('refused' in read) return read;
  const { claims: order } = read;
  const now = redis.wall() / 1000;
  const wrong: readonly (readonly [boolean, string])[] = [
    [order.door !== door.name, `is of the door ${order.door} and lies with ${door.name}`],
    [order.recipe !== recipe.name, `asks for ${order.recipe} and lies in the queue of ${recipe.name}`],
    [names.job(order.submission) !== job.id || order.submission !== data.submission, 'belongs to another job'],
    [
      order.engine !== engine,
      `is of facelatch ${order.engine}, and this trainer runs ${engine}: install the same version on door and trainers`,
    ],
    [
      order.iat > now + clockSkewS,
      `was signed ${(order.iat - now).toFixed(0)} s in the future (farm.clockSkewS allows ${clockSkewS}): synchronise the clocks of door and trainer`,
    ],
    [
      order.exp < now - clockSkewS,
      `has been void for ${(now - order.exp).toFixed(0)} s (farm.ttlMs of the door): its pictures are gone; the door begins anew`,
    ],
  ];
  const refused = wrong.find(([is]) => is)?.[1];
  return refused === undefined ? { order } : { refused };
}
