import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clearUnfinished, jsonText, writeWhole, writeWholeFolder, writeWholePieces } from '../../src/base/whole-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-whole-'));
});
afterEach(() => rmSync(folder, { recursive: true }));
const modeOf = (path: string) => statSync(path).mode & 0o777;
const read = (...path: string[]) => readFileSync(join(folder, ...path), 'utf8');

const moduleUrl = new URL('../../src/base/whole-file.ts', import.meta.url).href;
/** What the system says when a process that may write files of 4 KiB only runs `work`. */
function onFullDisk(work: string): string {
  const script = `import { writeWhole, writeWholeFolder } from '${moduleUrl}';
const large = 'x'.repeat(100_000);
try { ${work}; console.log('written'); } catch (error) { console.log(error.code); }`;
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script];
  return spawnSync('sh', ['-c', 'ulimit -f 8; exec "$@"', 'sh', ...node], { encoding: 'utf8' }).stdout.trim();
}

describe('writeWhole', () => {
  it('writes text and bytes, and makes the folders on the way', () => {
    const file = join(folder, 'a', 'b', 'file');
    writeWhole(file, 'ä');
    expect(read('a', 'b', 'file')).toBe('ä');
    writeWhole(file, Uint8Array.of(1, 2, 3));
    expect([...readFileSync(file)]).toEqual([1, 2, 3]);
  });

  it('gives file and new folders the modes that were asked for, by default the owner alone', () => {
    writeWhole(join(folder, 'private', 'file'), '');
    expect([modeOf(join(folder, 'private')), modeOf(join(folder, 'private', 'file'))]).toEqual([0o700, 0o600]);
    const umask = process.umask(0o077);
    try {
      writeWhole(join(folder, 'public'), '', { mode: 0o644 });
    } finally {
      process.umask(umask);
    }
    expect(modeOf(join(folder, 'public'))).toBe(0o644);
  });

  it('replaces a file by a rename: the old file is not written to', () => {
    const file = join(folder, 'file');
    writeWhole(file, 'old');
    linkSync(file, join(folder, 'link to the old one'));
    writeWhole(file, 'new');
    expect([read('file'), read('link to the old one')]).toEqual(['new', 'old']);
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it('leaves the old file and nothing else when the disk is full', () => {
    writeWhole(join(folder, 'file'), 'old');
    expect(onFullDisk(`writeWhole('${join(folder, 'file')}', large)`)).toBe('EFBIG');
    expect(read('file')).toBe('old');
    expect(readdirSync(folder)).toEqual(['file']);
  });

  it('leaves nothing of its own when the place is taken by a folder', () => {
    mkdirSync(join(folder, 'file'));
    expect(() => writeWhole(join(folder, 'file'), 'new')).toThrow(/EISDIR|EEXIST|ENOTEMPTY/);
    expect(readdirSync(folder)).toEqual(['file']);
  });

  it('removes what a killed process left of the same file, and leaves that of another process and of another file', () => {
    const others = [`.new-file.${process.ppid}-01234567`, '.new-file-2.999999999-01234567'];
    for (const name of ['.new-file', '.new-file.999999999-01234567', ...others]) writeFileSync(join(folder, name), 'half of it');
    writeWhole(join(folder, 'file'), 'whole');
    expect(readdirSync(folder).toSorted()).toEqual([...others, 'file'].toSorted());
    expect(read('file')).toBe('whole');
  });
});

describe('writeWholePieces', () => {
  it('does not give its place to the half of another writer of the same file', async () => {
    const file = join(folder, 'file');
    const half = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    async function* slowly() {
      yield Buffer.from('first half, ');
      half.resolve();
      await go.promise;
      yield Buffer.from('second half');
    }
    const slow = writeWholePieces(file, slowly());
    await half.promise;
    const other = `import { writeWhole } from '${moduleUrl}'; writeWhole('${file}', 'of the other')`;
    const { status } = spawnSync(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', other]);
    expect([status, read('file')]).toEqual([0, 'of the other']);
    go.resolve();
    await slow;
    expect(read('file')).toBe('first half, second half');
    expect(readdirSync(folder)).toEqual(['file']);
  });
});

describe('writeWholeFolder', () => {
  const files = new Map([
    ['a', Buffer.from('1')],
    ['b', Buffer.from('2')],
  ]);

  it('puts all files there, for the owner alone', () => {
    const to = join(folder, 'above', 'whole');
    writeWholeFolder(to, files);
    expect(readdirSync(to).map((name) => [name, read('above', 'whole', name), modeOf(join(to, name))])).toEqual([
      ['a', '1', 0o600],
      ['b', '2', 0o600],
    ]);
    expect(modeOf(to)).toBe(0o700);
    expect(readdirSync(join(folder, 'above'))).toEqual(['whole']);
  });

  it('leaves nothing when one of the files cannot be written', () => {
    const work = `writeWholeFolder('${join(folder, 'whole')}', new Map([['a', 'small'], ['b', large]].map(([n, t]) => [n, Buffer.from(t)])))`;
    expect(onFullDisk(work)).toBe('EFBIG');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('does not replace a folder that is there', () => {
    writeWholeFolder(join(folder, 'whole'), new Map([['old', Buffer.from('0')]]));
    expect(() => writeWholeFolder(join(folder, 'whole'), files)).toThrow(/ENOTEMPTY|EEXIST/);
    expect(readdirSync(folder)).toEqual(['whole']);
    expect(readdirSync(join(folder, 'whole'))).toEqual(['old']);
  });
});

it('clearUnfinished removes what killed processes left, and nothing else', () => {
  writeFileSync(join(folder, 'file'), '');
  writeFileSync(join(folder, '.new-file'), '');
  mkdirSync(join(folder, '.new-folder', 'with', 'folders'), { recursive: true });
  clearUnfinished(folder);
  expect(readdirSync(folder)).toEqual(['file']);
  expect(() => clearUnfinished(join(folder, 'not there'))).not.toThrow();
});

it('jsonText ends with a line break', () => {
  expect(jsonText({ a: [1] })).toBe('{\n  "a": [\n    1\n  ]\n}\n');
});
