/** Routes: the own account, its password and its passkeys. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { Type } from '../../base/schema.ts';
import type { AccountChange } from '../../events.ts';
import { callerIn } from '../authentication.ts';
import type { PasskeyCheck } from '../passkey-check.ts';
import { TurnedAway } from '../refusal.ts';
import {
  type AccountParts,
  type AddRoutes,
  answers,
  body,
  doneAnswer,
  isDone,
  label,
  moment,
  passwordField,
  role,
  smallBody,
} from './forms.ts';
import { newPasskeyAnswer, passkeyOptions } from './passkey-forms.ts';
import { refuseStale } from './password-check.ts';

const tags = ['Own account'];
const config = { role: 'viewer', needsSession: true } as const;
const present = Type.Optional(passwordField('The present password; needed where the sign-in was more than ten minutes ago.'));

const own = Type.Object(
  {
    name: Type.String({ description: 'The account.' }),
    role,
    createdAt: moment('When it was made.'),
    hasPassword: Type.Boolean({ description: 'Whether a password can be used.' }),
    passkeys: Type.Array(
      Type.Object({
        id: Type.String({ description: 'Credential id.' }),
        label: Type.String({ description: 'What its owner calls it.' }),
        host: Type.String({ description: 'The name of the console that it belongs to.' }),
        createdAt: moment('When it was added.'),
        lastUsedAt: Type.Optional(moment('When somebody signed in with it.')),
      }),
    ),
  },
  { description: 'The own account.' },
);

export const addOwnAccount: AddRoutes<AccountParts & { readonly passkeys: PasskeyCheck }> = (app, parts) => {
  const { accounts, passkeys, record } = parts;
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  const account = (name: string) => {
    const found = accounts.named(name);
    if (found) return found;
    throw new TurnedAway(401, 'signed-out', 'This account was removed');
  };
  const changed = (name: string, what: AccountChange) =>
    record({ kind: 'console.account-changed', name, what, role: account(name).role, by: name });
  /** The answer of an authenticator is good for this session. */
  const purposeOf = (request: FastifyRequest) => `add ${callerIn(request).id}`;

  api.get('/account', { config, schema: { tags, summary: 'The own account', response: answers(own) } }, async (request) => {
    const { name, role: ownRole, createdAt, hasPassword } = account(callerIn(request).name);
    return { name, role: ownRole, createdAt, hasPassword, passkeys: [...accounts.passkeys.of(name)] };
  });

  const newPassword = body({ present, password: passwordField('The new one: at least 12 characters.') });
  api.put(
    '/account/password',
    {
      ...{ config, bodyLimit: smallBody },
      schema: { tags, summary: 'Change the own password; other sessions end', body: newPassword, response: answers(doneAnswer) },
    },
    async (request) => {
      const { name, id } = callerIn(request);
      await refuseStale(parts, request, name, request.body.present);
      await accounts.setPassword(name, request.body.password, id);
      changed(name, 'password');
      return isDone;
    },
  );

  api.post(
    '/account/passkeys/options',
    {
      config,
      bodyLimit: smallBody,
      schema: { tags, summary: 'Begin to add a passkey', body: body({ present }), response: answers(passkeyOptions) },
    },
    async (request) => {
      const { name } = callerIn(request);
      await refuseStale(parts, request, name, request.body.present);
      const owner = { name, handle: accounts.handleOf(name), passkeys: accounts.passkeys.of(name) };
      return passkeys.registration(request.site, purposeOf(request), owner);
    },
  );

  const newPasskey = body({ label: label('What to call it, as in "Ada’s phone".'), response: newPasskeyAnswer });
  api.post(
    '/account/passkeys',
    { config, bodyLimit: smallBody, schema: { tags, summary: 'Add a passkey', body: newPasskey, response: answers(doneAnswer) } },
    async (request) => {
      const { name } = callerIn(request);
      const { passkey } = await passkeys.registered(request.site, purposeOf(request), request.body.response, request.body.label);
      accounts.passkeys.add(name, passkey);
      changed(name, 'passkey-added');
      return isDone;
    },
  );

  const removal = body({ present, id: Type.String({ pattern: '^[\\w-]{1,1400}$', description: 'Credential id.' }) });
  api.post(
    '/account/passkeys/remove',
    {
      ...{ config, bodyLimit: smallBody },
      schema: { tags, summary: 'Remove a passkey; other sessions end', body: removal, response: answers(doneAnswer) },
    },
    async (request) => {
      const { name, id } = callerIn(request);
      await refuseStale(parts, request, name, request.body.present);
      accounts.passkeys.remove(name, request.body.id);
      accounts.sessions.revokeAll(name, id);
      changed(name, 'passkey-removed');
      return isDone;
    },
  );
};
