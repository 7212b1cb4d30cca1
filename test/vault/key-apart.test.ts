/** The key in a file on a share that may not answer. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { keyLooks } from '../../src/vault/key-apart.ts';
import { keyText } from '../../src/vault/key-file.ts';
import { answers, hangs } from '../fakes/hung-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-key-apart-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = () => join(folder, 'door.key');
const longMs = 30_000;

it('gives the key, or says that it is gone, is none, or cannot be read', async () => {
  const look = keyLooks();
  expect(await look(file(), longMs)).toBe('gone');
  writeFileSync(file(), 'no key');
  expect(await look(file(), longMs)).toMatchObject({ code: 'vault-unfit' });
  const key = randomBytes(32);
  writeFileSync(file(), keyText(key));
  expect(await look(file(), longMs)).toEqual({ key: Uint8Array.from(key) });
  expect(await look(join(file(), 'beneath'), longMs)).toBe('gone');
  mkdirSync(join(folder, 'folder'));
  expect(await look(join(folder, 'folder'), longMs)).toMatchObject({ code: 'vault-down', message: expect.stringContaining('Is a directory') });
  expect(await keyLooks('no-such-program')(file(), longMs)).toMatchObject({ code: 'vault-down' });
});

it('gives up in time where nothing answers, with one process at a time, and finds the key once it does', async () => {
  hangs(file());
  const look = keyLooks();
  const first = look(file(), 50);
  expect(await look(file(), longMs)).toBe('hung');
  expect(await first).toBe('hung');
  const key = randomBytes(32);
  const found = expect.poll(() => look(file(), longMs), { timeout: 15_000 }).toEqual({ key: Uint8Array.from(key) });
  await answers(file(), keyText(key));
  await found;
}, 20_000);
