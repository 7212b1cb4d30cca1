/**
 * Writes generated clips to a folder, as `<folder>/<instrument>/<clip>/<frame>.jpg`: a set for
 * `facelatch evaluate --liveness`.
 *
 *     node test/attacks/generator/main.ts FOLDER [CLIPS] [FRAMES] [FPS] [SEED]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { attackClip, instruments } from './attack.ts';
import { type Clip, liveClip } from './live.ts';
import { manners } from './script.ts';
import { openStudio } from './studio.ts';

const [folder, ...numbers] = process.argv.slice(2);
const [clips = 16, frames = 20, fps = 15, firstSeed = 1] = numbers.map(Number);
if (folder === undefined || ![clips, frames, fps, firstSeed].every((n) => Number.isSafeInteger(n) && n > 0)) {
  process.stderr.write('node test/attacks/generator/main.ts FOLDER [CLIPS] [FRAMES] [FPS] [SEED]: whole numbers above 0\n');
  process.exit(2);
}

const studio = openStudio();
for (const instrument of ['live', ...instruments] as const)
  for (let i = 0; i < clips; i++) {
    const person = studio.people[i % studio.people.length] as string;
    const common = { person, seed: firstSeed + i, fps, frames };
    const clip =
      instrument === 'live'
        ? await liveClip(studio, { ...common, manner: manners[i % manners.length] as (typeof manners)[number] })
        : await attackClip(studio, { ...common, instrument });
    write(join(folder, instrument, `${String(i).padStart(3, '0')}-${person}`), clip);
  }

function write(to: string, clip: Clip): void {
  mkdirSync(to, { recursive: true });
  for (const [i, { jpeg }] of clip.frames.entries()) writeFileSync(join(to, `${String(i).padStart(3, '0')}.jpg`), jpeg);
  process.stdout.write(`${to}\n`);
}
