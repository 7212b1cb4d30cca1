/**
 * Fits the rules for covered halves of a face (src/face/cover.ts) for an embedder, and writes them into its manifest as
 * `cover`: `node test/bench/fit-cover.ts EMBEDDER PEOPLE… [--without FILE] [--worn FILE] [--cache FILE]`. PEOPLE: folders
 * with a folder of cut-out faces for each person. Files with a line each: of `--without`, people who are left out
 * (FOLDER/PERSON) because figures are measured on them; of `--worn`, pictures that show sunglasses (FOLDER/PERSON/NAME; of
 * the shipped rules cover-worn.txt). `--cache` keeps what the network saw. The same seed and pictures give the same rules.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { modelFolder } from '../../src/adapters/basics.ts';
import { newRandom, type Random, shuffled } from '../../src/base/random.ts';
import { eyeNumbers, looks } from '../../src/face/cover.ts';
import { openDetector } from '../../src/face/detect.ts';
import { openEmbedder } from '../../src/face/embed.ts';
import { openDetectorNetwork } from '../../src/face/manifest/detector.ts';
import { openEmbedderNetwork } from '../../src/face/manifest/embedder.ts';
import { decodePicture, type Picture } from '../../src/face/picture.ts';
import { type CoverSeer, coveringsFor, coverSamples, statedCover } from '../../src/learning/own/cover-samples.ts';
import { type CoverSample, fitCover } from '../../src/recipes/own/cover-fit.ts';

const seed = 17;
const picturesOfPerson = 4;

interface Sample extends CoverSample {
  readonly picture: string;
}

/** A cut-out face with a border, so that the detector finds it. */
async function bordered(path: string): Promise<Picture> {
  const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const [x, y] = [info.width >> 1, info.height >> 1];
  const raw = { width: info.width, height: info.height, channels: 3 } as const;
  return decodePicture(await sharp(data, { raw }).extend({ top: y, bottom: y, left: x, right: x, extendWith: 'mirror' }).png().toBuffer());
}

async function seerOf(folder: string) {
  const { adapter: _, ...network } = openEmbedderNetwork(folder);
  const detector = await openDetector(openDetectorNetwork(modelFolder('detector')), { threads: 1 });
  const embedder = await openEmbedder(network, { threads: 1 });
  const enrolment = network.info.quality?.enrolment ?? 0;
  return {
    // The face in the middle; the border shows parts of it again.
    find: async (picture: Picture) =>
      (await detector.detect(picture)).find(
        ({ landmarks: [, , nose] }) => Math.hypot(nose.x / picture.width - 0.5, nose.y / picture.height - 0.56) < 0.12,
      )?.landmarks,
    align: embedder.align,
    embed: async (aligned: Uint8Array) => {
      const { embedding, fitness = 1 } = await embedder.embed(aligned);
      return { embedding, fit: fitness >= enrolment };
    },
    ...{ dimension: network.output.dimension, width: network.input.width, template: network.template },
  } satisfies CoverSeer;
}

type Seer = Awaited<ReturnType<typeof seerOf>>;

async function samplesOf(seer: Seer, person: string, path: string, turn: number, random: Random): Promise<Sample[]> {
  const picture = await bordered(path);
  const landmarks = await seer.find(picture);
  if (!landmarks) return [];
  const shown = { person, picture, landmarks, wears: coveringsFor(turn), atDoor: turn % 3 === 0 };
  return (await coverSamples(seer, shown, random)).map((sample) => ({ ...sample, picture: `${person}/${basename(path)}` }));
}

interface Person {
  readonly name: string;
  readonly pictures: readonly string[];
}

const peopleIn = (folders: readonly string[], without: ReadonlySet<string>): Person[] =>
  folders.flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !without.has(`${basename(folder)}/${entry.name}`))
      .map(({ name }) => ({
        name: `${basename(folder)}/${name}`,
        pictures: readdirSync(join(folder, name))
          .toSorted()
          .map((file) => join(folder, name, file)),
      })),
  );

async function allSamples(seer: Seer, people: readonly Person[]): Promise<Sample[]> {
  const random = newRandom(seed);
  const samples: Sample[] = [];
  let turn = 0;
  for (const { name, pictures } of people) {
    for (const path of shuffled(pictures, random).slice(0, picturesOfPerson))
      samples.push(...(await samplesOf(seer, name, path, turn++, random)));
    if (turn % 100 < picturesOfPerson) console.error(`${turn} pictures, ${samples.length} faces`);
  }
  return samples;
}

/** Pictures that really show sunglasses are `worn` as they are; what was drawn on them is left out. */
function relabelled(samples: readonly Sample[], worn: ReadonlySet<string>): Sample[] {
  return samples
    .filter(({ picture, kind }) => kind === 'free' || !worn.has(picture))
    .map((sample) => (worn.has(sample.picture) ? { ...sample, kind: 'worn' } : sample));
}

/** Samples in a file: a JSON line of everything but the numbers, which follow as float32. */
async function cached(file: string | undefined, size: number, make: () => Promise<Sample[]>): Promise<Sample[]> {
  if (file !== undefined && existsSync(file)) {
    const bytes = readFileSync(file);
    const end = bytes.indexOf(10);
    const about = JSON.parse(bytes.toString('utf8', 0, end)) as Omit<Sample, 'seen'>[];
    const numbers = new Float32Array(bytes.buffer.slice(bytes.byteOffset + end + 1, bytes.byteOffset + bytes.length));
    return about.map((each, i) => ({ ...each, seen: numbers.subarray(i * size, (i + 1) * size) }));
  }
  const samples = await make();
  if (file === undefined) return samples;
  const about = samples.map(({ seen: _, ...each }) => each);
  writeFileSync(
    file,
    Buffer.concat([Buffer.from(`${JSON.stringify(about)}\n`), ...samples.map(({ seen }) => Buffer.from(seen.slice().buffer))]),
  );
  return samples;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { without: { type: 'string' }, worn: { type: 'string' }, cache: { type: 'string' } },
});
const [folder = modelFolder('embedder'), ...folders] = positionals;
const linesOf = (path: string | undefined) => new Set(path === undefined ? [] : readFileSync(path, 'utf8').split('\n'));
const seer = await seerOf(folder);
const embedded = looks * seer.dimension;
const people = peopleIn(folders, linesOf(values.without));
const samples = await cached(values.cache, embedded + eyeNumbers, () => allSamples(seer, people));
const fit = await fitCover(relabelled(samples, linesOf(values.worn)), {
  ...{ embedded, signal: new AbortController().signal, onProgress: () => undefined },
});
for (const { half, kind, faces, fit: stored, passed } of fit.shares)
  console.error(`${half}, ${kind}: ${stored} of ${faces} are fit for enrolment, ${passed} of them pass the rule`);
const file = join(folder, 'manifest.json');
const manifest = JSON.parse(readFileSync(file, 'utf8')) as object;
writeFileSync(file, `${JSON.stringify({ ...manifest, cover: statedCover(fit, seer.dimension) }, null, 1)}\n`);
