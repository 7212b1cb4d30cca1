import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { openVoice } from '../../src/host/voice.ts';

const folder = mkdtempSync(join(tmpdir(), 'facelatch-voice-'));
afterEach(() => rmSync(join(folder, 'said'), { force: true }));

/** A program in place of espeak-ng. */
function program(lines: string): string {
  const path = join(folder, 'speaker');
  writeFileSync(path, `#!/bin/sh\n${lines}\n`);
  chmodSync(path, 0o755);
  return path;
}

it('gives the sentence to the program as one argument, and no secret of the door', async () => {
  process.env.FACELATCH_MQTT_PASSWORD = 'secret';
  const told = Promise.withResolvers<string>();
  using voice = openVoice({
    program: program(`printf '%s|' "$@" > ${folder}/said; env >> ${folder}/said; exit 3`),
    language: 'de',
    failed: told.resolve,
  });
  voice.say('Näher an die Kamera kommen und dort bleiben.');
  expect(await told.promise).toBe('exit code 3');
  const said = readFileSync(join(folder, 'said'), 'utf8');
  expect(said).toMatch(/^-v\|de\|-s\|145\|--\|Näher an die Kamera kommen und dort bleiben\.\|/);
  expect(said).not.toMatch(/secret/);
  delete process.env.FACELATCH_MQTT_PASSWORD;
});

it('tells that a program cannot be started, and throws nothing', async () => {
  const told = Promise.withResolvers<string>();
  using voice = openVoice({ program: join(folder, 'missing'), language: 'en', failed: told.resolve });
  voice.say('Come closer.');
  expect(await told.promise).toMatch(/ENOENT/);
});
