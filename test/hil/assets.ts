/**
 * What the simulated camera shows: pictures composed from the demo people, who do not exist; each a little different from the last, as a
 * camera's are.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';

const people = fileURLToPath(new URL('../../config/demo-people', import.meta.url));
const frames = 12;
const [width, height] = [640, 480];

/** Writes one folder of JPEGs for each scene below `folder`: an enrolled person, a stranger, nobody, and a covered lens. */
export async function makeScenes(folder: string): Promise<void> {
  for (const [scene, person] of [
    ['enrolled', 'p01-smiling.jpg'],
    ['stranger', 'p02-smiling.jpg'],
    ['nobody', undefined],
    ['covered', undefined],
  ] as const) {
    const into = join(folder, scene);
    if (existsSync(join(into, `${frames - 1}.jpg`))) continue;
    mkdirSync(into, { recursive: true });
    for (let i = 0; i < frames; i++)
      writeFileSync(join(into, `${String(i).padStart(2, '0')}.jpg`), await frame(i, scene === 'covered' ? 0 : 120, person));
  }
}

async function frame(index: number, grey: number, person?: string): Promise<Buffer> {
  const background = sharp({ create: { width, height, channels: 3, background: { r: grey, g: grey, b: grey } } });
  // A dot that wanders: no two pictures are the same, as none of a real sensor are.
  const dot = {
    input: { create: { width: 6, height: 6, channels: 3 as const, background: { r: grey + 8, g: grey, b: grey } } },
    left: 8 + index * 8,
    top: 8,
  };
  if (!person) return background.composite([dot]).jpeg({ quality: 80 }).toBuffer();
  const face = await sharp(join(people, person)).resize(400, 400).toBuffer();
  return background
    .composite([{ input: face, left: 120 + ((index * 3) % 7), top: 40 + ((index * 5) % 6) }, dot])
    .jpeg({ quality: 80 })
    .toBuffer();
}
