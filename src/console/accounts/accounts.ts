/**
 * Who signs in to the console: one file goes in; accounts, passwords, passkeys, sessions, tokens and invitations come
 * out. The console process opens it, and for a moment the command that makes an invitation. The owner disposes of it.
 */
import { Fault } from '../../base/errors.ts';
import type { Role } from '../../command/port.ts';
import { type Account, type AccountRows, accountOf, accountRows } from './account-rows.ts';
import { type Invitations, invitationsIn } from './invitations.ts';
import { type NewPasskey, type Passkeys, passkeysIn } from './passkeys.ts';
import { newPassword, type PasswordWork, passwordWork } from './password.ts';
import { type SessionLife, type Sessions, sessionsIn } from './sessions.ts';
import { openStore, type Store } from './store.ts';
import { type Tokens, tokensIn } from './tokens.ts';
import { type SignInTries, triesIn } from './tries.ts';

/** What a new account signs in with. `handle`: what the authenticator was told that means it. */
export type FirstCredential = { readonly password: string } | { readonly passkey: NewPasskey; readonly handle: Uint8Array };

export interface Accounts extends Disposable {
  list(): readonly Account[];
  /** Names are told apart whatever the case of their letters. */
  named(name: string): Account | undefined;
  /** Random bytes that mean this account to authenticators. @throws Fault `not-found`. */
  handleOf(name: string): Uint8Array;
  /** All sessions and tokens of the account end. @throws Faults `not-found`, `not-permitted` for the only admin. */
  changeRole(name: string, role: Role): Account;
  /** All that belongs to it goes with it. @throws Faults `not-found`, `not-permitted` for the only admin. */
  remove(name: string): Account;
  /** Sessions other than `keptSession` end. @throws Faults `not-found`, `bad-argument` for a poor password. */
  setPassword(name: string, password: string, keptSession: string): Promise<void>;
  /** Takes as long where there is no such account. `busy`: too many are being checked. */
  checkPassword(name: string, password: string, isKnown: boolean): Promise<Account | 'wrong' | 'busy'>;
  /**
   * The account that the invitation makes, which is used up. @throws Faults `not-permitted` where it is not open,
   * `bad-argument` where name or password do not do.
   */
  join(secret: string, name: string, credential: FirstCredential): Promise<Account>;
  readonly passkeys: Passkeys;
  readonly sessions: Sessions;
  readonly tokens: Tokens;
  readonly invitations: Invitations;
  readonly tries: SignInTries;
}

/** As the settings `console.idleHours` and `console.sessionHours` have it. */
const usualLife: SessionLife = { idleMs: 24 * 3_600_000, longestMs: 168 * 3_600_000 };

interface Opened {
  readonly store: Store;
  readonly rows: AccountRows;
  readonly work: PasswordWork;
  readonly passkeys: Passkeys;
  readonly sessions: Sessions;
  readonly invitations: Invitations;
}

/**
 * Opens the file, or makes it. `work`: cheaper in tests. @throws Faults `accounts-damaged`, `database-newer`,
 * `disk-full`.
 */
export function openAccounts({
  file,
  clock,
  work = passwordWork(),
  life = usualLife,
}: Pick<Store, 'file' | 'clock'> & { readonly work?: PasswordWork; readonly life?: SessionLife }): Accounts {
  const store = openStore({ file, clock });
  const rows = accountRows(store);
  const [passkeys, sessions, invitations] = [passkeysIn(store, rows), sessionsIn(store, rows, life), invitationsIn(store, rows)];
  const opened: Opened = { store, rows, work, passkeys, sessions, invitations };
  return {
    list: () => rows.all().map(accountOf),
    named: (name) => {
      const row = rows.named(name);
      return row && accountOf(row);
    },
    handleOf: (name) => rows.sure(name).handle,
    changeRole: (name, role) => accountOf(store.together(() => rows.setRole(name, role))),
    remove: (name) => accountOf(store.together(() => rows.remove(name))),
    setPassword: (name, password, keptSession) => setPassword(opened, name, password, keptSession),
    checkPassword: (name, password, isKnown) => checkPassword(opened, name, password, isKnown),
    join: (secret, name, credential) => join(opened, secret, name, credential),
    passkeys,
    sessions,
    tokens: tokensIn(store, rows),
    invitations,
    tries: triesIn(store, rows),
    [Symbol.dispose]: () => store[Symbol.dispose](),
  };
}

async function setPassword({ store, rows, work, sessions }: Opened, name: string, text: string, keptSession: string): Promise<void> {
  const { id } = rows.sure(name);
  const hash = await work.hash(newPassword(text, name));
  store.together(() => {
    // Somebody may have been removed, and another account of that name made, in the meantime.
    if (rows.sure(name).id !== id) throw new Fault('not-found', `The account ${name} was removed`);
    rows.setPassword(id, hash);
    sessions.revokeAll(name, keptSession);
  });
}

async function checkPassword(
  { rows, work }: Opened,
  name: string,
  password: string,
  isKnown: boolean,
): Promise<Account | 'wrong' | 'busy'> {
  const row = rows.named(name);
  const checked = await work.check(password, row?.password ?? undefined, isKnown);
  if (checked === 'busy') return 'busy';
  // Read again: it may have been removed, or have got another password, while this one was checked.
  const now = row && rows.byId(row.id);
  if (!checked.isRight || !now || now.password !== row.password) return 'wrong';
  if (checked.again !== undefined) rows.setPassword(now.id, checked.again);
  return accountOf(now);
}

async function join(
  { store, rows, work, passkeys, invitations }: Opened,
  secret: string,
  name: string,
  credential: FirstCredential,
): Promise<Account> {
  const check = () => {
    const invitation = invitations.find(secret);
    if (!invitation)
      throw new Fault(
        'not-permitted',
        'This invitation was used, or is over: ask for another one, or run "facelatch console link" at the door',
      );
    if (invitation.name !== undefined && invitation.name !== name)
      throw new Fault('bad-argument', `This invitation is for the name ${invitation.name}`);
    return invitation;
  };
  check(); // first: the work below is dear
  const stored = 'password' in credential ? { password: await work.hash(newPassword(credential.password, name)) } : credential;
  return store.together(() => {
    const { id, role } = check();
    rows.add(name, role, stored);
    if ('passkey' in credential) passkeys.add(name, credential.passkey);
    invitations.revoke(id);
    return accountOf(rows.sure(name));
  });
}
