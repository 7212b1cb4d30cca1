/** What of a log is kept in memory for whoever looks at it later. */
import { expect, it } from 'vitest';
import { keptLines, openLog } from '../../src/base/log.ts';

it('keeps the last 1,000 lines of what is written, from info on, as JSON', () => {
  const written: string[] = [];
  const kept = keptLines();
  const log = openLog('trace', { write: (line) => void written.push(line) }, kept);
  log.debug('a detail');
  log.trace('another');
  for (let n = 0; n < 1001; n++) log.info({ n }, 'line');
  log.error({ err: 'x'.repeat(3000) }, 'too long to keep');
  expect(written).toHaveLength(1004);
  expect(kept.lines).toHaveLength(1000);
  expect(JSON.parse(kept.lines[0] ?? '')).toMatchObject({ level: 30, n: 1, msg: 'line' });
  expect(JSON.parse(kept.lines.at(-1) ?? '')).toMatchObject({ n: 1000 });
});
