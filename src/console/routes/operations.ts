/**
 * Every operation of the house as a route, but for those with routes of their own: its name, schemas and role go in;
 * `POST NAME`, which asks the house, comes out. The house checks role and arguments once more.
 */
import type { FastifyInstance, FastifyReply, FastifySchema } from 'fastify';
import type { AskedHouse } from '../asking.ts';
import type { Answered, Asker, Operation } from '../port.ts';
import { refusedForm } from './refused-form.ts';

/** HTTP status of each refusal of a command (RFC 9110, section 15.5). */
const statusOf: Readonly<Record<string, number>> = {
  'invalid-arguments': 400,
  role: 403,
  'not-found': 404,
  denied: 409,
  refused: 409,
  busy: 429,
  unavailable: 503,
  failed: 503,
};

export function operationRoutes(
  app: FastifyInstance,
  { operations, house }: { readonly operations: readonly Operation[]; readonly house: AskedHouse },
): void {
  for (const operation of operations) {
    if (operation.ownRoute) continue;
    app.post(`/${operation.name}`, { schema: schemaOf(operation), config: { role: operation.role } }, async ({ caller, body }, reply) =>
      answer(reply, await house.ask(operation.name, body ?? {}, caller as Asker)),
    );
  }
}

export function answer(reply: FastifyReply, answered: Answered): unknown {
  reply.header('cache-control', 'no-store');
  if (answered.ok) return answered.result;
  reply.status(statusOf[answered.error.code] ?? 400);
  return { error: answered.error };
}

function schemaOf({ name, summary, role, args, result }: Operation): FastifySchema {
  return {
    ...{ summary, description: `Role: ${role}.`, operationId: name, tags: [name.split('.')[0] ?? name] },
    body: args,
    // For the document: what the house answers goes out as it is.
    response: { 200: { ...result, description: 'Done.' }, default: refusedForm },
  };
}
