/** Backups that were changed, cut or made by somebody else: nothing of them is laid down, and one sentence says so. */
import { randomInt } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { generateIdentity, identityToRecipient } from 'age-encryption';
import { Header } from 'tar';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { backupTaskOf } from '../../src/adapters/backup.ts';
import { doorKeysFile } from '../../src/adapters/basics.ts';
import { doorKeysOf } from '../../src/adapters/command.ts';
import { vaultOf } from '../../src/adapters/vault.ts';
import { heldKeys } from '../../src/command/keys.ts';
import { encryptedTo, recipientOf } from '../../src/vault/backup/age-file.ts';
import { type Manifest, manifestText } from '../../src/vault/backup/manifest.ts';
import { takeBackup } from '../../src/vault/backup/take.ts';
import { packed } from '../../src/vault/backup/tar-file.ts';
import { unpackBackup } from '../../src/vault/backup/unpack.ts';
import { derivedKey } from '../../src/vault/derived.ts';
import { backupKek, backupNow, backupTask, stateToBackUp } from '../fakes/backup.ts';
import { doorConfig } from '../fakes/config.ts';

let folder: string;
let notes: DatabaseSync;
let whole: Buffer;
const scalar = derivedKey(backupKek, 'backup identity');
const manifestKey = derivedKey(backupKek, 'backup manifest');
const to = () => join(folder, 'door.restoring');

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-backup-attacks-'));
  notes = stateToBackUp(join(folder, 'state'));
  await takeBackup(await backupTask(join(folder, 'state'), join(folder, 'door.age')));
  whole = readFileSync(join(folder, 'door.age'));
});
afterAll(() => {
  notes.close();
  rmSync(folder, { recursive: true });
});

async function faultOf(bytes: Uint8Array): Promise<unknown> {
  const file = join(folder, 'attack.age');
  writeFileSync(file, bytes);
  const fault = await unpackBackup({ file, opener: { scalar }, to: to() }).then(
    () => 'taken',
    (error) => error,
  );
  expect(existsSync(to())).toBe(false);
  expect(readdirSync(folder).toSorted()).toEqual(['attack.age', 'door.age', 'state']);
  return fault;
}
const refused = expect.objectContaining({ name: 'Fault', code: expect.stringMatching(/^backup-(damaged|refused)$/) });

it('a bit that flipped anywhere is noticed: in the header, in the first and last pieces, and in between', async () => {
  const places = [
    ...Array.from({ length: 40 }, (_, i) => i * 8),
    ...Array.from({ length: 20 }, () => randomInt(whole.length)),
    ...Array.from({ length: 10 }, (_, i) => whole.length - 1 - i * 3),
  ];
  for (const at of places) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
    expect(await faultOf(changed), `byte ${at}`).toEqual(refused);
  }
});

it('a backup that was cut anywhere is noticed, also where a piece of its encryption ends', async () => {
  const piece = 64 * 1024 + 16;
  const head = whole.indexOf('\n---') + 4 + 44 + 16;
  const cuts = [0, 1, 21, 100, head, head + piece, head + 2 * piece, whole.length - 1, whole.length - 16, whole.length - 17];
  for (const cut of [...cuts, ...Array.from({ length: 10 }, () => randomInt(whole.length))])
    expect(await faultOf(whole.subarray(0, cut)), `${cut} bytes`).toEqual(refused);
  expect(await faultOf(Buffer.concat([whole, whole]))).toEqual(refused);
  expect(await faultOf(Buffer.concat([whole, Buffer.alloc(1)]))).toEqual(refused);
});

async function encryptedTar(archive: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const one of await encryptedTo(archive, { recipients: [await recipientOf(scalar)] }, '--to')) pieces.push(one);
  return Buffer.concat(pieces);
}

/** A raw archive, which whoever knows the recipient can encrypt. */
async function* raw(
  ...entries: {
    path: string;
    type?: 'File' | 'SymbolicLink' | 'Link' | 'Directory' | 'CharacterDevice';
    size?: number;
    linkpath?: string;
  }[]
) {
  for (const { path, type = 'File', size = 5, linkpath = '' } of entries) {
    const header = new Header({ path, type, size, linkpath, mode: 0o777, uid: 0, gid: 0, mtime: new Date(0) });
    header.encode();
    yield header.block ?? Buffer.alloc(0);
    yield Buffer.alloc(512);
  }
  yield Buffer.alloc(1024);
}

it.each([
  ['climbs out of the folder', { path: 'state/../../etc/cron.d/evil' }],
  ['is absolute', { path: '/etc/cron.d/evil' }],
  ['is a link', { path: 'state/people.sqlite', type: 'SymbolicLink', size: 0, linkpath: '/etc/shadow' }],
  ['is a hard link', { path: 'state/people.sqlite', type: 'Link', size: 0, linkpath: '/etc/shadow' }],
  ['is a folder', { path: 'state/folder', type: 'Directory', size: 0 }],
  ['is a device', { path: 'state/null', type: 'CharacterDevice', size: 0 }],
  ['is in no area', { path: 'evil' }],
  ['has a backslash', { path: 'state/..\\evil' }],
  ['has a line break', { path: 'state/a\nb' }],
  ['is the folder itself', { path: 'state/.' }],
  ['says that it is larger than the archive', { path: 'state/bomb', size: 8_000_000_000_000 }],
] as const)('an archive with an entry that %s is refused', async (_, entry) => {
  expect(await faultOf(await encryptedTar(raw(entry)))).toMatchObject({ code: 'backup-damaged' });
});

it('an archive with one path twice is refused, and one whose folder is a file', async () => {
  expect(await faultOf(await encryptedTar(raw({ path: 'state/a' }, { path: 'state/a' })))).toMatchObject({ code: 'backup-damaged' });
  expect(await faultOf(await encryptedTar(raw({ path: 'state/a' }, { path: 'state/a/b' })))).toMatchObject({ name: 'Fault' });
});

const manifestWith = (files: Manifest['files']): Manifest => ({
  ...{ format: 1, facelatch: '0.1.0', door: 'front', takenAt: backupNow, by: 'cli' },
  files,
});
async function* archive(manifest: Manifest, files: Readonly<Record<string, string>>, key = manifestKey) {
  const { text, proof } = manifestText(manifest, key);
  const all = { ...files, 'manifest.json': text, 'manifest.proof': proof };
  for (const [path, content] of Object.entries(all)) yield { path, bytes: content.length, content: [Buffer.from(content)] };
}
const sha = 'f'.repeat(64);

it('a manifest that does not fit what is there is refused, and one of a newer format', async () => {
  const fault = async (manifest: Manifest, files: Readonly<Record<string, string>>) =>
    faultOf(await encryptedTar(packed(archive(manifest, files))));
  expect(await fault(manifestWith([{ path: 'state/a', bytes: 1, sha256: sha }]), {})).toMatchObject({ code: 'backup-damaged' });
  expect(await fault(manifestWith([{ path: 'state/a', bytes: 1, sha256: sha }]), { 'state/a': 'a' })).toMatchObject({
    code: 'backup-damaged',
  });
  expect(await fault(manifestWith([]), { 'state/a': 'a' })).toMatchObject({ code: 'backup-damaged' });
  expect(await fault({ ...manifestWith([]), format: 2 }, {})).toMatchObject({ code: 'database-newer' });
  expect(await faultOf(await encryptedTar(raw()))).toMatchObject({ code: 'backup-damaged' });
});

it('what somebody else encrypted to the recipient has no proof of the key of the vault', async () => {
  const file = join(folder, 'attack.age');
  writeFileSync(file, await encryptedTar(packed(archive(manifestWith([]), {}, new Uint8Array(32)))));
  const { isProvenBy } = await unpackBackup({ file, opener: { scalar }, to: to() });
  expect(isProvenBy(manifestKey)).toBe(false);
  rmSync(to(), { recursive: true });
});

it('where nothing can be unpacked, it says so and why', async () => {
  const opener = { scalar };
  const beside = join(folder, 'door.age', 'restoring');
  await expect(unpackBackup({ file: join(folder, 'door.age'), opener, to: beside })).rejects.toMatchObject({
    code: 'backup-failed',
    message: expect.stringContaining('sudo'),
  });
  await expect(unpackBackup({ file: join(folder, 'nothing.age'), opener, to: to() })).rejects.toMatchObject({ code: 'bad-argument' });
});

it('another phrase opens nothing', async () => {
  const file = join(folder, 'door.age');
  const opener = { scalar: derivedKey(new Uint8Array(32), 'backup identity') };
  await expect(unpackBackup({ file, opener, to: to() })).rejects.toMatchObject({ code: 'backup-refused' });
  expect(existsSync(to())).toBe(false);
});

it('whoever may open backups, and has the key of no vault, cannot read what is encrypted to the door nor sign as the door', async () => {
  const config = doorConfig({ 'state.folder': join(folder, 'door') });
  await doorKeysOf(config);
  const { sign, encrypt } = heldKeys(doorKeysFile(config));
  const identity = await generateIdentity();
  using vault = vaultOf(config);
  const wish = { to: join(folder, 'attack.age'), by: 'schedule', recipients: [await identityToRecipient(identity)], phrase: false };
  await takeBackup(await backupTaskOf(config, vault, wish));
  await unpackBackup({ file: wish.to, opener: { identities: [identity] }, to: to() });
  expect(readdirSync(to())).toContain('door-keys.json');
  for (const name of readdirSync(to())) {
    const content = readFileSync(join(to(), name));
    for (const { d } of [sign, encrypt]) expect(content.includes(d) || content.includes(Buffer.from(d, 'base64url')), name).toBe(false);
  }
  rmSync(to(), { recursive: true });
  rmSync(join(folder, 'door'), { recursive: true });
});
