/** Routes: an account by an invitation; the first account is made the same way. */
import { randomBytes } from 'node:crypto';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from '../../base/schema.ts';
import type { FirstCredential } from '../accounts/accounts.ts';
import { secretHash } from '../accounts/secrets.ts';
import type { PasskeyCheck } from '../passkey-check.ts';
import { TurnedAway } from '../refusal.ts';
import {
  type AccountParts,
  type AddRoutes,
  accountName,
  answers,
  body,
  label,
  moment,
  passwordField,
  role,
  secretField,
  smallBody,
} from './forms.ts';
import { newPasskeyAnswer, passkeyOptions } from './passkey-forms.ts';

const tags = ['Join'];
const config = { role: 'anyone' } as const;
const invitation = secretField('The secret of the invitation, from its link.');
const joined = Type.Object({ name: Type.String({ description: 'The new account.' }), role }, { description: 'Joined and signed in.' });

const open = Type.Object(
  {
    role,
    name: Type.Optional(Type.String({ description: 'The only name that may be chosen.' })),
    by: Type.String({ description: 'Who made it.' }),
    expiresAt: moment('When it is over.'),
    isFirstRun: Type.Boolean({ description: 'There is no account yet.' }),
  },
  { description: 'The invitation, while it is open.' },
);

export const addJoin: AddRoutes<AccountParts & { readonly passkeys: PasskeyCheck }> = (app, parts) => {
  const { accounts, authentication, passkeys, record } = parts;
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  const found = (request: FastifyRequest, secret: string) => {
    const invited = accounts.invitations.find(secret);
    if (invited) return invited;
    authentication.failed.add({ with: 'invitation', address: request.site.address });
    throw new TurnedAway(
      403,
      'not-possible',
      'This invitation was used, or is over: ask for another one, or run "facelatch console link" at the door',
    );
  };
  const join = async (
    request: FastifyRequest,
    reply: FastifyReply,
    asked: { readonly invitation: string; readonly name: string },
    credential: FirstCredential,
  ) => {
    const { by } = found(request, asked.invitation);
    const account = await accounts.join(asked.invitation, asked.name, credential);
    const way = 'password' in credential ? 'password' : 'passkey';
    record({ kind: 'console.joined', name: account.name, role: account.role, with: way, address: request.site.address, by });
    authentication.signIn(request, reply, account.name);
    return { name: account.name, role: account.role };
  };
  /** The answer of an authenticator is good for this invitation and this name. */
  const purposeOf = (asked: { readonly invitation: string; readonly name: string }) =>
    `join ${Buffer.from(secretHash(asked.invitation)).toString('hex')} ${asked.name}`;

  api.post(
    '/join/invitation',
    {
      config,
      bodyLimit: smallBody,
      schema: { tags, summary: 'Look at an invitation', body: body({ invitation }), response: answers(open) },
    },
    async (request) => {
      const { id: _id, ...rest } = found(request, request.body.invitation);
      return { ...rest, isFirstRun: accounts.list().length === 0 };
    },
  );

  const withPassword = body({ invitation, name: accountName, password: passwordField('At least 12 characters.') });
  api.post(
    '/join/password',
    { config, bodyLimit: smallBody, schema: { tags, summary: 'Join with a password', body: withPassword, response: answers(joined) } },
    async (request, reply) => join(request, reply, request.body, { password: request.body.password }),
  );

  const forPasskey = body({ invitation, name: accountName });
  api.post(
    '/join/passkey/options',
    {
      config,
      bodyLimit: smallBody,
      schema: { tags, summary: 'Begin to join with a passkey', body: forPasskey, response: answers(passkeyOptions) },
    },
    async (request) => {
      found(request, request.body.invitation);
      const owner = { name: request.body.name, handle: randomBytes(32), passkeys: [] };
      return passkeys.registration(request.site, purposeOf(request.body), owner);
    },
  );

  const withPasskey = body({ invitation, name: accountName, label: label('What to call the passkey.'), response: newPasskeyAnswer });
  api.post(
    '/join/passkey',
    { config, bodyLimit: smallBody, schema: { tags, summary: 'Join with a passkey', body: withPasskey, response: answers(joined) } },
    async (request, reply) => {
      const { response, label: called } = request.body;
      found(request, request.body.invitation);
      const credential = await passkeys.registered(request.site, purposeOf(request.body), response, called);
      return join(request, reply, request.body, credential);
    },
  );
};
