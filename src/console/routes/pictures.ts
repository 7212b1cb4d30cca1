/** Pictures of people who are enrolled, for admins: an address goes in, the picture comes out, kept by no browser. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from '../../base/schema.ts';
import type { AskedHouse } from '../asking.ts';
import { callerIn } from '../authentication.ts';

import { answer } from './operations.ts';
import { refusedForm } from './refused-form.ts';

const person = Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$', description: 'The id of the person.' });
const schemaOf = (operationId: string, summary: string, params: object, querystring?: object) => ({
  ...{ summary, operationId, tags: ['people'], params, ...(querystring && { querystring }) },
  description: 'JPEG or PNG. Role: admin.',
  response: { 200: Type.String({ description: 'image/jpeg' }), default: refusedForm },
});
const config = { role: 'admin', rateLimit: { max: 1200, timeWindow: 60_000 } } as const;

export function pictureRoutes(app: FastifyInstance, { house }: { readonly house: AskedHouse }): void {
  const send = async (request: FastifyRequest, reply: FastifyReply, args: object) => {
    const answered = await house.ask('people.picture', args, callerIn(request));
    const { picture } = answered.ok ? (answered.result as { picture: Uint8Array }) : {};
    if (!picture) return answer(reply, answered);
    const type = picture[0] === 0x89 ? 'image/png' : 'image/jpeg';
    return reply.header('cache-control', 'no-store').header('x-no-compression', '1').type(type).send(Buffer.from(picture));
  };
  app.get<{ Params: { person: string } }>(
    '/people/:person/face',
    {
      config,
      schema: schemaOf('people.face', 'A small picture of a person: the first that they are enrolled with.', Type.Object({ person })),
    },
    (request, reply) => send(request, reply, { person: request.params.person, small: true }),
  );
  app.get<{ Params: { person: string; picture: string }; Querystring: { small?: string } }>(
    '/people/:person/pictures/:picture',
    {
      config,
      schema: schemaOf(
        'people.picture',
        'A picture that a person is enrolled with; people.pictures lists them.',
        Type.Object({ person, picture: Type.String({ pattern: '^[0-9a-f]{64}$' }) }),
        Type.Object({ small: Type.Optional(Type.Enum(['1'])) }),
      ),
    },
    (request, reply) => send(request, reply, { ...request.params, small: request.query.small === '1' }),
  );
}
