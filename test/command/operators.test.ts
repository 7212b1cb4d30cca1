/** The list of operators, with and without a key of the vault. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { newKey, publicKeyOf } from '../../src/command/keys.ts';
import { operatorsIn } from '../../src/command/operators.ts';

const sealKey = Uint8Array.from(randomBytes(32));
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-operators-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = () => join(folder, 'operators.json');
const sealed = () => operatorsIn(file(), sealKey);
const entries = (): Record<string, unknown>[] => JSON.parse(readFileSync(file(), 'utf8')).operators;
const write = (operators: readonly object[]) => writeFileSync(file(), JSON.stringify({ operators }));
const someone = async (name: string, role: 'viewer' | 'admin' = 'viewer') =>
  ({ name, role, key: publicKeyOf(await newKey('Ed25519'), 'Ed25519'), addedAt: '2026-11-30T00:00:00.000Z' }) as const;
const names = (list: readonly { readonly name: string }[]) => list.map(({ name }) => name);

it('an entry counts as it was sealed, and in no other form', async () => {
  await sealed().add(await someone('ada'));
  await sealed().add(await someone('ben', 'admin'));
  const [ada = {}, ben = {}] = entries();
  expect(names(await sealed().list())).toEqual(['ada', 'ben']);
  const { seal: _, ...unsealed } = ada;
  const changed = [
    { ...ada, role: 'admin' },
    { ...ada, name: 'eve' },
    { ...ada, key: ben.key },
    { ...ada, addedAt: '2026-12-01T00:00:00.000Z' },
    { ...ada, seal: ben.seal },
    { ...ada, seal: '' },
    unsealed,
  ];
  for (const entry of changed) {
    write([entry, ben]);
    expect(names(await sealed().list()), JSON.stringify(entry)).toEqual(['ben']);
    expect(await sealed().refused()).toMatchObject([{ role: entry.role, name: entry.name }]);
  }
  write([ada, ben]);
  expect(await operatorsIn(file(), randomBytes(32)).list()).toEqual([]);
  expect(await sealed().refused()).toEqual([]);
});

it('without the key every entry counts and none is refused, and who is removed leaves the others their seals', async () => {
  await sealed().add(await someone('ada'));
  await sealed().add(await someone('ben'));
  write([...entries(), await someone('eve')]);
  const locked = operatorsIn(file());
  expect(names(await locked.list())).toEqual(['ada', 'ben', 'eve']);
  expect(await locked.refused()).toEqual([]);
  expect(await locked.remove('ada')).toMatchObject({ name: 'ada' });
  expect(names(await sealed().list())).toEqual(['ben']);
});

it('an entry that is refused keeps nobody from being added by its name or key, and removing its name removes it', async () => {
  const ada = await someone('ada');
  write([{ ...ada, role: 'admin' }, await someone('eve')]);
  await sealed().add(ada);
  expect(await sealed().list()).toMatchObject([{ name: 'ada', role: 'viewer' }]);
  expect(names(await sealed().refused())).toEqual(['eve']);
  await expect(sealed().add(ada)).rejects.toMatchObject({ code: 'bad-argument' });
  expect(await sealed().remove('eve')).toMatchObject({ name: 'eve' });
  expect(names(entries() as { name: string }[])).toEqual(['ada']);
  expect(await sealed().remove('eve')).toBeUndefined();
});

it('a list of an earlier version is sealed as it stands, and each entry is told before', async () => {
  await operatorsIn(file()).add(await someone('ada', 'admin'));
  await expect(
    sealed().seal(() => {
      throw new Error('the journal is down');
    }),
  ).rejects.toThrow('the journal is down');
  expect(await sealed().list()).toEqual([]);
  const told: string[] = [];
  await sealed().seal(({ name, role }) => told.push(`${name} ${role}`));
  await sealed().seal(({ name }) => told.push(name));
  expect(told).toEqual(['ada admin']);
  expect(await sealed().list()).toMatchObject([{ name: 'ada', role: 'admin' }]);
});
