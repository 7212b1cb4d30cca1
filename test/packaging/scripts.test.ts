/** The package's own scripts, run as dpkg runs them, on a folder in place of the program's. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { packagedProgram } from '../../src/host/install.ts';
import { programFiles } from '../../src/host/program.ts';
import { root, temporaryFolder } from '../cli/facelatch.ts';

/** One of them with another program folder, without the commands of the system. */
function run(script: 'preinst' | 'postrm', program: string, ...args: string[]): void {
  const text = readFileSync(join(root, 'packaging', script), 'utf8').replaceAll(packagedProgram, program);
  execFileSync('sh', ['-s', '--', ...args], {
    input: text.replaceAll(/\/run\/systemd\/system|\/usr\/bin\/deb-systemd-helper/g, '/nonexistent'),
    env: { PATH: '/usr/bin:/bin' },
  });
}

it('an upgrade keeps the embedder that it replaces, a first installation nothing, a removal takes it away', () => {
  using folder = temporaryFolder();
  const program = join(folder.path, 'facelatch');
  run('preinst', program, 'install');
  expect(existsSync(program)).toBe(false);
  const put = (text: string) => {
    mkdirSync(join(program, 'models/embedder'), { recursive: true });
    for (const name of ['manifest.json', 'twin.onnx']) writeFileSync(join(program, 'models/embedder', name), text);
  };
  const kept = (name: string) => readFileSync(join(program, 'before/embedder', name), 'utf8');
  for (const version of ['one', 'two']) {
    put(version);
    run('preinst', program, 'upgrade', '0.1.0');
    expect(['manifest.json', 'twin.onnx'].map(kept)).toEqual([version, version]);
  }
  run('postrm', program, 'upgrade', '0.2.0');
  expect(existsSync(join(program, 'before'))).toBe(true);
  run('postrm', program, 'remove');
  expect(existsSync(join(program, 'before'))).toBe(false);
});

it('what is installed says whose work the embedder is, under which licence, and what was changed', () => {
  const notices = programFiles({ root, arch: process.arch === 'arm64' ? 'arm64' : 'x64' }).find(({ to }) => to === 'THIRD-PARTY-NOTICES');
  const text = readFileSync(notices?.from ?? '', 'utf8');
  for (const part of [
    'Intel Corporation',
    'face-reidentification-retail-0095',
    'open_model_zoo',
    'What was changed',
    'TERMS AND CONDITIONS FOR USE',
  ])
    expect(text).toContain(part);
  expect(readFileSync(join(root, 'packaging/copyright'), 'utf8')).toContain('License: Apache-2.0');
});
