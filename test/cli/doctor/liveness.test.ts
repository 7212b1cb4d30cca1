/** What doctor says about liveness: off and "allow" are not passed over, and missing networks are a problem. */
import { expect, it } from 'vitest';
import { checkLiveness } from '../../../src/cli/doctor/liveness.ts';
import { loadConfig } from '../../../src/settings/load.ts';

const examined = (values: Readonly<Record<string, unknown>> = {}) =>
  checkLiveness(
    loadConfig({ flags: new Map<string, unknown>(Object.entries({ 'state.folder': '/nonexistent', ...values })) }).config,
    undefined,
  );

it('names the networks and the policy', async () => {
  const { health, found, lacks } = await examined();
  expect({ health, lacks }).toEqual({ health: 'ok', lacks: undefined });
  expect(found).toMatch(/^facelatch-skin 1\.0\.0, loaded in \d+ ms; policy challenge-when-unsure$/);
});

it('says that a picture opens a door that does not check', async () => {
  expect(await examined({ 'liveness.policy': 'off' })).toMatchObject({
    health: 'note',
    lacks: ['a picture of somebody enrolled opens this door'],
  });
  expect(await examined({ 'liveness.whenNotChecked': 'allow' })).toMatchObject({
    health: 'note',
    found: expect.stringContaining('a picture opens'),
  });
});

it('is a problem where the networks are missing', async () => {
  await expect(examined({ 'liveness.networks': '/nonexistent' })).rejects.toMatchObject({ code: 'model-missing' });
});
