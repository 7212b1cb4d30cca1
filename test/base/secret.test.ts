import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readSecretFile, readSettingFile } from '../../src/base/secret.ts';

const folder = mkdtempSync(join(tmpdir(), 'facelatch-secret-'));
afterAll(() => rmSync(folder, { recursive: true }));
const fileOf = (text: string) => {
  const file = join(folder, 'secret');
  writeFileSync(file, text);
  return file;
};

it.each([
  ['as it is', 'correct horse', 'correct horse'],
  ['without the line break of an editor', 'correct horse\n', 'correct horse'],
  ['without the line break of an editor on Windows', 'correct horse\r\n', 'correct horse'],
  ['with a second line break, which somebody meant', 'correct\n\n', 'correct\n'],
  ['with spaces at both ends', ' correct ', ' correct '],
])('a secret is read %s', (_, text, secret) => {
  expect(readSecretFile('mqtt.passwordFile', fileOf(text))).toBe(secret);
});

it('another file is read as it is', () => {
  expect(readSettingFile('mqtt.caFile', fileOf('-----BEGIN\n'))).toBe('-----BEGIN\n');
});

it.each([readSecretFile, readSettingFile])('a file that cannot be read is a fault that names setting and file', (read) => {
  const file = join(folder, 'not there');
  expect(() => read('mqtt.passwordFile', file)).toThrow(
    expect.objectContaining({
      name: 'Fault',
      code: 'bad-config',
      message: expect.stringContaining(`mqtt.passwordFile: ${file} cannot be read (ENOENT`),
      cause: expect.objectContaining({ code: 'ENOENT' }),
    }),
  );
});
