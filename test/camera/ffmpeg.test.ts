/** The ffmpeg child: every end is noticed, and none is left behind, however the loop over it or this process ends. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/base/time.ts';
import { endInWords, type FfmpegRun, ffmpegFrames, ffmpegMajor, ffmpegPictures } from '../../src/camera/ffmpeg.ts';
import { redacted } from '../../src/camera/redact.ts';
import { watched } from '../../src/camera/watch.ts';
import { childrenNamed, processesNamed } from './media.ts';

const never = new AbortController().signal;
/** A camera that gives 50 pictures a second for ever. */
const endless: FfmpegRun = { what: 'The test card', args: ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=50', '-c:v', 'mjpeg'] };
const short: FfmpegRun = { ...endless, args: ['-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=10:duration=1', '-c:v', 'mjpeg'] };

async function collect<T>(source: AsyncIterable<T>, onItem: (item: T) => void = () => undefined): Promise<number> {
  let count = 0;
  for await (const item of source) {
    count++;
    onItem(item);
  }
  return count;
}

afterEach(() => {
  vi.unstubAllEnvs();
  expect(childrenNamed('ffmpeg')).toEqual([]);
});

describe('the end of an ffmpeg that nobody asked for', () => {
  it('is a fault although it exits with 0, after all its pictures', async () => {
    let pictures = 0;
    await expect(collect(ffmpegPictures(short, never), () => pictures++)).rejects.toMatchObject({
      code: 'camera-ended',
      message: 'The test card ended: ffmpeg exited with code 0',
    });
    expect(pictures).toBe(10);
  });

  it('is a fault when it is killed, and the fault says by what', async () => {
    const kill = () => {
      for (const pid of childrenNamed('ffmpeg')) process.kill(pid, 'SIGKILL');
    };
    await expect(collect(ffmpegFrames(endless, systemClock, never), kill)).rejects.toMatchObject({
      code: 'camera-ended',
      message: expect.stringContaining('SIGKILL'),
    });
  });

  it('is a fault with what ffmpeg said, without addresses and secrets', async () => {
    const run = { ...short, args: ['-i', 'http://ada:secret@127.0.0.1:1/live?password=secret'] };
    const error = await collect(ffmpegPictures(run, never)).catch((e: Error) => e.message);
    expect(error).toContain('Connection refused');
    expect(error).not.toMatch(/secret|0x/);
  });

  it('has nothing to do with a setpriv that may not do its work, as under the filter of the systemd unit', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'facelatch-setpriv-'));
    const said = 'setpriv: activate capabilities: Operation not permitted';
    writeFileSync(join(folder, 'setpriv'), `#!/bin/sh\necho '${said}' >&2\nexit 127\n`, { mode: 0o755 });
    vi.stubEnv('PATH', [folder, process.env.PATH].join(delimiter));
    const run: FfmpegRun = { ...short, onEnd: ({ pictures }) => (pictures === 10 ? 'regular' : undefined) };
    expect(await collect(ffmpegPictures(run, never))).toBe(10);
    rmSync(folder, { recursive: true });
  });

  it('is no fault when the caller says so', async () => {
    const run: FfmpegRun = { ...short, onEnd: ({ pictures }) => (pictures === 10 ? 'regular' : undefined) };
    expect(await collect(ffmpegPictures(run, never))).toBe(10);
  });
});

it('says what to install when there is no ffmpeg', async () => {
  vi.stubEnv('PATH', '/nowhere');
  const missing = { code: 'tool-missing', message: expect.stringContaining('apt install ffmpeg') };
  await expect(collect(ffmpegPictures(endless, never))).rejects.toMatchObject(missing);
  await expect(ffmpegMajor(never)).rejects.toMatchObject(missing);
});

it('knows the version of the installed ffmpeg', async () => {
  expect(await ffmpegMajor(never)).toBeGreaterThan(3);
});

describe('no ffmpeg is left', () => {
  it('when the consumer leaves the loop', async () => {
    for await (const _ of ffmpegFrames(endless, systemClock, never)) {
      expect(childrenNamed('ffmpeg')).toHaveLength(1);
      break;
    }
    expect(childrenNamed('ffmpeg')).toEqual([]);
  });

  it('when the consumer throws', async () => {
    const broken = collect(ffmpegFrames(endless, systemClock, never), () => {
      throw new Error('broken consumer');
    });
    await expect(broken).rejects.toThrow('broken consumer');
    expect(childrenNamed('ffmpeg')).toEqual([]);
  });

  it('when the signal is aborted while a picture is awaited', async () => {
    const stop = new AbortController();
    // A camera that opens and then never gives a picture.
    const silent = { ...endless, args: ['-re', '-f', 'lavfi', '-i', 'testsrc2=size=160x120:rate=0.001', '-c:v', 'mjpeg'] };
    const waiting = collect(ffmpegPictures(silent, stop.signal));
    await vi.waitUntil(() => childrenNamed('ffmpeg').length === 1);
    stop.abort();
    await waiting;
    expect(childrenNamed('ffmpeg')).toEqual([]);
  });

  it('when it is stopped by SIGSTOP and no longer heeds SIGTERM', async () => {
    const stop = new AbortController();
    const stopIt = () => {
      for (const pid of childrenNamed('ffmpeg')) process.kill(pid, 'SIGSTOP');
      stop.abort();
    };
    await collect(ffmpegFrames(endless, systemClock, stop.signal), stopIt);
    expect(childrenNamed('ffmpeg')).toEqual([]);
  });

  for (const [how, how2] of [
    ['exit', 'exits at once'],
    ['SIGKILL', 'is killed'],
    ['SIGKILL frozen', 'is killed while the camera stands still'],
  ] as const) {
    it(`when the process that started it ${how2}`, async () => {
      const parent = fork(new URL('./child.ts', import.meta.url), [how], { execArgv: [] });
      const [pid] = (await once(parent, 'message')) as [number];
      expect(processesNamed('ffmpeg').some((p) => p.pid === pid)).toBe(true);
      const ended = once(parent, 'exit');
      if (how === 'exit') parent.send('exit');
      else {
        if (how === 'SIGKILL frozen') process.kill(pid, 'SIGSTOP');
        parent.kill('SIGKILL');
      }
      await ended;
      await vi.waitUntil(() => !processesNamed('ffmpeg').some((p) => p.pid === pid && p.state !== 'Z'), 3000);
    });
  }
});

it('a stopped ffmpeg is a frozen camera, and is gone when the fault comes', async () => {
  const camera = { label: 'the test card', frames: (signal: AbortSignal) => ffmpegFrames(endless, systemClock, signal) };
  const watch = watched(camera, { freezeMs: 300, darkLevel: 0, darkMs: 1000, clock: systemClock });
  const freeze = () => {
    for (const pid of childrenNamed('ffmpeg')) process.kill(pid, 'SIGSTOP');
  };
  await expect(collect(watch.frames(never), freeze)).rejects.toMatchObject({
    code: 'camera-frozen',
    message: expect.stringMatching(/no new picture for \d+ ms \(camera.freezeMs 300\)/),
  });
  expect(childrenNamed('ffmpeg')).toEqual([]);
});

describe('what ffmpeg said', () => {
  it.each([
    ['rtsp://ada:pass@cam/live: failed', 'rtsp://…@cam/live: failed'],
    ['rtsp://ada:p@ss@cam/live', 'rtsp://…@cam/live'],
    ['http://cam/v?user=ada&password=x&res=2', 'http://cam/v?user=…&password=…&res=2'],
    ['no secret at all: a@b', 'no secret at all: a@b'],
  ])('is shown without secrets: %s', (text, shown) => {
    expect(redacted(text)).toBe(shown);
  });

  it('is one short sentence', () => {
    expect(endInWords({ code: 1, signal: null, said: 'Connection refused' })).toBe('ffmpeg exited with code 1: Connection refused');
    expect(endInWords({ code: null, signal: 'SIGKILL', said: '' })).toBe('ffmpeg was ended by SIGKILL');
  });
});
