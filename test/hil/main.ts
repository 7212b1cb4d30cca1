/**
 * `npm run test:hil [-- --only NAME,…] [--repeat N]`: boots a Debian guest with a simulated board and camera, installs the real package in it
 * without a network, runs every scenario against the service as it is shipped, and prints TAP. Exit code 0 when all passed.
 */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, cpSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeScenes } from './assets.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '..', '..');
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    repeat: { type: 'string', default: '20' },
    cache: { type: 'string', default: join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'facelatch-hil') },
    minutes: { type: 'string', default: '150' },
    deb: { type: 'string' },
  },
});
const cache = values.cache;
const share = join(cache, 'share');
const out = join(cache, 'out');
const comment = (text: string) => process.stdout.write(`# ${text}\n`);

/** The package of this checkout, packed quickly; made again when a file in it is newer. */
function makePackage(): string {
  const folder = join(cache, 'package');
  const newest = Math.max(
    ...['src', 'bin', 'systemd', 'packaging', 'models', 'package-lock.json'].map((path) => newestBelow(join(root, path))),
  );
  const found = existsSync(folder) ? readdirSync(folder).find((name) => name.endsWith('.deb')) : undefined;
  if (found && statSync(join(folder, found)).mtimeMs > newest) return join(folder, found);
  rmSync(folder, { recursive: true, force: true });
  comment('making the package');
  const args = ['--disable-warning=ExperimentalWarning', 'packaging/main.ts', '--arch', 'amd64', '--quick', '--out', folder];
  return execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim();
}

function newestBelow(path: string): number {
  const entry = statSync(path);
  if (!entry.isDirectory()) return entry.mtimeMs;
  return Math.max(entry.mtimeMs, ...readdirSync(path).map((name) => newestBelow(join(path, name))));
}

async function prepare(): Promise<void> {
  // The lists of Debian's packages and the packages themselves; every stage is kept.
  execFileSync(join(here, 'image.sh'), [cache], { stdio: ['ignore', 'inherit', 'inherit'] });
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  mkdirSync(share, { recursive: true });
  await makeScenes(join(share, 'scenes'));
  cpSync(values.deb ?? makePackage(), join(share, 'facelatch.deb'));
  rmSync(join(share, 'guest'), { recursive: true, force: true });
  cpSync(join(here, 'guest'), join(share, 'guest'), { recursive: true });
  writeFileSync(join(share, 'package.json'), '{"type":"module"}');
  writeFileSync(join(share, 'plan.json'), JSON.stringify({ only: values.only.split(',').filter(Boolean), repeat: Number(values.repeat) }));
  writeFileSync(join(out, 'results.tap'), '');
}

/**
 * An emulated machine (TCG): a processor without AVX, whose instructions are emulated several times faster than with. Its time is counted in
 * instructions (a thousand million a second) and skips what it idles away: however busy this machine is, the guest's clock runs true to its work.
 * Translated code has all the room it can have (MB, taken as it is used), and programs lie where they lay the last time (norandmaps): else
 * everything is translated again at every start of the daemon.
 */
function boot() {
  const release = readFileSync(join(cache, 'release'), 'utf8').trim();
  const files = (path: string, tag: string, readonly: boolean) => [
    '-virtfs',
    `local,path=${path},mount_tag=${tag},security_model=none,multidevs=remap${readonly ? ',readonly=on' : ''}`,
  ];
  const log = openSync(join(out, 'qemu.log'), 'w');
  const machine = spawn(
    'qemu-system-x86_64',
    [
      ...words('-accel tcg,thread=single,tb-size=2000 -icount shift=0,sleep=off -cpu Nehalem -machine q35 -smp 1 -m 2048'),
      ...words('-nodefaults -display none -nic none -device virtio-rng-pci'),
      ...['-serial', `file:${join(out, 'console.log')}`, '-qmp', `unix:${join(out, 'qmp')},server=on,wait=off`],
      ...['-kernel', join(cache, 'kernel', 'boot', `vmlinuz-${release}`), '-initrd', join(cache, 'initramfs.img')],
      ...['-append', 'console=ttyS0 panic=0 quiet systemd.show_status=0 mitigations=off norandmaps random.trust_cpu=on'],
      ...['-drive', `file=${join(cache, 'root.ext4')},if=virtio,format=raw,snapshot=on`],
      ...files(share, 'hil', true),
      ...files(out, 'out', false),
    ],
    { stdio: ['ignore', log, log] },
  );
  closeSync(log);
  return machine;
}

const words = (line: string): readonly string[] => line.split(' ');

/** As if the plug had been pulled and put back: nothing in the guest is told. */
function resetMachine(): Promise<void> {
  return new Promise((resolve, reject) => {
    const monitor = connect(join(out, 'qmp'));
    monitor.on('error', reject);
    monitor.on('data', (data) => {
      if (data.includes('"return"') && data.includes('"done"')) monitor.end(resolve);
    });
    monitor.write('{"execute":"qmp_capabilities"}\n{"execute":"system_reset","id":"done"}\n');
  });
}

async function follow(machine: ReturnType<typeof boot>): Promise<void> {
  const end = Date.now() + Number(values.minutes) * 60_000;
  let shown = 0;
  const show = () => {
    const results = readFileSync(join(out, 'results.tap'), 'utf8');
    process.stdout.write(results.slice(shown));
    shown = results.length;
  };
  while (machine.exitCode === null && machine.signalCode === null) {
    show();
    if (existsSync(join(out, 'cut-the-power'))) {
      rmSync(join(out, 'cut-the-power'));
      await resetMachine();
    }
    if (Date.now() > end) {
      comment(`not over within ${values.minutes} minutes (--minutes)`);
      machine.kill('SIGKILL');
    }
    await pause(20);
  }
  show();
}

async function main(): Promise<number> {
  await prepare();
  comment(`booting; the log is in ${out}`);
  const started = Date.now();
  process.stdout.write('TAP version 13\n');
  const machine = boot();
  const stop = () => machine.kill('SIGKILL');
  process.once('SIGINT', stop).once('SIGTERM', stop);
  await follow(machine);
  const failed = existsSync(join(out, 'failed')) ? readFileSync(join(out, 'failed'), 'utf8') : 'the guest never finished';
  comment(`${failed === '0' ? 'all passed' : `failed: ${failed}`}; ${Math.round((Date.now() - started) / 1000)} s`);
  return failed === '0' ? 0 : 1;
}

process.exitCode = await main();
