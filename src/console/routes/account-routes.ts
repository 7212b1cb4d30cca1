/** All routes about who signs in, for the prefix `/api/v1`. */
import type { FastifyInstance } from 'fastify';
import { passkeyCheck } from '../passkey-check.ts';
import type { AccountParts } from './forms.ts';
import { addJoin } from './join.ts';
import { addOperators } from './operators.ts';
import { addOwnAccount } from './own-account.ts';
import { addSessions, addTokens } from './sessions.ts';
import { addSignIn } from './sign-in.ts';

/** A plugin of Fastify: `app.register(accountRoutes, { prefix: '/api/v1', … })`, after `authenticate`. */
export async function accountRoutes(app: FastifyInstance, parts: AccountParts): Promise<void> {
  const withPasskeys = { ...parts, passkeys: passkeyCheck(parts) };
  addSignIn(app, withPasskeys);
  addJoin(app, withPasskeys);
  addOwnAccount(app, withPasskeys);
  addSessions(app, parts);
  addTokens(app, parts);
  addOperators(app, parts);
}
