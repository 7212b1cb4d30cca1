/**
 * Passwords: text goes in; a salted scrypt hash to store (RFC 7914), or whether it matches one, comes out. Each costs
 * 128 MiB and some 0.4 s of a core, so that guessing is dear also for whoever has the file. How many run at once is
 * limited.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { Fault } from '../../base/errors.ts';
import { type SerialQueue, serialQueue } from '../../base/serial.ts';

interface Cost {
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/** As OWASP's Password Storage Cheat Sheet has it. */
const usualCost: Cost = { n: 2 ** 17, r: 8, p: 1 };
const hashBytes = 32;

const fewest = 12;
const most = 256;
/** What a password needs besides the name and the program's own. */
const fewestOfItsOwn = 8;

/** Two ways to write the same letter are one password (NFKC). @throws Fault `bad-argument` where it does not do. */
export function newPassword(text: string, name: string): string {
  const password = text.normalize('NFKC');
  const length = [...password].length;
  if (length < fewest) throw new Fault('bad-argument', `A password has at least ${fewest} characters: several words are good ones`);
  if (length > most) throw new Fault('bad-argument', `A password has at most ${most} characters`);
  const words = ['facelatch', name.toLowerCase()].filter((word) => word.length > 2);
  const own = words.reduce((left, word) => left.replaceAll(word, ''), password.toLowerCase());
  if (own.length < fewestOfItsOwn)
    throw new Fault('bad-argument', 'This password is little more than your name or "facelatch": add words to it');
  return password;
}

/**
 * Does the dear work, at most two pieces at once. Browsers that signed in before (`isKnown`) wait in a row of their
 * own: strangers who try passwords do not keep them out.
 */
export interface PasswordWork {
  /** `scrypt$n$r$p$salt$hash`. @throws Fault `not-permitted` where too many wait. */
  hash(password: string): Promise<string>;
  /** Takes as long where nothing is stored. `again`: a hash of today's cost to store in its place. */
  check(
    password: string,
    stored: string | undefined,
    isKnown: boolean,
  ): Promise<{ readonly isRight: boolean; readonly again?: string } | 'busy'>;
}

interface Row {
  readonly queue: SerialQueue;
  waiting: number;
}

const mostWaiting = 8;
const newRow = (): Row => ({ queue: serialQueue(), waiting: 0 });

async function inRow<T>(row: Row, work: () => Promise<T>): Promise<T | 'busy'> {
  if (row.waiting >= mostWaiting) return 'busy';
  row.waiting++;
  try {
    return await row.queue(work);
  } finally {
    row.waiting--;
  }
}

export function passwordWork(cost: Cost = usualCost): PasswordWork {
  const [known, strangers] = [newRow(), newRow()];
  const nobodys = storedText(cost, randomBytes(16), randomBytes(hashBytes));
  const hash = async (password: string): Promise<string> => {
    const salt = randomBytes(16);
    return storedText(cost, salt, await derive(password, salt, cost));
  };
  return {
    hash: async (password) => {
      const done = await inRow(known, () => hash(password));
      if (done === 'busy') throw new Fault('not-permitted', 'Too many passwords are being checked: try again in a few seconds');
      return done;
    },
    check: async (text, stored, isKnown) =>
      inRow(isKnown ? known : strangers, async () => {
        const password = text.normalize('NFKC');
        const isRight = (await matches(password, stored ?? nobodys)) && stored !== undefined;
        const isOfToday = stored?.startsWith(storedText(cost)) ?? true;
        return isRight && !isOfToday ? { isRight, again: await hash(password) } : { isRight };
      }),
  };
}

const storedText = ({ n, r, p }: Cost, ...parts: readonly Uint8Array[]): string =>
  ['scrypt', n, r, p, ...parts.map((part) => Buffer.from(part).toString('base64url'))].join('$');

async function matches(password: string, stored: string): Promise<boolean> {
  const [, n, r, p, salt = '', hash = ''] = stored.split('$');
  const wanted = Buffer.from(hash, 'base64url');
  const got = await derive(password, Buffer.from(salt, 'base64url'), { n: Number(n), r: Number(r), p: Number(p) });
  return wanted.length === got.length && timingSafeEqual(wanted, got);
}

const derive = (password: string, salt: Uint8Array, { n, r, p }: Cost): Promise<Buffer> =>
  new Promise((resolve, reject) =>
    scrypt(password, salt, hashBytes, { N: n, r, p, maxmem: 128 * n * r + 2 ** 20 * r * p }, (error, key) =>
      error ? reject(error) : resolve(key),
    ),
  );
