/** Pictures, videos and processes for the tests of the cameras, made when they are needed. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';

/** A folder of its own, gone with the test: `using folder = temporaryFolder()`. */
export function temporaryFolder(): { readonly path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'facelatch-test-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** One JPEG in a shade of grey, 0…255. */
export async function greyJpeg(shade: number): Promise<Buffer> {
  const background = { r: shade, g: shade, b: shade };
  return sharp({ create: { width: 64, height: 48, channels: 3, background } })
    .jpeg()
    .toBuffer();
}

/** `count` different JPEGs named so that only the natural order is right: `shot 1.jpg` … `shot 12.jpg`. */
export async function makePictures(folder: string, count: number): Promise<Buffer[]> {
  mkdirSync(folder, { recursive: true });
  const pictures = await Promise.all(Array.from({ length: count }, (_, i) => greyJpeg(20 + i * 7)));
  for (const [i, picture] of pictures.entries()) writeFileSync(join(folder, `shot ${i + 1}.jpg`), picture);
  return pictures;
}

/** A test card of `seconds` at 10 frames a second, 160×120, in a file whose ending says how it is packed. */
export function makeVideo(path: string, seconds: number, codec: readonly string[]): void {
  const card = ['-f', 'lavfi', '-i', `testsrc2=size=160x120:rate=10:duration=${seconds}`];
  execFileSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...card, ...codec, path]);
}

/** The JPEGs of a short test card, each different. */
export function cardJpegs(count: number, options: readonly string[] = []): Buffer[] {
  using folder = temporaryFolder();
  const card = ['-f', 'lavfi', '-i', `testsrc2=size=160x120:rate=10`, '-frames:v', String(count)];
  execFileSync('ffmpeg', ['-v', 'error', '-nostdin', ...card, '-c:v', 'mjpeg', ...options, join(folder.path, '%03d.jpg')]);
  return readdirSync(folder.path)
    .sort()
    .map((name) => readFileSync(join(folder.path, name)));
}

/** The processes of a name that are children of `parent`, from /proc (proc(5): pid (comm) state ppid). */
export function childrenNamed(name: string, parent = process.pid): number[] {
  return processesNamed(name)
    .filter(({ ppid }) => ppid === parent)
    .map(({ pid }) => pid);
}

export function processesNamed(name: string): { readonly pid: number; readonly ppid: number; readonly state: string }[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      try {
        const [, pid, comm, state, ppid] = /^(\d+) \((.*)\) (\S) (\d+)/.exec(readFileSync(`/proc/${entry}/stat`, 'utf8')) ?? [];
        return comm === name ? [{ pid: Number(pid), ppid: Number(ppid), state: String(state) }] : [];
      } catch {
        return [];
      }
    });
}
