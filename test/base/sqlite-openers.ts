/** A process that opens the same new files as others at the same time: `node sqlite-openers.ts FOLDER COUNT STARTMS`. Prints what goes wrong. */
import { join } from 'node:path';
import { systemClock } from '../../src/base/time.ts';
import { openJournal } from '../../src/journal/sqlite.ts';

const [, , folder = '', count, startMs] = process.argv;
while (Date.now() < Number(startMs));
for (let n = 0; n < Number(count); n++) {
  try {
    openJournal({ file: join(folder, `${n}.sqlite`), clock: systemClock })[Symbol.dispose]();
  } catch (error) {
    console.log(String(error));
  }
}
