/** The kept pictures of journal entries, and of faces that nobody has named, as pictures: for `img` elements. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from '../../base/schema.ts';
import type { AskedHouse } from '../asking.ts';
import { callerIn } from '../authentication.ts';
import type { Answered } from '../port.ts';
import { answer } from './operations.ts';
import { refusedForm } from './refused-form.ts';

const config = { role: 'operator', rateLimit: { max: 1200, timeWindow: 60_000 } } as const;
const response = { 200: Type.String({ description: 'image/jpeg' }), default: refusedForm };
/** A JPEG file begins with this (ISO/IEC 10918-1, B.1.1.3). */
const jpegStart = [0xff, 0xd8];

export function keptPictureRoutes(app: FastifyInstance, { house }: { readonly house: AskedHouse }): void {
  app.get<{ Params: { seq: string; number: string } }>(
    '/kept-pictures/:seq/:number',
    {
      config,
      schema: {
        ...{ summary: 'A kept picture of a journal entry.', operationId: 'timeline.picture.jpeg', tags: ['timeline'], response },
        description: 'JPEG. Role: operator.',
        params: Type.Object({
          seq: Type.String({ pattern: '^[1-9][0-9]{0,14}$', description: 'Of the entry.' }),
          number: Type.String({ pattern: '^[1-9][0-9]{0,1}$', description: 'Which of its pictures, from 1.' }),
        }),
      },
    },
    async (request, reply) =>
      picture(
        reply,
        await house.ask('timeline.picture', { seq: Number(request.params.seq), number: Number(request.params.number) }, callerIn(request)),
      ),
  );
  app.get<{ Params: { id: string } }>(
    '/unknown-faces/:id',
    {
      config,
      schema: {
        ...{
          summary: 'A kept picture of a face that nobody has named.',
          operationId: 'unknown-faces.picture.jpeg',
          tags: ['timeline'],
          response,
        },
        description: 'JPEG. Role: operator.',
        params: Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{64}$', description: 'As unknown-faces.list tells it.' }) }),
      },
    },
    async (request: FastifyRequest<{ Params: { id: string } }>, reply) =>
      picture(reply, await house.ask('unknown-faces.picture', { picture: request.params.id }, callerIn(request))),
  );
}

/** Kept pictures never change, but a proxy or a shared browser must not keep them either. */
function picture(reply: FastifyReply, answered: Answered): unknown {
  if (!answered.ok) return answer(reply, answered);
  const bytes = Buffer.from(base64In(answered.result), 'base64');
  const isJpeg = jpegStart.every((byte, at) => bytes[at] === byte);
  return reply
    .header('cache-control', 'no-store')
    .header('x-no-compression', '1')
    .type(isJpeg ? 'image/jpeg' : 'application/octet-stream')
    .send(bytes);
}

const base64In = (result: unknown): string =>
  typeof result === 'object' && result !== null && 'picture' in result && typeof result.picture === 'string' ? result.picture : '';
