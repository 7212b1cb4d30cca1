/** The key in a file on a share that may not answer. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type KeyLook, keysApart } from '../../src/vault/key-apart.ts';
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
  const keys = keysApart();
  const look = async (at = file()) => {
    await keys.look(at, longMs);
    return keys.found(at);
  };
  expect(keys.found(file())).toBeUndefined();
  expect(await look()).toBe('gone');
  writeFileSync(file(), 'no key');
  expect(await look()).toMatchObject({ code: 'vault-unfit' });
  const key = randomBytes(32);
  writeFileSync(file(), keyText(key));
  expect(await look()).toEqual({ key: Uint8Array.from(key) });
  expect(await look(join(file(), 'beneath'))).toBe('gone');
  mkdirSync(join(folder, 'folder'));
  expect(await look(join(folder, 'folder'))).toMatchObject({ code: 'vault-down', message: expect.stringContaining('Is a directory') });
  const none = keysApart('no-such-program');
  await none.look(file(), longMs);
  expect(none.found(file())).toMatchObject({ code: 'vault-down' });
});

it('gives up in time where nothing answers, with one process at a time, and finds the key once it does', async () => {
  hangs(file());
  const keys = keysApart();
  keys.leave(file());
  expect(keys.found(file())).toBe('hung');
  const first = keys.look(file(), 50);
  await keys.look(file(), longMs);
  await first;
  expect(keys.found(file())).toBe('hung');
  const key = Uint8Array.from(randomBytes(32));
  const look = async () => keys.look(file(), longMs).then(() => keys.found(file()));
  let found: KeyLook | undefined;
  const finding = (async () => await expect.poll(async () => (found = await look()), { timeout: 15_000 }).toEqual({ key }))();
  await answers(file(), keyText(key), () => typeof found === 'object' && 'key' in found);
  await finding;
  await keys.look(file(), 50);
  expect(keys.found(file())).toEqual({ key });
  rmSync(file());
  await expect.poll(look).toBe('gone');
}, 20_000);
