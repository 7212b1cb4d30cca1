/** The folder of `facelatch evaluate --liveness`: sets, instruments, clips and frames, and what is not one. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { clipSetsIn } from '../../../src/cli/liveness/clips.ts';
import { temporaryFolder } from '../facelatch.ts';

function put(folder: string, ...paths: readonly string[]): void {
  for (const path of paths) {
    mkdirSync(join(folder, path, '..'), { recursive: true });
    writeFileSync(join(folder, path), '');
  }
}

describe('a folder of clips', () => {
  it('holds sets, each with living faces and attacks; frames are in the order of their numbers', () => {
    using folder = temporaryFolder();
    put(folder.path, 'a/live/1/2.jpg', 'a/live/1/10.jpg', 'a/live/1/1.png', 'a/print/x/0.jpg', 'b/live/0/0.jpg', 'b/phone/0/0.jpg');
    put(folder.path, 'README.md', 'a/live/1/notes.txt', 'a/.cache/x/0.jpg', 'a/empty/note/x.txt');
    const sets = clipSetsIn(folder.path);
    expect(sets.map(({ name }) => name)).toEqual(['a', 'b']);
    expect(sets[0]?.clips.map(({ instrument, name }) => `${instrument}/${name}`)).toEqual(['live/1', 'print/x']);
    expect(sets[0]?.clips[0]?.frames.map((file) => basename(file))).toEqual(['1.png', '2.jpg', '10.jpg']);
  });

  it('may be one set', () => {
    using folder = temporaryFolder();
    put(folder.path, 'live/0/0.jpg', 'print/0/0.jpg');
    expect(clipSetsIn(folder.path)).toMatchObject([
      { name: basename(folder.path), clips: [{ instrument: 'live' }, { instrument: 'print' }] },
    ]);
  });

  it.each([
    ['that is empty', [], /There are no clips in .*<set>\/<instrument>\/<clip>\/<frame>\.jpg/],
    ['with frames one level too high', ['set/live/0.jpg'], /<set>\/<instrument>\/<clip>\/<frame>\.jpg/],
    ['without living faces', ['set/print/0/0.jpg'], /set has no clips of living faces/],
    ['without attacks', ['set/live/0/0.jpg'], /set has no clips of attacks/],
  ] as const)('%s is refused with the layout that it needs', (_, paths, message) => {
    using folder = temporaryFolder();
    put(folder.path, ...paths);
    expect(() => clipSetsIn(folder.path)).toThrow(
      expect.objectContaining({ code: 'bad-argument', message: expect.stringMatching(message) }),
    );
  });

  it('that is not there is refused likewise', () => {
    expect(() => clipSetsIn('/nowhere/at/all')).toThrow(/\/nowhere\/at\/all cannot be read .*<set>\/<instrument>/);
  });
});
