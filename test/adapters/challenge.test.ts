import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { lacksVoice, openChallengeOutputs, outputsOptions } from '../../src/adapters/challenge.ts';
import { loadConfig } from '../../src/settings/load.ts';

const folder = mkdtempSync(join(tmpdir(), 'facelatch-outputs-'));
afterAll(() => rmSync(folder, { recursive: true }));
const configOf = (flags: Readonly<Record<string, string>> = {}) => loadConfig({ flags: new Map(Object.entries(flags)) }).config;

it('is nothing where no lamp and no voice are set, nor where the program that speaks is missing', () => {
  expect(outputsOptions(configOf())).toBeUndefined();
  vi.stubEnv('PATH', folder);
  const spoken = configOf({ 'liveness.voice.language': 'de' });
  expect(outputsOptions(spoken)).toBeUndefined();
  expect(lacksVoice(spoken)).toBe(true);
  expect(lacksVoice(configOf())).toBe(false);
  vi.unstubAllEnvs();
});

it('speaks in a thread of its own, and goes on without a lamp that is not there', async () => {
  const program = join(folder, 'speaker');
  const said = join(folder, 'said');
  writeFileSync(program, `#!/bin/sh\nprintf '%s' "$6" > ${said}.part; mv ${said}.part ${said}\n`);
  chmodSync(program, 0o755);
  const gpio = { place: { chip: 'no such chip', line: 'LAMP', activeLow: false }, lock: undefined };
  await using outputs = await openChallengeOutputs({ gpio, voice: { program, language: 'en' } });
  expect(outputs.info.troubles.join()).toMatch(/liveness\.light\.gpio\.chip/);
  await outputs.call({ shown: { kind: 'turn-left', issuedAtMs: 0, deadlineMs: 8000 }, sinceMs: 0 });
  await vi.waitFor(() => expect(existsSync(said)).toBe(true), 10_000);
  expect(readFileSync(said, 'utf8')).toMatch(/to your left/);
  await outputs.call({ sinceMs: 0 });
});
