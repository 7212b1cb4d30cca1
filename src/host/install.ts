/**
 * Installs facelatch into a system and removes it again. In: the files that are wanted, and the system as it is. Out:
 * the steps that are missing, which change nothing until `take` takes them. What is in place already needs no step, so
 * a second installation changes nothing.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { asFault, Fault, messageOf } from '../base/errors.ts';
import { writeWhole } from '../base/whole-file.ts';
import type { ProgramFile } from './program.ts';

export type Step =
  | { readonly kind: 'write'; readonly path: string; readonly mode: number; readonly source: Source; readonly change: 'new' | 'changed' }
  | { readonly kind: 'remove'; readonly path: string }
  | { readonly kind: 'run'; readonly command: readonly [string, ...string[]] };

/** The content of a file: copied from another file, or given as text. */
export type Source = { readonly from: string } | { readonly text: string };

export interface WantedFile {
  readonly path: string;
  readonly mode: number;
  readonly source: Source;
  /** The owner may change it: written once, never replaced. */
  readonly keep?: boolean;
}

/** Where everything goes. These replace the paths that the shipped unit names. */
export const places = {
  program: '/opt/facelatch',
  command: '/usr/local/bin/facelatch',
  config: '/etc/facelatch/facelatch.json',
  unit: '/etc/systemd/system/facelatch.service',
  /** The unit of a host that trains; used where somebody enables it. */
  trainerUnit: '/etc/systemd/system/facelatch-trainer.service',
  enabled: '/etc/systemd/system/multi-user.target.wants/facelatch.service',
  sysusers: '/etc/sysusers.d/facelatch.conf',
  tmpfiles: '/etc/tmpfiles.d/facelatch.conf',
  udev: '/etc/udev/rules.d/60-facelatch.rules',
  state: '/var/lib/facelatch',
  cache: '/var/cache/facelatch',
} as const;
/** Where the Debian package puts the program. The files in systemd/ name this folder. */
export const packagedProgram = '/usr/lib/facelatch';

/** The command on the PATH, for a program in `folder`. */
export function commandScript(folder: string): string {
  return `#!/bin/sh
# Runs facelatch on its own Node.js, with the configuration of the service unless another is named.
: "\${FACELATCH_CONFIG=${places.config}}"
export FACELATCH_CONFIG MALLOC_ARENA_MAX=2 MALLOC_MMAP_THRESHOLD_=524288 MALLOC_TRIM_THRESHOLD_=524288
exec ${folder}/node_modules/node/bin/node ${folder}/bin/facelatch.mjs "$@"
`;
}

/**
 * The files around the program: units, user, folders, device rules, command, and a first configuration. `systemd` is
 * the folder of that name.
 */
export function systemFiles(systemd: string): readonly WantedFile[] {
  const shipped = (name: string) => readFileSync(join(systemd, name), 'utf8').replaceAll(packagedProgram, places.program);
  const plain = (path: string, name: string): WantedFile => ({ path, mode: 0o644, source: { text: shipped(name) } });
  return [
    plain(places.unit, 'facelatch.service'),
    plain(places.trainerUnit, 'facelatch-trainer.service'),
    plain(places.sysusers, 'sysusers.conf'),
    plain(places.tmpfiles, 'tmpfiles.conf'),
    plain(places.udev, '60-facelatch.rules'),
    // It may hold passwords; systemd-tmpfiles gives it to the service's group.
    { ...plain(places.config, 'facelatch.json'), mode: 0o640, keep: true },
    { path: places.command, mode: 0o755, source: { text: commandScript(places.program) } },
  ];
}

export interface InstallOptions {
  /** `/`, or the root of an image that is being made: for an image, files are written and no command runs. */
  readonly root: string;
  readonly program: readonly ProgramFile[];
  readonly system: readonly WantedFile[];
  /** Whether systemd is running. */
  readonly live: boolean;
}

/** The steps that are missing, in order. */
export function planInstall({ root, program, system, live }: InstallOptions): readonly Step[] {
  const at = (path: string) => join(root, path);
  const wanted: WantedFile[] = program.map(({ from, text, to, mode }) => ({
    path: join(places.program, to),
    mode,
    source: text === undefined ? { from } : { text },
  }));
  const writes = [...wanted, ...system].flatMap((file) => writeStep(root, file));
  const known = new Set(wanted.map(({ path }) => at(path)));
  const kept = keepEmbedder(at(places.program), writes);
  const before = `${at(join(places.program, 'before'))}/`;
  const stale = filesBelow(at(places.program)).filter((path) => !known.has(path) && !path.startsWith(before));
  const files: Step[] = [...kept, ...writes, ...stale.map((path): Step => ({ kind: 'remove', path }))];
  if (root !== '/') return files;
  const changed = (path: string) => files.some((step) => step.kind !== 'run' && (step.path === path || step.path.startsWith(`${path}/`)));
  const run = (...command: [string, ...string[]]): Step => ({ kind: 'run', command });
  const user = /^facelatch:/m.test(readFileSync('/etc/passwd', 'utf8'));
  const commands: Step[] = [];
  if (!user || changed(places.sysusers)) commands.push(run('systemd-sysusers', places.sysusers));
  if (!existsSync(places.state) || changed(places.tmpfiles)) commands.push(run('systemd-tmpfiles', '--create', places.tmpfiles));
  if (live && changed(places.udev))
    commands.push(run('udevadm', 'control', '--reload'), run('udevadm', 'trigger', '--subsystem-match=gpio', '--action=add'));
  if (live && (changed(places.unit) || changed(places.trainerUnit))) commands.push(run('systemctl', 'daemon-reload'));
  if (!isThere(places.enabled)) commands.push(run('systemctl', 'enable', 'facelatch.service'));
  for (const [unit, name] of [[places.unit, 'facelatch.service'] as const, [places.trainerUnit, 'facelatch-trainer.service'] as const])
    if (live && (changed(unit) || changed(places.program))) commands.push(run('systemctl', 'try-restart', name));
  return [...files, ...commands];
}

/**
 * Where the embedder is about to be another one: everybody's templates are of the one before, so it is copied first,
 * and the door goes on with it until templates of the new one are made (learning/first-guards.ts).
 */
function keepEmbedder(program: string, writes: readonly Step[]): readonly Step[] {
  const folder = join(program, 'models', 'embedder');
  const isReplaced = writes.some((step) => step.kind === 'write' && step.change === 'changed' && dirname(step.path) === folder);
  if (!isReplaced) return [];
  return filesBelow(folder).flatMap((from) =>
    writeStep('/', { path: join(program, 'before', 'embedder', basename(from)), mode: 0o644, source: { from } }),
  );
}

/** The steps that remove it; `purge` removes configuration and state (people, journal) too. */
export function planUninstall({
  root,
  live,
  purge,
}: {
  readonly root: string;
  readonly live: boolean;
  readonly purge: boolean;
}): readonly Step[] {
  const at = (path: string) => join(root, path);
  const { unit, trainerUnit, sysusers, tmpfiles, udev, command, program, config, state, cache } = places;
  const commands: Step[] = [];
  const units = [unit, trainerUnit].filter(isThere).map((path) => basename(path));
  if (root === '/' && units.length > 0)
    commands.push({ kind: 'run', command: ['systemctl', 'disable', ...(live ? ['--now'] : []), ...units] });
  const folders = [program, cache, ...(purge ? [dirname(config), state] : [])].map(at).filter(existsSync);
  const files = [unit, trainerUnit, sysusers, tmpfiles, udev, command].map(at).filter(isThere);
  const removes = [...files, ...folders].map((path): Step => ({ kind: 'remove', path }));
  const reload: Step[] = root === '/' && live && removes.length > 0 ? [{ kind: 'run', command: ['systemctl', 'daemon-reload'] }] : [];
  return [...commands, ...removes, ...reload];
}

function writeStep(root: string, { path, mode, source, keep = false }: WantedFile): Step[] {
  const target = join(root, path);
  const there = lstatSync(target, { throwIfNoEntry: false });
  if (there && (keep || (there.isFile() && (there.mode & 0o777) === mode && sameContent(target, there.size, source)))) return [];
  return [{ kind: 'write', path: target, mode, source, change: there ? 'changed' : 'new' }];
}

function sameContent(path: string, size: number, source: Source): boolean {
  if ('text' in source) return readFileSync(path, 'utf8') === source.text;
  return size === statSync(source.from).size && readFileSync(path).equals(readFileSync(source.from));
}

/** Takes one step. @throws Fault `not-permitted`, `disk-full` or `tool-missing`. */
export function take(step: Step): void {
  try {
    if (step.kind === 'run') execFileSync(step.command[0], step.command.slice(1), { stdio: ['ignore', 'ignore', 'pipe'] });
    else if (step.kind === 'remove') remove(step.path);
    else write(step);
  } catch (error) {
    throw faultOf(step, error);
  }
}

/**
 * What runs keeps its old file. Files that are copied are not synced one by one: there are thousands, and after a power
 * cut the same command finds and repairs those that differ.
 */
function write({ path, mode, source }: Extract<Step, { kind: 'write' }>): void {
  if ('text' in source) {
    writeWhole(path, source.text, { mode, folderMode: 0o755 });
    return;
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const fresh = `${path}.facelatch-new`;
  copyFileSync(source.from, fresh);
  chmodSync(fresh, mode);
  renameSync(fresh, path);
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true });
  const folder = dirname(path);
  if (folder.includes(places.program) && existsSync(folder) && globSync('*', { cwd: folder }).length === 0) rmdirSync(folder);
}

function faultOf(step: Step, error: unknown): Fault {
  const what = step.kind === 'run' ? `"${step.command.join(' ')}"` : step.path;
  const { code, stderr } = error as { readonly code?: unknown; readonly stderr?: unknown };
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
    return new Fault('not-permitted', `${what} may not be changed by this user (${messageOf(error)}): run the command with sudo`, error);
  if (code === 'ENOSPC') return new Fault('disk-full', `There is no room for ${what}: facelatch takes 230 MB`, error);
  if (step.kind === 'run')
    return new Fault(
      'tool-missing',
      `${what} failed: ${String(stderr ?? '').trim() || messageOf(error)}. What was done so far stays; correct this and run the same command again: it goes on from here`,
      error,
    );
  return asFault(error, 'not-permitted', `${what} could not be put in place`);
}

const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return globSync('**', { cwd: folder, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}
