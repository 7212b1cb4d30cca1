/**
 * How far a picture that stands still lies from a quiet scene: the share of the picture with something new in the last
 * minute, over four minutes. As MJPEG of a USB camera, and through H.264 with key frames up to 20 s apart.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stillness } from '../../src/camera/stillness.ts';
import { quantile, type Row, time } from '../../src/cli/door/figures.ts';
import { hall } from '../camera/hall.ts';
import { temporaryFolder } from '../camera/media.ts';

const forMs = 60_000;
const seconds = 240;

async function shares(pictures: (second: number) => Promise<Uint8Array>): Promise<number[]> {
  const watch = stillness(forMs);
  const found: number[] = [];
  for (let second = 0; second < seconds; second++) found.push(await watch.look(await pictures(second), second * 1000));
  return found;
}

/** A picture of the hall, still or with noise, through an encoder for network cameras, with a bar that grows as a clock. */
function encoded(folder: string, noise: number, options: readonly string[]): (second: number) => Promise<Uint8Array> {
  mkdirSync(folder);
  const ffmpeg = (...args: string[]) => execFileSync('ffmpeg', ['-v', 'error', '-nostdin', '-y', ...args]);
  const clock = "drawbox=x=10:y=10:w='20+mod(floor(t)\\,60)*4':h=24:c=white:t=fill";
  const source = [
    '-f',
    'lavfi',
    '-i',
    'gradients=s=640x480:c0=0x101010:c1=0x404040:nb_colors=2:speed=0.00001:rate=15',
    '-t',
    String(seconds + 2),
  ];
  const still = join(folder, 'still.png');
  ffmpeg(...source, '-frames:v', '1', still);
  const grain = noise > 0 ? [`noise=alls=${noise}:allf=t`, 'hqdn3d=4:4:12:12'] : [];
  const scene = ['-loop', '1', '-framerate', '15', '-i', still, '-t', String(seconds + 2), '-vf', [...grain, clock].join(',')];
  ffmpeg(...scene, '-c:v', 'libx264', '-preset', 'ultrafast', ...options, '-pix_fmt', 'yuv420p', join(folder, 'camera.mp4'));
  ffmpeg(
    '-i',
    join(folder, 'camera.mp4'),
    '-vf',
    'fps=1.03',
    '-c:v',
    'mjpeg',
    '-q:v',
    '3',
    '-pix_fmt',
    'yuvj420p',
    join(folder, '%03d.jpg'),
  );
  const names = readdirSync(folder)
    .filter((name) => name.endsWith('.jpg'))
    .sort();
  return async (second) => readFileSync(join(folder, names[second % names.length] as string));
}

export async function benchStillness(): Promise<Row[]> {
  using folder = temporaryFolder();
  const row = async (what: string, isStill: boolean, pictures: (second: number) => Promise<Uint8Array>): Promise<Row> => {
    const found = await shares(pictures);
    const value = isStill ? (found.at(-1) ?? 1) : Math.min(...found);
    return { what: `${what}, ${isStill ? 'at the end' : 'least'}`, value, unit: 'of the picture', ...(isStill && { target: 0.25 }) };
  };
  const rows: Row[] = [];
  for (const sigma of [0, 0.15, 0.3, 1]) {
    for (const level of [12, 40])
      rows.push(await row(`MJPEG, brightness ${level}, noise of ${sigma} levels`, sigma === 0, hall({ level, sigma, quality: 60 })));
  }
  const encoders = {
    'key frames each 4 s': ['-crf', '30', '-g', '60'],
    'key frames each 20 s': ['-crf', '38', '-g', '300'],
    '100 kbit a second': ['-b:v', '100k', '-g', '60'],
  };
  for (const noise of [0, 6, 12])
    for (const [name, options] of Object.entries(encoders))
      rows.push(
        await row(
          `H.264, ${name}, noise ${noise} before denoising`,
          noise === 0,
          encoded(join(folder.path, `${noise} ${name}`), noise, options),
        ),
      );
  const watch = stillness(forMs);
  const picture = await hall({ level: 40, sigma: 1, quality: 80 })(0);
  const ms = await time(40, 10, () => watch.look(picture, 0));
  rows.push({ what: 'one look, p50', value: quantile(ms, 0.5), unit: 'ms' });
  return rows;
}
