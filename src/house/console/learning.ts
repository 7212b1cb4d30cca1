/** What trained networks were measured at, for people to compare. */
import { Type } from '../../base/schema.ts';
import { done, unavailable } from '../../command/spec.ts';
import { bundleStates } from '../../retrain/port.ts';
import { defineOperation } from './operation.ts';

const closed = { additionalProperties: false } as const;

export const learningOperations = [
  defineOperation({
    name: 'learning.networks',
    summary: 'The trained networks of this door, with what was measured when each was compared with the one in use then.',
    role: 'viewer',
    changes: false,
    args: Type.Object({}, closed),
    result: Type.Object(
      {
        guarding: Type.String({ description: 'The network that guards: an id, or `base` for that of the configuration.' }),
        networks: Type.Array(
          Type.Object(
            {
              id: Type.String(),
              state: Type.Enum([...bundleStates]),
              version: Type.Integer(),
              recipe: Type.String(),
              createdAt: Type.String(),
              note: Type.String({ description: 'Why it was refused, or what its promotion rests on.' }),
              metrics: Type.Optional(
                Type.Record(
                  Type.String(),
                  Type.Object({ value: Type.Number(), interval: Type.Optional(Type.Array(Type.Number())) }, closed),
                ),
              ),
            },
            closed,
          ),
        ),
        keeps: Type.Object(
          { grantsDays: Type.Integer(), unknownsDays: Type.Integer() },
          { ...closed, description: 'How long pictures are kept to learn from.' },
        ),
      },
      closed,
    ),
    run: ({ rooms: { learning, eyes, config } }) => {
      if (!learning) return unavailable('training');
      const networks = learning.training.bundles().map((bundle) => {
        const metrics = learning.metricsOf(bundle.id);
        return { ...bundle, ...(metrics && { metrics: plain(metrics) }) };
      });
      const { keepGrantsDays: grantsDays, keepUnknownsDays: unknownsDays } = config.retrain;
      return done({ guarding: eyes.current.id, networks, keeps: { grantsDays, unknownsDays } });
    },
  }),
];

type Metrics = Readonly<Record<string, { readonly value: number; readonly interval?: readonly [number, number] }>>;

const plain = (metrics: Metrics) =>
  Object.fromEntries(
    Object.entries(metrics).map(([name, { value, interval }]) => [name, { value, ...(interval && { interval: [...interval] }) }]),
  );
