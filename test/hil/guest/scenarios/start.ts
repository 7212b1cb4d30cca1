/** From boot to READY, and everything that must keep READY from being said. */
import { spawn } from 'node:child_process';
import type { Bench, RelayKind, Scenario } from '../bench.ts';
import { expect, expectSame, run, until } from '../tools.ts';

/** Starts a door that must not get to READY, and waits until its log says why. */
async function refused({ service, configure }: Bench, kind: RelayKind, relay: object, why: readonly RegExp[]): Promise<void> {
  configure(kind, { relay });
  await service.dropIn('slow-machine', '[Service]\nRestartSec=10\nTimeoutStartSec=180\n');
  await service.forget();
  await run('systemctl', 'start', '--no-block', 'facelatch');
  for (const pattern of why) await until(`the log says ${pattern}`, async () => pattern.test(await service.text()), 90_000, 500);
  expect('no READY', (await service.show('ActiveState')) !== 'active', await service.show('ActiveState'));
}

export const startScenarios: readonly Scenario[] = [
  {
    name: 'boot',
    title: 'the package is installed without a network; its service gets to READY without a camera, exposed at most 2.0',
    run: async ({ board, service, door, note }) => {
      expectSame('enabled', (await run('systemctl', 'is-enabled', 'facelatch')).trim(), 'enabled');
      await door('gpiod');
      expectSame('the line', board.level(), 0);
      const status = await service.show('StatusText');
      expect('READY in degraded state', /camera (failed|opening)/.test(status), status);
      const security = await run('systemd-analyze', 'security', 'facelatch', '--no-pager');
      const score = Number(/exposure level.*: ([\d.]+)/.exec(security)?.[1]);
      note(`systemd-analyze security: ${score}`);
      expect('an exposure of at most 2.0', score <= 2.0, score);
      const user = (await run('ps', '-o', 'user:20=', '-p', String(await service.mainPid()))).trim();
      expectSame('the user', user, 'facelatch');
      await service.event('camera.failed');
      expect('no restart', (await service.restarts()) === 0, await service.restarts());
    },
  },
  ...(['gpiod', 'onoff'] as const).flatMap(badLines),
];

function badLines(kind: RelayKind): readonly Scenario[] {
  const gpiod = kind === 'gpiod';
  return [
    {
      name: `no-chip-${kind}`,
      title: `a GPIO chip that is not there: no READY, and the log says what to do (${kind})`,
      run: (bench) => refused(bench, kind, { chip: 'no-such-chip' }, [/no-such-chip/, /door-board/]),
    },
    {
      name: `line-taken-${kind}`,
      title: `a relay line that another process holds: no READY until it lets go, then READY by itself (${kind})`,
      run: async (bench) => {
        const holder = spawn('gpioset', ['--mode=signal', bench.board.chip, `${bench.board.lineOf('RELAY')}=0`]);
        try {
          await until('the line taken', async () => /gpioset/.test(await run('gpioinfo', bench.board.chip)));
          await refused(bench, kind, {}, [gpiod ? /taken by "gpioset"/ : /taken by another program/]);
        } finally {
          holder.kill();
        }
        await bench.service.ready();
      },
    },
    {
      name: `no-permission-${kind}`,
      title: `a GPIO chip that this user may not use: no READY, and the log names what it is, the group and what puts it in place (${kind})`,
      run: async (bench) => {
        const guarded = gpiod ? `/dev/${bench.board.chip}` : '/sys/class/gpio/export';
        await run('chgrp', 'root', guarded);
        try {
          await refused(bench, kind, {}, [gpiod ? new RegExp(guarded) : /\/sys\/class\/gpio/, /group facelatch-gpio/, /udev rule/]);
        } finally {
          await run('chgrp', 'facelatch-gpio', guarded);
        }
        await bench.service.ready();
      },
    },
    {
      name: `line-is-input-${kind}`,
      title: `a line that its driver keeps as an input: no READY (${kind})`,
      run: (bench) => refused(bench, kind, { line: gpiod ? 'FIXED_INPUT' : '#7' }, [gpiod ? /FIXED_INPUT/ : /"#7"/]),
    },
  ];
}
