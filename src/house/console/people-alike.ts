/** Who resembles whom so much that the door may take one for the other: everybody's templates against everybody. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Static, Type } from '../../base/schema.ts';
import type { ConsolePorts } from './operation.ts';

const closed = { additionalProperties: false } as const;
export const pairForm = Type.Object(
  {
    people: Type.Array(Type.Object({ id: Type.String(), name: Type.String(), hasPinNeeded: Type.Boolean() }, closed)),
    logit: Type.Number(),
    passes: Type.Boolean({ description: 'One could come in as the other; otherwise the door may find both ambiguous.' }),
  },
  closed,
);
type Pair = Static<typeof pairForm>;

/** So long one look at resemblances may take. Milliseconds. */
const lookingMs = 10_000;

/** Each template against everyone, one a turn of the thread. */
export async function pairsIn({ rooms, gallery }: ConsolePorts): Promise<{ readonly pairs: Pair[]; readonly complete: boolean }> {
  const { gallery: compared } = rooms.eyes;
  const least = compared.threshold.logit - rooms.config.identity.ambiguityMargin;
  const found = new Map<string, { ids: readonly [string, string]; logit: number }>();
  const untilMs = performance.now() + lookingMs;
  let complete = true;
  for (const { id, templates } of compared.enrolled()) {
    for (const template of templates) {
      for (const { personId, logit } of compared.match(template, 8)) {
        const ids = [id, personId].toSorted() as [string, string];
        if (personId !== id && logit >= least && logit > (found.get(ids.join())?.logit ?? Number.NEGATIVE_INFINITY))
          found.set(ids.join(), { ids, logit });
      }
      await nextTurn();
    }
    complete &&= performance.now() < untilMs;
    if (!complete) break;
  }
  const named = (id: string) => ({ id, name: gallery.find(id)?.name ?? id, hasPinNeeded: compared.rules(id).pinNeeded === true });
  const pairs = [...found.values()].toSorted((a, b) => b.logit - a.logit).slice(0, 50);
  return { complete, pairs: pairs.map(({ ids, logit }) => ({ people: ids.map(named), logit, passes: logit >= compared.threshold.logit })) };
}
