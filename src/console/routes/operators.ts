/** Routes: who may sign in, for admins: list, invite, change the role, remove. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { Type } from '../../base/schema.ts';
import { callerIn } from '../authentication.ts';
import { TurnedAway } from '../refusal.ts';
import {
  type AccountParts,
  type AddRoutes,
  accountName,
  answers,
  body,
  doneAnswer,
  isDone,
  listedId,
  moment,
  role,
  smallBody,
} from './forms.ts';

const tags = ['Operators'];
const config = { role: 'admin', needsSession: true } as const;
const params = Type.Object({ name: accountName });

const operator = Type.Object({
  name: Type.String({ description: 'The account.' }),
  role,
  createdAt: moment('When it was made.'),
  hasPassword: Type.Boolean({ description: 'Whether a password can be used.' }),
  passkeys: Type.Integer({ description: 'How many.' }),
  lastSeenAt: Type.Optional(moment('When a session of theirs was last used.')),
});
const invitation = {
  id: Type.String({ description: 'Names it in this list.' }),
  role,
  name: Type.Optional(Type.String({ description: 'The only name that may be chosen.' })),
  by: Type.String({ description: 'Who made it.' }),
  expiresAt: moment('When it is over.'),
};
const operatorList = Type.Object({ operators: Type.Array(operator), invitations: Type.Array(Type.Object(invitation)) });

export const addOperators: AddRoutes<AccountParts> = (app, { accounts, record }) => {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();

  api.get(
    '/operators',
    { config, schema: { tags, summary: 'List operators and open invitations', response: answers(operatorList) } },
    async () => ({
      operators: [...accounts.list()],
      invitations: [...accounts.invitations.list()],
    }),
  );

  api.patch(
    '/operators/:name',
    {
      ...{ config, bodyLimit: smallBody },
      schema: { tags, summary: 'Change the role; sessions and tokens end', params, body: body({ role }), response: answers(operator) },
    },
    async (request) => {
      const changed = accounts.changeRole(request.params.name, request.body.role);
      record({ kind: 'console.account-changed', name: changed.name, what: 'role', role: changed.role, by: callerIn(request).name });
      return changed;
    },
  );

  api.delete(
    '/operators/:name',
    { config, schema: { tags, summary: 'Remove an operator, with passkeys, sessions and tokens', params, response: answers(doneAnswer) } },
    async (request) => {
      const removed = accounts.remove(request.params.name);
      record({ kind: 'console.account-removed', name: removed.name, role: removed.role, by: callerIn(request).name });
      return isDone;
    },
  );

  api.delete(
    '/operators/:name/sessions',
    { config, schema: { tags, summary: 'End all sessions of an operator', params, response: answers(doneAnswer) } },
    async (request) => {
      const caller = callerIn(request);
      const { name } = request.params;
      const sessions = accounts.sessions.revokeAll(name);
      if (sessions > 0) record({ kind: 'console.session-revoked', name: accounts.named(name)?.name ?? name, sessions, by: caller.name });
      return isDone;
    },
  );

  const invite = body({ role, name: Type.Optional(accountName) });
  const made = Type.Object(
    {
      secret: Type.String({ description: 'For the link to the page that joins. It is not shown again.' }),
      invitation: Type.Object(invitation),
    },
    { description: 'Made. It is good for one account, within an hour.' },
  );
  api.post(
    '/invitations',
    { config, bodyLimit: smallBody, schema: { tags, summary: 'Invite an operator', body: invite, response: answers(made) } },
    async (request) => {
      const by = callerIn(request).name;
      const { name } = request.body;
      const invited = accounts.invitations.make({ role: request.body.role, by, ...(name === undefined ? {} : { name }) });
      record({ kind: 'console.invited', role: request.body.role, by, ...(name === undefined ? {} : { name }) });
      return invited;
    },
  );

  api.delete(
    '/invitations/:id',
    { config, schema: { tags, summary: 'Take an invitation back', params: Type.Object({ id: listedId }), response: answers(doneAnswer) } },
    async (request) => {
      const revoked = accounts.invitations.revoke(request.params.id);
      if (!revoked) throw new TurnedAway(404, 'not-found', 'There is no such invitation: it was used, or is over');
      const { role: wanted, name } = revoked;
      record({ kind: 'console.invitation-revoked', role: wanted, by: callerIn(request).name, ...(name === undefined ? {} : { name }) });
      return isDone;
    },
  );
};
