/** `facelatch bench`: how fast this machine is from a frame to its match, with the networks of the configuration. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import sharp from 'sharp';
import { demoPeopleFolder, readerOf, searchOf } from '../../adapters/basics.ts';
import { Fault } from '../../base/errors.ts';
import type { Embedding } from '../../face/port.ts';
import type { Config } from '../../settings/load.ts';
import { type CommonOptions, configOf, exitCodes, print, withCommon, withHelp } from '../context.ts';
import { quantile, type Row, tableOf, time } from './figures.ts';

const frames = 200;
const templates = 50;

/** Pixels. */
export interface FrameSize {
  readonly width: number;
  readonly height: number;
}

const common: FrameSize = { width: 640, height: 480 };

/** One demo person before a wall: a JPEG. */
export function personFrame(name: string, { width, height }: FrameSize = common): Promise<Buffer> {
  return sharp(readFileSync(join(demoPeopleFolder, `${name}.jpg`)))
    .resize(width, height, { fit: 'contain', background: '#b8b4ae' })
    .jpeg({ quality: 85 })
    .toBuffer();
}

/** Milliseconds of one frame with one face: JPEG → match against `templates` templates, and its stages. */
export async function measureFrame(config: Config, stop?: AbortSignal, size = common): Promise<Row[]> {
  await using reader = await readerOf(config);
  const picture = await personFrame('p01-smiling', size);
  const [face] = (await reader.read(picture)).faces;
  const embedding = face?.embedding;
  if (!embedding)
    throw new Fault(
      'model-unfit',
      'The networks in use find no good face in the demo picture, so nothing can be measured (face.detector, face.embedder)',
    );
  const search = searchOf(config, reader.embedder);
  search.load(Array.from({ length: templates }, (_, i) => ({ id: String(i), templates: [rotated(embedding, i)] })));
  const stages = { decode: [] as number[], detect: [] as number[], align: [] as number[], embed: [] as number[] };
  const whole = await time(frames, frames / 10, async () => {
    stop?.throwIfAborted();
    const { faces, timings } = await reader.read(picture);
    for (const stage of Object.keys(stages) as (keyof typeof stages)[]) stages[stage].push(timings[stage]);
    search.match(faces[0]?.embedding ?? embedding);
  });
  return [
    { what: `one frame ${size.width}×${size.height}, decode → match against ${templates}, p50`, value: quantile(whole, 0.5), unit: 'ms' },
    { what: 'one frame, p95', value: quantile(whole, 0.95), unit: 'ms' },
    ...Object.entries(stages).map(([stage, samples]) => ({ what: `  of which ${stage}, p50`, value: quantile(samples, 0.5), unit: 'ms' })),
    {
      what: `  of which match against ${templates}, p50`,
      value: quantile(await time(500, 50, () => search.match(embedding)), 0.5),
      unit: 'ms',
    },
  ];
}

/** The same numbers in another order: a unit vector of somebody else. */
function rotated(embedding: Embedding, by: number): Embedding {
  return Float32Array.from(embedding, (_, i) => embedding[(i + by + 1) % embedding.length] ?? 0);
}

export function benchCommand(stop: AbortSignal, exit: (code: number) => void): Command {
  const command = new Command('bench')
    .summary('how fast this machine is, from one frame to its match')
    .description(
      'Measure one frame from its JPEG to the match, stage by stage. In a clone, `npm run bench` measures more: latency to the relay, CPU, memory and start.',
    );
  withHelp(command, ['facelatch bench', 'facelatch bench --set face.threads=1 --json'], 'measured');
  return withCommon(command).action(async (options: CommonOptions) => {
    const rows = await measureFrame(configOf(options).config, stop);
    print(options, rows, () => tableOf(rows));
    exit(exitCodes.yes);
  });
}
