/**
 * A password that somebody gave: name and password go in; the account comes out, or a refusal that is the same, and
 * takes as long, whether there is such an account or not.
 */
import type { FastifyRequest } from 'fastify';
import type { Account } from '../accounts/account-rows.ts';
import { TurnedAway } from '../refusal.ts';
import type { AccountParts } from './forms.ts';

/** @throws TurnedAway `wrong-password` or `slow-down`. */
export async function checkedPassword(
  { accounts, authentication }: Pick<AccountParts, 'accounts' | 'authentication'>,
  request: FastifyRequest,
  name: string,
  password: string,
): Promise<Account> {
  const { address } = request.site;
  const tried = { name, address, device: authentication.deviceOf(request) };
  const failed = () => authentication.failed.add({ name: accounts.named(name)?.name, with: 'password', address });
  const waitMs = accounts.tries.begin(tried);
  if (waitMs > 0) {
    failed();
    const waitS = Math.ceil(waitMs / 1000);
    throw new TurnedAway(429, 'slow-down', `Too many wrong passwords came from here: try again in ${waitS} s`, waitS);
  }
  const found = await accounts.checkPassword(name, password, accounts.tries.isKnown(tried));
  if (found === 'busy') {
    accounts.tries.dropped(tried);
    throw new TurnedAway(429, 'slow-down', 'Too many passwords are being checked: try again in a few seconds', busyS);
  }
  if (found === 'wrong') {
    failed();
    throw new TurnedAway(401, 'wrong-password', 'The name or the password is wrong');
  }
  accounts.tries.passed(tried);
  return found;
}

const busyS = 3;
const freshMs = 600_000;

/**
 * Before the ways to sign in are changed: whoever finds an open browser must not keep the account. @throws TurnedAway
 * where the sign-in was a while ago and `password` is not the present one.
 */
export async function refuseStale(parts: AccountParts, request: FastifyRequest, name: string, password: string | undefined): Promise<void> {
  if ((request.caller?.ageMs ?? Number.POSITIVE_INFINITY) < freshMs) return;
  if (password === undefined)
    throw new TurnedAway(403, 'needs-fresh-sign-in', 'You signed in a while ago: give your present password, or sign out and in again');
  await checkedPassword(parts, request, name, password);
}
