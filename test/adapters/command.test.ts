/** The operators of a door whose vault is open, moved or locked. */
import { rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { addOperator, listOperators, operatorsFile, removeOperator, sealedOperators } from '../../src/adapters/command.ts';
import { journalOf } from '../../src/adapters/journal.ts';
import { vaultFiles, vaultOf } from '../../src/adapters/vault.ts';
import { rekeyVault } from '../../src/adapters/vault-key.ts';
import { checkKeys } from '../../src/cli/doctor/examine.ts';
import { newKey, publicKeyOf } from '../../src/command/keys.ts';
import { operatorsIn } from '../../src/command/operators.ts';
import type { Event } from '../../src/events.ts';
import type { Config } from '../../src/settings/load.ts';
import { temporaryFolder } from '../cli/facelatch.ts';
import { doorConfig } from '../fakes/config.ts';

let folder: ReturnType<typeof temporaryFolder>;
let config: Config;
beforeEach(() => {
  folder = temporaryFolder();
  config = doorConfig({ 'state.folder': folder.path });
});
afterEach(() => folder[Symbol.dispose]());

const someone = async (name: string) =>
  ({ name, role: 'admin', key: publicKeyOf(await newKey('Ed25519'), 'Ed25519'), addedAt: '2026-11-30T00:00:00.000Z' }) as const;
const listed = async () => {
  const { operators, refused, unchecked } = await listOperators(config);
  return { operators: operators.map(({ name }) => name), refused: refused.map(({ name }) => name), unchecked };
};
const journalled = () => {
  using journal = journalOf(config);
  return journal.query({ kinds: ['key.added', 'key.removed', 'key.sealed'] }).map(({ event }) => event);
};
/** As a start of the door does. */
async function opened(): Promise<Event[]> {
  using vault = vaultOf(config);
  const told: Event[] = [];
  await sealedOperators(config, vault, (event) => told.push(event));
  return told;
}

it('operators of an earlier version count once the door has sealed them, which it does once', async () => {
  const ada = await operatorsIn(operatorsFile(config)).add(await someone('ada'));
  expect(await listed()).toMatchObject({ operators: ['ada'], unchecked: expect.stringContaining('next start') });
  expect(await opened()).toEqual([{ kind: 'key.sealed', name: 'ada', role: 'admin', key: ada.kid }]);
  await operatorsIn(operatorsFile(config)).add(await someone('eve'));
  expect(await opened()).toEqual([]);
  expect(await listed()).toEqual({ operators: ['ada'], refused: ['eve'], unchecked: undefined });
  expect(await checkKeys(config)).toMatchObject({ health: 'problem', found: expect.stringContaining('eve') });
});

it('a door that never had an operator takes none from a list that somebody else wrote', async () => {
  expect(await opened()).toEqual([]);
  await operatorsIn(operatorsFile(config)).add(await someone('eve'));
  expect(await opened()).toEqual([]);
  expect(await listed()).toMatchObject({ operators: [], refused: ['eve'] });
});

it('who is added is sealed and journalled, with those of an earlier version, and counts with another key of the vault', async () => {
  await operatorsIn(operatorsFile(config)).add(await someone('ada'));
  await addOperator(config, await someone('ben'));
  expect(journalled()).toMatchObject([
    { kind: 'key.sealed', name: 'ada' },
    { kind: 'key.added', name: 'ben' },
  ]);
  await rekeyVault(config, { source: 'beside', by: 'test' });
  expect(await listed()).toEqual({ operators: ['ada', 'ben'], refused: [], unchecked: undefined });
});

it('while the vault is locked nobody is added, and who is removed is out', async () => {
  await addOperator(config, await someone('ada'));
  await addOperator(config, await someone('ben'));
  rmSync(vaultFiles(config).beside);
  await expect(addOperator(config, await someone('eve'))).rejects.toMatchObject({ code: 'vault-locked' });
  expect(await removeOperator(config, 'ada')).toBe(true);
  expect(await listed()).toMatchObject({ operators: ['ben'], refused: [], unchecked: expect.stringContaining('locked') });
  expect(journalled().at(-1)).toMatchObject({ kind: 'key.removed', name: 'ada' });
});
