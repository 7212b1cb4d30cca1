/** Two doors from one image: neither opens to a command until it has keys of its own, or the owner says that it is the only one. */
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { bindDoorKeys, openDoorKeys, renewDoorKeys } from '../../src/command/keys.ts';
import { openPost, type Post } from './post.ts';

let post: Post;
beforeEach(async () => {
  post = await openPost();
});
afterEach(() => post[Symbol.dispose]());
const file = () => join(post.folder, 'keys.json');

it('keys are bound to the machine that made them, and those of an older version to the first that reads them', async () => {
  expect((await openDoorKeys(file(), 'a', 'one')).copied).toBe(false);
  expect((await openDoorKeys(file(), 'a', 'two')).copied).toBe(true);
  expect((await openDoorKeys(file(), 'a', 'one')).copied).toBe(false);
  const { machine: _, ...old } = JSON.parse(readFileSync(file(), 'utf8'));
  writeFileSync(file(), JSON.stringify(old));
  expect((await openDoorKeys(file(), 'a')).copied).toBeUndefined();
  expect((await openDoorKeys(file(), 'a', 'two')).copied).toBe(false);
  expect((await openDoorKeys(file(), 'a', 'one')).copied).toBe(true);
});

it('new keys are other keys; kept keys are the same', async () => {
  const first = await openDoorKeys(file(), 'a', 'one');
  copyFileSync(file(), `${file()}.copy`);
  bindDoorKeys(file(), 'two');
  expect(await openDoorKeys(file(), 'a', 'two')).toMatchObject({ id: first.id, copied: false });
  await renewDoorKeys(`${file()}.copy`, 'two');
  const renewed = await openDoorKeys(`${file()}.copy`, 'a', 'two');
  expect(renewed.copied).toBe(false);
  expect(renewed.id).not.toBe(first.id);
});

it('a copied door takes what shuts it, and nothing else, signed or not', async () => {
  using copied = await openPost({ copied: true, allowUnsigned: ['door.open'] });
  for (const [name, args] of [
    ['door.open'],
    ['door.hold', { durationMs: 1000 }],
    ['arm'],
    ['people.list'],
    ['people.enable', { person: 'Ada' }],
  ] as const)
    expect(await copied.send('admin', name, args)).toMatchObject({
      ok: false,
      error: { code: 'copied-door', message: expect.stringContaining('facelatch key door --renew') },
    });
  expect(await copied.say('door.open', '{}')).toMatchObject({ error: { code: 'copied-door' } });
  expect(copied.door.calls).toEqual([]);
  for (const [name, args] of [['disarm'], ['door.release'], ['people.disable', { person: 'Ada' }]] as const)
    expect(await copied.send('admin', name, args)).toMatchObject({ ok: true });
});
