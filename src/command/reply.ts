/** The form of every reply: a schema, and the type made from it. */
import { type Static, Type } from '../base/schema.ts';
import { refusals } from './port.ts';

export const replyBody = Type.Object(
  {
    schema: Type.Literal(1),
    iss: Type.Optional(Type.String({ description: 'Thumbprint of the key that signed the reply.' })),
    id: Type.Optional(Type.String({ description: 'The id of the request (`jti` of a signed one); absent where it could not be read.' })),
    digest: Type.Optional(Type.String({ description: 'SHA-256 (base64url) of the request as it came; in signed replies.' })),
    command: Type.String(),
    at: Type.String({ format: 'date-time' }),
    ok: Type.Boolean(),
    result: Type.Optional(Type.Unknown()),
    error: Type.Optional(
      Type.Object(
        {
          code: Type.Enum([...refusals]),
          message: Type.String(),
          reason: Type.Optional(
            Type.String({ description: 'A denial of the door, a refusal of an enrolment session, or the code of a fault.' }),
          ),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);
export type ReplyBody = Static<typeof replyBody>;
