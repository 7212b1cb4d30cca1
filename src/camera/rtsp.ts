/**
 * The network camera, through one long-lived ffmpeg: an address and the wanted size and rate go in, JPEG pictures come
 * out. This process connects, checks who answers and logs in; ffmpeg gets the bytes, and neither address nor password.
 */
import type { Readable } from 'node:stream';
import { Fault, messageOf } from '../base/errors.ts';
import { type CameraAddress, cameraAddress } from '../base/network/camera-address.ts';
import type { Clock } from '../base/time.ts';
import { endInWords, type FfmpegEnd, ffmpegFrames, ffmpegMajor } from './ffmpeg.ts';
import { jpegSplitter } from './jpeg-splitter.ts';
import { type Mounting, mountingFilters, turnedFrames, upright } from './mounting.ts';
import { type CameraTrust, connectCamera } from './network/connection.ts';
import { openHttpStream } from './network/http-stream.ts';
import { openRtspProxy } from './network/rtsp-proxy.ts';
import type { Camera, Frame } from './port.ts';
import { rateGate } from './rate-gate.ts';
import { newest } from './slot.ts';

export interface RtspOptions extends CameraTrust {
  /**
   * Gives the address at each opening: `rtsp://`, `rtsps://`, `http://`, `https://` or `tcp://`, with user and password
   * where needed.
   */
  readonly address: () => string;
  /** The camera for people, until the address is known. */
  readonly label: string;
  /** Pixels. Larger pictures are shrunk to fit, smaller ones and JPEGs of the camera stay as they are. */
  readonly width: number;
  readonly height: number;
  /** Frames per second. Frames of a faster camera are dropped; a slower camera stays as it is. */
  readonly fps: number;
  readonly mounting?: Mounting;
  readonly clock: Clock;
}

/** What ffmpeg reads, while it is open. */
interface Input extends Disposable {
  readonly args: readonly string[];
  readonly stream?: Readable;
  /** JPEGs one after the other, which need no ffmpeg: damage in them stays visible. */
  readonly jpegs?: Readable;
  /** What went wrong on the way to the camera, if anything did. */
  readonly fault?: Fault | undefined;
}

/**
 * A camera on the network.
 * @throws Fault when opened: `bad-config` for a text that is not the address of a camera, `camera-missing` if it cannot
 * be reached, `camera-untrusted` if another machine answers, `tool-missing`; later `camera-ended`.
 */
export function rtspCamera({ address, label, clock, ...wanted }: RtspOptions): Camera {
  return {
    label,
    frames: async function* (signal) {
      if (signal.aborted) return;
      const at = cameraAddress(address());
      if (typeof at === 'string') throw new Fault('bad-config', `The address of the network camera (camera.url or camera.urlFile) ${at}`);
      using input = await openInput(at, wanted, signal);
      if (input.jpegs) return yield* turnedFrames(jpegFrames(input.jpegs, at, rateGate(wanted.fps, clock), clock, signal), wanted.mounting);
      const major = await ffmpegMajor(signal);
      if (signal.aborted) return;
      const run = {
        what: `The camera ${at.label}`,
        args: [...input.args, ...outputArgs(wanted, major)],
        input: input.stream,
        hide: at.hide,
        onEnd: (end: FfmpegEnd) => input.fault ?? (end.pictures === 0 ? unreachable(at.label, end) : undefined),
      };
      yield* ffmpegFrames(run, clock, signal);
    },
  };
}

const quick = ['-fflags', 'nobuffer+discardcorrupt', '-flags', 'low_delay', '-fpsprobesize', '0'];
/** ffmpeg opens nothing by itself: a playlist from the network cannot make it read files or other machines. */
const onlyPipe = ['-protocol_whitelist', 'pipe'];

async function openInput(at: CameraAddress, trust: CameraTrust, signal: AbortSignal): Promise<Input> {
  if (at.scheme === 'http' || at.scheme === 'https') {
    const { body, multipart } = await openHttpStream(at, trust, signal);
    return {
      // A stream over HTTP may carry no times: ffmpeg would assume 25 per second and drop frames of a slower camera.
      args: [...onlyPipe, '-use_wallclock_as_timestamps', '1', ...quick, '-i', 'pipe:0'],
      ...(multipart ? { jpegs: body } : { stream: body }),
      [Symbol.dispose]: () => void body.destroy(),
    };
  }
  const camera = await connectCamera(at, trust, signal);
  if (at.scheme === 'tcp')
    return { args: [...onlyPipe, ...quick, '-i', 'pipe:0'], stream: camera, [Symbol.dispose]: () => void camera.destroy() };
  const proxy = await openRtspProxy(at, camera);
  return {
    args: ['-protocol_whitelist', 'tcp,rtp', '-rtsp_transport', 'tcp', ...quick, '-i', proxy.url],
    get fault() {
      return proxy.fault;
    },
    [Symbol.dispose]: () => proxy[Symbol.dispose](),
  };
}

/** The pictures of a stream of JPEGs, whatever stands between them. @throws Fault `camera-ended` when it ends. */
function jpegFrames(
  stream: Readable,
  { label, hide }: CameraAddress,
  take: () => boolean,
  clock: Clock,
  signal: AbortSignal,
): AsyncIterable<Frame> {
  return newest<Frame>(async (push, stop) => {
    const splitter = jpegSplitter();
    const close = () => void stream.destroy();
    stop.addEventListener('abort', close, { once: true });
    let seq = 0;
    let why = 'the connection was closed';
    try {
      for await (const chunk of stream) {
        for (const picture of splitter.push(chunk as Uint8Array)) if (take()) push({ seq: ++seq, capturedAtMs: clock.now(), picture });
      }
    } catch (error) {
      why = hide(messageOf(error));
    } finally {
      stop.removeEventListener('abort', close);
    }
    if (!stop.aborted) throw new Fault('camera-ended', `The camera ${label} ended: ${why}`);
  }, signal);
}

/** ffmpeg's arguments for what it gives; `major` is ffmpeg's version, as it renamed an option. */
export function outputArgs(
  { width, height, fps, mounting = upright }: Pick<RtspOptions, 'width' | 'height' | 'fps' | 'mounting'>,
  major: number,
): readonly string[] {
  return [
    ...['-map', '0:v:0', major < 6 ? '-vsync' : '-fps_mode', 'vfr', '-r', String(fps)],
    ...[
      '-vf',
      [`scale='min(${width},iw)':'min(${height},ih)':force_original_aspect_ratio=decrease`, ...mountingFilters(mounting)].join(','),
    ],
    ...['-c:v', 'mjpeg', '-q:v', '3', '-pix_fmt', 'yuvj420p', '-flush_packets', '1'],
  ];
}

function unreachable(label: string, end: FfmpegEnd): Fault {
  const refused = /\b40[13]\b|unauthorized|forbidden/i.test(end.said);
  const remedy = refused ? 'check user and password in camera.url' : 'check camera.url, the network and the camera';
  return new Fault('camera-missing', `The camera ${label} gives no pictures: ${remedy} (${endInWords(end)})`);
}
