/**
 * A queued job goes in; out comes the door's order, if the door signed it for this trainer and it is valid now, or why
 * it is refused.
 */
import type { Recipe } from '../retrain/port.ts';
import type { FarmNames } from './names.ts';
import type { FarmRedis } from './redis.ts';
import { type Known, type Party, unseal } from './seal.ts';
import { type FarmJob, jobDataForm, type Order, orderForm } from './statements.ts';

export interface OrderReader {
  readonly redis: FarmRedis;
  readonly names: FarmNames;
  readonly party: Party;
  readonly door: Known;
  readonly recipe: Recipe;
  readonly engine: string;
  readonly clockSkewS: number;
}

export async function readOrder(
  { party, door, recipe, engine, clockSkewS, names, redis }: OrderReader,
  job: FarmJob,
): Promise<{ readonly order: Order } | { readonly refused: string }> {
  const { data } = job;
  if (!jobDataForm.Check(data)) return { refused: 'has a form that this version does not know' };
  const read = await unseal(data.order, 'facelatch-farm-order+jwt', party, [door], orderForm);
  if ('refused' in read) return read;
  const { claims: order } = read;
  const now = redis.wall() / 1000;
  const wrong: readonly (readonly [boolean, string])[] = [
    [order.door !== door.name, `is of the door ${order.door} and is in the queue of ${door.name}`],
    [order.recipe !== recipe.name, `asks for ${order.recipe} and is in the queue of ${recipe.name}`],
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
      `expired ${(now - order.exp).toFixed(0)} s ago (farm.ttlMs of the door): its pictures are deleted; the door submits it again`,
    ],
  ];
  const refused = wrong.find(([applies]) => applies)?.[1];
  return refused === undefined ? { order } : { refused };
}
