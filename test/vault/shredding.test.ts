/** The search after a removal: it finds every piece that is left, wherever it lies, and nothing that was never theirs. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { searchFolder, type Traces } from '../../src/vault/shredding.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-shredding-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const picture = randomBytes(30_000);
const template = randomBytes(256);
const sealed = randomBytes(20_000);
const traces: Traces = { plain: [picture, template], names: ['Ada Lovelace', 'Bo'], sealed: [sealed] };
const put = (name: string, ...pieces: readonly (Uint8Array | string)[]) =>
  writeFileSync(join(folder, name), Buffer.concat(pieces.map((piece) => Buffer.from(piece))));

/** Without a letter: among a hundred million random bytes a short name would be found now and then. */
const noise = (length: number) => randomBytes(length).map((byte) => byte | 0x80);

test('a folder without a trace: every file is counted, also in folders below', () => {
  mkdirSync(join(folder, 'a', 'b'), { recursive: true });
  put('one', noise(5000));
  put('a/b/two', noise(3_000_000));
  put('empty');
  expect(searchFolder(folder, traces)).toEqual({ files: 3, bytes: 3_005_000, unread: [], found: [], beside: [] });
});

test('pieces are found at every place of a file, also across the pieces in which it is read', () => {
  const mebibyte = 1 << 20;
  const places = [...Array.from({ length: 33 }, (_, n) => n), ...Array.from({ length: 40 }, (_, n) => mebibyte - 20 + n), 2 * mebibyte - 7];
  for (const place of places) {
    // A page of a database holds less than all of a picture.
    put('people.sqlite', noise(place), picture.subarray(9000, 9000 + 560), noise(100));
    expect(searchFolder(folder, traces).found, `at ${place}`).toEqual([{ file: 'people.sqlite', kinds: ['plain'] }]);
  }
});

test('templates, sealed values and names are found, each by its kind', () => {
  put('a.json', `{"name":"Ada Lovelace"}`);
  put('b.json', `{"name":"Bo","note":"Bolt"}`);
  put('c.json', `{"note":"Bo is between no marks: Robot, Bolt"}`);
  put('d.sqlite-wal', noise(4096), sealed.subarray(5000, 5600), noise(5), template);
  put('e.bin', noise((1 << 20) - 5), 'Ada Lovelace', noise(9));
  expect(searchFolder(folder, traces).found.toSorted((a, b) => a.file.localeCompare(b.file))).toEqual([
    { file: 'a.json', kinds: ['names'] },
    { file: 'b.json', kinds: ['names'] },
    { file: 'd.sqlite-wal', kinds: ['plain', 'sealed'] },
    { file: 'e.bin', kinds: ['names'] },
  ]);
});

test('what pictures and files have in common is no trace', () => {
  const common = noise(4000);
  const [ada, ben] = [0, 1].map(() => Buffer.concat([common, noise(20_000), Buffer.alloc(2000)]));
  put('ben.jpg', ben as Buffer);
  put('zeros', Buffer.alloc(100_000));
  expect(searchFolder(folder, { plain: [ada as Buffer], names: [''], sealed: [] }).found).toEqual([]);
});

test('a file that cannot be read is named; links and what they lead to are left out', () => {
  put('closed', picture);
  chmodSync(join(folder, 'closed'), 0);
  symlinkSync('/proc/self/environ', join(folder, 'link'));
  const { files, unread, found } = searchFolder(folder, traces);
  // Whoever is root reads every file.
  if (process.getuid?.() === 0) expect([files, found.length]).toEqual([1, 1]);
  else expect([files, unread, found]).toEqual([0, ['closed'], []]);
});

test('what a restore left beside the folder is searched and named; of what cannot be read the folder is', () => {
  const [aside, unpacked] = [`${folder}.before-2026-11-30T12-00-00Z`, `${folder}.restoring`];
  for (const path of [aside, unpacked, `${folder}.beforehand`]) mkdirSync(path);
  try {
    writeFileSync(join(aside, 'people.sqlite'), sealed);
    writeFileSync(join(`${folder}.beforehand`, 'people.sqlite'), sealed);
    const name = `../${basename(folder)}`;
    const { files, found, beside } = searchFolder(folder, traces);
    expect({ files, found }).toEqual({
      files: 1,
      found: [{ file: `${name}.before-2026-11-30T12-00-00Z/people.sqlite`, kinds: ['sealed'] }],
    });
    expect(beside).toEqual([
      { path: aside, is: 'aside' },
      { path: unpacked, is: 'unpacked' },
    ]);
    chmodSync(unpacked, 0o000);
    const isRoot = process.geteuid?.() === 0; // who may read it all the same
    expect(searchFolder(folder, traces).unread).toEqual(isRoot ? [] : [`${name}.restoring`]);
  } finally {
    for (const path of [aside, unpacked, `${folder}.beforehand`]) rmSync(path, { recursive: true });
  }
});

test('a folder that cannot be read is no folder without a trace', () => {
  expect(() => searchFolder(join(folder, 'none'), traces)).toThrow();
});
