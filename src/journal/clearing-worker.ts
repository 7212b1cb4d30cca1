/** The thread that overwrites removed rows; clearing.ts owns it. A request comes in, what was done goes out. */
import { setTimeout as delay } from 'node:timers/promises';
import { workerData } from 'node:worker_threads';
import { answerRequests } from '../base/side-thread.ts';
import { systemClock } from '../base/time.ts';
import type { Cleared, ClearingData } from './clearing.ts';
import { journalFault } from './faults.ts';
import { openJournal } from './sqlite.ts';

const { file } = workerData as ClearingData;

/** A few milliseconds of the lock at a time, and the rest for the door. */
const rowsAtATime = 64;
const restMs = 20;
/** Whoever waits for a lock while it holds another lets the door wait too. */
const lockMs = 50;

answerRequests(async (): Promise<Cleared> => {
  try {
    using journal = openJournal({ file, clock: systemClock, busyTimeoutMs: lockMs });
    for (let rows = 0; ; ) {
      const cleared = journal.clear(rowsAtATime);
      rows += cleared;
      if (cleared < rowsAtATime) return { rows };
      await delay(restMs);
    }
  } catch (error) {
    const { code, message } = journalFault(error, file);
    return { fault: { code, message } };
  }
}, 19);
