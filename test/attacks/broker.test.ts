/** A running door whose broker means harm: residents come in as before, memory stays flat, and the broker is told why it was left. */

import { expect, it } from 'vitest';
import { openLog } from '../../src/base/log.ts';
import { wire } from '../../src/wire.ts';
import { temporaryFolder } from '../cli/facelatch.ts';
import { fakeCamera } from '../fakes/camera.ts';
import { doorConfig } from '../fakes/config.ts';
import { type Attack, openHarmfulBroker } from '../fakes/harmful-broker.ts';
import { drawing, drawingReader } from '../fakes/reader.ts';
import { fakeRelay } from '../fakes/relay.ts';

const mostGrowth = 100_000_000;

it.each<[Attack, number | undefined]>([
  ['qos 2', 0x9b],
  ['large packets', 0x95],
  ['many properties', 0x95],
  ['nonsense', 0x81],
  ['messages', undefined],
])(
  'sends %s without end',
  async (attack, code) => {
    using folder = temporaryFolder();
    await using broker = await openHarmfulBroker(attack);
    const flags = {
      ...{ 'state.folder': folder.path, 'identity.policy': 'paper', 'face.idleFps': 0, 'access.cooldownMs': 0 },
      ...{ 'mqtt.enabled': true, 'mqtt.url': broker.url, 'mqtt.clockCheck': false },
    };
    const config = doorConfig(flags);
    const camera = fakeCamera();
    const relay = fakeRelay();
    await using house = await wire(config, openLog('silent'), { camera, reader: drawingReader(), relay });
    const picture = drawing({ face: 10 });
    const template = (await house.reader.read(picture)).faces[0]!.embedding!;
    house.gallery.enrol({ name: 'Ada', pictures: [{ picture, template, source: 'test' }] });
    const before = process.memoryUsage();
    const end = new AbortController();
    const running = house.run(end.signal);
    await using _stopped = {
      [Symbol.asyncDispose]: async () => {
        end.abort(new Error('the test is over'));
        await running;
      },
    };
    if (code !== undefined) await expect.poll(() => broker.codes, { timeout: 10_000 }).toContain(code);
    else await expect.poll(() => house.status.broker, { timeout: 10_000 }).toMatch(/^connected/);
    for (let i = 0; relay.pulses.length === 0 && i < 50; i++) await camera.push(drawing({ face: 10, tag: `${attack} ${i}` }));
    expect(relay.pulses).toHaveLength(1);
    const { heapUsed, external } = process.memoryUsage();
    expect(heapUsed + external - before.heapUsed - before.external).toBeLessThan(mostGrowth);
    end.abort(new Error('the test is over'));
    await running;
    expect(house.journal.verify()).toMatchObject({ ok: true });
  },
  30_000,
);
