/** How often somebody came in stays known when the entries that told it are removed from the journal. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { usageCarried, usageIn } from '../../src/access/usage.ts';
import { heldKeys, textSigner } from '../../src/command/keys.ts';
import { checkpointEvery } from '../../src/journal/checkpoint.ts';
import type { Journal } from '../../src/journal/port.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { fakeClock } from '../fakes/clock.ts';
import { eventOf, numbered } from '../fakes/events.ts';

let folder: string;
let journal: Journal;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-usage-'));
  const signer = textSigner(heldKeys(join(folder, 'keys.json')));
  journal = openJournal({ file: join(folder, 'journal.sqlite'), clock: fakeClock(), signer });
});
afterEach(() => {
  journal[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});
const comesIn = (personId: string) => journal.append({ ...eventOf['access.granted'], personId });
const leaves = (personId: string) => journal.append({ ...eventOf['person.left'], personId });
const ruled = (personId: string) => journal.append({ kind: 'person.ruled', personId, changed: ['uses'] }).seq;
const fill = (upTo: number) => {
  while (journal.head < upTo) journal.append(numbered(journal.head));
};

test('uses and who is inside are the same before a cut, after it, after the next one, and in another process', async () => {
  const ada = { uses: 5, usesAfter: ruled('ada') };
  const bob = { uses: 5, usesAfter: ruled('bob') };
  const people = [
    { id: 'ada', rules: ada },
    { id: 'bob', rules: bob },
    { id: 'eve', rules: {} },
  ];
  const running = usageIn(journal);
  const tell = (usage = usageIn(journal)) => [usage.used('ada', ada), usage.used('bob', bob), ...people.map(({ id }) => usage.inside(id))];
  for (const id of ['ada', 'ada', 'bob', 'eve']) comesIn(id);
  leaves('bob');
  fill(2 * checkpointEvery + 1);
  comesIn('ada');
  fill(3 * checkpointEvery + 1);
  let paused = 0;
  const cut = async (upTo: number) => {
    const before = tell();
    expect(tell(running)).toEqual(before);
    journal.cut(upTo, 'age', await usageCarried(journal, people, upTo, async () => void paused++));
    while (journal.clear(100) > 0);
    expect(tell()).toEqual(before);
    expect(tell(running)).toEqual(before);
  };
  expect(tell()).toEqual([3, 1, true, false, true]);
  await cut(checkpointEvery);
  await cut(3 * checkpointEvery);
  expect(paused).toBe(6);
  comesIn('bob');
  leaves('ada');
  expect(tell()).toEqual([3, 2, false, true, true]);
  // A number that is set again begins at nothing.
  expect(usageIn(journal).used('ada', { uses: 5, usesAfter: ruled('ada') })).toBe(0);
});
