/** Runs the scenarios in order and writes TAP; goes on where it was when the power was cut on purpose. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type Memory, openBench, type Scenario } from './bench.ts';
import { scenarios } from './scenarios/all.ts';
import { run } from './tools.ts';

interface Progress {
  readonly next: number;
  readonly failed: number;
  /** Set while a scenario waits for the machine to come up again. */
  readonly memory?: Memory;
}

const out = '/out';
const plan = JSON.parse(readFileSync('/hil/plan.json', 'utf8')) as { only: readonly string[]; repeat: number };
const chosen = scenarios.filter(({ name }) => plan.only.length === 0 || plan.only.some((only) => name.startsWith(only)));
const tap = (line: string) => appendFileSync(`${out}/results.tap`, `${line}\n`);
const comment = (text: string) => text.split('\n').forEach((line) => void (line && tap(`# ${line}`)));
const save = (progress: Progress) => writeFileSync(`${out}/progress.json`, JSON.stringify(progress));

async function main(): Promise<void> {
  let progress: Progress = existsSync(`${out}/progress.json`)
    ? JSON.parse(readFileSync(`${out}/progress.json`, 'utf8'))
    : { next: 0, failed: 0 };
  if (progress.next === 0 && !progress.memory)
    comment(`${(await run('uname', '-r')).trim()}, node ${process.version}, ${chosen.length} scenarios`);
  const bench = await openBench({
    repeat: plan.repeat,
    note: comment,
    powerCut: async (memory) => {
      save({ ...progress, memory });
      writeFileSync(`${out}/cut-the-power`, '');
      return new Promise<never>(() => undefined);
    },
  });
  for (const [index, scenario] of chosen.entries()) {
    if (index < progress.next) continue;
    const failed = await attempt(scenario, index + 1, () => scenario.run(bench, progress.memory));
    progress = { next: index + 1, failed: progress.failed + (failed ? 1 : 0) };
    save(progress);
    await bench.reset();
  }
  tap(`1..${chosen.length}`);
  writeFileSync(`${out}/failed`, String(progress.failed));
  writeFileSync(`${out}/journal.log`, await run('journalctl', '-b', '--no-pager'));
  await run('systemctl', '--no-block', 'poweroff');
}

/** One TAP line; true when it failed. */
async function attempt({ name, title, limitMs = 240_000 }: Scenario, number: number, work: () => Promise<void>): Promise<boolean> {
  const startedMs = performance.now();
  const limit = new Promise<never>((_, reject) => setTimeout(() => reject(new Error(`not over within ${limitMs} ms`)), limitMs).unref());
  const seconds = () => `${((performance.now() - startedMs) / 1000).toFixed(1)} s`;
  try {
    await Promise.race([work(), limit]);
    tap(`ok ${number} - ${name}: ${title} # ${seconds()}`);
    return false;
  } catch (error) {
    tap(`not ok ${number} - ${name}: ${title} # ${seconds()}`);
    comment(error instanceof Error ? (error.stack ?? error.message) : String(error));
    comment((await run('journalctl', '-u', 'facelatch', '-n', '25', '-o', 'short-monotonic', '--no-pager').catch(String)).slice(-6000));
    return true;
  }
}

main().catch(async (error) => {
  comment(`the bench itself failed: ${error instanceof Error ? error.stack : error}`);
  writeFileSync(`${out}/failed`, 'bench');
  await run('systemctl', '--no-block', 'poweroff');
});
