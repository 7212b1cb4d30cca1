/** What a door answered, in words. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { answerText } from '../../../src/cli/remote/send-answers.ts';
import { checkOut, keepPicture } from '../../../src/cli/remote/send-picture.ts';
import { commands } from '../../../src/command/registry.ts';
import { temporaryFolder } from '../facelatch.ts';

const told = (command: string, result: object, args: Readonly<Record<string, unknown>> = {}) =>
  answerText({ door: 'front-door', command, args, result });
const ada = { id: 'id-ada', name: 'Ada', enrolledAt: '2026-01-31T08:00:00.000Z', pictures: 3 };

describe('an answer in words', () => {
  it.each([
    ['door.open', { seq: 57 }, {}, 'The lock of front-door was released (journal entry 57)'],
    ['door.hold', { seq: 58 }, { durationMs: 60_000 }, /held open for 60 s at most; "facelatch send front-door door\.release" ends it/],
    ['people.disable', { person: ada, rules: { enabled: false } }, { person: 'Ada' }, 'Ada: disabled'],
    ['people.list', { people: [] }, {}, 'Nobody is enrolled at front-door'],
    ['people.list', { people: [ada] }, {}, /^name {2}pictures {2}enrolled +id\nAda {3}3 +2026-01-31T08:00:00\.000Z {2}id-ada$/],
    ['people.remove', { removed: true }, { person: 'Ada' }, 'Ada was removed from front-door'],
    ['config.set', { path: 'access.votes', before: 3, value: 5 }, {}, 'access.votes was 3 and is 5, until the daemon starts again'],
    ['config.get', { settings: { 'camera.fps': 15, 'door.id': 'x' } }, {}, 'camera.fps  15\ndoor.id     "x"'],
    ['journal.query', { entries: [] }, {}, 'No entries'],
    ['train.status', {}, {}, 'Nothing has been trained at this door yet'],
    ['model.list', { models: [], trained: [] }, {}, 'No networks\n\nNo network was trained for this door'],
  ] as [string, object, Record<string, unknown>, string | RegExp][])('%s %j', (command, result, args, words) => {
    expect(told(command, result, args)).toEqual(typeof words === 'string' ? words : expect.stringMatching(words));
  });

  it('shows entries of the journal a line each', () => {
    const entries = [
      { seq: 1, at: 'then', kind: 'person.removed', personId: 'id-ada' },
      { seq: 2, at: 'now', kind: 'of.tomorrow' },
      { seq: 3, at: 'later', kind: 'access.granted', personId: 'id-ada', band: 'at-or-above', votes: 3, ageMs: 80 },
      { seq: 4, at: 'last', kind: 'access.denied', reason: 'unknown', detail: 'nobody', band: 'far-below', ageMs: 80 },
    ];
    expect(told('journal.query', { entries }).split('\n')).toEqual([
      expect.stringMatching(/^then +1 {2}person\.removed +id-ada removed$/),
      expect.stringMatching(/^now +2 {2}of\.tomorrow/),
      expect.stringContaining('OPEN for id-ada (3 frames agreed, likeness at or above the threshold'),
      expect.stringContaining('shut: unknown, nobody, likeness far below the threshold'),
    ]);
  });

  it.each(commands.map(({ name }) => name))('%s is never an empty line', (name) => {
    expect(told(name, {}).trim()).not.toBe('');
  });
});

describe('a picture', () => {
  it('needs a file to go to, which is asked for before anything is sent', () => {
    expect(() => checkOut('snapshot', undefined, false)).toThrow('snapshot --out FILE.jpg');
    expect(() => checkOut('door.open', 'x.jpg', false)).toThrow('--out is for snapshot and picture');
    checkOut('snapshot', undefined, true);
  });

  it('is written for its owner alone, and overwrites nothing', () => {
    using folder = temporaryFolder();
    const out = join(folder.path, 'now.jpg');
    expect(keepPicture({ capturedAt: 'now', picture: Buffer.from('jpeg').toString('base64') }, out)).toEqual({
      capturedAt: 'now',
      file: out,
    });
    expect([readFileSync(out, 'utf8'), statSync(out).mode & 0o777]).toEqual(['jpeg', 0o600]);
    writeFileSync(join(folder.path, 'other.jpg'), 'mine');
    expect(() => checkOut('snapshot', join(folder.path, 'other.jpg'), false)).toThrow('is not overwritten');
  });
});
