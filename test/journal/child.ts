/** A process of its own for the tests: appends numbered events to the journal named in argv and prints every seq that was reported as written. */
import { writeSync } from 'node:fs';
import { systemClock } from '../../src/base/time.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { numbered } from '../fakes/events.ts';

const [file = '', first = '1', count = 'Infinity'] = process.argv.slice(2);
using journal = openJournal({ file, clock: systemClock, busyTimeoutMs: 10_000 });
for (let n = Number(first); n < Number(first) + Number(count); n++) {
  const entry = journal.append(numbered(n));
  writeSync(1, `${entry.seq} ${entry.hash}\n`);
}
