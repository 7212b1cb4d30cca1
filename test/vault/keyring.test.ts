import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { keyringNotes, openKeyring } from '../../src/vault/keyring.ts';
import type { KeyOwner, SealedPlace, Vault } from '../../src/vault/port.ts';
import { ownerName, ownerOf } from '../../src/vault/sealing.ts';
import { memoryVault } from '../fakes/vault.ts';

const place: SealedPlace = { schema: 'people 6', column: 'pictures.picture', row: '7' };
const ada: KeyOwner = { person: 'p-ada' };
const bob: KeyOwner = { person: 'p-bob' };
const text = (value: string) => new Uint8Array(Buffer.from(value));

let folder: string;
let file: string;
const kek = new Uint8Array(randomBytes(32));
const open = (key: Uint8Array = kek, lockTimeoutMs = 100) =>
  openKeyring({ file, kek: new Uint8Array(key), source: 'file', now: () => '2026-11-30T00:00:00.000Z', lockTimeoutMs });

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-keyring-'));
  file = join(folder, 'vault.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true }));

it('what is sealed for an owner and a place opens there, in this process and the next', () => {
  let sealed: Uint8Array;
  {
    using vault = open();
    sealed = vault.seal(ada, place, text('a face'));
    expect(Buffer.from(sealed).includes('a face')).toBe(false);
    expect(vault.seal(ada, place, text('a face'))).not.toEqual(sealed);
  }
  using again = open();
  expect(Buffer.from(again.open(ada, place, sealed) ?? []).toString()).toBe('a face');
});

it('a value opens nowhere else: not for another owner, schema, column, row or embedder, and not with a bit changed', () => {
  using vault = memoryVault();
  vault.seal(bob, place, text('another'));
  const sealed = vault.seal(ada, place, text('a face'));
  const elsewhere: [KeyOwner, SealedPlace][] = [
    [bob, place],
    ['door', place],
    [ada, { ...place, schema: 'people 7' }],
    [ada, { ...place, column: 'pictures.source' }],
    [ada, { ...place, row: '8' }],
    [ada, { ...place, embedder: 'e' }],
  ];
  const broken = expect.objectContaining({ code: 'seal-broken' });
  for (const [owner, where] of elsewhere) expect(() => vault.open(owner, where, sealed)).toThrow(broken);
  for (let at = 0; at < sealed.length; at++) {
    const changed = Uint8Array.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(() => vault.open(ada, place, changed)).toThrow(broken);
    expect(() => vault.open(ada, place, sealed.subarray(0, at))).toThrow(broken);
  }
});

it('places that join to the same text are different places', () => {
  using vault = memoryVault();
  const sealed = vault.seal(ada, { schema: 'a', column: 'bc', row: 'd' }, text('x'));
  expect(() => vault.open(ada, { schema: 'ab', column: 'c', row: 'd' }, sealed)).toThrow(expect.objectContaining({ code: 'seal-broken' }));
});

it('what was sealed for somebody whose key is destroyed is gone, and nothing more is kept for them', () => {
  using vault = open();
  const [hers, his] = [vault.seal(ada, place, text('Ada')), vault.seal(bob, place, text('Bob'))];
  const name = vault.pseudonym(ada, 'journal', 'p-ada');
  expect(name).toHaveLength(32);
  const before = vault.epoch;
  vault.destroy([ada]);
  expect(vault.epoch).toBe(before + 1);
  expect(vault.open(ada, place, hers)).toBeUndefined();
  expect(vault.holds(ada)).toBe(false);
  expect(vault.pseudonym(ada, 'journal', 'p-ada')).toBeUndefined();
  expect(() => vault.seal(ada, place, text('Ada'))).toThrow(expect.objectContaining({ code: 'key-destroyed' }));
  expect(vault.destroyed()).toEqual([{ owner: ada, at: '2026-11-30T00:00:00.000Z' }]);
  expect(Buffer.from(vault.open(bob, place, his) ?? []).toString()).toBe('Bob');
  expect(vault.owners()).toEqual(['door', bob]);
});

it('after a destruction no wrapped key of before is left in the file or its log', () => {
  using vault = open();
  vault.seal(ada, place, text('Ada'));
  vault.seal(bob, place, text('Bob'));
  const wrapped = rows().map(({ wrapped: bytes }) => Buffer.from(bytes));
  expect(wrapped).toHaveLength(3);
  vault.destroy([ada]);
  for (const name of readdirSync(folder)) {
    const content = readFileSync(join(folder, name));
    for (const bytes of wrapped) expect(content.includes(bytes)).toBe(false);
  }
});

it('of many keys the first are wrapped again at once and the others in steps; each opens at every moment, for every process', () => {
  const sealed = new Map<KeyOwner, Uint8Array>();
  const people = Array.from({ length: 150 }, (_, n): KeyOwner => ({ person: `p-${String(n).padStart(3, '0')}` }));
  const seal = (vault: Vault, owner: KeyOwner) => sealed.set(owner, vault.seal(owner, place, text(ownerName(owner))));
  const expectAll = (...vaults: Vault[]) => {
    for (const vault of vaults)
      for (const [owner, value] of sealed) expect(Buffer.from(vault.open(owner, place, value) ?? []).toString()).toBe(ownerName(owner));
  };
  using vault = open();
  for (const person of people) seal(vault, person);
  const before = new Map(rows().map(({ owner, wrapped }) => [owner, Buffer.from(wrapped).toString('hex')]));
  const left = () => rows().filter(({ owner, wrapped }) => before.get(owner) === Buffer.from(wrapped).toString('hex')).length;
  vault.destroy([ada]);
  expect([vault.epoch, left() > 0, left() < people.length]).toEqual([2, true, true]);
  using second = open();
  seal(second, { person: 'p-075-new' });
  expectAll(vault, second);
  expect(second.settle()).toBe('more');
  expectAll(vault, second);
  let steps = 0;
  while (vault.settle() === 'more') steps++;
  expect([steps, left(), second.settle()]).toEqual([1, 0, 'settled']);
  expectAll(vault, second);
  vault.destroy([ada]);
  vault.rekey({ kek: randomBytes(32), source: 'file' });
  expectAll(vault);
  expect(vault.settle()).toBe('settled');
});

it('many destructions in a row wrap no more keys than one; afterwards no key is left as it was at any of them', () => {
  using vault = open();
  using second = open();
  const people = Array.from({ length: 150 }, (_, n): KeyOwner => ({ person: `p-${String(n).padStart(3, '0')}` }));
  const [gone, there] = [people.slice(100), people.slice(0, 100)];
  const sealed = people.map((owner) => vault.seal(owner, place, text(ownerName(owner))));
  const wrapped = () => new Map(rows().map(({ owner, wrapped: bytes }) => [owner, Buffer.from(bytes).toString('hex')]));
  const old = new Set(wrapped().values());
  const since = [...gone.entries()].map(([n, owner]) => {
    const before = wrapped();
    (n % 2 === 0 ? vault : second).destroy([owner]);
    // Each is seen at once: the gallery looks at it.
    expect([vault.epoch, second.epoch, second.holds(owner)]).toEqual([n + 2, n + 2, false]);
    const after = wrapped();
    for (const one of after.values()) old.add(one);
    return [...after].filter(([name, one]) => before.get(name) !== one).length;
  });
  expect([since[0]! > 0, since.slice(1)]).toEqual([true, gone.slice(1).map(() => 0)]);
  const late = second.seal({ person: 'p-new' }, place, text('new'));
  for (let left: string = 'more'; left === 'more'; left = vault.settle())
    for (const [n, owner] of there.entries())
      expect(Buffer.from(second.open(owner, place, sealed[n]!) ?? []).toString()).toBe(ownerName(owner));
  expect([second.settle(), vault.epoch]).toEqual(['settled', gone.length + 1]);
  expect(Buffer.from(vault.open({ person: 'p-new' }, place, late) ?? []).toString()).toBe('new');
  expect(
    [...wrapped().entries()].filter(([, one]) => old.has(one)),
    'wrapped as before',
  ).toEqual([]);
  for (const name of readdirSync(folder)) {
    const content = readFileSync(join(folder, name)).toString('hex');
    expect([...old].filter((one) => content.includes(one))).toEqual([]);
  }
});

it('a log that another process keeps from being emptied is emptied later, and nobody waits for it', () => {
  const wrapped = () => rows().map(({ wrapped: bytes }) => Buffer.from(bytes).toString('hex'));
  const found = (keys: readonly string[]) =>
    readdirSync(folder).filter((name) => keys.some((key) => readFileSync(join(folder, name)).toString('hex').includes(key)));
  const patienceMs = 20_000;
  using vault = open(kek, patienceMs);
  vault.seal(ada, place, text('Ada'));
  vault.seal(bob, place, text('Bob'));
  const before = wrapped();
  using reader = new DatabaseSync(file);
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM keys').get();
  const fromMs = performance.now();
  vault.destroy([ada]);
  expect([vault.settle(), vault.settle()]).toEqual(['held', 'held']);
  expect(performance.now() - fromMs).toBeLessThan(patienceMs / 2);
  expect(found(before)).not.toEqual([]);
  reader.exec('COMMIT');
  // Another process does it too, such as the next start.
  using next = open();
  expect(next.settle()).toBe('settled');
  expect([found(before), vault.settle()]).toEqual([[], 'settled']);
});

it('a second process sees keys and destructions of the first at once, whichever epoch it knew', () => {
  using first = open();
  using second = open();
  const sealed = first.seal(ada, place, text('Ada'));
  expect(Buffer.from(second.open(ada, place, sealed) ?? []).toString()).toBe('Ada');
  first.destroy([bob]);
  expect(Buffer.from(second.open(ada, place, sealed) ?? []).toString()).toBe('Ada');
  second.destroy([ada]);
  expect(first.open(ada, place, sealed)).toBeUndefined();
});

it('another key is refused and changes nothing', () => {
  open()[Symbol.dispose]();
  const before = readFileSync(file);
  const other = new Uint8Array(randomBytes(32));
  const opening = () => openKeyring({ file, kek: other, source: 'file', now: () => '' });
  expect(opening).toThrow(expect.objectContaining({ code: 'vault-unfit' }));
  expect(other).toEqual(new Uint8Array(32));
  expect(readFileSync(file)).toEqual(before);
  open()[Symbol.dispose]();
});

it('with another key everything opens as before, and the key before opens nothing', () => {
  const next = randomBytes(32);
  let sealed: Uint8Array;
  {
    using vault = open();
    sealed = vault.seal(ada, place, text('Ada'));
    vault.destroy([bob]);
    const wrapped = rows().map(({ wrapped: bytes }) => Buffer.from(bytes));
    vault.rekey({ kek: Uint8Array.from(next), source: 'beside' });
    expect(vault.source).toBe('beside');
    expect(Buffer.from(vault.open(ada, place, sealed) ?? []).toString()).toBe('Ada');
    for (const name of readdirSync(folder))
      for (const bytes of wrapped) expect(readFileSync(join(folder, name)).includes(bytes)).toBe(false);
  }
  expect(() => open()).toThrow(expect.objectContaining({ code: 'vault-unfit' }));
  using again = open(next);
  expect(Buffer.from(again.open(ada, place, sealed) ?? []).toString()).toBe('Ada');
  expect(again.destroyed()).toHaveLength(1);
  expect(keyringNotes(file)).toEqual({ source: 'beside' });
});

it('a process that knows the key before finds a keyring with another key unfit, and changes nothing', () => {
  using first = open();
  using second = open();
  first.rekey({ kek: randomBytes(32), source: 'file' });
  const unfit = expect.objectContaining({ code: 'vault-unfit' });
  expect(() => second.seal(ada, place, text('Ada'))).toThrow(unfit);
  expect(() => second.destroy([bob])).toThrow(unfit);
  expect(() => second.rekey({ kek: new Uint8Array(kek), source: 'file' })).toThrow(unfit);
  expect(first.destroyed()).toEqual([]);
});

it('a keyring that lost the key of its door, or whose rows were exchanged, counts as damaged', () => {
  {
    using vault = open();
    vault.seal(ada, place, text('Ada'));
    vault.seal(bob, place, text('Bob'));
    change("UPDATE keys SET wrapped = (SELECT wrapped FROM keys WHERE owner = 'person:p-bob') WHERE owner = 'person:p-ada'");
    expect(() => vault.seal(ada, place, text('x'))).toThrow(expect.objectContaining({ code: 'vault-damaged' }));
  }
  change("DELETE FROM keys WHERE owner = 'door'");
  expect(() => open()).toThrow(expect.objectContaining({ code: 'vault-damaged' }));
});

it('names differ by owner, purpose and text', () => {
  using vault = memoryVault();
  const all = [
    vault.pseudonym(ada, 'journal', 'x'),
    vault.pseudonym(bob, 'journal', 'x'),
    vault.pseudonym('door', 'journal', 'x'),
    vault.pseudonym(ada, 'gallery', 'x'),
    vault.pseudonym(ada, 'journal', 'y'),
  ].map((bytes) => Buffer.from(bytes ?? []).toString('hex'));
  expect(new Set(all).size).toBe(all.length);
  expect(Buffer.from(vault.pseudonym(ada, 'journal', 'x') ?? []).toString('hex')).toBe(all[0]);
});

it('every owner has a name of their own, and the name tells the owner', () => {
  const text = fc.string({ minLength: 1 });
  const owner = fc.oneof(
    fc.constant<KeyOwner>('door'),
    text.map((person): KeyOwner => ({ person })),
    text.map((model): KeyOwner => ({ model })),
    text.map((visitorsOn): KeyOwner => ({ visitorsOn })),
  );
  fc.assert(
    fc.property(owner, (one) => {
      expect(ownerOf(ownerName(one))).toEqual(one);
    }),
  );
  for (const name of ['', 'person', 'person:', 'somebody:x']) expect(ownerOf(name)).toBeUndefined();
});

function rows(): { owner: string; wrapped: Uint8Array }[] {
  const db = new DatabaseSync(file);
  try {
    return db.prepare('SELECT owner, wrapped FROM keys').all() as { owner: string; wrapped: Uint8Array }[];
  } finally {
    db.close();
  }
}

function change(sql: string): void {
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
}
