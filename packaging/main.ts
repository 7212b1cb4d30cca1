/**
 * `npm run package [-- --arch arm64] [--quick] [--out FOLDER]`: makes dist/facelatch_VERSION_ARCH.deb with everything in it, Node too. Another processor's packages come
 * from the npm registry by the same lock file; every binary is checked to be for the right one.
 */
import { execFileSync } from 'node:child_process';
import {
  closeSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { arch as hostArch } from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gzipSync } from 'node:zlib';
import { commandScript, packagedProgram } from '../src/host/install.ts';
import { type Arch, type ProgramFile, programFiles } from '../src/host/program.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const debianName: Readonly<Record<Arch, string>> = { x64: 'amd64', arm64: 'arm64' };
/** e_machine of elf(5). */
const elfMachine: Readonly<Record<Arch, number>> = { x64: 62, arm64: 183 };

const say = (text: string) => process.stderr.write(`package: ${text}\n`);
const run = (command: string, args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}) =>
  execFileSync(command, args, {
    cwd: options.cwd ?? root,
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });

function main(): void {
  const { values } = parseArgs({ options: { arch: { type: 'string' }, out: { type: 'string' }, quick: { type: 'boolean' } } });
  const arch = archOf(values.arch ?? hostArch);
  const out = values.out ?? join(root, 'dist');
  const work = mkdtempSync(join(tmpdir(), 'facelatch-package-'));
  try {
    const modules = arch === hostArch ? join(root, 'node_modules') : fetchModules(arch, join(work, 'npm'));
    const program = programFiles({ root, modules, arch });
    checkBinaries(program, arch);
    const tree = join(work, 'tree');
    lay(program, tree, arch);
    if (arch === hostArch) tryProgram(join(tree, packagedProgram));
    mkdirSync(out, { recursive: true });
    const deb = join(out, `facelatch_${version()}_${debianName[arch]}.deb`);
    say(values.quick ? 'packing' : 'packing (a minute or two; --quick for a larger package at once)');
    const compression = values.quick ? ['-Zgzip', '-z1'] : ['-Zxz', '-z4'];
    run('dpkg-deb', ['--root-owner-group', ...compression, '--build', tree, deb], { env: { SOURCE_DATE_EPOCH: lastCommit() } });
    process.stdout.write(`${deb}\n`);
    say(`${(statSync(deb).size / 1e6).toFixed(0)} MB; install it with: sudo apt install ${deb}`);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function archOf(name: string): Arch {
  if (name === 'x64' || name === 'amd64') return 'x64';
  if (name === 'arm64' || name === 'aarch64') return 'arm64';
  throw new Error(`--arch takes amd64 or arm64, not "${name}"`);
}

const version = (): string => (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version;

/** So that the same commit gives the same package. */
function lastCommit(): string {
  try {
    return run('git', ['log', '-1', '--format=%ct']).trim();
  } catch {
    return String(Math.floor(statSync(join(root, 'package-lock.json')).mtimeMs / 1000));
  }
}

/** Another processor's node_modules, in a folder of its own. */
function fetchModules(arch: Arch, folder: string): string {
  say(`fetching the packages of the lock file for linux-${arch}`);
  mkdirSync(folder);
  for (const file of ['package.json', 'package-lock.json', '.npmrc'])
    if (existsSync(join(root, file))) copyFileSync(join(root, file), join(folder, file));
  run(
    'npm',
    ['ci', '--omit=dev', '--ignore-scripts', '--os=linux', `--cpu=${arch}`, '--libc=glibc', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: folder },
  );
  const modules = join(folder, 'node_modules');
  const { version: node } = JSON.parse(readFileSync(join(modules, 'node', 'package.json'), 'utf8')) as { version: string };
  // The package `node` fetches its binary when it is installed, for the machine it is installed on: here it is fetched for the other.
  const packed =
    run('npm', ['pack', `node-linux-${arch}@${node}`, '--silent'], { cwd: folder })
      .trim()
      .split('\n')
      .at(-1) ?? '';
  const distribution = join(folder, 'node');
  mkdirSync(distribution);
  run('tar', ['-xzf', join(folder, packed), '-C', distribution, '--strip-components=1']);
  mkdirSync(join(modules, 'node', 'bin'), { recursive: true });
  cpSync(join(distribution, 'bin', 'node'), join(modules, 'node', 'bin', 'node'));
  buildEpoll(folder, distribution, arch);
  return modules;
}

/** onoff's native part, by the cross compiler. */
function buildEpoll(folder: string, nodedir: string, arch: Arch): void {
  const target = { arm64: 'aarch64', x64: 'x86_64' }[arch];
  try {
    run(`${target}-linux-gnu-g++`, ['--version']);
    run('npm', ['rebuild', 'epoll', '--silent', '--foreground-scripts=false'], {
      cwd: folder,
      env: { CC: `${target}-linux-gnu-gcc`, CXX: `${target}-linux-gnu-g++`, npm_config_arch: arch, npm_config_nodedir: nodedir },
    });
  } catch {
    say(
      `without the native part of onoff (needs g++-${target.replace('_', '-')}-linux-gnu, make and python3): no relay on the old sysfs interface in this package`,
    );
    rmSync(join(folder, 'node_modules/epoll/build'), { recursive: true, force: true });
  }
}

function checkBinaries(program: readonly ProgramFile[], arch: Arch): void {
  for (const { from, to } of program) {
    const header = Buffer.alloc(20);
    const file = openSync(from, 'r');
    const read = readSync(file, header);
    closeSync(file);
    if (read < 20 || header.toString('latin1', 0, 4) !== '\x7fELF') continue;
    if (header.readUInt16LE(18) !== elfMachine[arch]) throw new Error(`${to} is not for ${arch}`);
  }
  if (!program.some(({ to }) => to === 'node_modules/node/bin/node')) throw new Error('Node is missing: node bin/setup.mjs');
}

/** What was laid must run: a file that was left out and is needed shows here, not at a door. */
function tryProgram(folder: string): void {
  const picture = (name: string) => join(folder, 'config', 'demo-people', name);
  for (const args of [
    ['relay', 'lines'],
    ['compare', picture('p01-neutral.jpg'), picture('p01-smiling.jpg')],
  ])
    run(join(folder, 'node_modules/node/bin/node'), [join(folder, 'bin/facelatch.mjs'), ...args]);
}

/** The package's tree with its control files. */
function lay(program: readonly ProgramFile[], tree: string, arch: Arch): void {
  const put = (path: string, content: Buffer | string, mode = 0o644) => {
    mkdirSync(dirname(join(tree, path)), { recursive: true, mode: 0o755 });
    writeFileSync(join(tree, path), content, { mode });
  };
  for (const { from, text, to, mode } of program) put(join(packagedProgram, to), text ?? readFileSync(from), mode);
  const shipped = (name: string) => readFileSync(join(root, 'systemd', name));
  put('/usr/lib/systemd/system/facelatch.service', shipped('facelatch.service'));
  // Nobody's until it is enabled: its folder is there for its settings and keys.
  put('/usr/lib/systemd/system/facelatch-trainer.service', shipped('facelatch-trainer.service'));
  mkdirSync(join(tree, '/etc/facelatch-trainer'), { recursive: true, mode: 0o755 });
  put('/usr/lib/sysusers.d/facelatch.conf', shipped('sysusers.conf'));
  put('/usr/lib/tmpfiles.d/facelatch.conf', shipped('tmpfiles.conf'));
  put('/usr/lib/udev/rules.d/60-facelatch.rules', shipped('60-facelatch.rules'));
  // It may hold passwords; systemd-tmpfiles gives it to the service's group.
  put('/etc/facelatch/facelatch.json', shipped('facelatch.json'), 0o640);
  put('/usr/bin/facelatch', commandScript(packagedProgram), 0o755);
  const packaging = (name: string) => readFileSync(join(root, 'packaging', name));
  put('/usr/share/doc/facelatch/copyright', packaging('copyright'));
  put('/usr/share/doc/facelatch/changelog.gz', gzipSync(changelog(), { level: 9 }));
  put('/usr/share/lintian/overrides/facelatch', packaging('lintian-overrides'));
  for (const script of ['preinst', 'postinst', 'prerm', 'postrm']) put(`/DEBIAN/${script}`, packaging(script), 0o755);
  put('/DEBIAN/conffiles', '/etc/facelatch/facelatch.json\n');
  const kilobytes = Math.ceil(program.reduce((sum, { from }) => sum + statSync(from).size, 0) / 1024);
  put('/DEBIAN/control', control(arch, kilobytes));
}

const maintainer = 'facelatch maintainers <maintainers@users.noreply.facelatch.example>';

function control(arch: Arch, kilobytes: number): string {
  return `Package: facelatch
Version: ${version()}
Architecture: ${debianName[arch]}
Maintainer: ${maintainer}
Installed-Size: ${kilobytes}
Depends: ffmpeg, libc6 (>= 2.28), libstdc++6, systemd, udev
Recommends: v4l-utils
Suggests: fswebcam, mosquitto
Section: misc
Priority: optional
Description: opens a door for the faces it knows
 A daemon for a Linux box or a Jetson at a door: it reads a camera, finds the
 face, compares it through a Siamese network with the people enrolled, and
 releases the lock for them and for nobody else. It keeps a journal that shows
 when it was tampered with, and publishes every event over MQTT.
 .
 Brings its own Node.js.
`;
}

/** Debian's form; the story is in CHANGELOG.md beside the program. */
function changelog(): string {
  const date = new Date(Number(lastCommit()) * 1000).toUTCString().replace('GMT', '+0000');
  return `facelatch (${version()}) unstable; urgency=medium\n\n  * See /usr/lib/facelatch/CHANGELOG.md.\n\n -- ${maintainer}  ${date}\n`;
}

main();
