/** The replay camera: folders and videos, whole, cut, empty or absent. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, statSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { Frame } from '../../src/camera/port.ts';
import { replayCamera } from '../../src/camera/replay.ts';
import { decodePicture } from '../../src/face/picture.ts';
import { fakeClock } from '../fakes/clock.ts';
import { childrenNamed, makePictures, makeVideo, temporaryFolder } from './media.ts';

const never = new AbortController().signal;
const lockStep = { fps: 10, speed: 0, loop: false, clock: fakeClock() } as const;

async function all(from: string, most = 100, loop = false): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const frame of replayCamera({ ...lockStep, from, loop }).frames(never)) {
    frames.push(frame);
    if (frames.length >= most) break;
  }
  return frames;
}
/** Short enough to be read in a difference. */
const bytes = (frames: readonly { readonly picture: Uint8Array }[]) =>
  frames.map(({ picture }) => createHash('sha256').update(picture).digest('hex'));

describe('a folder of pictures', () => {
  it('is played in the natural order of the names, each picture as it is, and ends without a fault', async () => {
    using folder = temporaryFolder();
    const pictures = bytes((await makePictures(folder.path, 12)).map((picture) => ({ picture })));
    const frames = await all(folder.path);
    expect(bytes(frames)).toEqual(pictures);
    expect(frames.map(({ seq }) => seq)).toEqual(pictures.map((_, i) => i + 1));
  });

  it('begins again when it loops', async () => {
    using folder = temporaryFolder();
    const pictures = bytes((await makePictures(folder.path, 3)).map((picture) => ({ picture })));
    expect(bytes(await all(folder.path, 7, true))).toEqual([...pictures, ...pictures, pictures[0]]);
  });

  it('holds pictures of every kind that the face reader decodes', async () => {
    using folder = temporaryFolder();
    const plain = sharp({ create: { width: 32, height: 24, channels: 3, background: '#808080' } });
    for (const kind of ['jpeg', 'png', 'webp', 'gif', 'tiff', 'avif'] as const) {
      writeFileSync(join(folder.path, `a.${kind === 'jpeg' ? 'JPG' : kind}`), await plain.clone().toFormat(kind).toBuffer());
    }
    writeFileSync(join(folder.path, 'b.pgm'), Buffer.concat([Buffer.from('P5\n32 24\n255\n'), Buffer.alloc(32 * 24, 128)]));
    writeFileSync(join(folder.path, 'c.ppm'), Buffer.concat([Buffer.from('P6\n32 24\n255\n'), Buffer.alloc(3 * 32 * 24, 128)]));
    const frames = await all(folder.path);
    expect(frames).toHaveLength(8);
    for (const { picture } of frames) expect((await decodePicture(picture)).width).toBe(32);
  });

  it('may hold other things, which are passed over', async () => {
    using folder = temporaryFolder();
    await makePictures(folder.path, 2);
    writeFileSync(join(folder.path, 'notes.txt'), 'x');
    writeFileSync(join(folder.path, '.hidden.jpg'), 'x');
    mkdirSync(join(folder.path, 'folder.jpg'));
    expect(await all(folder.path)).toHaveLength(2);
  });

  it('that holds no pictures is a fault that says what is allowed', async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, 'notes.txt'), 'x');
    await expect(all(folder.path)).rejects.toMatchObject({ code: 'camera-missing', message: expect.stringContaining('.jpg .jpeg') });
  });

  it('that is not there is a fault that names the setting', async () => {
    await expect(all('/nowhere/at/all')).rejects.toMatchObject({
      code: 'camera-missing',
      message: expect.stringContaining('/nowhere/at/all (camera.replay.from'),
    });
  });

  it('with a picture that cannot be read ends in a fault', async () => {
    using folder = temporaryFolder();
    await makePictures(folder.path, 1);
    symlinkSync('/nowhere', join(folder.path, 'shot 2.jpg'));
    await expect(all(folder.path)).rejects.toMatchObject({ code: 'camera-ended', message: expect.stringContaining('shot 2.jpg') });
  });

  it('may be a single picture', async () => {
    using folder = temporaryFolder();
    const [picture] = await makePictures(folder.path, 1);
    const frames = await all(join(folder.path, 'shot 1.jpg'));
    expect(frames.map((frame) => Buffer.from(frame.picture))).toEqual([picture]);
  });

  it('is played at its own rate, times the speed', async () => {
    using folder = temporaryFolder();
    await makePictures(folder.path, 3);
    const clock = fakeClock();
    const frames = replayCamera({ from: folder.path, fps: 10, speed: 2, loop: false, clock }).frames(never)[Symbol.asyncIterator]();
    const times: (number | undefined)[] = [];
    for (let i = 0; i < 3; i++) {
      const next = frames.next();
      times.push(await moved(next, clock, 50));
    }
    expect(times).toEqual([0, 50, 100]);
  });
});

/** The capture time of a frame that comes when the clock has moved on by steps of `stepMs`, as soon as the replay waits for it. */
async function moved(next: Promise<IteratorResult<Frame>>, clock: ReturnType<typeof fakeClock>, stepMs: number) {
  let result: IteratorResult<Frame> | undefined;
  void next.then((r) => {
    result = r;
  });
  while (!result) {
    const waiting = clock.sleepers > 0;
    await clock.advance(0);
    if (waiting && !result) await clock.advance(stepMs);
  }
  return result.value?.capturedAtMs;
}

describe('a video', () => {
  const kinds = [
    ['avi', ['-c:v', 'mjpeg', '-q:v', '3']],
    ['ts', ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '5']],
    ['mkv', ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '5']],
  ] as const;

  it.each(kinds)('is played to its end (.%s)', async (kind, codec) => {
    using folder = temporaryFolder();
    const from = join(folder.path, `card.${kind}`);
    makeVideo(from, 2, codec);
    const frames = await all(from);
    expect(frames).toHaveLength(20);
    for (const { picture } of frames) expect((await decodePicture(picture)).width).toBe(160);
    expect(childrenNamed('ffmpeg')).toEqual([]);
  });

  it.each(kinds)('that ends in the middle of a frame gives its whole frames and ends without a fault (.%s)', async (kind, codec) => {
    using folder = temporaryFolder();
    const from = join(folder.path, `card.${kind}`);
    makeVideo(from, 2, codec);
    const whole = bytes(await all(from));
    truncateSync(from, Math.floor(statSync(from).size * 0.62));
    const cut = bytes(await all(from));
    expect(cut.length).toBeGreaterThan(5);
    expect(cut.length).toBeLessThan(whole.length);
    expect(cut).toEqual(whole.slice(0, cut.length));
  });

  it('is brought to the rate of the replay', async () => {
    using folder = temporaryFolder();
    const from = join(folder.path, 'card.avi');
    makeVideo(from, 2, ['-c:v', 'mjpeg']);
    let frames = 0;
    for await (const _ of replayCamera({ ...lockStep, fps: 5, from }).frames(never)) frames++;
    expect(frames).toBe(10);
  });

  it('begins again when it loops, and leaves no ffmpeg when the loop is left', async () => {
    using folder = temporaryFolder();
    const from = join(folder.path, 'card.avi');
    makeVideo(from, 1, ['-c:v', 'mjpeg']);
    const frames = bytes(await all(from, 15, true));
    expect(frames.slice(10)).toEqual(frames.slice(0, 5));
    expect(childrenNamed('ffmpeg')).toEqual([]);
  });

  it.each([
    ['text', Buffer.from('this is no video\n'.repeat(100))],
    ['nothing', Buffer.alloc(0)],
    ['the beginning of an MP4 without its index', Buffer.concat([Buffer.from('\0\0\0\x1cftypisom', 'latin1'), Buffer.alloc(4000)])],
    ['a playlist that reaches out', Buffer.from('#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/x.ts\n')],
  ])('that is %s is a fault that names it', async (_, content) => {
    using folder = temporaryFolder();
    const from = join(folder.path, 'film.mp4');
    writeFileSync(from, content);
    await expect(all(from)).rejects.toMatchObject({
      code: 'camera-missing',
      message: expect.stringContaining(`${from} (camera.replay.from)`),
    });
  });

  it('may have a name that looks like an option, a pattern or a URL', async () => {
    using folder = temporaryFolder();
    const made = join(folder.path, 'card.avi');
    makeVideo(made, 1, ['-c:v', 'mjpeg']);
    for (const name of ['-y %03d.avi', 'http:x.avi', "it's a $(film).avi"]) {
      writeFileSync(join(folder.path, name), readFileSync(made));
      expect(await all(join(folder.path, name)), name).toHaveLength(10);
    }
  });
});
