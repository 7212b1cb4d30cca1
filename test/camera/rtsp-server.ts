/**
 * A network camera for the tests: a small RTSP server (RFC 2326, RTP interleaved in the same connection, Digest authentication) that passes on
 * the RTP packets of a real ffmpeg, and can pause them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { vi } from 'vitest';
import { systemClock } from '../../src/base/time.ts';
import type { Camera } from '../../src/camera/port.ts';
import { type RtspOptions, rtspCamera } from '../../src/camera/rtsp.ts';
import { temporaryFolder } from './media.ts';

export interface RtspServer extends AsyncDisposable {
  /** With user and password. */
  readonly url: string;
  /** The same with a wrong password. */
  readonly wrongUrl: string;
  readonly port: number;
  readonly rate: number;
  /** Sends no more packets, but keeps the connections open. */
  pause(): void;
  resume(): void;
  /** Closes every connection. */
  hangUp(): void;
}

/** A network camera as the configuration gives it, trusting nobody unless told. */
export function networkCamera(url: string, more: Partial<RtspOptions> = {}): Camera {
  const trust = { caFile: '', fingerprint: '', trustNetwork: false };
  return rtspCamera({
    address: () => url,
    label: 'network camera',
    width: 640,
    height: 480,
    fps: 30,
    clock: systemClock,
    ...trust,
    ...more,
  });
}

const user = 'porter';
/** With every character that an address must encode. */
export const password = 'open/s?e#s@a:m%e';
const rate = 20;

export async function rtspServer(): Promise<RtspServer> {
  const folder = temporaryFolder();
  const [rtp, rtcp] = [await udp(), await udp()];
  const sdpFile = join(folder.path, 'camera.sdp');
  const media = startMedia(`rtp://127.0.0.1:${rtp.address().port}?rtcpport=${rtcp.address().port}&pkt_size=1200`, sdpFile);
  const playing = new Set<Socket>();
  const connections = new Set<Socket>();
  let paused = false;
  rtp.on('message', (packet) => {
    const head = Buffer.from([0x24, 0, packet.length >> 8, packet.length & 0xff]);
    if (!paused) for (const socket of playing) socket.write(Buffer.concat([head, packet]));
  });
  const server = createServer((socket) => {
    connections.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => connections.delete(socket) && playing.delete(socket));
    let text = '';
    socket.on('data', (data) => {
      text += data.toString('latin1');
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        answer(socket, text.slice(0, end), sdpFile, playing);
        text = text.slice(end + 4);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  await vi.waitUntil(() => existsSync(sdpFile) && readFileSync(sdpFile, 'utf8').includes('m=video'), 5000);
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const hangUp = () => {
    for (const socket of connections) socket.destroy();
  };
  return {
    url: `rtsp://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/live`,
    wrongUrl: `rtsp://${user}:wrongword@127.0.0.1:${port}/live`,
    port: port ?? 0,
    rate,
    pause: () => {
      paused = true;
    },
    resume: () => {
      paused = false;
    },
    hangUp,
    [Symbol.asyncDispose]: async () => {
      media.kill('SIGKILL');
      await once(media, 'close');
      hangUp();
      server.close();
      rtp.close();
      rtcp.close();
      folder[Symbol.dispose]();
    },
  };
}

async function udp(): Promise<UdpSocket> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

function startMedia(to: string, sdpFile: string): ChildProcess {
  const card = ['-re', '-f', 'lavfi', '-i', `testsrc2=size=320x240:rate=${rate}`];
  const h264 = [
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-tune',
    'zerolatency',
    '-g',
    '10',
    '-pix_fmt',
    'yuv420p',
    '-flags',
    '+global_header',
  ];
  return spawn('ffmpeg', ['-v', 'error', '-nostdin', ...card, ...h264, '-f', 'rtp', '-sdp_file', sdpFile, to], { stdio: 'ignore' });
}

function answer(socket: Socket, request: string, sdpFile: string, playing: Set<Socket>): void {
  const header = (name: string) => new RegExp(`^${name}: *(.*)$`, 'im').exec(request)?.[1]?.trim() ?? '';
  const method = request.split(' ')[0] ?? '';
  const [status, headers, body = ''] = replyTo(method, header('Authorization'), sdpFile);
  const length = body ? [`Content-Length: ${body.length}`] : [];
  socket.write([`RTSP/1.0 ${status}`, `CSeq: ${header('CSeq')}`, ...headers, ...length, '', body].join('\r\n'));
  if (method === 'PLAY') playing.add(socket);
  if (method === 'TEARDOWN') playing.delete(socket);
}

/** The way of RFC 2069, without qop: what most cameras speak over RTSP. Basic would show the password. */
function isLogin(method: string, authorization: string): boolean {
  const h = (text: string) => createHash('md5').update(text).digest('hex');
  const part = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(authorization)?.[1] ?? '';
  const wanted = h(`${h(`${user}:camera:${password}`)}:5f3a:${h(`${method}:${part('uri')}`)}`);
  return authorization.startsWith('Digest ') && part('username') === user && part('response') === wanted;
}

type Reply = readonly [status: string, headers: readonly string[], body?: string];

function replyTo(method: string, authorization: string, sdpFile: string): Reply {
  if (method === 'OPTIONS') return ['200 OK', ['Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN']];
  if (!isLogin(method, authorization)) {
    return ['401 Unauthorized', ['WWW-Authenticate: Basic realm="camera"', 'WWW-Authenticate: Digest realm="camera", nonce="5f3a"']];
  }
  if (method === 'SETUP') return ['200 OK', ['Transport: RTP/AVP/TCP;unicast;interleaved=0-1', 'Session: 1']];
  if (method !== 'DESCRIBE') return ['200 OK', ['Session: 1']];
  const sdp = readFileSync(sdpFile, 'utf8')
    .replace(/^SDP:\s*/, '')
    .replace(/m=video \d+/, 'm=video 0')
    .trim();
  return ['200 OK', ['Content-Type: application/sdp'], `${sdp.replaceAll(/\r?\n/g, '\r\n')}\r\na=control:track1\r\n`];
}
