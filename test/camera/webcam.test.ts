/**
 * The camera through node-webcam, which builds shell commands: stills come and go, nothing hostile reaches the shell, nothing stays behind. A
 * program named fswebcam stands in for a camera; it is run by the real node-webcam in a real shell.
 */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock as clock } from '../../src/base/time.ts';
import type { Camera } from '../../src/camera/port.ts';
import { type WebcamOptions, webcamCamera } from '../../src/camera/webcam.ts';
import { fakeClock } from '../fakes/clock.ts';
import { greyJpeg, temporaryFolder } from './media.ts';

const never = new AbortController().signal;
const still = await greyJpeg(90);

afterEach(() => vi.unstubAllEnvs());

/** A folder with an fswebcam that runs `script` with the still's place in $last, and with room for temporary files. */
function withFswebcam(folder: string, script = `cp '${folder}/still.jpg' "$last"`): void {
  writeFileSync(join(folder, 'still.jpg'), still);
  const notes = `for last; do :; done\necho "$*" >> '${folder}/calls'\necho $$ > '${folder}/pid'`;
  writeFileSync(join(folder, 'fswebcam'), `#!/bin/sh\n${notes}\n${script}\n`);
  chmodSync(join(folder, 'fswebcam'), 0o755);
  vi.stubEnv('PATH', [folder, process.env.PATH].join(delimiter));
  vi.stubEnv('RUNTIME_DIRECTORY', folder);
}

const open = (options: Partial<WebcamOptions> = {}) =>
  webcamCamera({ device: 'usb-cam', width: 640, height: 480, fps: 30, clock, find: async () => '/dev/video0', ...options });

/** The first still of a camera, or what it threw. */
async function outcome(camera: Camera): Promise<unknown> {
  try {
    for await (const { picture } of camera.frames(never)) return Buffer.from(picture);
    return 'no frame';
  } catch (error) {
    return error;
  }
}
const first = (options: Partial<WebcamOptions> = {}) => outcome(open(options));

const leftovers = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('facelatch-webcam-'));

describe('a camera that works', () => {
  it('gives a new still each time, of the wanted size, and leaves no file behind', async () => {
    using folder = temporaryFolder();
    withFswebcam(folder.path);
    const seqs: number[] = [];
    for await (const { seq, picture } of open().frames(never)) {
      expect(Buffer.from(picture)).toEqual(still);
      expect(leftovers(folder.path)).toHaveLength(1);
      if (seqs.push(seq) === 3) break;
    }
    expect(seqs).toEqual([1, 2, 3]);
    const calls = readFileSync(join(folder.path, 'calls'), 'utf8').trim().split('\n');
    expect(calls).toHaveLength(3);
    expect(calls[0]).toMatch(/-r 640x480 .*-d \/dev\/video0 /);
    expect(leftovers(folder.path)).toEqual([]);
  });

  it('takes no still before the consumer asks, and no more than fps a second', async () => {
    using folder = temporaryFolder();
    withFswebcam(folder.path);
    const slow = fakeClock();
    const frames = open({ fps: 1, clock: slow }).frames(never)[Symbol.asyncIterator]();
    expect(existsSync(join(folder.path, 'calls'))).toBe(false);
    await frames.next();
    const second = frames.next();
    await vi.waitUntil(() => slow.sleepers === 1);
    expect(readFileSync(join(folder.path, 'calls'), 'utf8').trim().split('\n')).toHaveLength(1);
    await slow.advance(1000);
    expect((await second).value).toMatchObject({ seq: 2, capturedAtMs: 1000 });
    await frames.return?.();
  });
});

describe('a still lies in memory, and only until it is read', () => {
  it('in the folder that systemd gives, else in /dev/shm; what a killed process left there goes', async ({ skip }) => {
    using folder = temporaryFolder();
    withFswebcam(folder.path);
    const left = join(folder.path, 'facelatch-webcam-999999999-x');
    mkdirSync(left);
    const others = join(folder.path, `facelatch-webcam-${process.ppid}-x`);
    mkdirSync(others);
    for await (const { picture } of open().frames(never)) {
      expect(Buffer.from(picture)).toEqual(still);
      const [own = '', ...more] = leftovers(folder.path).filter((name) => name.includes(`-${process.pid}-`));
      expect(more).toEqual([]);
      expect(readdirSync(join(folder.path, own))).not.toContain('still.jpg');
      break;
    }
    expect(leftovers(folder.path)).toEqual([`facelatch-webcam-${process.ppid}-x`]);
    if (!existsSync('/dev/shm')) skip('there is no /dev/shm here');
    for (const runtime of ['', join(folder.path, 'gone'), join(folder.path, 'a b')]) {
      vi.stubEnv('RUNTIME_DIRECTORY', runtime);
      vi.stubEnv('TMPDIR', folder.path);
      for await (const _ of open().frames(never)) {
        expect(leftovers('/dev/shm').filter((name) => name.includes(`-${process.pid}-`))).toHaveLength(1);
        break;
      }
      expect(leftovers('/dev/shm').filter((name) => name.includes(`-${process.pid}-`))).toEqual([]);
    }
  });
});

describe('a camera that fails', () => {
  it.each([
    [
      'in use',
      'Error selecting input 0\nVIDIOC_S_INPUT: Device or resource busy',
      { code: 'camera-missing', message: expect.stringContaining('Another program is using') },
    ],
    ['not for this user', 'open: Permission denied', { code: 'camera-missing', message: expect.stringContaining('usermod -aG video') }],
    // As fswebcam 20140113 says it.
    [
      'no camera',
      '\u001b[0m\u001b[31m/dev/video0: Not a V4L2 device?',
      { code: 'camera-ended', message: expect.stringMatching(/: \/dev\/video0: Not a V4L2 device\?$/) },
    ],
  ])('says so: %s', async (_, said, fault) => {
    using folder = temporaryFolder();
    // It exits with 0 whatever happens.
    withFswebcam(folder.path, `echo '${said}' >&2; exit 0`);
    expect(await first()).toMatchObject(fault);
    expect(leftovers(folder.path)).toEqual([]);
  });

  it('is a fault when it makes no picture although it exits with 0', async () => {
    using folder = temporaryFolder();
    withFswebcam(folder.path, 'exit 0');
    expect(await first()).toMatchObject({ code: 'camera-ended', message: expect.stringContaining('gives no still') });
  });

  it('never gives an old still for a new one', async () => {
    using folder = temporaryFolder();
    withFswebcam(folder.path, `[ -e '${folder.path}/once' ] && exit 0; touch '${folder.path}/once'; cp '${folder.path}/still.jpg' "$last"`);
    let frames = 0;
    const reading = (async () => {
      for await (const _ of open().frames(never)) frames++;
    })();
    await expect(reading).rejects.toMatchObject({ code: 'camera-ended' });
    expect(frames).toBe(1);
  });

  it('says what to install when there is no fswebcam', async () => {
    vi.stubEnv('PATH', '/nowhere');
    expect(await first()).toMatchObject({ code: 'tool-missing', message: expect.stringContaining('apt install fswebcam') });
  });

  /** Runs the program, and ends without it at the first signal, as `timeout` may. */
  const careless = '#!/bin/sh\nshift 3\nexec setsid sh -c \'"$@" & exec sleep 60\' sh "$@"\n';

  it.each([
    ['by the system', undefined],
    ['by a tool that ends without its program', careless],
  ])('leaves neither a program nor a file when it hangs and is stopped: limited %s', async (_, limit) => {
    using folder = temporaryFolder();
    // A pipe that nobody writes to.
    withFswebcam(folder.path, `trap "" TERM; mkfifo '${folder.path}/never'; while :; do read -r x <> '${folder.path}/never'; done`);
    if (limit) writeFileSync(join(folder.path, 'timeout'), limit, { mode: 0o755 });
    const stop = new AbortController();
    const reading = (async () => {
      for await (const _ of open().frames(stop.signal)) expect.unreachable();
    })();
    await vi.waitUntil(() => existsSync(join(folder.path, 'pid')) && readFileSync(join(folder.path, 'pid'), 'utf8') !== '');
    const pid = Number(readFileSync(join(folder.path, 'pid'), 'utf8'));
    stop.abort();
    await reading;
    await vi.waitUntil(() => !existsSync(`/proc/${pid}/cmdline`) || readFileSync(`/proc/${pid}/cmdline`).length === 0);
    expect(leftovers(folder.path)).toEqual([]);
  });
});

describe('nothing hostile reaches the shell', () => {
  const devices = [
    '/dev/video0; touch PROOF',
    '$(touch PROOF)',
    '`touch PROOF`',
    '/dev/video0\ntouch PROOF',
    '| touch PROOF',
    '-d /dev/video0 --exec touch PROOF',
    '../../tmp',
    '/dev/null',
  ];

  it.each(devices)('in the name of the device: %j', async (device) => {
    using folder = temporaryFolder();
    withFswebcam(folder.path);
    const proof = join(folder.path, 'proof');
    const hostile = device.replaceAll('PROOF', proof);
    // As the configuration gives it, and even if it came through the search.
    expect(await outcome(webcamCamera({ device: hostile, width: 640, height: 480, fps: 30, clock }))).toMatchObject({
      code: 'camera-missing',
    });
    expect(await first({ find: async () => hostile })).toMatchObject({ code: 'camera-missing' });
    expect(existsSync(proof)).toBe(false);
    expect(existsSync(join(folder.path, 'calls'))).toBe(false);
  });

  it('through a link with an innocent name, which is followed to its end', async () => {
    using folder = temporaryFolder();
    withFswebcam(folder.path);
    const target = join(folder.path, 'video0;touch proof');
    writeFileSync(target, '');
    symlinkSync(target, join(folder.path, 'video0'));
    expect(await outcome(webcamCamera({ device: join(folder.path, 'video0'), width: 640, height: 480, fps: 30, clock }))).toMatchObject({
      code: 'camera-missing',
    });
    expect(existsSync(join(folder.path, 'calls'))).toBe(false);
  });

  it.each(['640; touch PROOF', '640', 640.5, Number.NaN, -1, 1e21])('in a size: %j', async (width) => {
    using folder = temporaryFolder();
    withFswebcam(folder.path);
    const fault = await first({ width: width as number });
    expect(fault).toMatchObject({ code: 'bad-config', message: expect.stringContaining('camera.width must be a whole number') });
    expect(await first({ height: width as number })).toMatchObject({ code: 'bad-config' });
    expect(existsSync(join(folder.path, 'calls'))).toBe(false);
  });

  it('in the names of the folders for stills', async () => {
    using folder = temporaryFolder();
    withFswebcam(folder.path);
    for (const name of ['RUNTIME_DIRECTORY', 'TMPDIR']) vi.stubEnv(name, `${folder.path}/$(touch ${folder.path}/proof)`);
    expect(await first()).toEqual(still);
    expect(existsSync(join(folder.path, 'proof'))).toBe(false);
  });
});
