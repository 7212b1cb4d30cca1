/**
 * The USB camera: what is chosen of what cameras offer (recorded listings), which devices are refused, and the whole adapter on programs that
 * answer as ffmpeg and v4l2-ctl do with a camera (its pictures come from a real ffmpeg).
 */
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock as clock } from '../../src/base/time.ts';
import { camerasInWords, findVideoDevice, requirePhysical } from '../../src/camera/devices.ts';
import { rateGate } from '../../src/camera/rate-gate.ts';
import { findTool } from '../../src/camera/tool.ts';
import { v4l2Args, v4l2Camera } from '../../src/camera/v4l2.ts';
import { chooseMode, type Offer, parseFfmpegFormats, parseV4l2CtlFormats } from '../../src/camera/v4l2-modes.ts';
import { fakeClock } from '../fakes/clock.ts';
import { childrenNamed, temporaryFolder } from './media.ts';

const never = new AbortController().signal;
const listing = (name: string) => readFileSync(new URL(`./listings/${name}`, import.meta.url), 'utf8');
const wanted = { width: 640, height: 480, fps: 15 };
const size = (o: Offer) => `${o.format} ${o.width.min}x${o.height.min}`;

describe('the listing of ffmpeg', () => {
  it('of a laptop camera gives its sizes', () => {
    const offers = parseFfmpegFormats(listing('ffmpeg-laptop.txt'));
    expect(offers).toHaveLength(18);
    expect(size(offers[0]!)).toBe('mjpeg 1280x720');
    expect(offers.filter(({ format }) => format === 'yuyv422').map(size)).toContain('yuyv422 640x480');
    expect(chooseMode(offers, wanted)).toEqual({ format: 'mjpeg', ...wanted });
  });

  it('of a Raspberry Pi camera gives sizes in steps', () => {
    const offers = parseFfmpegFormats(listing('ffmpeg-raspberry.txt'));
    expect(offers[0]).toEqual({
      format: 'yuv420p',
      width: { min: 32, max: 2592, step: 2 },
      height: { min: 32, max: 1944, step: 2 },
      rates: [],
    });
    expect(chooseMode(offers, { width: 641, height: 481, fps: 15 })).toEqual({ format: 'mjpeg', width: 642, height: 482, fps: 15 });
  });

  it('of what is no camera gives nothing to choose', () => {
    expect(
      chooseMode(parseFfmpegFormats('[v4l2 @ 0x1] Not a video capture device.\n/dev/video1: Invalid argument\n'), wanted),
    ).toBeUndefined();
    expect(chooseMode(parseFfmpegFormats(''), wanted)).toBeUndefined();
  });
});

describe('the listing of v4l2-ctl', () => {
  it('of a laptop camera gives sizes with rates', () => {
    const offers = parseV4l2CtlFormats(listing('v4l2-ctl-laptop.txt'));
    expect(offers).toHaveLength(20);
    const slow = offers.find((o) => size(o) === 'yuyv422 1280x720');
    expect(slow?.rates).toEqual([10]);
    expect(chooseMode(offers, wanted)).toEqual({ format: 'mjpeg', width: 640, height: 480, fps: 30 });
  });

  it('of an older v4l2-ctl is read as well', () => {
    const offers = parseV4l2CtlFormats(listing('v4l2-ctl-old.txt'));
    expect(offers.map(size)).toEqual(['mjpeg 1920x1080', 'mjpeg 1280x720', 'mjpeg 800x600']);
    expect(chooseMode(offers, { width: 800, height: 600, fps: 15 })).toEqual({ format: 'mjpeg', width: 800, height: 600, fps: 15 });
    expect(chooseMode(offers, { width: 800, height: 600, fps: 20 })?.fps).toBe(25);
  });

  it('of a Raspberry Pi camera gives sizes in steps', () => {
    const offers = parseV4l2CtlFormats(listing('v4l2-ctl-raspberry.txt'));
    expect(offers[0]).toMatchObject({ format: 'yuv420p', width: { min: 32, max: 2592, step: 2 } });
    expect(chooseMode(offers, wanted)).toEqual({ format: 'mjpeg', ...wanted });
  });

  it('gives the rates of spans', () => {
    const text = "\t[0]: 'YUYV' (YUYV 4:2:2)\n\t\tSize: Discrete 640x480\n\t\t\tInterval: Continuous 0.033s - 1.000s (1.000-30.000 fps)\n";
    const [offer] = parseV4l2CtlFormats(text);
    expect(offer?.rates).toContain(15);
    expect(Math.max(...(offer?.rates ?? []))).toBe(30);
  });
});

describe('the chosen mode', () => {
  const one = (n: number) => ({ min: n, max: n, step: 1 });
  const offer = (format: string, width: number, height: number, ...rates: number[]): Offer => ({
    format,
    width: one(width),
    height: one(height),
    rates,
  });

  it.each([
    ['MJPEG before raw at the same size', [offer('yuyv422', 640, 480, 15), offer('mjpeg', 640, 480, 15)], 'mjpeg 640x480@15'],
    ['the nearest size before MJPEG', [offer('mjpeg', 1920, 1080, 15), offer('yuyv422', 640, 480, 15)], 'yuyv422 640x480@15'],
    ['the wanted rate', [offer('mjpeg', 640, 480, 30, 15, 10)], 'mjpeg 640x480@15'],
    ['the nearest rate above', [offer('mjpeg', 640, 480, 60, 30, 10)], 'mjpeg 640x480@30'],
    ['the highest rate when all are below', [offer('mjpeg', 640, 480, 5, 10)], 'mjpeg 640x480@10'],
    ['a usable rate before the exact size', [offer('yuyv422', 640, 480, 2), offer('mjpeg', 800, 600, 30)], 'mjpeg 800x600@30'],
    ['the larger of two equally far', [offer('mjpeg', 320, 240, 15), offer('mjpeg', 1280, 960, 15)], 'mjpeg 1280x960@15'],
    ['H.264 when there is nothing else', [offer('h264', 640, 480, 30)], 'h264 640x480@30'],
    ['29.97 for a wish of 30', [offer('mjpeg', 640, 480, 29.97, 60)], 'mjpeg 640x480@29.97'],
  ] as const)('is %s', (_, offers, expected) => {
    const fps = expected.endsWith('29.97') ? 30 : 15;
    const mode = chooseMode(offers, { ...wanted, fps });
    expect(`${mode?.format} ${mode?.width}x${mode?.height}@${mode?.fps}`).toBe(expected);
  });

  it('is none when ffmpeg can read none of the formats', () => {
    expect(chooseMode([offer('Unsupported', 640, 480)], wanted)).toBeUndefined();
  });

  it('is always one of the offers, and the wanted one where it is offered as MJPEG', () => {
    const span = fc
      .tuple(fc.integer({ min: 16, max: 4000 }), fc.integer({ min: 0, max: 4000 }), fc.constantFrom(1, 2, 8, 16))
      .map(([min, more, step]) => ({ min, max: min + more, step }));
    const offers = fc.array(
      fc.record({
        format: fc.constantFrom('mjpeg', 'yuyv422', 'nv12', 'h264'),
        width: span,
        height: span,
        rates: fc.array(fc.integer({ min: 1, max: 120 }), { maxLength: 4 }),
      }),
      { minLength: 1, maxLength: 8 },
    );
    const wish = fc.record({
      width: fc.integer({ min: 160, max: 4096 }),
      height: fc.integer({ min: 120, max: 4096 }),
      fps: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(offers, wish, (list, wanted) => {
        const mode = chooseMode(list, wanted);
        const fits = list.some(
          (o) =>
            o.format === mode?.format &&
            mode.width >= o.width.min &&
            mode.width <= o.width.max &&
            mode.height >= o.height.min &&
            mode.height <= o.height.max &&
            (o.rates.length === 0 || o.rates.includes(mode.fps)),
        );
        expect(fits).toBe(true);
        expect(chooseMode([...list, offer('mjpeg', wanted.width, wanted.height, wanted.fps)], wanted)).toEqual({
          format: 'mjpeg',
          ...wanted,
        });
      }),
    );
  });
});

describe('a device', () => {
  it('that is not there is a fault that lists those that are, and how to name one', async () => {
    using folder = temporaryFolder();
    const dev = folder.path;
    mkdirSync(join(dev, 'v4l', 'by-id'), { recursive: true });
    for (const [i, name] of ['usb-ACME_Camera_1-video-index0', 'usb-ACME_Camera_1-video-index1'].entries()) {
      writeFileSync(join(dev, `video${i}`), '');
      symlinkSync(`../../video${i}`, join(dev, 'v4l', 'by-id', name));
    }
    const sys = join(dev, 'sys');
    mkdirSync(join(sys, 'video0'), { recursive: true });
    writeFileSync(join(sys, 'video0', 'name'), 'ACME Camera\n');
    await expect(findVideoDevice('usb-Other', { dev })).rejects.toMatchObject({
      code: 'camera-missing',
      message: expect.stringMatching(
        /There is no camera usb-Other \(camera\.device\)\. Cameras that are here: usb-ACME_Camera_1-video-index0.*; set camera\.device/,
      ),
    });
    expect(await camerasInWords(dev, sys)).toContain('usb-ACME_Camera_1-video-index0 (ACME Camera);');
    expect(await camerasInWords(join(dev, 'nowhere'), sys)).toContain('No camera is connected');
  });

  it('is looked for among the lasting names and by its kernel name', async () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, 'v4l', 'by-id'), { recursive: true });
    writeFileSync(join(folder.path, 'video3'), '');
    symlinkSync('../../video3', join(folder.path, 'v4l', 'by-id', 'usb-cam'));
    // Found, and then refused, as a plain file is no camera.
    for (const name of ['usb-cam', 'video3']) {
      await expect(findVideoDevice(name, { dev: folder.path })).rejects.toMatchObject({
        message: expect.stringContaining(`${name} (camera.device) is not a camera`),
      });
    }
  });

  it.each(['/etc/passwd', '/dev/null', '/dev/zero', '/', '..', '.'])('that is no camera is refused: %s', async (device) => {
    await expect(findVideoDevice(device)).rejects.toMatchObject({
      code: 'camera-missing',
      message: expect.stringContaining('is not a camera'),
    });
  });

  it('that another program fills is refused, by its place or its driver in the tree of the kernel', async () => {
    using folder = temporaryFolder();
    const [tree, sys] = [join(folder.path, 'devices'), join(folder.path, 'class')];
    mkdirSync(sys);
    const put = (name: string, place: string, driver?: string) => {
      mkdirSync(join(tree, place, 'device'), { recursive: true });
      symlinkSync(join(tree, place), join(sys, name));
      if (driver) symlinkSync(`/sys/bus/drivers/${driver}`, join(tree, place, 'device', 'driver'));
    };
    put('video0', 'pci0000:00/usb1/1-1/video4linux/video0', 'uvcvideo');
    put('video1', 'virtual/video4linux/video1');
    put('video2', 'platform/vivid.0/video4linux/video2', 'vivid');
    await expect(requirePhysical('front', '/dev/video0', sys)).resolves.toBeUndefined();
    for (const path of ['/dev/video1', '/dev/video2'])
      await expect(requirePhysical('front', path, sys)).rejects.toMatchObject({
        code: 'camera-missing',
        message: expect.stringContaining('set camera.allowVirtual to true'),
      });
  });

  it.each(['', 'a\0b', '\n', '/dev/video0; reboot', '$(reboot)'])('with a strange name is not there: %j', async (device) => {
    await expect(findVideoDevice(device)).rejects.toMatchObject({ code: 'camera-missing', message: expect.not.stringContaining('\n') });
  });
});

describe('the adapter', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
    expect(childrenNamed('ffmpeg')).toEqual([]);
  });

  /** Programs in front of the real ones: an ffmpeg with a camera, and perhaps a v4l2-ctl. */
  function withPrograms(folder: string, programs: { readonly ffmpeg: string; readonly ctl?: string }): void {
    const write = (name: string, script: string) => {
      writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
      chmodSync(join(folder, name), 0o755);
    };
    write('ffmpeg', programs.ffmpeg);
    if (programs.ctl) write('v4l2-ctl', programs.ctl);
    vi.stubEnv('PATH', [folder, process.env.PATH].join(delimiter));
  }
  const listingFile = (name: string) => new URL(`./listings/${name}`, import.meta.url).pathname;
  /** Lists as ffmpeg does, else notes its arguments and sends a test card. */
  const camera = (folder: string, after: string) => `
case "$*" in *-list_formats*) cat '${listingFile('ffmpeg-laptop.txt')}' >&2; exit 1;; esac
echo "$*" > '${folder}/arguments'
${after}`;
  const card = `exec '${findTool('ffmpeg')}' -v error -re -f lavfi -i testsrc2=size=640x480:rate=30 -c:v mjpeg -f mjpeg pipe:1`;
  const open = () => v4l2Camera({ device: 'usb-cam', ...wanted, clock, find: async () => '/dev/video0' });
  const first = async (): Promise<unknown> => {
    try {
      for await (const _ of open().frames(never)) return 'a frame';
      return 'no frame';
    } catch (error) {
      return error;
    }
  };

  it('opens the chosen mode and passes its MJPEG through, no faster than wanted', async () => {
    using folder = temporaryFolder();
    withPrograms(folder.path, { ffmpeg: camera(folder.path, card), ctl: `cat '${listingFile('v4l2-ctl-laptop.txt')}'` });
    const times: number[] = [];
    for await (const { picture, capturedAtMs } of open().frames(never)) {
      expect(await sharp(picture).metadata()).toMatchObject({ width: 640, height: 480 });
      if (times.push(capturedAtMs) === 12) break;
    }
    expect((times.at(-1) ?? 0) - (times[1] ?? 0)).toBeGreaterThan((10 * 1000) / 15 - 100);
    const args = readFileSync(join(folder.path, 'arguments'), 'utf8');
    expect(args).toContain('-f v4l2 -input_format mjpeg -video_size 640x480 -framerate 30 -i /dev/video0 -c:v copy -f mjpeg pipe:1');
  });

  it('chooses by the listing of ffmpeg where there is no v4l2-ctl', async () => {
    using folder = temporaryFolder();
    withPrograms(folder.path, { ffmpeg: camera(folder.path, card), ctl: 'exit 1' });
    expect(await first()).toBe('a frame');
    expect(readFileSync(join(folder.path, 'arguments'), 'utf8')).toContain('-video_size 640x480 -framerate 15');
  });

  it.each([
    ['in use', '/dev/video0: Device or resource busy', /Another program is using the camera \/dev\/video0.*fuser -v/],
    ['not for this user', '/dev/video0: Permission denied', /sudo usermod -aG video \w+/],
  ])('says so when the camera is %s', async (_, said, message) => {
    using folder = temporaryFolder();
    withPrograms(folder.path, { ffmpeg: camera(folder.path, `echo '[v4l2 @ 0x1] ${said}' >&2; exit 1`), ctl: 'exit 1' });
    expect(await first()).toMatchObject({ code: 'camera-missing', message: expect.stringMatching(message) });
  });

  it('says so when the device gives no pictures (the node of its metadata)', async () => {
    using folder = temporaryFolder();
    withPrograms(folder.path, { ffmpeg: "echo '[v4l2 @ 0x1] Not a video capture device.' >&2; exit 1", ctl: 'exit 1' });
    expect(await first()).toMatchObject({ code: 'camera-missing', message: expect.stringContaining('Not a video capture device') });
  });

  it('is ended when ffmpeg exits with 0, as it does when a camera is pulled out', async () => {
    using folder = temporaryFolder();
    const five = card.replace('-c:v', '-frames:v 5 -c:v').replace('exec ', '');
    withPrograms(folder.path, { ffmpeg: camera(folder.path, `${five}\nexit 0`), ctl: 'exit 1' });
    let frames = 0;
    const reading = (async () => {
      for await (const _ of open().frames(never)) frames++;
    })();
    await expect(reading).rejects.toMatchObject({ code: 'camera-ended', message: 'The camera usb-cam ended: ffmpeg exited with code 0' });
    expect(frames).toBeGreaterThan(0);
  });
});

it('a camera without MJPEG is encoded', () => {
  expect(v4l2Args('/dev/video0', { format: 'yuyv422', ...wanted })).toEqual(
    expect.arrayContaining(['-input_format', 'yuyv422', '-c:v', 'mjpeg']),
  );
  expect(v4l2Args('/dev/video0', { format: 'mjpeg', ...wanted })).toEqual(expect.arrayContaining(['-c:v', 'copy']));
});

describe('the gate', () => {
  it.each([
    [30, 15, 150],
    [25, 15, 150],
    [15, 15, 150],
    [10, 15, 100],
  ])('lets of %i frames a second no more than %i through', async (camera, wish, expected) => {
    const clock = fakeClock();
    const take = rateGate(wish, clock);
    let taken = 0;
    for (let i = 0; i < camera * 10; i++) {
      if (take()) taken++;
      await clock.advance(1000 / camera);
    }
    expect(Math.abs(taken - expected)).toBeLessThanOrEqual(2);
  });

  it('does not make up for a pause', async () => {
    const clock = fakeClock();
    const take = rateGate(10, clock);
    take();
    await clock.advance(5000);
    expect([take(), take(), take()]).toEqual([true, false, false]);
  });
});
