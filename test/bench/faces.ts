/** How many stored pictures a second are read by the readers of `evaluate`, `identify` and `people reembed`: both processors. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { demoPeopleFolder, manyReaderOf, readerOf } from '../../src/adapters/basics.ts';
import { demoPeople } from '../../src/adapters/camera.ts';
import type { Row } from '../../src/cli/door/figures.ts';
import type { FaceReader } from '../../src/face/port.ts';
import { loadConfig } from '../../src/settings/load.ts';

const rounds = 12;

export async function benchFaces(): Promise<Row[]> {
  const { config } = loadConfig({});
  const pictures = demoPeople.flatMap((name) =>
    ['neutral', 'smiling'].map((look) => readFileSync(join(demoPeopleFolder, `${name}-${look}.jpg`))),
  );
  await using many = await manyReaderOf(config, Number.POSITIVE_INFINITY);
  await using one = await readerOf(config);
  await Promise.all(pictures.map((picture) => read(many, picture)));
  const together = performance.now();
  for (let round = 0; round < rounds; round++) await Promise.all(pictures.map((picture) => read(many, picture)));
  const apart = performance.now();
  for (let round = 0; round < rounds / 4; round++) for (const picture of pictures) await read(one, picture);
  const ended = performance.now();
  return [
    {
      what: 'stored pictures read (evaluate, identify)',
      value: (rounds * pictures.length * 1000) / (apart - together),
      unit: 'faces/s',
      target: 120,
      atLeast: true,
      baseline: { what: 'one after the other', value: ((rounds / 4) * pictures.length * 1000) / (ended - apart) },
    },
  ];
}

/** As `readProbe` reads a file. */
const read = (reader: FaceReader, picture: Uint8Array) => reader.read(picture, { embed: 'dominant', purpose: 'stored' });
