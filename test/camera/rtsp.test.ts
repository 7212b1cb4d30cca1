/** The network camera: over a real connection, with passwords that never show, and with nothing but network protocols. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock as clock } from '../../src/base/time.ts';
import { rtspArgs, rtspCamera } from '../../src/camera/rtsp.ts';
import { watched } from '../../src/camera/watch.ts';
import { cardJpegs, childrenNamed } from './media.ts';
import { type RtspServer, rtspServer } from './rtsp-server.ts';

const never = new AbortController().signal;
const size = { width: 640, height: 480, fps: 30 };
const open = (url: string, wanted = size) => rtspCamera({ url, ...wanted, clock });

describe('over RTSP', () => {
  let server: RtspServer;
  beforeAll(async () => {
    server = await rtspServer();
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('gives pictures shrunk into the wanted size, no faster than wanted', async () => {
    const times: number[] = [];
    for await (const { picture, capturedAtMs } of open(server.url, { width: 160, height: 160, fps: 10 }).frames(never)) {
      times.push(capturedAtMs);
      if (times.length < 12) continue;
      expect(await sharp(picture).metadata()).toMatchObject({ width: 160, height: 120, format: 'jpeg' });
      break;
    }
    // The first pictures come in a burst. The camera gives twenty a second.
    expect((times.at(-1) ?? 0) - (times[4] ?? 0)).toBeGreaterThan(7 * 80);
    expect(childrenNamed('ffmpeg')).not.toHaveLength(2);
  });

  it('says so when user or password are wrong, without showing them', async () => {
    const fault = await first(server.wrongUrl);
    expect(fault).toMatchObject({ code: 'camera-missing', message: expect.stringContaining('check user and password in camera.url') });
    expect(String(fault)).not.toMatch(/porter|wrongword/);
  });

  it('is frozen when the packets stop coming, and ended when the camera hangs up', async () => {
    const frozen = watched(open(server.url), { freezeMs: 700, darkLevel: 0, darkMs: 1000, clock });
    let frames = 0;
    const reading = (async () => {
      for await (const _ of frozen.frames(never)) if (++frames === 3) server.pause();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'camera-frozen', message: expect.not.stringMatching(/porter|sesame/) });
    server.resume();
    const ended = (async () => {
      let seen = 0;
      for await (const _ of open(server.url).frames(never)) if (++seen === 3) server.hangUp();
    })();
    await expect(ended).rejects.toMatchObject({ code: 'camera-ended', message: expect.stringContaining('The camera rtsp://127.0.0.1:') });
  });
});

describe('over HTTP', () => {
  it('reads every picture of a camera that serves them slower than wanted (multipart/x-mixed-replace)', async () => {
    const pictures = cardJpegs(12);
    const server = createServer((request, response) => {
      if (request.headers.authorization !== `Basic ${Buffer.from('ada:s3cret').toString('base64')}`) {
        response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="camera"' });
        response.end();
        return;
      }
      response.writeHead(200, { 'Content-Type': 'multipart/x-mixed-replace;boundary=frame' });
      let sent = 0;
      const timer = setInterval(() => {
        const p = pictures[sent++];
        if (p)
          response.write(Buffer.concat([Buffer.from(`--frame\r\nContent-Type: image/jpeg\r\nContent-Length: ${p.length}\r\n\r\n`), p]));
        else {
          clearInterval(timer);
          response.end();
        }
      }, 100);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://ada:s3cret@127.0.0.1:${(server.address() as AddressInfo).port}/stream?token=s3cret`;
    let frames = 0;
    const reading = (async () => {
      for await (const { picture } of open(url, { ...size, fps: 15 }).frames(never)) {
        frames++;
        expect((await sharp(picture).metadata()).width).toBe(160);
      }
    })();
    await expect(reading).rejects.toMatchObject({ code: 'camera-ended', message: expect.not.stringContaining('s3cret') });
    expect(frames).toBeGreaterThanOrEqual(10);
    server.close();
  });
});

/** What the first frame of this URL ends in. */
async function first(url: string): Promise<unknown> {
  try {
    for await (const _ of open(url).frames(never)) return 'a frame';
    return 'no frame';
  } catch (error) {
    return error;
  }
}

describe('a URL that is not for cameras', () => {
  it.each([
    ['', 'is empty'],
    ['door camera', 'is not a URL'],
    ['file:///etc/passwd', 'begins with file:'],
    ['concat:/etc/passwd|/etc/shadow', 'begins with concat:'],
    ['/etc/passwd', 'is not a URL'],
    ['-i /etc/passwd', 'is not a URL'],
    ['pipe:0', 'begins with pipe:'],
    ['rtsp:///live', 'names no machine'],
    ['subfile,,start,0,end,99,,:/etc/passwd', 'is not a URL'],
  ])('is refused before anything is started: %s', async (url, why) => {
    expect(await first(url)).toMatchObject({ code: 'bad-config', message: expect.stringContaining(why) });
  });

  it('is not reached through a playlist either', async () => {
    const server = createServer((_, response) => {
      response.writeHead(200, { 'Content-Type': 'application/vnd.apple.mpegurl' });
      response.end('#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const fault = await first(`http://127.0.0.1:${(server.address() as AddressInfo).port}/live.m3u8`);
    server.close();
    expect(fault).toMatchObject({ code: 'camera-missing' });
  });
});

it('says that nobody answers', async () => {
  expect(await first('rtsp://ada:secret@127.0.0.1:1/live')).toMatchObject({
    code: 'camera-missing',
    message: expect.stringMatching(/^The camera rtsp:\/\/127\.0\.0\.1:1\/live gives no pictures: check camera\.url.*Connection refused/),
  });
});

describe('the label', () => {
  it.each([
    ['rtsp://ada:pass@cam.local:554/live', 'rtsp://cam.local:554/live'],
    ['rtsp://cam/user=ada&password=pass&channel=1', 'rtsp://cam/…'],
    ['http://cam/stream?password=pass', 'http://cam/stream'],
    ['pass', 'network camera'],
  ])('of %s shows no password', (url, label) => {
    expect(open(url).label).toBe(label);
  });
});

it('asks each ffmpeg in the words of its version', () => {
  const old = rtspArgs('rtsp://cam/live', size, 4);
  expect(old).toContain('-stimeout');
  expect(old).not.toContain('-timeout');
  expect(old).toContain('-vsync');
  expect(rtspArgs('rtsp://cam/live', size, 7)).toEqual(
    expect.arrayContaining(['-timeout', '-fps_mode', '-protocol_whitelist', '-rtsp_transport']),
  );
  expect(rtspArgs('http://cam/live', size, 5)).toContain('-rw_timeout');
});
