/** A relay on the network as a line: what is said of a device that does not do as it was told in time. */
import { expect, it } from 'vitest';
import { Fault } from '../../src/base/errors.ts';
import { deviceLine } from '../../src/relay/device-line.ts';
import type { Level } from '../../src/relay/line.ts';

const lineThatSays = (level: Level | undefined) =>
  deviceLine({
    ...{ label: 'the lock', timeoutMs: 150, close: () => undefined },
    send: async () => undefined,
    ask: async (signal) => {
      if (level === undefined && signal.aborted) throw new Fault('relay-missing', 'nothing was said');
      return level;
    },
  });

it('one that says nothing is missing, also when the time ends between two questions', async () => {
  await expect(lineThatSays(undefined).drive('active', 1000)).rejects.toMatchObject({ code: 'relay-missing' });
});

it('one that says that it is off has failed', async () => {
  await expect(lineThatSays('safe').drive('active', 1000)).rejects.toMatchObject({ code: 'relay-failed' });
});
