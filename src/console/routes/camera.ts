/** The route by which a browser is the camera of this door (`camera.source` "browser"): one picture at a time. */
import type { FastifyInstance } from 'fastify';
import { Type } from '../../base/schema.ts';
import type { ConsoleSettings, FromConsole } from '../port.ts';
import { TurnedAway } from '../refusal.ts';
import { refusedForm } from './refused-form.ts';

/** Largest picture, bytes: 1280 × 720 at good quality has a third of it. */
const mostBytes = 1_000_000;

export function cameraRoutes(
  app: FastifyInstance,
  { settings, say }: { readonly settings: ConsoleSettings; readonly say: (message: FromConsole) => void },
): void {
  app.addContentTypeParser('image/jpeg', { parseAs: 'buffer', bodyLimit: mostBytes }, (_request, body, done) => done(null, body));
  app.post(
    '/camera/picture',
    {
      config: { role: 'admin', needsSession: true, rateLimit: { max: 1800, timeWindow: 60_000 } },
      bodyLimit: mostBytes,
      schema: {
        ...{
          summary: 'A picture of this browser’s camera, where that is the camera of the door.',
          operationId: 'camera.picture',
          tags: ['camera'],
        },
        description: 'Body: a JPEG of at most 1 MB. Only with camera.source "browser". Role: admin.',
        response: { 200: Type.Object({ taken: Type.Boolean() }, { description: 'Taken.' }), default: refusedForm },
      },
    },
    async ({ body }) => {
      if (!settings.browserCamera)
        throw new TurnedAway(409, 'not-possible', 'This door has a camera of its own: set camera.source to "browser" to try it with yours');
      // JPEG File Interchange Format: SOI and the first marker.
      if (!Buffer.isBuffer(body) || body.length < 100 || body[0] !== 0xff || body[1] !== 0xd8 || body[2] !== 0xff)
        throw new TurnedAway(400, 'bad-request', 'This is no JPEG');
      say({ kind: 'frame', picture: body });
      return { taken: true };
    },
  );
}
