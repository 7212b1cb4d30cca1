/**
 * Pictures between the console and the people, as bytes: a stored picture goes out, whole or small; a picture that a
 * browser sends goes into an enrolment session. They have routes of their own (src/console/routes/).
 */
import { Type } from '../../base/schema.ts';
import { serialQueue } from '../../base/serial.ts';
import { addWhole, outcomeSchema } from '../../command/enrol.ts';
import { done, refusal } from '../../command/spec.ts';
import { frameThumbnail } from '../../face/thumbnail.ts';
import { type ConsoleOperation, defineOperation } from './operation.ts';

const closed = { additionalProperties: false } as const;
const bytes = Type.Unsafe<Uint8Array>({ description: 'The bytes of an encoded picture.' });
const noPicture = refusal('not-found', 'There is no such picture, or it is not kept (privacy.templatesOnly).');

/** One picture is made small at a time: the door needs the processor too. */
export function pictureOperations(): readonly ConsoleOperation[] {
  const inTurn = serialQueue();
  return [
    defineOperation({
      name: 'people.picture',
      summary: 'A picture that a person is enrolled with; without its id, the first.',
      role: 'admin',
      changes: false,
      ownRoute: true,
      args: Type.Object(
        {
          person: Type.String({ minLength: 1, maxLength: 64, description: 'The id.' }),
          picture: Type.Optional(Type.String({ pattern: '^[0-9a-f]{64}$' })),
          small: Type.Boolean(),
        },
        closed,
      ),
      result: Type.Object({ picture: bytes }, closed),
      run: async ({ rooms }, { person, picture: wanted, small }) => {
        const { gallery } = rooms.eyes;
        const id = wanted ?? gallery.picturesAbout(person)[0]?.id;
        const picture = id === undefined ? undefined : gallery.picture(person, id);
        if (!picture) return noPicture;
        return done({ picture: small ? await inTurn(() => frameThumbnail(picture)) : picture });
      },
    }),
    defineOperation({
      name: 'enrol.upload',
      summary: 'Adds one picture to an enrolment session; it is judged at once.',
      role: 'admin',
      changes: true,
      ownRoute: true,
      args: Type.Object(
        {
          session: Type.String({ minLength: 1, maxLength: 64 }),
          picture: bytes,
          source: Type.String({ minLength: 1, maxLength: 100 }),
        },
        closed,
      ),
      result: outcomeSchema,
      run: (ports, { session, picture, source }, call) =>
        picture instanceof Uint8Array
          ? addWhole(ports, call, { session, picture, source })
          : refusal('invalid-arguments', 'The picture is missing.'),
    }),
  ];
}
