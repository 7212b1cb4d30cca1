/** Routes: who is signed in, signing in by password or passkey, signing out. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Type } from '../../base/schema.ts';
import type { PasskeyCheck } from '../passkey-check.ts';
import { TurnedAway } from '../refusal.ts';
import { type AccountParts, type AddRoutes, answers, body, doneAnswer, isDone, passwordField, role, smallBody } from './forms.ts';
import { passkeyAnswer, passkeyOptions } from './passkey-forms.ts';
import { checkedPassword } from './password-check.ts';

const tags = ['Sign in'];
const config = { role: 'anyone' } as const;

const who = Type.Object({ name: Type.String({ description: 'The account.' }), role }, { description: 'Whoever is signed in.' });

const session = Type.Object(
  {
    isFirstRun: Type.Boolean({ description: 'There is no account yet: the link that the door printed makes the first one.' }),
    passkeys: Type.Enum(['possible', 'address', 'not-encrypted'], {
      description:
        'Whether passkeys can be used here. `address`: they belong to a name, and this is an address. `not-encrypted`: browsers offer none.',
    }),
    caller: Type.Optional(
      Type.Object({
        name: Type.String({ description: 'The account.' }),
        role,
        by: Type.Enum(['session', 'token'], { description: 'How it was authenticated.' }),
        id: Type.String({ description: 'Of the session or token, as their lists have it.' }),
      }),
    ),
    door: Type.Optional(Type.String({ description: 'The name of the door, for whoever is signed in.' })),
  },
  { description: 'Who asks, and which ways to sign in there are.' },
);

export const addSignIn: AddRoutes<AccountParts & { readonly passkeys: PasskeyCheck }> = (app, parts) => {
  const { accounts, authentication, passkeys, record } = parts;
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  const welcome = (request: FastifyRequest, reply: FastifyReply, name: string, way: 'password' | 'passkey') => {
    authentication.signIn(request, reply, name);
    const account = accounts.named(name);
    if (!account) throw new TurnedAway(401, 'signed-out', 'This account was removed');
    record({ kind: 'console.signed-in', name: account.name, role: account.role, with: way, address: request.site.address });
    return { name: account.name, role: account.role };
  };

  api.get('/session', { config, schema: { tags, summary: 'Who is signed in', response: answers(session) } }, async ({ caller, site }) => ({
    isFirstRun: accounts.list().length === 0,
    passkeys: site.noPasskeys ?? ('possible' as const),
    ...(caller ? { caller: { name: caller.name, role: caller.role, by: caller.by, id: caller.id }, door: parts.title } : {}),
  }));

  const signIn = body({
    name: Type.String({ minLength: 1, maxLength: 64, description: 'Name of the account.' }),
    password: passwordField('Its password.'),
  });
  api.post(
    '/session/password',
    { config, bodyLimit: smallBody, schema: { tags, summary: 'Sign in with a password', body: signIn, response: answers(who) } },
    async (request, reply) => {
      const { name } = await checkedPassword(parts, request, request.body.name, request.body.password);
      return welcome(request, reply, name, 'password');
    },
  );

  api.post(
    '/session/passkey/options',
    { config, bodyLimit: smallBody, schema: { tags, summary: 'Begin to sign in with a passkey', response: answers(passkeyOptions) } },
    async ({ site }) => passkeys.signIn(site),
  );

  api.post(
    '/session/passkey',
    {
      ...{ config, bodyLimit: smallBody },
      schema: { tags, summary: 'Sign in with a passkey', body: body({ response: passkeyAnswer }), response: answers(who) },
    },
    async (request, reply) => {
      const { response } = request.body;
      try {
        const name = await passkeys.signedIn(request.site, response);
        return welcome(request, reply, name, 'passkey');
      } catch (error) {
        const name = accounts.passkeys.find(response.id)?.name;
        if (error instanceof TurnedAway) authentication.failed.add({ name, with: 'passkey', address: request.site.address });
        throw error;
      }
    },
  );

  api.delete(
    '/session',
    { config: { role: 'viewer', needsSession: true }, schema: { tags, summary: 'Sign out', response: answers(doneAnswer) } },
    async (request, reply) => {
      const { name = '' } = request.caller ?? {};
      authentication.signOut(request, reply);
      record({ kind: 'console.signed-out', name, address: request.site.address });
      return isDone;
    },
  );
};
