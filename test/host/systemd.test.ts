import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openLog } from '../../src/base/log.ts';
import { openNotifySocket, type ServiceManagerOptions, serviceManager, watchdogMs } from '../../src/host/systemd.ts';
import { root, start, temporaryFolder } from '../cli/facelatch.ts';
import { fakeClock } from '../fakes/clock.ts';
import { freePort } from '../fakes/mosquitto.ts';
import { fakeSystemd } from '../fakes/notify-socket.ts';

describe('the notify socket', () => {
  it.each(['path', 'abstract name'])('datagrams reach a socket with a %s', async (kind) => {
    using folder = temporaryFolder();
    const address = kind === 'path' ? join(folder.path, 'notify') : `@facelatch-test-${folder.path.slice(-6)}`;
    await using systemd = await fakeSystemd(address);
    using socket = await openNotifySocket(address);
    expect(socket.notify('READY=1', 'STATUS=camera läuft')).toBe(true);
    expect(socket.notify('WATCHDOG=1')).toBe(true);
    await systemd.received(/WATCHDOG/);
    expect(systemd.datagrams).toEqual(['READY=1\nSTATUS=camera läuft', 'WATCHDOG=1']);
  });

  it('nobody listening is no fault, and is told apart from a message sent', async () => {
    using folder = temporaryFolder();
    using socket = await openNotifySocket(join(folder.path, 'nobody'));
    expect(socket.notify('READY=1')).toBe(false);
  });

  it.each(['vsock:2:1234', 'relative', `/${'x'.repeat(108)}`])('an address that is none (%s) is refused by name', async (address) => {
    await expect(openNotifySocket(address)).rejects.toMatchObject({
      code: 'bad-config',
      message: expect.stringContaining('NOTIFY_SOCKET'),
    });
  });
});

it('the watchdog of the unit is in microseconds and meant for one process', () => {
  expect(watchdogMs({ WATCHDOG_USEC: '15000000' }, 7)).toBe(15_000);
  expect(watchdogMs({ WATCHDOG_USEC: '15000000', WATCHDOG_PID: '7' }, 7)).toBe(15_000);
  expect(watchdogMs({ WATCHDOG_USEC: '15000000', WATCHDOG_PID: '8' }, 7)).toBe(0);
  expect(watchdogMs({ WATCHDOG_USEC: 'soon' }, 7)).toBe(0);
  expect(watchdogMs({}, 7)).toBe(0);
});

describe('what systemd is told', () => {
  function setUp(options: Partial<ServiceManagerOptions> = {}) {
    const clock = fakeClock();
    const sent: string[] = [];
    const reachable = { yes: true };
    const notify = (...assignments: readonly string[]) => {
      if (reachable.yes) sent.push(...assignments);
      return reachable.yes;
    };
    const manager = serviceManager({ notify, watchdogMs: 8000, patienceMs: 5000, clock, log: openLog('silent'), ...options });
    const turns = { camera: 0, time: 0 };
    /** Lets `ms` pass, attended ten times a second; only the loops named turn. */
    const pass = async (ms: number, turning: readonly (keyof typeof turns)[] = ['camera', 'time'], relayHeld = true) => {
      for (let passed = 0; passed < ms; passed += 100) {
        for (const loop of turning) turns[loop]++;
        manager.attend({ relayHeld, turns, status: 'all is well' });
        await clock.advance(100);
      }
    };
    const fed = () => sent.filter((s) => s === 'WATCHDOG=1').length;
    return { manager, sent, pass, fed, reachable };
  }

  it('READY once, and only when the relay is held', async () => {
    const { sent, pass } = setUp();
    await pass(3000, ['camera', 'time'], false);
    expect(sent).not.toContain('READY=1');
    await pass(3000);
    expect(sent.filter((s) => s === 'READY=1')).toHaveLength(1);
  });

  it('READY again and again until systemd takes it', async () => {
    const { sent, pass, reachable } = setUp();
    reachable.yes = false;
    await pass(500);
    reachable.yes = true;
    await pass(500);
    expect(sent.filter((s) => s === 'READY=1')).toHaveLength(1);
  });

  it('the watchdog is fed well within its time while every loop turns', async () => {
    const { pass, fed } = setUp();
    await pass(80_000);
    expect(fed()).toBe(40);
  });

  it.each(['camera', 'time'] as const)(
    'a %s loop that stops turning stops the feed after its patience, and turning again resumes it',
    async (loop) => {
      const { pass, fed } = setUp();
      await pass(2000);
      const others = (['camera', 'time'] as const).filter((other) => other !== loop);
      await pass(6000, others);
      const before = fed();
      await pass(60_000, others);
      expect(fed()).toBe(before);
      await pass(8000);
      expect(fed()).toBeGreaterThan(before);
    },
  );

  it('no watchdog in the unit: none fed', async () => {
    const { pass, fed } = setUp({ watchdogMs: 0 });
    await pass(20_000);
    expect(fed()).toBe(0);
  });

  it('the status is told when it changes, on one line', () => {
    const { manager, sent } = setUp();
    const turns = { time: 1 };
    for (const status of ['one', 'one', 'two\nREADY=0']) manager.attend({ relayHeld: true, turns, status });
    expect(sent.filter((s) => s.startsWith('STATUS='))).toEqual(['STATUS=one', 'STATUS=two READY=0']);
  });

  it('a stop is told', () => {
    const { manager, sent } = setUp();
    manager.stopping();
    expect(sent).toEqual(['STOPPING=1', 'STATUS=stopping']);
  });
});

describe('the daemon under a service manager', () => {
  const demo = async (state: string) => [
    ...['run', '--json', '--config', join(root, 'config', 'demo.json'), '--state', state],
    ...['--set', `mqtt.embeddedPort=${await freePort()}`, '--set', 'camera.replay.enrolled=p01'],
  ];

  it('says READY, feeds the watchdog and says STOPPING', async () => {
    using folder = temporaryFolder();
    const address = `@facelatch-daemon-${folder.path.slice(-6)}`;
    await using systemd = await fakeSystemd(address);
    const running = start(await demo(folder.path), { NOTIFY_SOCKET: address, WATCHDOG_USEC: '2000000' });
    await systemd.received(/^READY=1\nSTATUS=dry relay/);
    await systemd.received(/camera running/);
    const fed = () => systemd.datagrams.filter((d) => d === 'WATCHDOG=1').length;
    await expect.poll(fed, { timeout: 10_000 }).toBeGreaterThan(2);
    running.child.kill('SIGTERM');
    expect((await running.done).code).toBe(0);
    await systemd.received(/^STOPPING=1/);
  }, 40_000);
});
