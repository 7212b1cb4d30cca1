/** How strict the door is: the threshold in its layers, the scores of its people and strangers, and other rates. */
import { Type } from '../../base/schema.ts';
import { done, refusal } from '../../command/spec.ts';
import { defineOperation } from '../console/operation.ts';

const closed = { additionalProperties: false } as const;
const counts = (description: string) => Type.Array(Type.Integer(), { description });
const level = Type.Object({ fmr: Type.Number(), logit: Type.Number(), extrapolated: Type.Boolean() });

export const strictnessOperations = [
  defineOperation({
    name: 'strictness.show',
    summary: 'How strict the door is, what its people and strangers score, and what other rates of wrong accepts would ask for.',
    role: 'operator',
    changes: false,
    args: Type.Object({}, closed),
    result: Type.Object(
      {
        policy: Type.Enum(['target-fmr', 'paper']),
        targetFmr: Type.Number({ description: 'identity.targetFmr in force.' }),
        people: Type.Integer(),
        threshold: level,
        table: Type.Optional(level),
        chances: Type.Optional(level),
        door: Type.Optional(level),
        from: Type.Number({ description: 'Logit at which the counts begin.' }),
        step: Type.Number({ description: 'Width of one count, logits.' }),
        genuine: counts('Enrolled pictures against others of the same person.'),
        strangers: counts('Strangers of the cohort against everybody enrolled.'),
        granted: counts('Attempts of the last days that were let in.'),
        turnedAway: counts('Attempts of strangers in the last days.'),
        days: Type.Integer(),
        cut: Type.Boolean({ description: 'Whether older attempts of those days are left out.' }),
        rates: Type.Array(Type.Object({ targetFmr: Type.Number(), logit: Type.Number(), extrapolated: Type.Boolean() }, closed), {
          description: 'What a face must reach for each rate; the loosest first.',
        }),
      },
      closed,
    ),
    run: async ({ rooms, strictness }) => {
      const scores = await strictness.now();
      if (scores === 'busy') return refusal('busy', 'The scores cannot be measured now: try again in a minute.');
      const { eyes, config } = rooms;
      const { threshold, people } = eyes.gallery;
      const { table, chances, door } = threshold.layers ?? {};
      const plain = ({ fmr, logit, extrapolated }: typeof threshold | NonNullable<typeof table>) => ({ fmr, logit, extrapolated });
      return done({
        ...{ policy: threshold.policy, targetFmr: config.identity.targetFmr, people, threshold: plain(threshold) },
        ...(table && { table: plain(table) }),
        ...(chances && { chances: plain(chances) }),
        ...(door && { door: plain(door) }),
        ...scores,
        ...{ genuine: [...scores.genuine], strangers: [...scores.strangers], granted: [...scores.granted] },
        ...{ turnedAway: [...scores.turnedAway], rates: scores.rates.map((rate) => ({ ...rate })) },
      });
    },
  }),
];
