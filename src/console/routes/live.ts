/**
 * The live stream as server-sent events (HTML Living Standard, section 9.2): what the house tells comes out to
 * everybody who watches, the pictures of moments by their number. A watcher that takes nothing misses moments.
 */
import type { FastifyInstance } from 'fastify';
import { Type } from '../../base/schema.ts';
import type { Authentication } from '../authentication.ts';
import type { Broadcast, ToldWatchers } from '../broadcast.ts';
import { TurnedAway } from '../refusal.ts';
import { refusedForm } from './refused-form.ts';

export interface LiveParts {
  readonly broadcast: Broadcast;
  readonly authentication: Authentication;
}

/** At most so many watch at a time. */
const mostWatchers = 20;
/** A comment, so that nothing between takes the stream for dead; then it is also checked that they may still watch. */
const beatMs = 5000;
/** What a browser has not taken may grow to so many bytes before moments are left out, and before it is let go. */
const slowBytes = 65_536;
const deadBytes = 1_048_576;

export function liveRoutes(app: FastifyInstance, { broadcast, authentication }: LiveParts): void {
  app.get<{ Querystring: { moments?: '1' } }>(
    '/live',
    {
      config: { role: 'viewer', rateLimit: { max: 60, timeWindow: 60_000 } },
      schema: {
        ...{ summary: 'What the door sees and decides, as it happens.', operationId: 'live', tags: ['live'] },
        description: 'Server-sent events: moment, event, state, enrolment, training. Role: viewer.',
        querystring: Type.Object({ moments: Type.Optional(Type.Enum(['1'], { description: 'Moments too: what the camera shows.' })) }),
        response: { 200: Type.String({ description: 'text/event-stream' }), default: refusedForm },
      },
    },
    async (request, reply) => {
      if (broadcast.watchers >= mostWatchers)
        throw new TurnedAway(503, 'unavailable', `${mostWatchers} browsers watch this door already: close one of them`);
      reply.hijack();
      const { raw } = reply;
      raw.writeHead(200, {
        ...(reply.getHeaders() as Record<string, string>),
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      raw.write('retry: 2000\n\n');
      const watching = broadcast.watch(({ topic, data }: ToldWatchers) => {
        if (topic === 'moment' && raw.writableLength > slowBytes) return;
        if (raw.writableLength > deadBytes) return void raw.destroy();
        raw.write(`event: ${topic}\ndata: ${JSON.stringify(data)}\n\n`);
      }, request.query.moments === '1');
      const beat = setInterval(() => {
        if (authentication.isStillCaller(request)) raw.write(': here\n\n');
        else raw.end();
      }, beatMs);
      raw.once('close', () => {
        clearInterval(beat);
        watching[Symbol.dispose]();
      });
    },
  );
  app.get<{ Params: { n: number } }>(
    '/live/:n',
    {
      config: { role: 'viewer', rateLimit: { max: 3000, timeWindow: 60_000 } },
      schema: {
        ...{ summary: 'The picture of a moment of the live stream.', operationId: 'live.picture', tags: ['live'] },
        description: 'JPEG, as it came from the camera. Role: viewer.',
        params: Type.Object({ n: Type.String({ pattern: '^[0-9]{1,9}$', description: 'The number of the moment.' }) }),
        response: {
          200: Type.String({ description: 'image/jpeg' }),
          204: Type.Null({ description: 'The moment is over: its picture is no longer there.' }),
          default: refusedForm,
        },
      },
    },
    async ({ params }, reply) => {
      const picture = broadcast.picture(Number(params.n));
      // No error: whoever has a slow connection is late for some pictures, and takes the next.
      if (!picture) return await reply.code(204).send();
      return await reply.header('cache-control', 'no-store').header('x-no-compression', '1').type('image/jpeg').send(Buffer.from(picture));
    },
  );
}
