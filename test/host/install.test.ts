import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { arch } from 'node:process';
import { describe, expect, it } from 'vitest';
import { places, planInstall, planUninstall, type Step, systemFiles, take } from '../../src/host/install.ts';
import { type ProgramFile, programFiles } from '../../src/host/program.ts';
import { facelatchProcess, jsonOf, root, temporaryFolder } from '../cli/facelatch.ts';

const processor = arch === 'arm64' ? 'arm64' : 'x64';

describe('the program', () => {
  const files = programFiles({ root, arch: processor });
  const has = (path: string) => files.some(({ to }) => to === path);

  it('has what runs, Node among it, and nothing that only tests', () => {
    for (const path of [
      'bin/facelatch.mjs',
      'src/main.js',
      'src/face/worker.js',
      'models/detector/manifest.json',
      'node_modules/node/bin/node',
    ])
      expect(has(path), path).toBe(true);
    const packages = new Set(files.flatMap(({ to }) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(to)?.[1] ?? []));
    for (const name of ['koffi', 'onnxruntime-node', 'sharp', 'mqtt', 'pino']) expect(packages, name).toContain(name);
    for (const name of ['vitest', 'typescript', '@biomejs/biome', '@tensorflow/tfjs']) expect(packages, name).not.toContain(name);
  });

  it('has the networks of this processor only', () => {
    const binaries = files.filter(({ to }) => to.startsWith('node_modules/onnxruntime-node/bin/'));
    expect(binaries.length).toBeGreaterThan(0);
    expect(binaries.every(({ to }) => to.includes(`/linux/${processor}/`))).toBe(true);
  });

  it('a package of the lock file that is not installed is named', () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, 'node_modules'));
    expect(() => programFiles({ root, modules: join(folder.path, 'node_modules'), arch: processor })).toThrow(
      /package \S+ of the lock file/,
    );
  });
});

describe('installing', () => {
  function setUp(folder: string) {
    const source = join(folder, 'checkout');
    mkdirSync(source);
    const file = (name: string, text: string, mode: number): ProgramFile => {
      writeFileSync(join(source, name), text);
      return { from: join(source, name), to: name, mode };
    };
    const target = join(folder, 'root');
    mkdirSync(target);
    const program = [file('run', '#!/bin/sh\n', 0o755), file('main.ts', 'export {};\n', 0o644)];
    const plan = (of: readonly ProgramFile[] = program) =>
      planInstall({ root: target, live: false, program: of, system: systemFiles(join(root, 'systemd')) });
    const at = (path: string) => join(target, path);
    return { source, program, plan, at, target };
  }
  const shown = (steps: readonly Step[]) =>
    steps.map((step) => (step.kind === 'run' ? step.command.join(' ') : `${step.kind} ${step.path}`));

  it('writes program, unit, user, folders, rules, command and a first configuration; a second time there is nothing to do', () => {
    using folder = temporaryFolder();
    const { plan, at } = setUp(folder.path);
    plan().forEach(take);
    for (const path of Object.values(places))
      if (![places.state, places.cache, places.enabled].some((other) => other === path)) expect(existsSync(at(path)), path).toBe(true);
    expect(statSync(at(`${places.program}/run`)).mode & 0o777).toBe(0o755);
    expect(statSync(at(places.config)).mode & 0o777).toBe(0o640);
    expect(readFileSync(at(places.tmpfiles), 'utf8')).toContain(`\nz ${places.config} 0640 root facelatch -\n`);
    expect(readFileSync(at(places.unit), 'utf8')).toContain(`ExecStart=${places.program}/node_modules/node/bin/node`);
    expect(readFileSync(at(places.unit), 'utf8')).not.toContain('/usr/lib/facelatch');
    expect(plan()).toEqual([]);
  });

  it('another embedder: the one before is kept once, and stays while other files go', () => {
    using folder = temporaryFolder();
    const { source, program, plan, at } = setUp(folder.path);
    const network = (text: string): ProgramFile[] =>
      ['manifest.json', 'twin.onnx'].map((name) => {
        mkdirSync(join(source, text), { recursive: true });
        writeFileSync(join(source, text, name), `${text} ${name}`);
        return { from: join(source, text, name), to: `models/embedder/${name}`, mode: 0o644 };
      });
    plan([...program, ...network('old')]).forEach(take);
    expect(existsSync(at(`${places.program}/before`))).toBe(false);
    const next = [...program, ...network('new')];
    plan(next).forEach(take);
    const kept = (name: string) => readFileSync(at(`${places.program}/before/embedder/${name}`), 'utf8');
    expect(['manifest.json', 'twin.onnx'].map(kept)).toEqual(['old manifest.json', 'old twin.onnx']);
    expect(readFileSync(at(`${places.program}/models/embedder/twin.onnx`), 'utf8')).toBe('new twin.onnx');
    expect(plan(next)).toEqual([]);
  });

  it('planning changes nothing', () => {
    using folder = temporaryFolder();
    const { plan, target } = setUp(folder.path);
    expect(plan().length).toBeGreaterThan(5);
    expect(readdirSync(target)).toEqual([]);
  });

  it('of a new version only what differs is written, and what is gone is removed', () => {
    using folder = temporaryFolder();
    const { plan, at, program, source } = setUp(folder.path);
    plan().forEach(take);
    writeFileSync(join(source, 'main.ts'), 'export { };\n');
    const steps = plan(program.slice(1));
    expect(shown(steps)).toEqual([`write ${at(`${places.program}/main.ts`)}`, `remove ${at(`${places.program}/run`)}`]);
    steps.forEach(take);
    expect(plan(program.slice(1))).toEqual([]);
  });

  it('a configuration that is there is left as it is, and uninstalling leaves it and the state', () => {
    using folder = temporaryFolder();
    const { plan, at, target } = setUp(folder.path);
    mkdirSync(join(at(places.config), '..'), { recursive: true });
    writeFileSync(at(places.config), '{}');
    mkdirSync(at(places.state), { recursive: true });
    plan().forEach(take);
    expect(readFileSync(at(places.config), 'utf8')).toBe('{}');
    planUninstall({ root: target, live: false, purge: false }).forEach(take);
    expect([places.program, places.unit, places.command].some((path) => existsSync(at(path)))).toBe(false);
    expect([places.config, places.state].every((path) => existsSync(at(path)))).toBe(true);
    planUninstall({ root: target, live: false, purge: true }).forEach(take);
    expect([places.config, places.state].some((path) => existsSync(at(path)))).toBe(false);
    expect(planUninstall({ root: target, live: false, purge: true })).toEqual([]);
  });
});

describe('facelatch install', () => {
  it('asks which: to show or to do', async () => {
    const run = await facelatchProcess(['install']);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('--dry-run');
  });

  it('shows every file and changes nothing', async () => {
    using folder = temporaryFolder();
    const run = await facelatchProcess(['install', '--dry-run', '--json', '--root', folder.path]);
    expect(run.code).toBe(0);
    const { applied, steps } = jsonOf(run);
    expect(applied).toBe(false);
    expect(steps.map(({ path }: { path: string }) => path)).toContain(join(folder.path, places.unit));
    expect(readdirSync(folder.path)).toEqual([]);
  });

  it('a root that is not there is named', async () => {
    const run = await facelatchProcess(['install', '--apply', '--root', '/nonexistent']);
    expect(run.code).toBe(2);
    expect(run.stderr).toContain('/nonexistent');
  });
});

describe('the unit of a trainer', () => {
  const unit = readFileSync(join(root, 'systemd', 'facelatch-trainer.service'), 'utf8');

  it('has a user of its own, keeps keys from it and faces in memory, and waits to be configured', () => {
    for (const line of [
      'ConditionPathExists=/etc/facelatch-trainer/trainer.json',
      'DynamicUser=yes',
      'RuntimeDirectory=facelatch-trainer',
      'LoadCredential=trainer-key:/etc/facelatch-trainer/trainer-key.json',
      'LimitCORE=0',
      'WantedBy=multi-user.target',
    ])
      expect(unit.split('\n')).toContain(line);
    expect(unit).toMatch(/^ExecStart=.* --set trainer.folder=\/run\/facelatch-trainer /m);
  });

  it('is installed, and enabled by nobody', () => {
    const postinst = readFileSync(join(root, 'packaging', 'postinst'), 'utf8');
    expect(postinst).toMatch(/debian-installed \$trainer/);
    const steps = planInstall({ root: '/', live: true, program: [], system: systemFiles(join(root, 'systemd')) });
    const commands = steps.flatMap((step) => (step.kind === 'run' ? [step.command.join(' ')] : []));
    expect(steps).toContainEqual(expect.objectContaining({ kind: 'write', path: places.trainerUnit }));
    expect(commands.filter((command) => command.includes('trainer'))).toEqual(['systemctl try-restart facelatch-trainer.service']);
  });

  it('is understood by systemd, and exposes little', ({ skip }) => understood('facelatch-trainer.service', unit, 4.5, skip));
});

const systemdVersion = Number(
  /systemd (\d+)/.exec(spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1] ?? 0,
);

function understood(name: string, unit: string, mostExposed: number, skip: (why: string) => void): void {
  if (systemdVersion < 250) skip('systemd-analyze of version 250 or later is not installed');
  using folder = temporaryFolder();
  const file = join(folder.path, name);
  // The program is not installed where the tests run; any that exists will do for the check.
  writeFileSync(file, unit.replaceAll('/usr/lib/facelatch/node_modules/node/bin/node', process.execPath));
  const verify = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
  expect(verify.stderr.split('\n').filter((line) => line.includes(name))).toEqual([]);
  const security = execFileSync('systemd-analyze', ['security', '--offline=true', '--no-pager', file], { encoding: 'utf8' });
  expect(Number(/exposure level.*: ([\d.]+)/.exec(security)?.[1])).toBeLessThanOrEqual(mostExposed);
}

describe('the unit', () => {
  const unit = readFileSync(join(root, 'systemd', 'facelatch.service'), 'utf8');

  it('restarts for ever, is watched, and makes the line safe afterwards', () => {
    for (const line of [
      'Type=notify',
      'StartLimitIntervalSec=0',
      'Restart=always',
      'StateDirectory=facelatch',
      'RuntimeDirectory=facelatch',
      'LimitCORE=0',
    ])
      expect(unit.split('\n')).toContain(line);
    expect(unit).toMatch(/^WatchdogSec=\d+$/m);
    expect(unit).toMatch(/^ExecStopPost=.* relay safe /m);
  });

  it('has a limit of memory, at which one process ends and not the keeper of the line with it', () => {
    expect(unit).toMatch(/^MemoryMax=\d+%$/m);
    expect(unit.split('\n')).toContain('OOMPolicy=continue');
  });

  it('has the GPIO chips through a group of its own, which no person is in, and no later rule gives them to another', () => {
    const shipped = (name: string) => readFileSync(join(root, 'systemd', name), 'utf8');
    expect(unit).toMatch(/^SupplementaryGroups=video facelatch-gpio$/m);
    expect(shipped('sysusers.conf')).toMatch(/^g facelatch-gpio - -$/m);
    expect(shipped('sysusers.conf')).toMatch(/^m facelatch facelatch-gpio$/m);
    const rules = shipped('60-facelatch.rules').replaceAll(/^#.*$/gm, '');
    expect(rules).toMatch(/KERNEL=="gpiochip\[0-9\]\*".*GROUP:="facelatch-gpio", MODE:="0660"/);
    expect(rules).not.toMatch(/GROUP.?="gpio"|chgrp -R gpio/);
  });

  it('is understood by systemd, and exposes little', ({ skip }) => understood('facelatch.service', unit, 2.0, skip));
});
