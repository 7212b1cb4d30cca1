/** `facelatch relay` and `doctor` on a relay of the network: asked without being moved, tried, made safe whatever happened. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HttpRelay, openHttpRelay } from '../../fakes/network-relay.ts';
import { facelatch, jsonOf, temporaryFolder } from '../facelatch.ts';

let device: HttpRelay;
beforeEach(async () => {
  device = await openHttpRelay('shelly');
});
afterEach(() => device[Symbol.asyncDispose]());
const settings = () => ['--set', 'relay.kind=http', '--set', `relay.device.address=${device.address}`, '--json'];

describe('a relay on the network', () => {
  it('tells its state and is not moved', async () => {
    device.coil.on();
    const run = await facelatch(['relay', 'status', ...settings()]);
    expect([run.code, jsonOf(run)]).toEqual([0, expect.objectContaining({ kind: 'http', model: 'shelly', level: 'active' })]);
    expect(device.coil.edges).toHaveLength(1);
  });

  it('is pulsed for so long, by a keeper that tells it when to end', async () => {
    const run = await facelatch(['relay', 'pulse', '--ms', '400', ...settings()]);
    expect([run.code, run.stderr]).toEqual([0, '']);
    expect(device.coil.releases).toEqual([400]);
    expect(device.coil.level).toBe('safe');
  });

  it('is made safe without a daemon, and one that is not there is a fault that names the setting', async () => {
    device.coil.on();
    expect((await facelatch(['relay', 'safe', ...settings()])).code).toBe(0);
    expect(device.coil.level).toBe('safe');
    await device[Symbol.asyncDispose]();
    const run = await facelatch(['relay', 'safe', ...settings()]);
    expect([run.code, run.stderr]).toEqual([3, expect.stringMatching(/relay-missing.*relay\.device\.address/)]);
  });

  it('is among what the doctor looks at', async () => {
    using state = temporaryFolder();
    const run = await facelatch(['doctor', '--no-camera', '--state', state.path, ...settings()]);
    const check = jsonOf(run).checks.find(({ name }: { name: string }) => name === 'relay');
    expect(check).toMatchObject({
      health: 'ok',
      found: expect.stringMatching(/the shelly at 127\.0\.0\.1:\d+: answers within \d+ ms, off/),
    });
    expect(device.heard.filter((line) => !line.includes('GetStatus'))).toEqual([]);
  });

  it('behind a broker that is not trusted is refused, and does not start', async () => {
    const run = await facelatch(['relay', 'status', '--set', 'relay.kind=mqtt', '--set', 'relay.device.address=shelly', '--json']);
    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining('relay.trustBroker')]);
  });
});
