/** A camera that goes away, stands still or sees nothing: told, tried again, and no reason to restart. */
import { readFileSync } from 'node:fs';
import type { Bench, Scenario } from '../bench.ts';
import { nowMs } from '../board.ts';
import { expect, expectSame, pause, run, until } from '../tools.ts';

/** Camera running → `fail` → reported and degraded, the button works → `mend` → restored; never a restart. */
async function trouble({ board, service, camera, door, push }: Bench, code: RegExp, fail: () => Promise<void>, mend: () => Promise<void>) {
  await camera.plugIn('nobody');
  await door('gpiod');
  await until('the camera runs', async () => /camera running/.test(await service.show('StatusText')), 90_000, 300);
  const pid = await service.mainPid();
  await fail();
  await service.event('camera.failed', 120_000, (event) => code.test(String(event.code)));
  const sinceMs = nowMs();
  await board.low(await push(sinceMs));
  await mend();
  await service.event('camera.restored', 120_000);
  expectSame('the process', await service.mainPid(), pid);
}

export const cameraScenarios: readonly Scenario[] = [
  {
    name: 'camera-late',
    title: 'the first camera of all is plugged in long after the start, when its driver was not loaded yet: it runs, without a restart',
    run: async ({ service, camera, door }) => {
      await run('modprobe', '-ra', 'uvcvideo', 'videobuf2_memops', 'videodev'); // what an earlier scenario loaded; kmod 30 leaves part of it
      expect('no driver for cameras', !/video4linux/.test(readFileSync('/proc/devices', 'utf8')), await run('lsmod'));
      await door('gpiod');
      const pid = await service.mainPid();
      await camera.plugIn('nobody');
      await until('the camera runs', async () => /camera running/.test(await service.show('StatusText')), 60_000, 300);
      expectSame('the process', await service.mainPid(), pid);
    },
  },
  {
    name: 'camera-unplugged',
    title: 'the camera is pulled and plugged again: reported, the button works meanwhile, an enrolled face opens afterwards',
    limitMs: 500_000,
    run: async (bench) => {
      await bench.enrol();
      await trouble(bench, /camera-(ended|missing|frozen)/, bench.camera.pull, bench.camera.plug);
      const sinceMs = nowMs();
      await bench.camera.show('enrolled');
      await bench.board.low(await bench.board.high(sinceMs, 180_000));
    },
  },
  {
    name: 'camera-frozen',
    title: 'the camera stands still and goes on: reported and restored',
    limitMs: 400_000,
    run: (bench) => trouble(bench, /camera-frozen/, bench.camera.freeze, bench.camera.thaw),
  },
  {
    name: 'camera-covered',
    title: 'the lens is covered and uncovered: reported and restored',
    limitMs: 400_000,
    run: (bench) =>
      trouble(
        bench,
        /camera-dark/,
        () => bench.camera.show('covered'),
        () => bench.camera.show('nobody'),
      ),
  },
  {
    name: 'camera-replaced',
    title:
      'another camera of the same model in place of the own one: tamper, its pictures of an enrolled face open nothing, the button works; the own one is taken back',
    limitMs: 500_000,
    run: async ({ board, service, camera, door, enrol, push }) => {
      await enrol();
      await camera.plugIn('nobody');
      await door('gpiod', { camera: { device: '/dev/video0' } });
      await until('the camera runs', async () => /camera running/.test(await service.show('StatusText')), 90_000, 300);
      await camera.pull();
      await service.event('camera.failed', 120_000);
      await camera.becomes('0002');
      await camera.show('enrolled');
      const sinceMs = nowMs();
      await camera.plug();
      const { detail } = await service.event('camera.failed', 120_000, ({ code }) => code === 'camera-replaced');
      expect('the fault names the serial number', /another serial number/.test(String(detail)), detail);
      await service.event('tamper.raised', 10_000, ({ what }) => what === 'camera');
      await pause(20_000);
      expectSame('pulses', board.pulsesSince(sinceMs), []);
      await board.low(await push(nowMs()));
      await camera.pull();
      await camera.becomes();
      await camera.plug();
      await service.event('tamper.cleared', 120_000, ({ what }) => what === 'camera');
      const backMs = nowMs();
      await board.low(await board.high(backMs, 180_000));
    },
  },
];
