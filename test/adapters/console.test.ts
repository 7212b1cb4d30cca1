/** Who gets into the console, or is taken out, at the door's own shell: it is journalled. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { consoleAccounts, consoleLink, removeConsoleAccount } from '../../src/adapters/console.ts';
import { journalOf } from '../../src/adapters/journal.ts';
import type { Config } from '../../src/settings/load.ts';
import { doorConfig } from '../fakes/config.ts';
import { codeOf } from '../fakes/fault-code.ts';

let folder: string;
let config: Config;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-console-link-'));
  mkdirSync(join(folder, 'state'), { mode: 0o700 });
  config = doorConfig({ 'state.folder': join(folder, 'state') });
});
afterEach(() => rmSync(folder, { recursive: true }));

const journalled = () => {
  using journal = journalOf(config);
  return journal.query({}).map(({ event }) => event);
};

it('a link makes one account; it and the removal of an account are journalled', async () => {
  const [admin, viewer] = [
    consoleLink(config, { role: 'admin', by: 'cli' }),
    consoleLink(config, { role: 'viewer', name: 'sam', by: 'cli' }),
  ];
  const password = 'correct horse battery staple';
  {
    using accounts = consoleAccounts(config);
    await accounts.join(admin.split('#/join/')[1] ?? '', 'ada', { password });
    await accounts.join(viewer.split('#/join/')[1] ?? '', 'sam', { password });
  }
  expect([removeConsoleAccount(config, 'sam'), removeConsoleAccount(config, 'sam')]).toEqual([true, false]);
  expect(codeOf(() => removeConsoleAccount(config, 'ada'))).toBe('not-permitted');
  expect(journalled()).toEqual([
    { kind: 'console.invited', role: 'admin', by: 'cli' },
    { kind: 'console.invited', role: 'viewer', name: 'sam', by: 'cli' },
    { kind: 'console.account-removed', name: 'sam', role: 'viewer', by: 'cli' },
  ]);
});

it('a link that cannot be journalled makes no account', () => {
  writeFileSync(join(folder, 'state', 'journal.sqlite'), 'no journal');
  expect(codeOf(() => consoleLink(config, { role: 'admin', by: 'cli' }))).not.toBe('none');
  using accounts = consoleAccounts(config);
  expect(accounts.invitations.list()).toEqual([]);
});
