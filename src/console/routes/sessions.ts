/** Routes: sessions and access tokens, the own ones; admins see and end everybody's. */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import { Type } from '../../base/schema.ts';
import { type ConsoleCaller, callerIn } from '../authentication.ts';
import { TurnedAway } from '../refusal.ts';
import { type AccountParts, type AddRoutes, answers, body, doneAnswer, isDone, label, listedId, moment, role, smallBody } from './forms.ts';

const config = { role: 'viewer', needsSession: true } as const;
const params = Type.Object({ id: listedId });
const querystring = Type.Object({
  everybody: Type.Optional(Type.Enum(['true'], { description: 'Those of all accounts; admins only.' })),
});

/** Whose they may see or end: undefined for everybody's. */
function whose({ name, role: own }: ConsoleCaller, everybody?: 'true'): string | undefined {
  if (everybody && own !== 'admin') throw new TurnedAway(403, 'role', 'Only an admin sees what belongs to others');
  return everybody ? undefined : name;
}
const endable = ({ name, role: own }: ConsoleCaller): string | undefined => (own === 'admin' ? undefined : name);
const gone = (what: string) => new TurnedAway(404, 'not-found', `There is no such ${what}: it may be over already`);

const sessionList = Type.Object({
  sessions: Type.Array(
    Type.Object({
      id: Type.String({ description: 'Names it in this list.' }),
      name: Type.String({ description: 'The account.' }),
      isThis: Type.Boolean({ description: 'Whether it is the one that asks.' }),
      browser: Type.String({ description: 'What the browser calls itself.' }),
      address: Type.String({ description: 'From which it signed in.' }),
      createdAt: moment('When it signed in.'),
      lastUsedAt: moment('When it was last used, to the minute.'),
      expiresAt: moment('When it ends, used or not.'),
    }),
  ),
});

export const addSessions: AddRoutes<AccountParts> = (app, { accounts, record }) => {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  const tags = ['Sessions'];
  const ended = (name: string, sessions: number, by: string) => {
    if (sessions > 0) record({ kind: 'console.session-revoked', name, sessions, by });
  };

  api.get(
    '/sessions',
    { config, schema: { tags, summary: 'List sessions', querystring, response: answers(sessionList) } },
    async (request) => {
      const caller = callerIn(request);
      const sessions = accounts.sessions.list(whose(caller, request.query.everybody));
      return { sessions: sessions.map((session) => ({ ...session, isThis: session.id === caller.id })) };
    },
  );

  api.delete(
    '/sessions',
    { config, schema: { tags, summary: 'End the own sessions, but the one that asks', response: answers(doneAnswer) } },
    async (request) => {
      const { name, id } = callerIn(request);
      ended(name, accounts.sessions.revokeAll(name, id), name);
      return isDone;
    },
  );

  api.delete(
    '/sessions/:id',
    { config, schema: { tags, summary: 'End a session', params, response: answers(doneAnswer) } },
    async (request) => {
      const caller = callerIn(request);
      const revoked = accounts.sessions.revoke(request.params.id, endable(caller));
      if (!revoked) throw gone('session');
      ended(revoked.name, 1, caller.name);
      return isDone;
    },
  );
};

const token = {
  id: Type.String({ description: 'Names it in this list.' }),
  name: Type.String({ description: 'Whose it is.' }),
  label: Type.String({ description: 'What its owner calls it.' }),
  role,
  createdAt: moment('When it was made.'),
  expiresAt: Type.Optional(moment('When it is over.')),
  lastUsedAt: Type.Optional(moment('When it was last used, to the minute.')),
};
const tokenList = Type.Object({ tokens: Type.Array(Type.Object(token)) });
const newToken = body({
  label: label('What to call it, as in "backup script".'),
  role,
  days: Type.Optional(Type.Integer({ minimum: 1, maximum: 3660, description: 'How long it counts; without an end where absent.' })),
});
const madeToken = Type.Object(
  {
    secret: Type.String({ description: 'The token, for the header `Authorization: Bearer`. It is not shown again.' }),
    token: Type.Object(token),
  },
  { description: 'Made.' },
);

export const addTokens: AddRoutes<AccountParts> = (app, { accounts, record }) => {
  const api = app.withTypeProvider<TypeBoxTypeProvider>();
  const tags = ['Access tokens'];

  api.get(
    '/tokens',
    { config, schema: { tags, summary: 'List access tokens', querystring, response: answers(tokenList) } },
    async (request) => ({
      tokens: [...accounts.tokens.list(whose(callerIn(request), request.query.everybody))],
    }),
  );

  api.post(
    '/tokens',
    { config, bodyLimit: smallBody, schema: { tags, summary: 'Make an access token', body: newToken, response: answers(madeToken) } },
    async (request) => {
      const { name } = callerIn(request);
      const { label: called, role: wanted, days } = request.body;
      const made = accounts.tokens.make(name, { label: called, role: wanted, ...(days === undefined ? {} : { days }) });
      record({ kind: 'console.token-made', name, token: called, role: wanted, by: name });
      return made;
    },
  );

  api.delete(
    '/tokens/:id',
    { config, schema: { tags, summary: 'Revoke an access token', params, response: answers(doneAnswer) } },
    async (request) => {
      const caller = callerIn(request);
      const revoked = accounts.tokens.revoke(request.params.id, endable(caller));
      if (!revoked) throw gone('access token');
      record({ kind: 'console.token-revoked', name: revoked.name, token: revoked.label, by: caller.name });
      return isDone;
    },
  );
};
