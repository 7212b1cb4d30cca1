/**
 * The connection to a network camera: its address and what is trusted go in, a connected socket comes out, over which
 * nothing was sent before the camera was known to be the camera. The caller owns the socket; it closes itself when
 * nothing comes for ten seconds.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { Fault, messageOf } from '../../base/errors.ts';
import { type CameraAddress, needsTrust, plainRemedy } from '../../base/network/camera-address.ts';
import { readSettingFile } from '../../base/secret.ts';

/** By what the camera is known (`camera.*`). */
export interface CameraTrust {
  /** File with the certificate of the camera or of the authority that issued it; '' for the well-known authorities. */
  readonly caFile: string;
  /** SHA-256 of the camera's certificate, hexadecimal, with or without colons; '' if it is not known. */
  readonly fingerprint: string;
  /** Whether a connection that is not encrypted may leave this machine. */
  readonly trustNetwork: boolean;
}

/** The connection ends when no bytes arrive for this long. Milliseconds. */
const silenceMs = 10_000;

/**
 * Connects and checks who answers. On the same connection then everything is sent and read.
 * @throws Fault `bad-config`, `camera-missing` when nobody answers, `camera-untrusted` when somebody else does.
 */
export async function connectCamera(address: CameraAddress, trust: CameraTrust, signal: AbortSignal): Promise<Socket> {
  if (needsTrust(address) && !trust.trustNetwork)
    throw new Fault('bad-config', `The address of the camera (camera.url or camera.urlFile) ${plainRemedy(address.scheme)}`);
  const socket = address.secure ? await tlsSocket(address, trust, signal) : await plainSocket(address, signal);
  socket.setNoDelay(true);
  socket.setTimeout(silenceMs, () => socket.destroy(new Error(`no bytes came for ${silenceMs / 1000} s`)));
  // Whoever uses the socket sees its end; an error before that must not end the process.
  socket.on('error', () => undefined);
  return socket;
}

async function plainSocket({ host, port, label }: CameraAddress, signal: AbortSignal): Promise<Socket> {
  return connected(connectPlain({ host, port }), 'connect', label, signal);
}

async function tlsSocket(address: CameraAddress, { caFile, fingerprint }: CameraTrust, signal: AbortSignal): Promise<Socket> {
  const { host, port, label } = address;
  const ca = caFile === '' ? undefined : readSettingFile('camera.caFile', caFile);
  const options = {
    host,
    port,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca, allowPartialTrustChain: true }),
  };
  const socket = secured(() => connectTls({ ...options, rejectUnauthorized: false }), label);
  await connected(socket, 'secureConnect', label, signal);
  // Not checked by Node (rejectUnauthorized), so that a message can say which certificate was shown.
  const wrong = mistrust(socket, { known: caFile !== '' || fingerprint === '', fingerprint });
  if (wrong === undefined) return socket;
  socket.destroy();
  throw new Fault('camera-untrusted', `The machine at ${label} is not known to be the camera: ${wrong}`);
}

function secured(open: () => TLSSocket, label: string): TLSSocket {
  try {
    return open();
  } catch (error) {
    throw new Fault(
      'bad-config',
      `camera.caFile: the certificate for ${label} cannot be used (${messageOf(error)}): give a file in PEM form`,
      error,
    );
  }
}

/** Why the certificate is not the camera's; undefined if it is. `known`: an authority must vouch for it. */
function mistrust(
  socket: TLSSocket,
  { known, fingerprint }: { readonly known: boolean; readonly fingerprint: string },
): string | undefined {
  const shown = socket.getPeerX509Certificate()?.fingerprint256;
  if (shown === undefined) return 'it shows no certificate';
  if (fingerprint !== '' && plainHex(shown) !== plainHex(fingerprint))
    return `its certificate has the SHA-256 fingerprint ${shown}, and camera.fingerprint is another; if the camera got a new certificate, compare it with what the camera's own page shows, then set it`;
  if (!known || socket.authorized) return undefined;
  const why = socket.authorizationError instanceof Error ? socket.authorizationError.message : String(socket.authorizationError);
  return `its certificate is not vouched for (${why}); compare its SHA-256 fingerprint ${shown} with what the camera's own page shows, then set camera.fingerprint, or give the authority's certificate as camera.caFile`;
}

const plainHex = (fingerprint: string): string => fingerprint.replaceAll(':', '').toLowerCase();

async function connected<S extends Socket>(socket: S, event: string, label: string, signal: AbortSignal): Promise<S> {
  const stop = () => void socket.destroy(new Error('stopped'));
  signal.addEventListener('abort', stop, { once: true });
  const patience = setTimeout(() => socket.destroy(new Error(`no answer within ${silenceMs / 1000} s`)), silenceMs);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once(event, () => resolve());
      socket.once('error', reject);
      socket.once('close', () => reject(new Error('the connection was closed')));
      if (signal.aborted) stop();
    });
    return socket;
  } catch (error) {
    socket.destroy();
    const why = messageOf(error) || String((error as { readonly code?: unknown }).code);
    throw new Fault(
      'camera-missing',
      `The camera ${label} cannot be reached (${why}): check camera.url, the network and the camera`,
      error,
    );
  } finally {
    clearTimeout(patience);
    signal.removeEventListener('abort', stop);
  }
}
