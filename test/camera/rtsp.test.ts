/** The network camera: over a real connection, with passwords that never show, and with nothing but network protocols. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock as clock } from '../../src/base/time.ts';
import { outputArgs } from '../../src/camera/rtsp.ts';
import { watched } from '../../src/camera/watch.ts';
import { authorityIn } from '../fakes/certificates.ts';
import { cardJpegs, childrenNamed, temporaryFolder } from './media.ts';
import { networkCamera, password, type RtspServer, rtspServer } from './rtsp-server.ts';

const never = new AbortController().signal;
const size = { width: 640, height: 480, fps: 30 };
const open = (url: string, wanted: Parameters<typeof networkCamera>[1] = size) => networkCamera(url, wanted);

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

  it('shows user, password and address to no other process: they are not among the arguments and variables of ffmpeg', async () => {
    process.env.FACELATCH_CAMERA_URL = server.url;
    try {
      for await (const _ of open(server.url).frames(never)) {
        const [pid = 0] = childrenNamed('ffmpeg').filter((child) => /rtsp:\/\/127\.0\.0\.1:\d+\/camera\0/.test(commandOf(child)));
        expect(pid).toBeGreaterThan(0);
        const shown = `${commandOf(pid)}${readFileSync(`/proc/${pid}/environ`, 'latin1')}`;
        const secrets = ['porter', password, encodeURIComponent(password), `:${server.port}/live`];
        expect(secrets.filter((secret) => shown.includes(secret))).toEqual([]);
        break;
      }
    } finally {
      delete process.env.FACELATCH_CAMERA_URL;
    }
  });

  it('does not give the password as it is to who has asked for Digest before', async () => {
    const asked: string[] = [];
    const answers = ['401 Unauthorized\r\nWWW-Authenticate: Digest realm="camera", nonce="1"', '200 OK\r\nPublic: DESCRIBE'];
    const server = createTcpServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (data) => {
        const request = data.toString();
        asked.push(/Authorization: (\w+)/.exec(request)?.[1] ?? 'none');
        const answer = answers.shift() ?? '401 Unauthorized\r\nWWW-Authenticate: Basic realm="camera"';
        socket.write(`RTSP/1.0 ${answer}\r\nCSeq: ${/CSeq: (\d+)/i.exec(request)?.[1]}\r\n\r\n`);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    await first(`rtsp://ada:secret@127.0.0.1:${(server.address() as AddressInfo).port}/live`);
    server.close();
    expect(asked.slice(0, 3)).toEqual(['none', 'Digest', 'Digest']);
    expect(asked).not.toContain('Basic');
  });

  it('follows no redirection', async () => {
    using elsewhere = await oneAnswer((cseq) => `RTSP/1.0 302 Moved\r\nCSeq: ${cseq}\r\nLocation: rtsp://ada:pass@192.0.2.9/live\r\n\r\n`);
    const fault = await first(`rtsp://127.0.0.1:${elsewhere.port}/live`);
    expect(fault).toMatchObject({
      code: 'camera-missing',
      message: expect.stringContaining('sends to rtsp://192.0.2.9, which is not followed'),
    });
    expect(String(fault)).not.toContain('pass@');
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
    await expect(reading).rejects.toMatchObject({ code: 'camera-frozen', message: expect.not.stringMatching(/porter|open/) });
    server.resume();
    const ended = (async () => {
      let seen = 0;
      for await (const _ of open(server.url).frames(never)) if (++seen === 3) server.hangUp();
    })();
    await expect(ended).rejects.toMatchObject({ code: 'camera-ended', message: expect.stringContaining('The camera rtsp://127.0.0.1:') });
  });
});

describe('over TLS', () => {
  const folder = temporaryFolder();
  const authority = authorityIn(folder.path);
  const camera = authority.issue('camera', 'IP:127.0.0.1');
  const nameless = authority.issue('nameless');
  const impostor = authorityIn(folder.path, 'other').issue('impostor', 'IP:127.0.0.1');
  const fingerprintOf = ({ pem }: { readonly pem: string }) => new X509Certificate(pem).fingerprint256;
  const plain = { server: undefined as RtspServer | undefined };
  beforeAll(async () => {
    plain.server = await rtspServer();
  });
  afterAll(async () => {
    await plain.server?.[Symbol.asyncDispose]();
    folder[Symbol.dispose]();
  });

  /** What the first frame ends in, of the RTSP camera behind TLS with `certificate`; and what reached it. */
  const through = async ({ pem, key }: { readonly pem: string; readonly key: string }, trust: Parameters<typeof networkCamera>[1]) => {
    const { url, port } = plain.server as RtspServer;
    let said = '';
    const server = createTlsServer({ cert: pem, key }, (socket) => {
      socket.on('data', (data) => {
        said += data.toString('latin1');
      });
      const inner = connect(port, '127.0.0.1');
      for (const each of [socket, inner]) each.on('error', () => undefined);
      socket.pipe(inner).pipe(socket);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const tls = url.replace('rtsp:', 'rtsps:').replace(`:${port}/`, `:${(server.address() as AddressInfo).port}/`);
    const ended = await first(tls, { ...size, ...trust });
    server.close();
    return { ended, said };
  };

  it('reads the camera whose certificate has the fingerprint, whoever issued it', async () => {
    const { ended } = await through(nameless, { fingerprint: fingerprintOf(nameless).toLowerCase().replaceAll(':', '') });
    expect(ended).toBe('a frame');
  });

  it('reads the camera for which the authority vouches', async () => {
    expect((await through(camera, { caFile: authority.pemFile })).ended).toBe('a frame');
  });

  it.each([
    ['another fingerprint', impostor, { fingerprint: fingerprintOf(camera) }, /camera\.fingerprint is another/],
    ['another authority', impostor, { caFile: authority.pemFile }, /is not vouched for .*fingerprint [0-9A-F:]{95}/],
    ['another name', nameless, { caFile: authority.pemFile }, /is not vouched for/],
    [
      'the fingerprint, and no authority that was asked for',
      impostor,
      { caFile: authority.pemFile, fingerprint: fingerprintOf(impostor) },
      /vouched/,
    ],
    ['nothing to know it by', camera, {}, /set camera\.fingerprint/],
    ['nothing to know it by, in a trusted network', camera, { trustNetwork: true }, /set camera\.fingerprint/],
  ])('tells a machine with %s nothing', async (_, certificate, trust, why) => {
    const { ended, said } = await through(certificate, trust);
    expect(ended).toMatchObject({ code: 'camera-untrusted', message: expect.stringMatching(why) });
    expect(said).toBe('');
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

const commandOf = (pid: number) => readFileSync(`/proc/${pid}/cmdline`, 'latin1');

/** A camera that gives one answer to everything. */
async function oneAnswer(answer: (cseq: string) => string): Promise<{ readonly port: number } & Disposable> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data) => socket.write(answer(/CSeq: (\d+)/i.exec(data.toString())?.[1] ?? '')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, [Symbol.dispose]: () => void server.close() };
}

/** What the first frame of this URL ends in. */
async function first(url: string, wanted?: Parameters<typeof networkCamera>[1]): Promise<unknown> {
  try {
    for await (const _ of open(url, wanted).frames(never)) return 'a frame';
    return 'no frame';
  } catch (error) {
    return error;
  }
}

describe('an address that is not for cameras', () => {
  it.each([
    ['', 'is empty'],
    ['door camera', 'does not begin with'],
    ['file:///etc/passwd', 'does not begin with'],
    ['concat:/etc/passwd|/etc/shadow', 'does not begin with'],
    ['-i /etc/passwd', 'does not begin with'],
    ['pipe:0', 'does not begin with'],
    ['rtsp:///live', 'names no machine'],
    ['rtsp://admin:12/Secret@127.0.0.1:1/s', 'write % / ? # @ : and spaces as %25 %2F'],
  ])('is refused before anything is started: %s', async (url, why) => {
    const fault = await first(url);
    expect(fault).toMatchObject({ code: 'bad-config', message: expect.stringContaining(why) });
    expect(String(fault)).not.toMatch(/passwd|Secret|admin/);
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

it('says that nobody answers, without user, password and path', async () => {
  expect(await first('rtsp://ada:secret@127.0.0.1:1/live')).toMatchObject({
    code: 'camera-missing',
    message: expect.stringMatching(/^The camera rtsp:\/\/127\.0\.0\.1:1 cannot be reached \(.*ECONNREFUSED.*check camera\.url/),
  });
});

it('sends nothing over a network without encryption, unless that is allowed', async () => {
  expect(await first('rtsp://ada:secret@192.0.2.1/live')).toMatchObject({
    code: 'bad-config',
    message: expect.stringMatching(/camera\.fingerprint.*camera\.trustNetwork/),
  });
});

it('asks each ffmpeg in the words of its version', () => {
  expect(outputArgs(size, 4)).toContain('-vsync');
  expect(outputArgs(size, 7)).toContain('-fps_mode');
});
