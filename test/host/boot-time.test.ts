import { uptime } from 'node:os';
import { expect, it } from 'vitest';
import { bootTime } from '../../src/host/boot-time.ts';

it('the time since the computer started is what the system says, of one and the same start', () => {
  const boot = bootTime();
  if (!boot) throw new Error('this system does not tell');
  expect(Math.abs(boot.nowMs() / 1000 - uptime())).toBeLessThan(2);
  expect(boot.id).toMatch(/^[0-9a-f-]{36}$/);
  expect(bootTime()?.id).toBe(boot.id);
});
