/** A process of its own for the tests: publishes the journal named in argv to the broker named there until it is killed. */
import { openJournal } from '../../src/journal/sqlite.ts';
import { openLog } from '../../src/log.ts';
import { publishJournal } from '../../src/mqtt/client.ts';
import { systemClock } from '../../src/time.ts';

const [file = '', url = '', door = ''] = process.argv.slice(2);
using journal = openJournal({ file, clock: systemClock });
const { signal } = new AbortController();
await publishJournal({ journal, broker: { url }, door, clock: systemClock, log: openLog('silent'), signal }).done;
