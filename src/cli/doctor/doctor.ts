/** `facelatch doctor`: tries everything that a door needs (examine.ts) and names the remedy for what is missing. */

import { styleText } from 'node:util';
import { Command } from 'commander';
import { shownText } from '../../base/path.ts';
import { type CommonOptions, configOf, exitCodes, print, withCommon, withHelp } from '../context.ts';
import { surroundings } from '../surroundings.ts';
import { counted } from '../words.ts';
import type { Check } from './check.ts';
import { examine } from './examine.ts';

export function doctorCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('doctor')
    .summary('check everything that a door needs, with a remedy for each problem')
    .description(
      'check camera, networks, people, journal, relay, broker, farm, clock, disk and permissions, with a remedy for each problem',
    )
    .option('--no-camera', 'do not open the camera (a running daemon has it)');
  withHelp(
    command,
    ['facelatch doctor --config my-door.json', 'facelatch doctor --no-camera --json    # beside a running daemon'],
    'no problem (notes are not problems)',
    'at least one problem',
  );
  return withCommon(command).action(async (options: CommonOptions & { camera: boolean }) => {
    const { config } = configOf(options);
    const checks: Check[] = [];
    for await (const check of examine(config, options.camera, stop)) {
      checks.push(check);
      if (!options.json) surroundings().stdout.write(`${line(check)}\n`);
    }
    const problems = checks.filter((c) => c.health === 'problem').length;
    print(options, { checks: checks.map(({ lacks: _, ...check }) => check), problems }, () => `\n${verdict(checks)}`);
    exit(problems === 0 ? exitCodes.yes : exitCodes.no);
  });
}

/** The last line: nothing that the door will not do stays unsaid. */
export function verdict(checks: readonly Check[]): string {
  const count = (health: Check['health']) => checks.filter((check) => check.health === health).length;
  const [problems, notes] = [count('problem'), count('note')];
  const lacks = checks.flatMap((check) => check.lacks ?? []);
  const as = lacks.length > 0 ? ` As it is, ${lacks.join('; ')}.` : '';
  if (problems > 0) return `${counted(problems, 'problem')} (✗)${notes > 0 ? ` and ${counted(notes, 'note')} (·)` : ''}.${as}`;
  return notes > 0 ? `No problem, and ${counted(notes, 'note')} (·).${as}` : 'Everything that a door needs is there.';
}

function line({ name, health, found }: Check): string {
  const mark = { ok: styleText('green', '✓'), note: styleText('yellow', '·'), problem: styleText('red', '✗') }[health];
  return `${mark} ${name.padEnd(12)} ${shownText(found)}`;
}
