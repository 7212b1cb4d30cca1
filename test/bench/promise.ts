/**
 * Whether the threshold keeps its promise at doors that it was not made for: people of live webcam frames (as
 * embeddings), of ORL and of the London Set, as galleries of 5, 20 and 40 people with the others as strangers; each
 * layer of the threshold beside the one before. Real faces are read from ../shared/data; without them nothing is
 * measured.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { modelFolder, readerOf, shippedStrangers } from '../../src/adapters/basics.ts';
import { cohortAsSeen } from '../../src/adapters/evidence.ts';
import type { Row } from '../../src/cli/door/figures.ts';
import { type KeptPromise, type KnownPerson, keptPromises } from '../../src/cli/training/promise.ts';
import type { EmbedderInfo, FaceReader } from '../../src/face/port.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { sharedData } from '../fakes/shared-data.ts';
import { embedderInfo } from './match.ts';

const targets = [1e-3, 1e-4] as const;
const sizes = [5, 20, 40] as const;
const layers = ['table', 'chances', 'door'] as const;
const doors = 20;
/** From so many people on, the door's own evidence may loosen. */
const many = 8;

interface Measured {
  readonly set: string;
  readonly enrolled: number;
  readonly of: (target: number, layer: (typeof layers)[number]) => KeptPromise;
}

export async function benchPromise(): Promise<Row[]> {
  const [alike, orl, london] = ['alike', 'orl', 'london'].map(sharedData);
  if (!alike || !orl || !london) {
    console.error('bench: promise measures nothing without ../shared/data/alike, orl and london');
    return [];
  }
  const { config } = loadConfig({});
  const embedder = embedderInfo();
  await using reader = await readerOf(config);
  const sets = [...webcamSets(alike, embedder), await orlSet(orl, reader), await londonSet(london, reader)];
  const strangers = shippedStrangers(embedder);
  const cohort = cohortAsSeen(modelFolder('cohort'), embedder, undefined);
  const measured = sets.flatMap(({ name, sitters }) =>
    sizes.flatMap((enrolled): Measured[] => {
      if (enrolled > sitters.length) return [];
      console.error(`bench: promise, ${name} with ${enrolled} enrolled`);
      const promises = keptPromises({
        embedder,
        policy: config.identity,
        sitters,
        targets,
        enrolled,
        doors,
        seed: 17,
        strangers,
        cohort,
        layers,
      });
      return [
        { set: name, enrolled, of: (target, layer) => promises.find((one) => one.target === target && one.layer === layer) as KeptPromise },
      ];
    }),
  );
  return [...measured.flatMap(rowsOf), ...targets.flatMap((target) => summaryOf(target, measured))];
}

const percent = (share: number) => (100 * share).toFixed(2);

function rowsOf({ set, enrolled, of }: Measured): Row[] {
  return targets.flatMap((target): Row[] => {
    const [table, chances, door] = layers.map((layer) => of(target, layer)) as [KeptPromise, KeptPromise, KeptPromise];
    const where = `${set}, ${enrolled} enrolled, at ${target}`;
    const { fmr, fnmr } = door;
    const missed = (promise: KeptPromise) => percent(promise.fnmr?.rate ?? Number.NaN);
    return [
      ...(fmr
        ? [
            {
              what: `${where}: strangers' frames that pass (${percent(fmr.interval[0])} to ${percent(fmr.interval[1])} %)`,
              value: 1e4 * fmr.rate,
              unit: 'in 10,000',
              target: 2e4 * target,
            },
          ]
        : []),
      {
        what: `${where}: presentations refused (${percent(fnmr?.interval[0] ?? Number.NaN)} to ${percent(fnmr?.interval[1] ?? Number.NaN)} %; at logit ${[table, chances, door].map(({ threshold }) => threshold.toFixed(1)).join(' → ')}: ${missed(table)} → ${missed(chances)} → ${missed(door)})`,
        value: 100 * (fnmr?.rate ?? Number.NaN),
        unit: '%',
        baseline: { what: 'table alone', value: 100 * (table.fnmr?.rate ?? Number.NaN) },
      },
    ];
  });
}

function summaryOf(target: number, measured: readonly Measured[]): Row[] {
  const refused = (some: readonly Measured[], layer: (typeof layers)[number]) =>
    some.map(({ of }) => 100 * (of(target, layer).fnmr?.rate ?? 0));
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const large = measured.filter(({ enrolled }) => enrolled >= many);
  const [table, door] = [mean(refused(large, 'table')), mean(refused(large, 'door'))];
  return [
    { what: `at ${target}: presentations refused, mean of all`, value: mean(refused(measured, 'door')), unit: '%', target: 1 },
    { what: `at ${target}: presentations refused, worst`, value: Math.max(...refused(measured, 'door')), unit: '%', target: 3 },
    {
      what: `at ${target}: refused with the door's evidence, of those with the table alone, from ${many} people on`,
      value: door / table,
      unit: '×',
      target: 0.5,
    },
  ];
}

interface Index {
  readonly dimension: number;
  readonly sets: readonly {
    readonly set: string;
    readonly part: string;
    readonly first: number;
    readonly count: number;
    readonly person: readonly number[];
    readonly quality: readonly number[];
  }[];
}

/** The parts that the calibration has not seen. */
function webcamSets(
  folder: string,
  { dimension, quality }: EmbedderInfo,
): { readonly name: string; readonly sitters: readonly KnownPerson[] }[] {
  const index = JSON.parse(readFileSync(join(folder, 'index.json'), 'utf8')) as Index;
  const bytes = readFileSync(join(folder, 'embeddings.f32'));
  const all = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
  return index.sets
    .filter(({ part }) => part !== 'train')
    .map(({ set, part, first, person, quality: fitness }) => {
      const faces = person.map((_, row) => {
        const raw = all.subarray((first + row) * dimension, (first + row + 1) * dimension);
        const length = Math.hypot(...raw);
        return sitterFace(
          raw.map((value) => value / length),
          true,
          fitness[row] as number,
          quality,
        );
      });
      const people = Map.groupBy(faces.keys(), (row) => String(person[row]));
      return {
        name: `${set} ${part}`,
        sitters: [...people].map(([name, rows]) => ({ name, faces: rows.map((row) => faces[row] as KnownPerson['faces'][number]) })),
      };
    });
}

function sitterFace(
  embedding: Float32Array,
  good: boolean,
  fitness: number,
  quality: EmbedderInfo['quality'],
): KnownPerson['faces'][number] {
  const usable = good && fitness >= (quality?.door ?? 0);
  return { embedding, usable, enrolable: usable && fitness >= (quality?.enrolment ?? 0) };
}

async function orlSet(folder: string, reader: FaceReader) {
  const people = readdirSync(folder).filter((name) => /^s\d+$/.test(name));
  const files = people.map((name) => ({ name, files: readdirSync(join(folder, name)).map((file) => join(folder, name, file)) }));
  return { name: 'ORL', sitters: await sittersOf(files, reader) };
}

/** One picture to enrol and one to come with. */
async function londonSet(folder: string, reader: FaceReader) {
  const files = ['neutral_front', 'smiling_front'].flatMap((kind) =>
    readdirSync(join(folder, kind)).map((file) => join(folder, kind, file)),
  );
  const people = Map.groupBy(
    files.filter((file) => file.endsWith('.jpg')),
    (file) => file.split('/').at(-1)?.slice(0, 3) ?? '',
  );
  return {
    name: 'London',
    sitters: await sittersOf(
      [...people].map(([name, own]) => ({ name, files: own })),
      reader,
    ),
  };
}

async function sittersOf(
  people: readonly { readonly name: string; readonly files: readonly string[] }[],
  reader: FaceReader,
): Promise<KnownPerson[]> {
  const sitters: KnownPerson[] = [];
  for (const { name, files } of people) {
    const faces: KnownPerson['faces'][number][] = [];
    for (const file of files) {
      const [face] = (await reader.read(await plain(file), { embed: 'dominant' })).faces;
      if (face?.embedding)
        faces.push(sitterFace(face.embedding, face.quality.reasons.length === 0, face.fitness ?? 1, reader.embedder.quality));
    }
    sitters.push({ name, faces });
  }
  return sitters;
}

/** A PGM of ORL as PNG: the reader would start ffmpeg for each. */
async function plain(file: string): Promise<Uint8Array> {
  const bytes = readFileSync(file);
  const [header, width, height] = /^P5\s+(\d+)\s+(\d+)\s+255\s/.exec(bytes.subarray(0, 60).toString('latin1')) ?? [];
  if (header === undefined) return bytes;
  return await sharp(bytes.subarray(header.length), { raw: { width: Number(width), height: Number(height), channels: 1 } })
    .png()
    .toBuffer();
}
