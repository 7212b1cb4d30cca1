/**
 * Commands of learning: start, status, cancel; promote a trained network or go back; mark what a journal entry showed.
 */

import { Fault, messageOf } from '../base/errors.ts';
import { Type } from '../base/schema.ts';
import { type JobStatus, jobPlaces, jobStates, marks, recipeNames, type Training } from '../retrain/port.ts';
import type { Outcome } from './port.ts';
import { type CommandPorts, defineCommand, done, refusal, unavailable } from './spec.ts';

const closed = { additionalProperties: false } as const;
const nothing = Type.Object({}, closed);
const time = Type.String({ format: 'date-time' });

/** How a job stands; also what is published retained. */
const jobSchema = Type.Object(
  {
    id: Type.String(),
    recipe: Type.Enum([...recipeNames]),
    where: Type.Enum([...jobPlaces]),
    by: Type.String({ description: 'Who asked: an operator, or `schedule`.' }),
    state: Type.Enum([...jobStates]),
    progress: Type.Optional(
      Type.Object(
        {
          stage: Type.String(),
          done: Type.Number(),
          total: Type.Number(),
          figures: Type.Optional(Type.Record(Type.String(), Type.Number())),
        },
        closed,
      ),
    ),
    startedAt: time,
    endedAt: Type.Optional(time),
    bundle: Type.Optional(Type.String({ description: 'The candidate it made.' })),
    detail: Type.Optional(Type.String()),
  },
  closed,
);

/** Only the fields of the schema. */
function jobOf({ id, recipe, where, by, state, progress, startedAt, endedAt, bundle, detail }: JobStatus) {
  return {
    id,
    recipe,
    where,
    by,
    state,
    ...(progress && {
      progress: {
        stage: progress.stage,
        done: progress.done,
        total: progress.total,
        ...(progress.figures && { figures: { ...progress.figures } }),
      },
    }),
    startedAt,
    ...(endedAt !== undefined && { endedAt }),
    ...(bundle !== undefined && { bundle }),
    ...(detail !== undefined && { detail }),
  };
}

async function withTraining<R>(
  { training }: CommandPorts,
  act: (training: Training) => Outcome<R> | Promise<Outcome<R>>,
): Promise<Outcome<R>> {
  if (!training) return unavailable('training');
  try {
    return await act(training);
  } catch (error) {
    if (error instanceof Fault && error.code === 'training-busy') return refusal('busy', messageOf(error), error.code);
    throw error;
  }
}

const bundleId = Type.String({
  pattern: '^[0-9a-f]{4,64}$',
  description: 'The id of a trained network, or its beginning: model.list shows them.',
});

export const trainCommands = [
  defineCommand({
    name: 'train.start',
    summary: 'Learns from the people of this door; the result is used only if it is better.',
    role: 'admin',
    changes: true,
    args: Type.Object({ recipe: Type.Optional(Type.Enum([...recipeNames])), where: Type.Optional(Type.Enum([...jobPlaces])) }, closed),
    result: Type.Object({ job: jobSchema }, closed),
    run: (ports, { recipe, where }, { who }) =>
      withTraining(ports, (training) =>
        done({ job: jobOf(training.start({ by: who, ...(recipe && { recipe }), ...(where && { where }) })) }),
      ),
  }),
  defineCommand({
    name: 'train.status',
    summary: 'The training under way, or the last one.',
    role: 'viewer',
    changes: false,
    args: nothing,
    result: Type.Object({ job: Type.Optional(jobSchema) }, closed),
    run: (ports) =>
      withTraining(ports, (training) => {
        const job = training.status();
        return done(job ? { job: jobOf(job) } : {});
      }),
  }),
  defineCommand({
    name: 'train.cancel',
    summary: 'Ends the training under way; nothing of it is used.',
    role: 'operator',
    changes: true,
    args: nothing,
    result: Type.Object({ cancelled: Type.Boolean() }, closed),
    run: (ports, _args, { who }) => withTraining(ports, (training) => done({ cancelled: training.cancel(who) })),
  }),
  defineCommand({
    name: 'model.promote',
    summary: 'Measures a trained network against the one in use; an event says whether it is used from then on.',
    role: 'admin',
    changes: true,
    args: Type.Object({ bundle: bundleId }, closed),
    result: Type.Object({ measuring: Type.String({ description: 'The id; model.promoted or model.refused follows.' }) }, closed),
    run: (ports, { bundle }, { who }) => withTraining(ports, (training) => done({ measuring: training.promote(bundle, who) })),
  }),
  defineCommand({
    name: 'model.rollback',
    summary: 'Goes back to the previous network at once.',
    role: 'operator',
    changes: true,
    args: nothing,
    result: Type.Object({ to: Type.String({ description: 'A trained network, or `base`.' }), from: Type.String() }, closed),
    run: (ports, _args, { who }) =>
      withTraining(ports, async (training) => {
        const back = await training.rollback(who);
        return back
          ? done({ to: back.to, from: back.from })
          : refusal('refused', 'The door uses the network of the configuration: there is nothing to go back to.');
      }),
  }),
  defineCommand({
    name: 'mark',
    summary: 'What a journal entry really showed (right, not-them, person, stranger), for the next training.',
    role: 'operator',
    changes: true,
    args: Type.Object(
      {
        seq: Type.Integer({ minimum: 1, description: 'Of an access.granted or access.denied.' }),
        as: Type.Enum([...marks]),
        person: Type.Optional(Type.String({ minLength: 1, maxLength: 200, description: 'Name or id, for `person`.' })),
      },
      closed,
    ),
    result: Type.Object(
      {
        pictures: Type.Integer({ minimum: 0, description: 'Kept pictures of the entry; 0: there is nothing to learn from.' }),
        personId: Type.Optional(Type.String()),
      },
      closed,
    ),
    run: (ports, { seq, as, person }, { who }) =>
      withTraining(ports, (training) => done({ ...training.mark({ seq, as, by: who, ...(person !== undefined && { person }) }) })),
  }),
];
