/** Consent at the shell: asked for before a picture is read, recorded, shown, and taken back. */
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { demoPicture, facelatch, temporaryFolder } from '../facelatch.ts';

const folder = temporaryFolder();
afterAll(() => folder[Symbol.dispose]());
const run = (...args: string[]) => facelatch([...args, '--state', join(folder.path, 'state'), '--set', 'privacy.consent=required']);

it('keeps somebody out who did not agree, and their record after they took it back', async () => {
  const refused = await run('enrol', 'Ada', demoPicture(1, 'neutral'));
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/privacy\.consent/)]);
  expect((await run('enrol', 'Ada', demoPicture(1, 'neutral'), '--consent', '2026-01')).code).toBe(0);
  expect((await run('people', 'consent', 'Ada', '--withdraw', '--yes')).stdout).toContain('was removed');
  const after = await run('people', 'consent', 'Ada');
  expect([after.code, after.stdout]).toEqual([1, expect.stringMatching(/2026-01 +paper +cli .* withdrawn /)]);
});
