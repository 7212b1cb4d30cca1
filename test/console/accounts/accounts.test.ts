/** The store of the console's accounts, on a real file. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Role } from '../../../src/command/port.ts';
import { type Accounts, openAccounts } from '../../../src/console/accounts/accounts.ts';
import type { NewPasskey } from '../../../src/console/accounts/passkeys.ts';
import { type FakeClock, fakeClock } from '../../fakes/clock.ts';
import { cheapWork, password } from '../../fakes/console.ts';
import { codeOf } from '../../fakes/fault-code.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
let folder: string;
let file: string;
let clock: FakeClock;
let accounts: Accounts;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-accounts-'));
  file = join(folder, 'console', 'console.sqlite');
  clock = fakeClock();
  accounts = openAccounts({ file, clock, work: cheapWork() });
});

afterEach(() => {
  accounts[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});

const invite = (role: Role) => accounts.invitations.make({ role, by: 'cli' }).secret;
const joined = (name: string, role: Role) => accounts.join(invite(role), name, { password });
const from = { browser: 'Firefox', address: '192.168.1.7' };
const passkey = (id: string): NewPasskey => ({
  ...{ id, publicKey: new Uint8Array(77), counter: 0, transports: ['internal'], label: 'phone', host: 'door.local' },
});

it('the file is readable by its owner only, and holds no secret that lets somebody in', async () => {
  const invitation = invite('admin');
  await accounts.join(invitation, 'ada', { password });
  const { secret } = accounts.sessions.open('ada', from);
  const token = accounts.tokens.make('ada', { label: 'script', role: 'viewer' }).secret;
  const held = Buffer.concat([file, `${file}-wal`].map((path) => readFileSync(path))).toString('latin1');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(held).toContain('ada');
  for (const text of [password, invitation, secret, token]) expect(held).not.toContain(text);
});

it('a row that does not fit is a fault, and not an account', async () => {
  await joined('ada', 'admin');
  const db = new DatabaseSync(file);
  db.exec("UPDATE accounts SET role = 'owner'");
  db.close();
  expect(codeOf(() => accounts.named('ada'))).toBe('accounts-damaged');
});

describe('an invitation', () => {
  it('makes one account, with its role', async () => {
    const secret = invite('operator');
    await expect(accounts.join(secret, 'ada', { password })).resolves.toMatchObject({ name: 'ada', role: 'operator', hasPassword: true });
    await expect(accounts.join(secret, 'ben', { password })).rejects.toMatchObject({ code: 'not-permitted' });
    expect(accounts.list().map(({ name }) => name)).toEqual(['ada']);
  });

  it('makes one account also where two take it at the same time', async () => {
    const secret = invite('admin');
    const both = await Promise.allSettled([accounts.join(secret, 'ada', { password }), accounts.join(secret, 'eve', { password })]);
    expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
    expect(accounts.list()).toHaveLength(1);
  });

  it('is over after an hour, and is good for nothing where the clock was set back', async () => {
    const secret = invite('admin');
    await clock.advance(hour);
    expect(accounts.invitations.find(secret)).toBeUndefined();
    const other = invite('admin');
    clock.jump(-2 * hour);
    expect(accounts.invitations.find(other)).toBeUndefined();
  });

  it('is good for its name only', async () => {
    const { secret } = accounts.invitations.make({ role: 'viewer', name: 'ben', by: 'ada' });
    await expect(accounts.join(secret, 'eve', { password })).rejects.toMatchObject({ code: 'bad-argument' });
    await expect(accounts.join(secret, 'ben', { password })).resolves.toMatchObject({ name: 'ben' });
  });

  it('stays good where the password does not do', async () => {
    const secret = invite('admin');
    await expect(accounts.join(secret, 'ada', { password: 'short' })).rejects.toMatchObject({ code: 'bad-argument' });
    await expect(accounts.join(secret, 'ada', { password })).resolves.toMatchObject({ name: 'ada' });
  });

  it('made by another process is seen at once', () => {
    using other = openAccounts({ file, clock, work: cheapWork() });
    const { secret } = other.invitations.make({ role: 'admin', by: 'cli' });
    expect(accounts.invitations.find(secret)).toMatchObject({ role: 'admin', by: 'cli' });
  });

  it('can be taken back', () => {
    const { secret, invitation } = accounts.invitations.make({ role: 'admin', by: 'ada' });
    accounts.invitations.revoke(invitation.id);
    expect(accounts.invitations.find(secret)).toBeUndefined();
  });
});

it('a name that differs in the case of its letters only is taken', async () => {
  await joined('ada', 'admin');
  await expect(joined('Ada', 'viewer')).rejects.toMatchObject({ code: 'bad-argument' });
  await expect(joined('a da', 'viewer')).rejects.toMatchObject({ code: 'bad-argument' });
});

describe('a password', () => {
  it.each([
    ['eleven char', 'too short'],
    ['a'.repeat(257), 'too long'],
    ['facelatch-facelatch', 'the name of the program'],
    ['Ada.Byron.Ada.Byron', 'the own name'],
    ['ada.byron-FACELATCH', 'both'],
  ])('%s is refused: %s', async (text) => {
    await expect(accounts.join(invite('admin'), 'ada.byron', { password: text })).rejects.toMatchObject({ code: 'bad-argument' });
  });

  it('is the same however its letters are composed, and differs in one letter', async () => {
    await accounts.join(invite('admin'), 'ada', { password: 'schöne blaue Häuser' });
    await expect(accounts.checkPassword('ADA', 'scho\u0308ne blaue Ha\u0308user', false)).resolves.toMatchObject({ name: 'ada' });
    await expect(accounts.checkPassword('ada', 'schöne blaue Hauser', false)).resolves.toBe('wrong');
    await expect(accounts.checkPassword('eve', 'schöne blaue Häuser', false)).resolves.toBe('wrong');
  });

  it('that was stored at another cost is right, and is stored at the cost of today', async () => {
    using dear = openAccounts({ file, clock });
    await dear.join(invite('admin'), 'ada', { password });
    const stored = () => {
      const db = new DatabaseSync(file);
      const { password: hash } = db.prepare('SELECT password FROM accounts').get() ?? {};
      db.close();
      return String(hash);
    };
    expect(stored()).toMatch(/^scrypt\$131072\$8\$1\$/);
    await expect(accounts.checkPassword('ada', password, true)).resolves.toMatchObject({ name: 'ada' });
    expect(stored()).toMatch(/^scrypt\$32\$8\$1\$/);
    await expect(accounts.checkPassword('ada', password, true)).resolves.toMatchObject({ name: 'ada' });
  });

  it('that is changed ends the other sessions', async () => {
    await joined('ada', 'admin');
    const [kept, other] = [accounts.sessions.open('ada', from), accounts.sessions.open('ada', from)];
    await accounts.setPassword('ada', 'another good password', kept.session.id);
    expect(accounts.sessions.find(kept.secret)).toBeDefined();
    expect(accounts.sessions.find(other.secret)).toBeUndefined();
    await expect(accounts.checkPassword('ada', password, true)).resolves.toBe('wrong');
  });

  it('is not checked while too many strangers wait; whoever is known is not kept out by them', async () => {
    await joined('ada', 'admin');
    const strangers = Array.from({ length: 20 }, () => accounts.checkPassword('ada', 'guess guess guess', false));
    const known = accounts.checkPassword('ada', password, true);
    expect((await Promise.all(strangers)).filter((answer) => answer === 'busy')).toHaveLength(12);
    await expect(known).resolves.toMatchObject({ name: 'ada' });
  });
});

describe('the only admin', () => {
  it('can neither be removed nor get another role', async () => {
    await joined('ada', 'admin');
    await joined('ben', 'operator');
    expect(codeOf(() => accounts.remove('ada'))).toBe('not-permitted');
    expect(codeOf(() => accounts.changeRole('ada', 'operator'))).toBe('not-permitted');
    accounts.changeRole('ben', 'admin');
    expect(accounts.changeRole('ada', 'viewer')).toMatchObject({ role: 'viewer' });
    expect(codeOf(() => accounts.remove('ben'))).toBe('not-permitted');
  });
});

it.each(['removed', 'changed'])('an account that is %s has no session and no token any more', async (how) => {
  await joined('ada', 'admin');
  await joined('ben', 'operator');
  const [session, token] = [accounts.sessions.open('ben', from), accounts.tokens.make('ben', { label: 'script', role: 'viewer' })];
  accounts.passkeys.add('ben', passkey('credential-1'));
  if (how === 'removed') accounts.remove('ben');
  else accounts.changeRole('ben', 'viewer');
  expect(accounts.sessions.find(session.secret)).toBeUndefined();
  expect(accounts.tokens.find(token.secret)).toBeUndefined();
  expect(accounts.passkeys.find('credential-1') !== undefined).toBe(how === 'changed');
});

describe('a session', () => {
  beforeEach(() => joined('ada', 'admin'));

  it('ends a day after its last use', async () => {
    const { secret } = accounts.sessions.open('ada', from);
    await clock.advance(23 * hour);
    expect(accounts.sessions.find(secret)).toBeDefined();
    await clock.advance(23 * hour);
    expect(accounts.sessions.find(secret)?.session).toMatchObject({ name: 'ada', browser: 'Firefox', address: '192.168.1.7' });
    await clock.advance(day + minute);
    expect(accounts.sessions.find(secret)).toBeUndefined();
  });

  it('ends a week after it began, however much it is used', async () => {
    const { secret } = accounts.sessions.open('ada', from);
    for (let hours = 0; hours < 168; hours += 12) {
      expect(accounts.sessions.find(secret)).toBeDefined();
      await clock.advance(12 * hour);
    }
    await clock.advance(1);
    expect(accounts.sessions.find(secret)).toBeUndefined();
    expect(accounts.sessions.list()).toEqual([]);
  });

  it('lasts as long as the settings say', async () => {
    using other = openAccounts({ file, clock, work: cheapWork(), life: { idleMs: hour, longestMs: 2 * hour } });
    const { secret, session } = other.sessions.open('ada', from);
    expect(Date.parse(session.expiresAt) - Date.parse(session.createdAt)).toBe(2 * hour);
    await clock.advance(hour + minute);
    expect(other.sessions.find(secret)).toBeUndefined();
  });

  it('is revoked alone, or with all of its account', async () => {
    await joined('ben', 'viewer');
    const [one, two, three, bens] = ['ada', 'ada', 'ada', 'ben'].map((name) => accounts.sessions.open(name, from));
    expect(accounts.sessions.revoke(one!.session.id, 'ben')).toBeUndefined();
    expect(accounts.sessions.revoke(one!.session.id, 'ada')).toMatchObject({ id: one!.session.id });
    expect(accounts.sessions.find(one!.secret)).toBeUndefined();
    expect(accounts.sessions.revokeAll('ada', two!.session.id)).toBe(1);
    expect([two, three, bens].map((opened) => accounts.sessions.find(opened!.secret) !== undefined)).toEqual([true, false, true]);
  });

  it('of the fifty-first browser ends the one that was unused for longest', async () => {
    const first = accounts.sessions.open('ada', from);
    await clock.advance(minute);
    for (let n = 0; n < 50; n++) accounts.sessions.open('ada', from);
    expect(accounts.sessions.find(first.secret)).toBeUndefined();
    expect(accounts.sessions.list('ada')).toHaveLength(50);
  });
});

describe('a token', () => {
  beforeEach(() => joined('ben', 'operator'));

  it('has at most the role of its owner', () => {
    expect(codeOf(() => accounts.tokens.make('ben', { label: 'script', role: 'admin' }))).toBe('not-permitted');
    expect(accounts.tokens.make('ben', { label: 'script', role: 'operator' }).secret).toMatch(/^flt_[\w-]{43}$/);
  });

  it('counts until it expires or is revoked', async () => {
    const short = accounts.tokens.make('ben', { label: 'short', role: 'viewer', days: 1 });
    const long = accounts.tokens.make('ben', { label: 'long', role: 'viewer' });
    expect(accounts.tokens.find(short.secret)).toMatchObject({ name: 'ben', label: 'short', role: 'viewer' });
    await clock.advance(day);
    expect(accounts.tokens.find(short.secret)).toBeUndefined();
    expect(accounts.tokens.list('ben').map(({ label }) => label)).toEqual(['long']);
    expect(accounts.tokens.list('ben')[0]?.lastUsedAt).toBeUndefined();
    accounts.tokens.find(long.secret);
    expect(accounts.tokens.list('ben')[0]?.lastUsedAt).toBeDefined();
    expect(accounts.tokens.revoke(long.token.id, 'ada')).toBeUndefined();
    accounts.tokens.revoke(long.token.id, 'ben');
    expect(accounts.tokens.find(long.secret)).toBeUndefined();
  });

  it('whose role stands above its owner’s in the file does not count', () => {
    const { secret } = accounts.tokens.make('ben', { label: 'script', role: 'operator' });
    const db = new DatabaseSync(file);
    db.exec("UPDATE accounts SET role = 'viewer'");
    db.close();
    expect(accounts.tokens.find(secret)).toBeUndefined();
  });
});

describe('a passkey', () => {
  it('belongs to one account', async () => {
    await accounts.join(invite('admin'), 'ada', { passkey: passkey('one'), handle: randomBytes(32) });
    await expect(accounts.join(invite('admin'), 'eve', { passkey: passkey('one'), handle: randomBytes(32) })).rejects.toMatchObject({
      code: 'bad-argument',
    });
    expect(accounts.named('eve')).toBeUndefined();
    expect(accounts.passkeys.find('one')).toMatchObject({ name: 'ada', transports: ['internal'], host: 'door.local' });
  });

  it('is removed only where another way to sign in is left', async () => {
    await accounts.join(invite('admin'), 'ada', { passkey: passkey('one'), handle: randomBytes(32) });
    expect(codeOf(() => accounts.passkeys.remove('ada', 'one'))).toBe('not-permitted');
    accounts.passkeys.add('ada', passkey('two'));
    accounts.passkeys.remove('ada', 'one');
    expect(accounts.passkeys.of('ada').map(({ id }) => id)).toEqual(['two']);
    await joined('ben', 'viewer');
    expect(codeOf(() => accounts.passkeys.remove('ben', 'two'))).toBe('not-found');
  });

  it('counts up only; one that does not count stays at 0', async () => {
    await accounts.join(invite('admin'), 'ada', { passkey: passkey('one'), handle: randomBytes(32) });
    expect([0, 0, 3, 3, 2, 0, 4].map((counter) => accounts.passkeys.used('one', counter))).toEqual([
      ...[true, true, true, false, false, false, true],
    ]);
  });
});

describe('whoever guesses', () => {
  const guess = (name: string, address = '192.168.1.66', device?: string) => accounts.tries.begin({ name, address, device });

  beforeEach(() => joined('ada', 'admin'));

  it('waits twice as long after each try, up to a quarter of an hour, and after a restart as well', async () => {
    for (let n = 0; n < 5; n++) expect(guess('ada')).toBe(0);
    const waits: number[] = [];
    for (let n = 0; n < 12; n++) {
      waits.push(guess('ada'));
      await clock.advance(waits.at(-1) ?? 0);
      expect(guess('ada')).toBe(0);
      accounts[Symbol.dispose]();
      accounts = openAccounts({ file, clock, work: cheapWork() });
    }
    expect(waits.slice(0, 5)).toEqual([1000, 2000, 4000, 8000, 16_000]);
    expect(Math.max(...waits)).toBeLessThanOrEqual(15 * minute);
    expect(waits.at(-1)).toBeGreaterThan(5 * minute);
  });

  it('waits as long for a name that does not exist, and does not learn by it which do', () => {
    for (let n = 0; n < 5; n++) [guess('ada', '10.0.0.1'), guess('eve', '10.0.0.2')];
    expect(guess('eve', '10.0.0.2')).toBe(guess('ada', '10.0.0.1'));
  });

  it('keeps nobody out who comes from elsewhere', () => {
    while (guess('ada') === 0);
    expect(guess('ada', '192.168.1.7')).toBe(0);
  });

  it('waits with each new name, after twenty tries', () => {
    for (let n = 0; n < 20; n++) expect(guess(`name-${n}`)).toBe(0);
    expect(guess('another')).toBe(1000);
  });

  it('is forgiven by the right password; the tries for other accounts are not', () => {
    for (let n = 0; n < 18; n++) guess(`name-${n}`);
    guess('ada');
    accounts.tries.passed({ name: 'ada', address: '192.168.1.66', device: undefined });
    expect([guess('ada'), guess('ada'), guess('ada')]).toEqual([0, 0, 1000]);
  });

  it('keeps no browser out that signed in before, from the same network neither', () => {
    const device = accounts.tries.newDevice('ada');
    for (let n = 0; n < 30; n++) guess('ada', `2001:db8::${n}`);
    expect(guess('ada', '2001:db8::77')).toBeGreaterThan(0);
    for (let n = 0; n < 5; n++) expect(guess('Ada', '2001:db8::77', device)).toBe(0);
    expect(guess('ada', '2001:db8::77', device)).toBe(1000);
  });

  it('gains nothing by the device of another account, nor by one that is three months old', async () => {
    await joined('eve', 'viewer');
    const [eves, adas] = [accounts.tries.newDevice('eve'), accounts.tries.newDevice('ada')];
    expect([eves, adas, 'made-up'].map((device) => accounts.tries.isKnown({ name: 'ada', device }))).toEqual([false, true, false]);
    await clock.advance(90 * day);
    expect(accounts.tries.isKnown({ name: 'ada', device: adas })).toBe(false);
  });

  it('does not wait longer because the clock was set back', async () => {
    for (let n = 0; n < 5; n++) guess('ada');
    clock.jump(-365 * day);
    expect(guess('ada')).toBe(1000);
    await clock.advance(1000);
    expect(guess('ada')).toBe(0);
  });
});
