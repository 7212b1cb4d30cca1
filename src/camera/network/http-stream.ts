/**
 * The pictures of a network camera that serves them over HTTP: an address goes in, the answer's bytes come out as they
 * arrive. Logs in, and follows no redirection.
 */
import { type IncomingMessage, request } from 'node:http';
import { Fault, messageOf } from '../../base/errors.ts';
import { type CameraAddress, cameraAddress } from '../../base/network/camera-address.ts';
import { authorisation, challengesIn, isDigest, type Login } from '../../base/network/http-login.ts';
import { type CameraTrust, connectCamera } from './connection.ts';

export interface HttpStream {
  readonly body: IncomingMessage;
  /** The answer is a series of JPEG pictures, each with a header. */
  readonly multipart: boolean;
}

/** @throws Fault `camera-missing`, `camera-untrusted`, `bad-config`. */
export async function openHttpStream(address: CameraAddress, trust: CameraTrust, signal: AbortSignal): Promise<HttpStream> {
  let answer = await ask(address, trust, signal);
  const header = answer.statusCode === 401 && address.login ? answerTo(challengesOf(answer), address.login, address.uri) : undefined;
  if (header !== undefined) {
    answer.destroy();
    answer = await ask(address, trust, signal, header);
  }
  if (answer.statusCode === 200) return { body: answer, multipart: /^multipart\//i.test(answer.headers['content-type'] ?? '') };
  answer.destroy();
  throw new Fault('camera-missing', `The camera ${address.label} gives no pictures: ${remedyFor(answer)} (HTTP ${answer.statusCode})`);
}

/** What answers the safest of the challenges; undefined if none is known. */
function answerTo(challenges: readonly string[], login: Login, uri: string): string | undefined {
  const safest = challenges.toSorted((a, b) => Number(isDigest(b)) - Number(isDigest(a)));
  return safest.map((challenge) => authorisation(challenge, login, { method: 'GET', uri })).find((header) => header !== undefined);
}

const challengesOf = ({ headersDistinct }: IncomingMessage): string[] =>
  (headersDistinct['www-authenticate'] ?? []).flatMap((line) => challengesIn(line));

function remedyFor({ statusCode = 0, headers }: IncomingMessage): string {
  if (statusCode === 401 || statusCode === 403) return 'check user and password in camera.url';
  if (statusCode >= 300 && statusCode < 400) {
    const elsewhere = cameraAddress(headers.location ?? '');
    return `it sends to ${typeof elsewhere === 'string' ? 'another address' : elsewhere.label}, which is not followed; set camera.url to the address that gives the pictures`;
  }
  return 'check the path in camera.url';
}

async function ask(address: CameraAddress, trust: CameraTrust, signal: AbortSignal, authorization?: string): Promise<IncomingMessage> {
  const socket = await connectCamera(address, trust, signal);
  const { host, port, uri, label } = address;
  const headers = { accept: '*/*', connection: 'close', 'user-agent': 'facelatch', ...(authorization && { authorization }) };
  // Always Node's plain client: the socket is encrypted already where it must be.
  const sent = request({ host, port, path: uri, headers, setDefaultHeaders: true, createConnection: () => socket, signal });
  try {
    return await new Promise<IncomingMessage>((resolve, reject) => {
      sent.once('response', resolve).once('error', reject).end();
    });
  } catch (error) {
    socket.destroy();
    throw new Fault('camera-missing', `The camera ${label} does not answer (${messageOf(error)}): check camera.url and the camera`, error);
  }
}
