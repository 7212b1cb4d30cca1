/** `facelatch install` and `facelatch uninstall`: facelatch as a service of this machine; every file and command is shown before, or when it is done. */
import { existsSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { arch, getuid } from 'node:process';
import { Command, Option } from 'commander';
import { root as checkout } from '../../adapters/basics.ts';
import { Fault } from '../../base/errors.ts';
import { places, planInstall, planUninstall, type Step, systemFiles, take } from '../../host/install.ts';
import { type Arch, programFiles } from '../../host/program.ts';
import { exitCodes, print, tell, withHelp } from '../context.ts';

interface PlanOptions {
  readonly dryRun?: boolean;
  readonly apply?: boolean;
  readonly verbose?: boolean;
  readonly root: string;
  readonly json?: boolean;
}

function withPlan(command: Command): Command {
  return command
    .addOption(new Option('--dry-run', 'show every file and command, change nothing').conflicts('apply'))
    .option('--apply', 'do it (as root)')
    .option('--verbose', 'name every single file of the program too')
    .option('--root <folder>', 'the root of a system image that is being made; no command is run then', '/')
    .option('--json', 'one JSON document on standard output instead of text');
}

export function installCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('install').description(
    `put this facelatch into ${places.program} as a systemd service of its own user, with device rules and the command ${places.command}`,
  );
  withHelp(
    command,
    ['facelatch install --dry-run', 'sudo npx facelatch install --apply      # again after a change: only what differs is written'],
    'in place (or shown)',
  );
  return withPlan(command).action((options: PlanOptions) => {
    const { root, live } = target(options);
    const program = programFiles({ root: checkout, arch: archOf(arch) });
    const steps = planInstall({ root, live, program, system: systemFiles(join(checkout, 'systemd')) });
    carryOut(steps, options, stop);
    if (options.apply && !options.json && steps.length > 0)
      tell(`\nConfigure the door in ${places.config}, then: sudo systemctl restart facelatch`);
    exit(exitCodes.yes);
  });
}

export function uninstallCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('uninstall').description(
    `take out what install put in; configuration and state (people, journal) stay, unless --purge`,
  );
  withHelp(command, ['facelatch uninstall --dry-run', 'sudo facelatch uninstall --apply --purge'], 'taken out (or shown)');
  return withPlan(command)
    .option('--purge', `remove the configuration and ${places.state} too: everybody enrolled, and the journal`)
    .action((options: PlanOptions & { purge?: boolean }) => {
      carryOut(planUninstall({ ...target(options), purge: options.purge === true }), options, stop);
      exit(exitCodes.yes);
    });
}

function target({ dryRun, apply, root }: PlanOptions): { readonly root: string; readonly live: boolean } {
  if (!dryRun && !apply) throw new Fault('bad-argument', 'Say --dry-run to see what would be done, or --apply to do it');
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

function carryOut(steps: readonly Step[], options: PlanOptions, stop: AbortSignal): void {
  if (options.apply)
    for (const step of steps) {
      stop.throwIfAborted();
      take(step);
    }
  const done = options.apply ? 'done' : 'would be done';
  print(options, { applied: options.apply === true, steps: steps.map(asJson) }, () => {
    const lines = options.verbose ? steps.map(line) : summarised(steps);
    const end = steps.length === 0 ? 'Everything is in place: nothing to do.' : `${steps.length} steps ${done}.`;
    return [...lines, end].join('\n');
  });
}

const asJson = (step: Step) =>
  step.kind === 'write' ? { kind: step.kind, path: step.path, change: step.change, mode: step.mode.toString(8) } : step;

function line(step: Step): string {
  if (step.kind === 'run') return `run      ${step.command.join(' ')}`;
  if (step.kind === 'remove') return `remove   ${step.path}`;
  return `${step.change.padEnd(8)} ${step.path}`;
}

/** The thousands of files of the program by folder or package, everything else by name. */
function summarised(steps: readonly Step[]): string[] {
  const groups = new Map<string, number>();
  for (const step of steps) {
    const path = step.kind === 'run' ? '' : step.path;
    const inside = path.split(`${places.program}/`)[1];
    const [first = '', second = '', third = ''] = inside?.split('/') ?? [];
    const within = first === 'node_modules' ? join(first, second, second.startsWith('@') ? third : '') : first;
    const shown = inside ? `${line(step).slice(0, 9)}${path.slice(0, path.length - inside.length)}${within}` : line(step);
    groups.set(shown, (groups.get(shown) ?? 0) + 1);
  }
  return [...groups].map(([shown, count]) => (count > 1 ? `${shown}/ (${count} files)` : shown));
}
