/**
 * The replay camera: a folder of pictures or a video file goes in, its pictures come out as frames, in real time,
 * faster, or one each time the consumer asks.
 */
import { readFile, stat } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { Fault, messageOf } from '../base/errors.ts';
import { entriesIn, type FileInFolder, type FilePath, shownPath } from '../base/path.ts';
import type { Clock } from '../base/time.ts';
import { endInWords, ffmpegPictures } from './ffmpeg.ts';
import { paced, type Shot } from './pace.ts';
import type { Camera } from './port.ts';

/**
 * Endings of picture files: what sharp's prebuilt library reads, and Netpbm and BMP, which face/picture.ts gives to
 * ffmpeg.
 */
const pictureKinds = [
  ...['.jpg', '.jpeg', '.jpe', '.jfif', '.png', '.webp', '.gif', '.tif', '.tiff', '.avif'],
  ...['.pgm', '.ppm', '.pbm', '.pnm', '.bmp'],
] as const;

export interface ReplayOptions {
  /** A folder of pictures (in natural order of their names, without its subfolders), one picture, or a video file. */
  readonly from: string;
  /** Frames per second at speed 1; a video is converted to this rate. */
  readonly fps: number;
  /**
   * 1: real time; 0: lock-step, a frame is made when the consumer asks, none is dropped; another factor: that many
   * times faster.
   */
  readonly speed: number;
  /** Start again at the end, forever. */
  readonly loop: boolean;
  readonly clock: Clock;
}

/**
 * A camera that plays `from`. The iteration ends without a fault when everything was played.
 * @throws Fault `camera-missing` when it is opened and there is nothing to play; later `camera-ended`.
 */
export function replayCamera({ from, fps, speed, loop, clock }: ReplayOptions): Camera {
  return {
    label: `replay ${from}`,
    frames: (signal) => paced(shots(from, fps, loop, signal), { fps, speed, clock }, signal),
  };
}

async function* shots(from: string, fps: number, loop: boolean, signal: AbortSignal): AsyncGenerator<Shot, void, void> {
  const play = await opened(from, fps);
  do {
    yield* play(signal);
  } while (loop && !signal.aborted);
}

/** Looks at what `from` is, and returns how to play it once. */
async function opened(from: string, fps: number): Promise<(signal: AbortSignal) => AsyncGenerator<Shot, void, void>> {
  const path = resolve(from);
  const kind = await stat(path).catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'ENOENT' ? 'is not there' : `cannot be read (${error.message})`;
    throw new Fault(
      'camera-missing',
      `What the replay camera should play ${why}: ${path} (camera.replay.from takes a folder of pictures, a video file, or demo)`,
      error,
      'What the replay camera should play is not there (camera.replay.from)',
    );
  });
  if (kind.isDirectory()) {
    const paths = picturesIn(path);
    return () => fromFiles(paths);
  }
  if (!kind.isFile())
    throw new Fault('camera-missing', `${path} (camera.replay.from) ${neither}`, undefined, `What camera.replay.from names ${neither}`);
  if (isPictureName(path)) return () => fromFiles([path]);
  return (signal) => fromVideo(path, fps, signal);
}

const isPictureName = (name: string): boolean => pictureKinds.some((kind) => kind === extname(name).toLowerCase());

/** The pictures in a folder, in natural order (2 before 10). @throws Fault `camera-missing` when there are none. */
function picturesIn(folder: string): FilePath[] {
  const pictures = listed(folder).filter(({ name, isFolder }) => !isFolder && !name.startsWith('.') && isPictureName(name));
  if (pictures.length === 0) {
    throw new Fault(
      'camera-missing',
      `There are no pictures in the folder ${folder} (camera.replay.from; its subfolders are not read): put in some of ${pictureKinds.join(' ')}`,
      undefined,
      'There are no pictures in the folder of camera.replay.from',
    );
  }
  const { compare } = new Intl.Collator('en', { numeric: true });
  return pictures.sort((a, b) => compare(a.name, b.name) || (a.name < b.name ? -1 : 1)).map(({ path }) => path);
}

function listed(folder: string): FileInFolder[] {
  try {
    return entriesIn(folder);
  } catch (error) {
    throw unreadableFault(
      'camera-missing',
      `The folder ${folder} (camera.replay.from) cannot be read`,
      'The folder of camera.replay.from cannot be read',
      error,
    );
  }
}

const neither = 'is neither a folder of pictures nor a video file nor demo';

/** The system's message names the file too, so it stays out of the public text. */
const unreadableFault = (code: 'camera-missing' | 'camera-ended', text: string, publicly: string, error: unknown): Fault =>
  new Fault(code, `${text}: ${messageOf(error)}`, error, publicly);

/** The files as they are: the consumer of the frames decodes them. */
async function* fromFiles(paths: readonly FilePath[]): AsyncGenerator<Shot, void, void> {
  for (const path of paths) {
    yield {
      picture: await readFile(path).catch((error: unknown) => {
        const ended = 'The replay ended';
        throw unreadableFault(
          'camera-ended',
          `${ended}: the picture ${shownPath(path)} cannot be read`,
          `${ended}: a picture cannot be read`,
          error,
        );
      }),
    };
  }
}

/** The frames of a video; a truncated video ends where it was cut. */
async function* fromVideo(path: string, fps: number, signal: AbortSignal): AsyncGenerator<Shot, void, void> {
  const run = {
    what: `The video ${path} (camera.replay.from)`,
    // file: and the whitelist keep a playlist that poses as a video from using the network.
    args: [
      ...['-protocol_whitelist', 'file', '-fflags', '+discardcorrupt', '-err_detect', 'explode', '-i', `file:${path}`],
      ...['-map', '0:v:0', '-vf', `fps=${fps}`, '-c:v', 'mjpeg', '-q:v', '2', '-pix_fmt', 'yuvj420p'],
    ],
    onEnd: (end: Parameters<typeof endInWords>[0] & { readonly pictures: number }) => {
      if (end.signal) return undefined;
      if (end.pictures > 0) return 'regular' as const;
      return new Fault(
        'camera-missing',
        `${path} (camera.replay.from) is not a video that ffmpeg can read, nor a folder of pictures (${endInWords(end)})`,
        undefined,
        'What camera.replay.from names is not a video that ffmpeg can read, nor a folder of pictures',
      );
    },
  };
  for await (const picture of ffmpegPictures(run, signal)) yield { picture };
}
