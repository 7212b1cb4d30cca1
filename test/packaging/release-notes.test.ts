import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { releaseNotes } from '../../packaging/release-notes.ts';

const changelog = '# Changelog\n\n## 0.2.0 (unreleased)\n\n- New.\n\n## 0.1.0\n\n- Old.\n';

it('the notes of a version are its section of the changelog, and nothing else', () => {
  expect(releaseNotes(changelog, '0.2.0')).toBe('# facelatch 0.2.0\n\n- New.\n');
  expect(releaseNotes(changelog, '0.1.0')).toBe('# facelatch 0.1.0\n\n- Old.\n');
});

it('a version without a section, or with an empty one, is no release', () => {
  expect(() => releaseNotes(changelog, '0.3.0')).toThrow('write a section "## 0.3.0"');
  expect(() => releaseNotes('## 0.3.0\n\n## 0.2.0\n- x\n', '0.3.0')).toThrow('has no notes');
});

it('this version has notes', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };
  expect(releaseNotes(readFileSync(new URL('../../CHANGELOG.md', import.meta.url), 'utf8'), version).length).toBeGreaterThan(100);
});
