import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openLog } from '../../src/base/log.ts';
import { entriesIn, shownLine, shownPath, shownText } from '../../src/base/path.ts';

/** What terminals obey: C0, DEL, C1 (0x9b begins a command in one character), and what turns the direction of writing. */
const obeyed = /[\p{Cc}\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/u;

describe('text from outside, for people', () => {
  it.each([
    ['x\u001b[31mRED.jpg', 'x\\u001b[31mRED.jpg'],
    ['x\u009b31m', 'x\\u009b31m'],
    ['\u007f\u0007', '\\u007f\\u0007'],
    ['cod\u202egpj.exe', 'cod\\u202egpj.exe'],
    ['Zoë 山田 👩‍🔬', 'Zoë 山田 👩‍🔬'],
    ['\ud800', '\\ud800'],
  ])('%j is shown as %s', (text, shown) => expect(shownLine(text)).toBe(shown));

  it('has nothing that a terminal obeys, whatever it was', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        (text) => !obeyed.test(shownLine(text)) && !obeyed.test(shownText(text).replace(/[\n\t]/g, '')),
      ),
    );
  });

  it('means the same within JSON', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => JSON.parse(shownText(JSON.stringify({ text }))).text === text));
  });

  it('goes into the log harmless', () => {
    const lines: string[] = [];
    openLog('info', { write: (line) => void lines.push(line) }).info({ file: 'a\u009b2J\u001bc\u202e' }, 'opened');
    expect(lines.join('')).toMatch(/^[\u0020-\u007e]+\n$/);
    expect(JSON.parse(lines.join('')).file).toBe('a\u009b2J\u001bc\u202e');
  });
});

it('a name that is not UTF-8 is shown with its bytes', () => {
  expect(shownPath(Buffer.from('Jürgen\u001b.jpg', 'latin1'))).toBe('J\\xfcrgen\\u001b.jpg');
  expect(shownPath(Buffer.from('Jürgen.jpg'))).toBe('Jürgen.jpg');
});

it('every file of a folder can be read, also one whose name is not UTF-8', () => {
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-path-'));
  try {
    const odd = Buffer.concat([Buffer.from(`${folder}/`), Buffer.from('Jürgen.jpg', 'latin1')]);
    writeFileSync(odd, 'odd');
    writeFileSync(join(folder, 'Jürgen.png'), 'even');
    mkdirSync(join(folder, 'inner.jpg'));
    const found = entriesIn(folder).sort((a, b) => (a.name < b.name ? -1 : 1));
    expect(found.map(({ isFolder }) => isFolder)).toEqual([false, false, true]);
    const texts = found.filter(({ isFolder }) => !isFolder).map(({ path }) => [typeof path, readFileSync(path, 'utf8')]);
    expect(texts.sort()).toEqual([
      ['object', 'odd'],
      ['string', 'even'],
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
