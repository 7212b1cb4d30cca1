/**
 * Stands between ffmpeg and an RTSP camera: the checked connection to the camera goes in, an address on this machine
 * comes out that ffmpeg can read. The proxy logs in, so that ffmpeg never learns the camera's address, user or
 * password, which would be readable in the list of processes. Whoever opens it closes it when ffmpeg has ended.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Fault, messageOf } from '../../base/errors.ts';
import { type CameraAddress, cameraAddress } from '../../base/network/camera-address.ts';
import { authorisation, isDigest } from '../../base/network/http-login.ts';
import { headerOf, messageBytes, type RtspMessage, type RtspSplitter, rtspSplitter } from './rtsp-messages.ts';

export interface RtspProxy extends Disposable {
  /** What ffmpeg is to read. */
  readonly url: string;
  /** What went wrong between proxy and camera, if anything did. */
  readonly fault: Fault | undefined;
}

/** One request on its way, until it is answered. */
interface Asked {
  readonly request: RtspMessage;
  readonly clientSeq: string;
  readonly loggedIn: boolean;
}

interface Proxy {
  readonly address: CameraAddress;
  readonly camera: Socket;
  readonly server: Server;
  readonly url: string;
  client: Socket | undefined;
  /** Requests by the number under which the camera got them. */
  readonly asked: Map<string, Asked>;
  seq: number;
  challenge: string | undefined;
  answered: number;
  fault: Fault | undefined;
}

/** Takes over `camera`, which is connected. */
export async function openRtspProxy(address: CameraAddress, camera: Socket): Promise<RtspProxy> {
  const server = createServer({ noDelay: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const proxy: Proxy = {
    ...{ address, camera, server, url: `rtsp://127.0.0.1:${port}/camera`, asked: new Map(), seq: 0, answered: 0 },
    ...{ client: undefined, challenge: undefined, fault: undefined },
  };
  // The port stays taken until ffmpeg has ended, or another program could take it over and show ffmpeg other pictures.
  server.on('connection', (socket) => takeClient(proxy, socket));
  camera.on('error', (error) => {
    proxy.fault ??= new Fault('camera-ended', `The connection to the camera ${address.label} failed: ${messageOf(error)}`, error);
  });
  camera.once('close', () => proxy.client?.end());
  return {
    url: proxy.url,
    get fault() {
      return proxy.fault;
    },
    [Symbol.dispose]: () => {
      server.close();
      proxy.client?.destroy();
      camera.destroy();
    },
  };
}

/** One client, and only a process of the user that runs this one. */
function takeClient(proxy: Proxy, socket: Socket): void {
  socket.on('error', () => undefined);
  if (proxy.client || !isOurs(proxy, socket)) {
    socket.destroy();
    return;
  }
  const { camera } = proxy;
  proxy.client = socket;
  if (camera.destroyed) socket.end();
  const toCamera = rtspSplitter();
  const toClient = rtspSplitter();
  socket.on('data', (chunk) => forward(proxy, toCamera, chunk, camera, (message) => sendOn(proxy, message, false)));
  socket.once('close', () => camera.end());
  camera.on('data', (chunk) => forward(proxy, toClient, chunk, socket, (message) => answer(proxy, message)));
  camera.on('drain', () => socket.resume());
  socket.on('drain', () => camera.resume());
}

function forward(proxy: Proxy, from: RtspSplitter, chunk: Buffer, to: Socket, take: (message: RtspMessage) => void): void {
  try {
    for (const part of from.push(chunk)) {
      if (part.kind === 'message') take(part);
      else to.write(part.bytes);
    }
    if (to.writableNeedDrain) (to === proxy.client ? proxy.camera : proxy.client)?.pause();
  } catch (error) {
    give(proxy, new Fault('camera-ended', `The camera ${proxy.address.label} cannot be understood: ${messageOf(error)}`, error));
  }
}

function give(proxy: Proxy, fault: Fault): void {
  proxy.fault ??= fault;
  proxy.camera.destroy();
  proxy.client?.end();
}

/** A request of ffmpeg, in the camera's terms. */
function sendOn(proxy: Proxy, request: RtspMessage, again: boolean, clientSeq = headerOf(request, 'cseq') ?? ''): void {
  const { address, camera, asked, url, challenge } = proxy;
  const [method = '', target = '', version = ''] = request.start.split(' ');
  const uri = target.startsWith(url) ? `${address.uri}${target.slice(url.length)}` : target;
  const seq = String(++proxy.seq);
  const login = address.login;
  const header = login && challenge ? authorisation(challenge, login, { method, uri, count: ++proxy.answered }) : undefined;
  asked.set(seq, { request, clientSeq, loggedIn: again });
  const sent = { ...request, start: `${method} ${uri} ${version}` };
  camera.write(messageBytes(sent, { CSeq: seq, ...(header && { Authorization: header }) }));
}

/** An answer of the camera, in ffmpeg's terms; one that asks for a login is answered here. */
function answer(proxy: Proxy, message: RtspMessage): void {
  const { address, asked, client } = proxy;
  const status = Number(/^RTSP\/\d\.\d (\d{3})/.exec(message.start)?.[1]);
  const seq = headerOf(message, 'cseq') ?? '';
  const of = asked.get(seq);
  // What the camera asks of its own accord is not for ffmpeg: it could send it elsewhere.
  if (!status || !of) return;
  asked.delete(seq);
  if (status === 401 && !of.loggedIn && address.login && challenged(proxy, message)) sendOn(proxy, of.request, true, of.clientSeq);
  else if (status >= 300 && status < 400) give(proxy, sentElsewhere(address, headerOf(message, 'location') ?? ''));
  else client?.write(messageBytes(message, { CSeq: of.clientSeq }));
}

function sentElsewhere({ label }: CameraAddress, location: string): Fault {
  const to = cameraAddress(location);
  const elsewhere = typeof to === 'string' ? 'another address' : to.label;
  const remedy = 'which is not followed: set camera.url to the address that gives the pictures';
  return new Fault('camera-missing', `The camera ${label} sends to ${elsewhere}, ${remedy}`);
}

/** Takes the safest challenge that can be answered; false if there is none. */
function challenged(proxy: Proxy, { headers }: RtspMessage): boolean {
  const { login } = proxy.address;
  const challenges = headers.filter(([name]) => name.toLowerCase() === 'www-authenticate').map(([, value]) => value);
  const safest = challenges.toSorted((a, b) => Number(isDigest(b)) - Number(isDigest(a)));
  const known = login && safest.find((challenge) => authorisation(challenge, login, { method: 'OPTIONS', uri: '*' }) !== undefined);
  // A camera that was answered by Digest knows it: who then asks for the password as it is, is not that camera.
  if (!known || (isDigest(proxy.challenge ?? '') && !isDigest(known))) return false;
  proxy.challenge = known;
  proxy.answered = 0;
  return true;
}

/** Nobody is let in whose user cannot be found out. */
function isOurs(proxy: Proxy, socket: Socket): boolean {
  try {
    return isOwn(socket);
  } catch (error) {
    give(proxy, new Fault('camera-ended', `Who reads the camera ${proxy.address.label} cannot be found out: ${messageOf(error)}`, error));
    return false;
  }
}

/** Whether the process at the other end of a connection on this machine runs as this user (kernel: proc_net_tcp). */
function isOwn({ remotePort = 0, localPort = 0 }: Socket): boolean {
  const hex = (port: number) => `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const ends = ` ${hex(remotePort)} ${hex(localPort)} `;
  const line = readFileSync('/proc/self/net/tcp', 'latin1')
    .split('\n')
    .find((each) => each.includes(ends));
  return line !== undefined && Number(line.trim().split(/\s+/)[7]) === process.getuid?.();
}
