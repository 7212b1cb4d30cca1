/** LFW's pictures on their sides and upside down: the network's own quality refuses what looks like a face there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { modelFolder } from '../../src/adapters/basics.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { qualityLimits } from '../fakes/quality-limits.ts';
import { sharedData } from '../fakes/shared-data.ts';

const lfw = sharedData('lfw-view1');

it.skipIf(!lfw)(
  'a turned picture is never compared, an upright one nearly always (every 25th person of LFW; `npm run bench -- fitness` takes all; skipped where ../shared/data is absent)',
  async () => {
    const people = readdirSync(lfw ?? '', { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const some = people
      .filter((_, i) => i % 25 === 0)
      .map(({ name }) => join(lfw ?? '', name, readdirSync(join(lfw ?? '', name))[0] ?? ''));
    await using reader = await openFaceReader({
      ...{ detector: modelFolder('detector'), embedder: modelFolder('embedder'), threads: 2 },
      limits: { ...qualityLimits, maxRollDeg: 180, minScore: 0, maxTurnDeg: 90 },
    });
    let [found, upright] = [0, 0];
    for (const path of some) {
      if ((await reader.read(readFileSync(path))).faces[0]?.embedding) upright++;
      for (const angle of [90, 180, 270]) {
        const [face] = (await reader.read(await sharp(path).rotate(angle).jpeg({ quality: 95 }).toBuffer())).faces;
        if (!face) continue;
        found++;
        expect(face.embedding, `${path}, ${angle}°`).toBeUndefined();
      }
    }
    expect(found).toBeGreaterThan(10);
    expect(upright).toBeGreaterThan(0.9 * some.length);
  },
  60_000,
);
