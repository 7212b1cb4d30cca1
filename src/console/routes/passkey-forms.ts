/** Forms of what browsers and authenticators say (WebAuthn Level 3, 5.1: the JSON of PublicKeyCredential). */
import { Type } from '../../base/schema.ts';
import { transports } from '../accounts/passkeys.ts';

const base64url = (description: string, maxLength = 8192) => Type.String({ pattern: '^[A-Za-z0-9_-]*$', maxLength, description });
const credential = {
  id: base64url('Credential id.', 1400),
  rawId: base64url('The same.', 1400),
  type: Type.Literal('public-key'),
  clientExtensionResults: Type.Object({}),
  authenticatorAttachment: Type.Optional(Type.Enum(['cross-platform', 'platform'])),
};

/** What `navigator.credentials.create` gave, as its `toJSON()` says it. */
export const newPasskeyAnswer = Type.Object(
  {
    ...credential,
    response: Type.Object({
      clientDataJSON: base64url('What the browser asked for.'),
      attestationObject: base64url('The new key.'),
      transports: Type.Optional(Type.Array(Type.Enum([...transports]), { maxItems: 10 })),
    }),
  },
  { description: 'The answer of `navigator.credentials.create`, as its `toJSON()` says it.' },
);

/** What `navigator.credentials.get` gave. */
export const passkeyAnswer = Type.Object(
  {
    ...credential,
    response: Type.Object({
      clientDataJSON: base64url('What the browser asked for.'),
      authenticatorData: base64url('What the authenticator did.'),
      signature: base64url('Its signature.'),
      userHandle: Type.Optional(base64url('Whose passkey it is.', 128)),
    }),
  },
  { description: 'The answer of `navigator.credentials.get`, as its `toJSON()` says it.' },
);

/** Passed on to the browser as they are. */
export const passkeyOptions = Type.Object(
  { challenge: Type.String({ description: 'Random; it counts once, for five minutes.' }) },
  { additionalProperties: true, description: 'For `navigator.credentials`, as `parse…OptionsFromJSON` takes it.' },
);
