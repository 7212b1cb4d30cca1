/** An older keyring that is put back: what was removed since is removed again, and a note that somebody wrote removes nobody. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { destroyAgain, noteDestroyed } from '../../src/vault/witness.ts';
import { fakeClock } from '../fakes/clock.ts';
import { memoryJournal } from '../fakes/journal.ts';
import { vaultBeside } from '../fakes/vault.ts';

const [ada, ben] = [{ person: 'ada' }, { person: 'ben' }];
const place = { schema: 's', column: 'c', row: 'r' };
let folder: string;
let notes: ReturnType<typeof memoryJournal>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-witness-'));
  notes = memoryJournal({ clock: fakeClock() });
});
afterEach(() => rmSync(folder, { recursive: true }));
const open = () => vaultBeside(join(folder, 'state'));

function enrolled(): void {
  using vault = open();
  for (const owner of [ada, ben, { visitorsOn: '2026-01-01' }, { model: 'm' }]) vault.seal(owner, place, Buffer.from('x'));
  expect(destroyAgain({ vault, notes })).toBeUndefined();
}
const putBack = () => copyFileSync(join(folder, 'old'), join(folder, 'state.vault'));

test('what an older keyring brings back is destroyed again, and told once', () => {
  enrolled();
  copyFileSync(join(folder, 'state.vault'), join(folder, 'old'));
  {
    using vault = open();
    for (const owner of [ada, { visitorsOn: '2026-01-01' }, { model: 'm' }]) vault.destroy([owner]);
    while (vault.settle() === 'more');
    expect(destroyAgain({ vault, notes })).toBeUndefined();
  }
  putBack();
  using vault = open();
  expect(vault.holds(ada)).toBe(true);
  expect(destroyAgain({ vault, notes })).toEqual({ kind: 'vault.replaced', had: 4, has: 1, removed: 3 });
  expect([vault.holds(ada), vault.holds(ben), vault.destroyed().length]).toEqual([false, true, 3]);
  expect(destroyAgain({ vault, notes })).toBeUndefined();
});

test('an older keyring of the same people shows by its epoch', () => {
  enrolled();
  {
    using vault = open();
    vault.destroy([ada]);
    copyFileSync(join(folder, 'state.vault'), join(folder, 'old'));
    vault.rekey({ kek: new Uint8Array(32).fill(7), source: 'file' });
    vault.destroy([ada]);
    noteDestroyed({ vault, notes });
  }
  putBack();
  using vault = open();
  expect(destroyAgain({ vault, notes })).toEqual({ kind: 'vault.replaced', had: 3, has: 2, removed: 0 });
});

test('a note that somebody else wrote, changed or took away has nobody removed', () => {
  enrolled();
  using vault = open();
  vault.destroy([ada]);
  noteDestroyed({ vault, notes });
  const name = 'vault.destroyed';
  const { said, mac } = JSON.parse(notes.note(name) ?? '') as { said: string; mac: string };
  const forged = said.replace('person:ada', 'person:ben');
  expect(forged).not.toBe(said);
  for (const note of [JSON.stringify({ said: forged, mac }), JSON.stringify({ said: forged, mac: '' }), forged, '', '{}']) {
    notes.keep({ [name]: note });
    expect(destroyAgain({ vault, notes })).toBeUndefined();
    expect([vault.holds(ben), vault.destroyed().length]).toEqual([true, 1]);
  }
});
