/**
 * The network camera, through one long-lived ffmpeg: a URL and the wanted size and rate go in, JPEG pictures come out.
 * User and password never appear in a label or message.
 */
import { Fault } from '../base/errors.ts';
import type { Clock } from '../base/time.ts';
import { endInWords, type FfmpegEnd, ffmpegFrames, ffmpegMajor } from './ffmpeg.ts';
import type { Camera } from './port.ts';

export interface RtspOptions {
  /** `rtsp://`, `rtsps://`, `http://`, `https://` or `tcp://`; may hold user and password. */
  readonly url: string;
  /** Pixels. Larger pictures are shrunk to fit, smaller ones stay as they are. */
  readonly width: number;
  readonly height: number;
  /** Frames per second. Frames of a faster camera are dropped; a slower camera stays as it is. */
  readonly fps: number;
  readonly clock: Clock;
}

const schemes = ['rtsp', 'rtsps', 'http', 'https', 'tcp'] as const;
/** Protocols that ffmpeg may use: a playlist from the network cannot make it read files of this machine. */
const protocols = 'tcp,udp,rtp,srtp,tls,http,https';
/** The connection ends when no bytes arrive for this long. Milliseconds. */
const socketTimeoutMs = 10_000;

/**
 * A camera that reads `url`.
 * @throws Fault when opened: `bad-config` for a text that is not the URL of a camera, `camera-missing` if it cannot be
 * reached, `tool-missing`; later `camera-ended`.
 */
export function rtspCamera({ url, clock, ...wanted }: RtspOptions): Camera {
  const label = labelOf(url);
  return {
    label,
    frames: async function* (signal) {
      if (signal.aborted) return;
      requireCameraUrl(url);
      const major = await ffmpegMajor(signal);
      if (signal.aborted) return;
      const run = {
        what: `The camera ${label}`,
        args: rtspArgs(url, wanted, major),
        hide: (text: string) => hidden(text, url),
        onEnd: (end: FfmpegEnd) => (end.pictures === 0 ? unreachable(label, end) : undefined),
      };
      yield* ffmpegFrames(run, clock, signal);
    },
  };
}

/** ffmpeg's arguments to read `url`; `major` is ffmpeg's version, as it renamed some options. */
export function rtspArgs(
  url: string,
  { width, height, fps }: Pick<RtspOptions, 'width' | 'height' | 'fps'>,
  major: number,
): readonly string[] {
  const timeoutUs = String(socketTimeoutMs * 1000);
  // Before version 5, -timeout made ffmpeg listen for incoming connections.
  const rtsp = ['-rtsp_transport', 'tcp', major < 5 ? '-stimeout' : '-timeout', timeoutUs];
  return [
    ...['-protocol_whitelist', protocols],
    ...(/^rtsps?:/i.test(url) ? rtsp : ['-rw_timeout', timeoutUs]),
    // Pictures over HTTP carry no times: ffmpeg would assume 25 per second and drop frames of a slower camera.
    ...(/^https?:/i.test(url) ? ['-use_wallclock_as_timestamps', '1'] : []),
    ...['-fflags', 'nobuffer+discardcorrupt', '-flags', 'low_delay', '-fpsprobesize', '0', '-i', url],
    ...['-map', '0:v:0', major < 6 ? '-vsync' : '-fps_mode', 'vfr', '-r', String(fps)],
    ...['-vf', `scale='min(${width},iw)':'min(${height},ih)':force_original_aspect_ratio=decrease`],
    ...['-c:v', 'mjpeg', '-q:v', '3', '-pix_fmt', 'yuvj420p', '-flush_packets', '1'],
  ];
}

function parsed(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}

function requireCameraUrl(url: string): void {
  const at = parsed(url);
  const known = at && schemes.some((scheme) => `${scheme}:` === at.protocol);
  if (known && at.hostname) return;
  const wrong = url === '' ? 'is empty' : !at ? 'is not a URL' : known ? 'names no machine' : `begins with ${at.protocol}`;
  const good = schemes.map((scheme) => `${scheme}://`).join(', ');
  throw new Fault('bad-config', `The network camera's URL (camera.url) ${wrong}: give one that begins with ${good}`);
}

/**
 * The camera as people may see it: host and path without user, password and query. A path with `=` in it may be a
 * password too.
 */
function labelOf(url: string): string {
  const { protocol, host, pathname } = parsed(url) ?? {};
  if (!protocol || !host) return 'network camera';
  return `${protocol}//${host}${pathname?.includes('=') ? '/…' : pathname}`;
}

/** `text` without anything of `url` that its label does not show. */
function hidden(text: string, url: string): string {
  const { username = '', password = '', search = '', pathname = '' } = parsed(url) ?? {};
  const secrets = [password, plain(password), search.slice(1), pathname.includes('=') ? pathname.slice(1) : '', username, plain(username)];
  const named = text.replaceAll(url, labelOf(url));
  return secrets.filter((s) => s.length > 2).reduce((rest, secret) => rest.replaceAll(secret, '…'), named);
}

function plain(encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return encoded;
  }
}

function unreachable(label: string, end: FfmpegEnd): Fault {
  const refused = /\b40[13]\b|unauthorized|forbidden/i.test(end.said);
  const remedy = refused ? 'check user and password in camera.url' : 'check camera.url, the network and the camera';
  return new Fault('camera-missing', `The camera ${label} gives no pictures: ${remedy} (${endInWords(end)})`);
}
