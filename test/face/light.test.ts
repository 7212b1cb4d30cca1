/** Light is judged alike for all skins: the London Set, 102 people of many origins, at a third of its light. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { modelFolder } from '../../src/adapters/basics.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { qualityLimits } from '../fakes/quality-limits.ts';
import { sharedData } from '../fakes/shared-data.ts';

const london = sharedData('london');

it.skipIf(!london)(
  'at 0.35 of the light no face is refused, at 0.04 nearly all are (skipped where ../shared/data is absent)',
  async () => {
    const folder = join(london ?? '', 'neutral_front');
    const shots = readdirSync(folder).filter((name) => name.endsWith('.jpg'));
    const folders = { detector: modelFolder('detector'), embedder: modelFolder('embedder') };
    await using reader = await openFaceReader({ ...folders, threads: 2, limits: qualityLimits });
    const refusedAt = async (light: number, names: readonly string[]) => {
      let refused = 0;
      for (const name of names) {
        const picture = await sharp(join(folder, name)).linear(light, 0).jpeg().toBuffer();
        const [face] = (await reader.read(picture, { embed: 'none' })).faces;
        if (!face || face.quality.reasons.length > 0) refused++;
      }
      return refused;
    };
    expect(shots.length).toBeGreaterThan(100);
    expect(await refusedAt(0.35, shots)).toBe(0);
    const some = shots.filter((_, i) => i % 5 === 0);
    expect(await refusedAt(0.04, some)).toBeGreaterThan(0.8 * some.length);
  },
  60_000,
);
