/** A process that is killed while it cuts the journal: the chain is whole, no entry is lost, and what was removed goes. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { systemClock } from '../../src/base/time.ts';
import { heldKeys, textSigner } from '../../src/command/keys.ts';
import { openJournal } from '../../src/journal/sqlite.ts';
import { killsOr } from '../fakes/kills.ts';

const cutting = fileURLToPath(new URL('kill/cutting.ts', import.meta.url));
const kills = killsOr(3);

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'facelatch-killed-cuts-'));
  file = join(folder, 'journal.sqlite');
});
afterEach(() => rmSync(folder, { recursive: true }));
const keys = () => join(folder, 'keys.json');
const open = () => openJournal({ file, clock: systemClock, signer: textSigner(heldKeys(keys())) });

/** What it said before it was killed; every second time soon after a cut has begun. */
async function killed(round: number): Promise<readonly string[]> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', cutting, file, keys()], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(folder, 'compiled') },
  });
  let said = '';
  const begun = Promise.withResolvers<void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (said.includes(round % 2 === 0 ? 'cutting' : 'wrote')) begun.resolve();
  });
  const closed = once(child, 'close');
  await Promise.race([begun.promise, closed]);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * (round % 2 === 0 ? 15 : 300)));
  expect(child.exitCode, 'it ended by itself').toBe(null);
  child.kill('SIGKILL');
  await closed;
  return said.split('\n').slice(0, -1);
}

it(`after each of ${kills} kills the journal is whole and goes on`, { timeout: 60_000 + 10_000 * kills }, async () => {
  let [cuts, last] = [0, 0];
  for (let round = 0; round < kills; round++) {
    const said = await killed(round);
    using journal = open();
    const begins = journal.begins?.seq ?? 0;
    expect(journal.verify()).toMatchObject({ ok: true, ...(begins > 0 && { cut: { seq: begins } }) });
    // The place and what was kept with it: both or neither. One that was told stays.
    expect([begins, begins]).toEqual([Number(journal.note('test.cut') ?? 0), Math.max(begins, last)]);
    const entries = journal.query({});
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, n) => begins + 1 + n));
    expect(entries.length).toBe(journal.head - begins);
    const hashes = new Map(entries.map(({ seq, hash }) => [seq, hash]));
    for (const line of said) {
      const [what, seq, hash] = line.split(' ');
      if (what === 'wrote' && Number(seq) > begins) expect(hashes.get(Number(seq))).toBe(hash);
      if (what === 'cut') {
        cuts++;
        expect(begins).toBeGreaterThanOrEqual(Number(seq));
      }
    }
    last = begins;
    const removed = rowsUpTo(begins);
    while (journal.clear(1000) > 0);
    expect(rowsUpTo(begins)).toEqual([]);
    const left = readdirSync(folder).filter((name) => name.startsWith('journal.sqlite') && removed.some((id) => holds(name, id)));
    expect(left).toEqual([]);
    expect(journal.verify()).toMatchObject({ ok: true });
  }
  expect(cuts + last).toBeGreaterThan(0);
});

const holds = (name: string, id: string) => readFileSync(join(folder, name)).includes(id);

function rowsUpTo(seq: number): string[] {
  using db = new DatabaseSync(file, { readOnly: true });
  return db
    .prepare('SELECT id FROM journal WHERE seq <= ?')
    .all(seq)
    .map(({ id }) => String(id));
}
