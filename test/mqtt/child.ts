/** A process of its own for the tests: publishes the journal named in argv to the broker named there until it is killed. */

import { openLog } from '../../src/base/log.ts';
import { systemClock } from '../../src/base/time.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { publishJournal } from '../../src/mqtt/client.ts';

const [file = '', url = '', door = ''] = process.argv.slice(2);
using journal = openJournal({ file, clock: systemClock });
const { signal } = new AbortController();
await publishJournal({ journal, broker: { url }, door, clock: systemClock, log: openLog('silent'), signal }).done;
