/**
 * `npm run release`: what a release consists of, in dist/: a Debian package for each processor, a file of their SHA-256 sums, and the notes of this version
 * from CHANGELOG.md.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { releaseNotes } from './release-notes.ts';

const root = join(import.meta.dirname, '..');
const out = join(root, 'dist');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

// First of all: a version without notes is no release, and the packages take minutes.
const notes = releaseNotes(readFileSync(join(root, 'CHANGELOG.md'), 'utf8'), version);
rmSync(out, { recursive: true, force: true });
mkdirSync(out);
for (const arch of ['amd64', 'arm64'])
  execFileSync(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'main.ts'), '--arch', arch, ...process.argv.slice(2)],
    {
      cwd: root,
      stdio: 'inherit',
    },
  );
const packages = readdirSync(out).filter((name) => name.endsWith('.deb'));
const sums = packages.map(
  (name) =>
    `${createHash('sha256')
      .update(readFileSync(join(out, name)))
      .digest('hex')}  ${name}\n`,
);
writeFileSync(join(out, 'SHA256SUMS'), sums.join(''));
writeFileSync(join(out, 'RELEASE_NOTES.md'), notes);
process.stderr.write(`release: ${[...packages, 'SHA256SUMS', 'RELEASE_NOTES.md'].map((name) => `dist/${name}`).join(', ')}\n`);
