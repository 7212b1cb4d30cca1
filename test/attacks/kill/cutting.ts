/**
 * A process that writes the journal named in argv and cuts its oldest rows away, until it is killed: it says each entry
 * that is written, and each cut before and after it.
 */
import { writeSync } from 'node:fs';
import { systemClock } from '../../../src/base/time.ts';
import { heldKeys, textSigner } from '../../../src/command/keys.ts';
import { openJournal } from '../../../src/journal/sqlite.ts';
import { numbered } from '../../fakes/events.ts';

const [, , file = '', keys = ''] = process.argv;
// Written at once: what a pipe still holds of a killed process is lost.
const say = (...words: readonly (string | number)[]) => void writeSync(1, `${words.join(' ')}\n`);
const iso = (ms: number) => new Date(ms).toISOString();
const rowsAtATime = 16;

using journal = openJournal({ file, clock: systemClock, signer: textSigner(heldKeys(keys)), busyTimeoutMs: 10_000 });
for (let n = 0; ; n++) {
  const { seq, hash } = journal.append(numbered(n));
  say('wrote', seq, hash);
  const nowMs = systemClock.wall();
  const upTo = journal.oldUpTo(iso(nowMs + 1000), iso(nowMs));
  if (upTo !== undefined) {
    say('cutting', upTo);
    journal.cut(upTo, 'age', { 'test.cut': `${upTo}` });
    say('cut', upTo);
  }
  // Not all at once: the next cut may come before.
  journal.clear(rowsAtATime);
}
