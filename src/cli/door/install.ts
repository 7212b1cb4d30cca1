/**
 * `facelatch install` and `facelatch uninstall`: facelatch as a service of this machine. Every file and command is
 * shown, before or
 * when it is done.
 */
import { existsSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { arch, getuid } from 'node:process';
import { Command, Option } from 'commander';
import { root as checkout } from '../../adapters/basics.ts';
import { Fault } from '../../base/errors.ts';
import { places, planInstall, planUninstall, type Step, systemFiles, take } from '../../host/install.ts';
import { type Arch, programFiles } from '../../host/program.ts';
import { exitCodes, print, tell, withHelp } from '../context.ts';
import { counted } from '../words.ts';

interface PlanOptions {
  readonly dryRun?: boolean;
  readonly apply?: boolean;
  readonly verbose?: boolean;
  readonly root: string;
  readonly json?: boolean;
}

function withPlan(command: Command): Command {
  return command
    .addOption(new Option('--dry-run', 'show what would be done, change nothing').conflicts('apply'))
    .option('--apply', 'do it (as root)')
    .option('--verbose', 'show every file, those of the program too')
    .option('--root <folder>', 'the root of a system image; no command is run then', '/')
    .option('--json', 'one JSON document on standard output instead of text');
}

export function installCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('install')
    .summary('install facelatch as a service of this machine')
    .description(
      `install this facelatch in ${places.program} as a systemd service with its own user, device rules and the command ${places.command}`,
    );
  withHelp(
    command,
    [
      'facelatch install --dry-run               what would be done',
      'sudo npx facelatch install --apply        again after an update: only files that differ are written',
    ],
    'installed (or shown)',
  );
  return withPlan(command).action((options: PlanOptions) => {
    const { root, live } = target(options);
    const program = programFiles({ root: checkout, arch: archOf(arch) });
    const steps = planInstall({ root, live, program, system: systemFiles(join(checkout, 'systemd')) });
    carryOut(steps, 'Everything is installed already: nothing to do.', options, stop);
    if (options.apply && !options.json && steps.length > 0)
      tell(`\nConfigure the door in ${places.config}, then: sudo systemctl restart facelatch`);
    exit(exitCodes.yes);
  });
}

export function uninstallCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('uninstall')
    .summary('remove the service; people and journal stay')
    .description('remove what install wrote; configuration and state (people, journal) stay, unless --purge is given');
  withHelp(command, ['facelatch uninstall --dry-run', 'sudo facelatch uninstall --apply --purge'], 'removed (or shown)');
  return withPlan(command)
    .option('--purge', `remove the configuration and ${places.state} too: all enrolled people and the journal`)
    .action((options: PlanOptions & { purge?: boolean }) => {
      const { root, live } = target(options);
      const none = `facelatch is not installed${root === sep ? ' on this machine' : ` in ${root}`}: nothing to remove.`;
      carryOut(planUninstall({ root, live, purge: options.purge === true }), none, options, stop);
      exit(exitCodes.yes);
    });
}

function target({ dryRun, apply, root }: PlanOptions): { readonly root: string; readonly live: boolean } {
  if (!dryRun && !apply) throw new Fault('bad-argument', 'Add --dry-run to see what would be done, or --apply to do it');
  const folder = resolve(root);
  if (!existsSync(folder)) throw new Fault('not-found', `There is no folder ${folder} (--root)`);
  if (folder !== sep) return { root: folder, live: false };
  if (existsSync('/var/lib/dpkg/info/facelatch.list'))
    throw new Fault('bad-argument', 'facelatch is installed here as a Debian package: change it with apt');
  if (apply && getuid?.() !== 0) throw new Fault('not-permitted', 'Only root may change the system: sudo npx facelatch … --apply');
  return { root: folder, live: existsSync('/run/systemd/system') };
}

function archOf(name: string): Arch {
  if (name === 'x64' || name === 'arm64') return name;
  throw new Fault('tool-missing', `facelatch has binaries for x64 and arm64, not for ${name}`);
}

/** `none`: what is said where there is no step. */
function carryOut(steps: readonly Step[], none: string, options: PlanOptions, stop: AbortSignal): void {
  if (options.apply)
    for (const step of steps) {
      stop.throwIfAborted();
      take(step);
    }
  print(options, { applied: options.apply === true, steps: steps.map(asJson) }, () => {
    if (steps.length === 0) return none;
    return [summary(steps, options), '', ...(options.verbose ? steps.map(line) : shortened(steps))].join('\n');
  });
}

const asJson = (step: Step) =>
  step.kind === 'write' ? { kind: step.kind, path: step.path, change: step.change, mode: step.mode.toString(8) } : step;

function line(step: Step): string {
  if (step.kind === 'run') return `run      ${step.command.join(' ')}`;
  if (step.kind === 'remove') return `remove   ${step.path}`;
  return `${step.change.padEnd(8)} ${step.path}`;
}

/** What matters, in one sentence. */
function summary(steps: readonly Step[], { apply, verbose }: PlanOptions): string {
  const count = (kind: Step['kind']) => steps.filter((step) => step.kind === kind).length;
  const parts = [
    [count('write'), (n: number) => `${counted(n, 'file')} written`],
    [count('remove'), (n: number) => `${counted(n, 'file or folder', 'files and folders')} removed`],
    [count('run'), (n: number) => `${counted(n, 'command')} run`],
  ] as const;
  const what = parts.flatMap(([n, words]) => (n > 0 ? [words(n)] : [])).join(', ');
  const more = verbose ? '' : ' (--verbose names every file)';
  return apply ? `Done: ${what}${more}.` : `Nothing was changed. --apply would mean: ${what}${more}.`;
}

/** The thousands of files of the program in one line for each kind of change, everything else by name. */
function shortened(steps: readonly Step[]): string[] {
  const inProgram = (step: Step) => step.kind !== 'run' && step.path.includes(`${places.program}/`);
  const program = Map.groupBy(steps.filter(inProgram), (step) => (step.kind === 'write' ? step.change : step.kind));
  return [
    ...[...program].map(([change, files]) => `${change.padEnd(8)} ${places.program}/ (the program: ${counted(files.length, 'file')})`),
    ...steps.filter((step) => !inProgram(step)).map(line),
  ];
}
