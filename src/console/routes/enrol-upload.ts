/** Pictures that a browser sends to an enrolment session, as they are: bytes go in, what became of them comes out. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Type } from '../../base/schema.ts';
import type { AskedHouse } from '../asking.ts';
import { callerIn } from '../authentication.ts';
import type { ConsoleSettings } from '../port.ts';
import { TurnedAway } from '../refusal.ts';

import { answer } from './operations.ts';
import { refusedForm } from './refused-form.ts';

/** What browsers call pictures that the door can read. What is inside decides the door itself. */
const types = ['image/jpeg', 'image/png', 'image/webp'];

export interface UploadParts {
  readonly house: AskedHouse;
  readonly settings: Pick<ConsoleSettings, 'maxPictureBytes'>;
}

/** Registers a reader of pictures: give it a context of its own. */
export function uploadRoutes(app: FastifyInstance, { house, settings: { maxPictureBytes } }: UploadParts): void {
  app.addContentTypeParser(types, { parseAs: 'buffer', bodyLimit: maxPictureBytes }, (_request, body, done) => done(null, body));
  app.post<{ Params: { session: string }; Querystring: { source?: string }; Body: unknown }>(
    '/enrol/:session/pictures',
    {
      bodyLimit: maxPictureBytes,
      config: { role: 'admin', rateLimit: { max: 120, timeWindow: 60_000 } },
      preParsing: async (request) => refuseLarge(request, maxPictureBytes),
      schema: {
        ...{ summary: 'Adds one picture to an enrolment session; it is judged at once.', operationId: 'enrol.upload', tags: ['enrol'] },
        description: `The body is the picture: JPEG, PNG or WebP of at most ${maxPictureBytes} bytes (enrolment.maxPictureBytes). Role: admin.`,
        consumes: types,
        params: Type.Object({ session: Type.String({ pattern: '^[A-Za-z0-9-]{1,64}$', description: 'What enrol.start answered.' }) }),
        querystring: Type.Object({
          source: Type.Optional(Type.String({ minLength: 1, maxLength: 100, description: 'Where it comes from, for people.' })),
        }),
        response: { 200: Type.Object({}, { additionalProperties: true, description: 'As enrol.add answers.' }), default: refusedForm },
      },
    },
    async (request, reply) => {
      const { body, params, query } = request;
      if (!(body instanceof Uint8Array) || body.length === 0)
        throw new TurnedAway(400, 'bad-request', 'The picture is missing: send its bytes as image/jpeg, image/png or image/webp');
      const args = { session: params.session, picture: body, source: query.source ?? 'console' };
      return answer(reply, await house.ask('enrol.upload', args, callerIn(request)));
    },
  );
}

/** By what the header says, so that nothing of it is read; Fastify stops a body that says less than it is. */
function refuseLarge({ headers }: FastifyRequest, maxPictureBytes: number): undefined {
  if (Number(headers['content-length'] ?? 0) <= maxPictureBytes) return undefined;
  throw new TurnedAway(413, 'oversized', `A picture may have at most ${maxPictureBytes} bytes (enrolment.maxPictureBytes)`);
}
