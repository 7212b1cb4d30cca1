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
import { aroundEyes, eyeNumbers, looks, looksAt } from '../../src/face/cover.ts';
import { type Detection, type Detector, openDetector } from '../../src/face/detect.ts';
import { type Embedder, openEmbedder } from '../../src/face/embed.ts';
import { openDetectorNetwork } from '../../src/face/manifest/detector.ts';
import { type EmbedderNetwork, openEmbedderNetwork } from '../../src/face/manifest/embedder.ts';
import { decodePicture, type Picture } from '../../src/face/picture.ts';
import type { Half } from '../../src/face/port.ts';
import { type Bounds, degrade, drawDegradation } from '../../src/recipes/degrade.ts';
import { type CoveringKind, covered, maskKinds, sunglassKinds } from '../fakes/coverings.ts';

const seed = 17;
const picturesOfPerson = 4;
/** Share of the uncovered faces that each rule may refuse, on people whom it was not fitted on. */
const refused = { lower: 0.004, upper: 0.01 } as const;
const folds = 4;
const decay = 1e-2;

/** `worn`: sunglasses in the photograph itself. */
type Kind = CoveringKind | 'free' | 'worn';
interface Sample {
  readonly person: string;
  readonly picture: string;
  readonly kind: Kind;
  readonly fitness: number;
  readonly seen: Float32Array;
}

const doorLight: Bounds = {
  ...{ exposure: [0.3, 1], red: [0.9, 1.15], blue: [0.85, 1.1], noise: [0.5, 3], blur: [0, 0.9], scale: [0.5, 1], quality: [50, 95] },
  slope: 0.4,
};

interface Eyes {
  readonly detector: Detector;
  readonly embedder: Embedder;
  readonly network: EmbedderNetwork;
}

/** A cut-out face with a border, so that the detector finds it. */
async function bordered(path: string): Promise<Picture> {
  const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const [x, y] = [info.width >> 1, info.height >> 1];
  const raw = { width: info.width, height: info.height, channels: 3 } as const;
  return decodePicture(await sharp(data, { raw }).extend({ top: y, bottom: y, left: x, right: x, extendWith: 'mirror' }).png().toBuffer());
}

/** The face in the middle; the border shows parts of it again. */
async function faceOf({ detector }: Eyes, picture: Picture): Promise<Detection | undefined> {
  const middle = ({ landmarks: [, , nose] }: Detection) => Math.hypot(nose.x / picture.width - 0.5, nose.y / picture.height - 0.56) < 0.12;
  return (await detector.detect(picture)).find(middle);
}

async function samplesOf(eyes: Eyes, person: string, path: string, turn: number, random: Random): Promise<Sample[]> {
  const { detector: _, embedder, network } = eyes;
  const picture = await bordered(path);
  const face = await faceOf(eyes, picture);
  if (!face) return [];
  const other = turn % 2 ? 'spectacles' : maskKinds[(turn >> 1) % maskKinds.length];
  const suns = [turn, turn + 1 + ((turn >> 1) % 2)].map((at) => sunglassKinds[at % sunglassKinds.length]);
  const samples: Sample[] = [];
  for (const kind of ['free', other, ...suns] as Exclude<Kind, 'worn'>[]) {
    const worn = kind === 'free' ? picture : await covered(picture, face.landmarks, kind, random);
    const shown = turn % 3 === 0 ? { ...worn, rgb: await degrade(worn, drawDegradation(random, doorLight), random) } : worn;
    const found = await faceOf(eyes, shown);
    if (!found) continue;
    const aligned = embedder.align(shown, found.landmarks);
    const { width } = network.input;
    const seen = new Float32Array(looks * network.output.dimension + eyeNumbers);
    seen.set(aroundEyes(aligned, width, network.template), looks * network.output.dimension);
    let fitness = 1;
    for (const [at, look] of looksAt(aligned, width, network.template).entries()) {
      const embedded = await embedder.embed(look);
      seen.set(embedded.embedding, at * network.output.dimension);
      if (at === 0) fitness = embedded.fitness ?? 1;
    }
    samples.push({ person, picture: `${person}/${basename(path)}`, kind, fitness, seen });
  }
  return samples;
}

async function allSamples(eyes: Eyes, folders: readonly string[], without: ReadonlySet<string>): Promise<Sample[]> {
  const random = newRandom(seed);
  const samples: Sample[] = [];
  let turn = 0;
  for (const folder of folders)
    for (const entry of readdirSync(folder, { withFileTypes: true }).filter((each) => each.isDirectory())) {
      const person = `${basename(folder)}/${entry.name}`;
      if (without.has(person)) continue;
      const pictures = readdirSync(join(folder, entry.name)).toSorted();
      for (const name of shuffled(pictures, random).slice(0, picturesOfPerson))
        samples.push(...(await samplesOf(eyes, person, join(folder, entry.name, name), turn++, random)));
      if (turn % 100 < picturesOfPerson) console.error(`${turn} pictures, ${samples.length} faces`);
    }
  return samples;
}

interface Rule {
  readonly weights: Float64Array;
  readonly bias: number;
}

const logitOf = ({ weights, bias }: Rule, seen: Float32Array) => seen.reduce((sum, value, i) => sum + value * (weights[i] ?? 0), bias);

/** Logistic regression with both classes weighted alike, on standardised values (Adam; D. Kingma, J. Ba, 2015). */
function ruleFrom(samples: readonly Sample[], isCovered: (sample: Sample) => boolean, steps = 150): Rule {
  const [count, size] = [samples.length, samples[0]?.seen.length ?? 0];
  const [mean, deviation] = [new Float64Array(size), new Float64Array(size)];
  for (const { seen } of samples) for (let i = 0; i < size; i++) mean[i] = (mean[i] as number) + (seen[i] as number) / count;
  for (const { seen } of samples)
    for (let i = 0; i < size; i++) deviation[i] = (deviation[i] as number) + ((seen[i] as number) - (mean[i] as number)) ** 2 / count;
  const scale = deviation.map((square) => 1 / (Math.sqrt(square) || 1));
  const rows = samples.map(({ seen }) => seen.map((value, i) => (value - (mean[i] as number)) * (scale[i] as number)));
  const labels = samples.map((sample) => (isCovered(sample) ? 1 : 0));
  const positive = labels.reduce<number>((sum, label) => sum + label, 0);
  const share = [0.5 / (count - positive), 0.5 / positive];
  const [theta, first, second] = [new Float64Array(size + 1), new Float64Array(size + 1), new Float64Array(size + 1)];
  for (let step = 1; step <= steps; step++) {
    const gradient = theta.map((value, i) => (i < size ? decay * value : 0));
    for (const [at, row] of rows.entries()) {
      let logit = theta[size] as number;
      for (let i = 0; i < size; i++) logit += (theta[i] as number) * (row[i] as number);
      const label = labels[at] as number;
      const error = (1 / (1 + Math.exp(-logit)) - label) * (share[label] as number);
      for (let i = 0; i < size; i++) gradient[i] = (gradient[i] as number) + error * (row[i] as number);
      gradient[size] = (gradient[size] as number) + error;
    }
    const rate = step < 0.7 * steps ? 0.05 : 0.01;
    for (let i = 0; i <= size; i++) {
      const g = gradient[i] as number;
      first[i] = 0.9 * (first[i] as number) + 0.1 * g;
      second[i] = 0.999 * (second[i] as number) + 0.001 * g * g;
      const move = (first[i] as number) / (1 - 0.9 ** step) / (Math.sqrt((second[i] as number) / (1 - 0.999 ** step)) + 1e-8);
      theta[i] = (theta[i] as number) - rate * move;
    }
  }
  const weights = scale.map((factor, i) => factor * (theta[i] as number));
  return { weights, bias: weights.reduce((sum, weight, i) => sum - weight * (mean[i] as number), theta[size] as number) };
}

/** The logit of each sample by a rule that was fitted on other people. */
function crossed(samples: readonly Sample[], isCovered: (sample: Sample) => boolean): Float64Array {
  const people = [...new Set(samples.map(({ person }) => person))];
  const foldOf = new Map(people.map((person, i) => [person, i % folds]));
  const logits = new Float64Array(samples.length);
  for (let fold = 0; fold < folds; fold++) {
    const rule = ruleFrom(
      samples.filter(({ person }) => foldOf.get(person) !== fold),
      isCovered,
    );
    for (const [i, { person, seen }] of samples.entries()) if (foldOf.get(person) === fold) logits[i] = logitOf(rule, seen);
  }
  return logits;
}

const isFree = ({ kind }: Sample) => kind === 'free' || kind === 'spectacles';

/** `numbers`: how many of a sample's numbers the rule may use. */
function ruleFor(half: Half, all: readonly Sample[], kinds: readonly Kind[], numbers: number, enrolment: number): Rule {
  const samples = all.map((sample) => ({ ...sample, seen: sample.seen.subarray(0, numbers) }));
  const isCovered = ({ kind }: Sample) => kinds.includes(kind);
  const logits = crossed(samples, isCovered);
  const fit = samples.map((sample, i) => ({ ...sample, logit: logits[i] as number })).filter(({ fitness }) => fitness >= enrolment);
  const free = fit.filter(isFree).toSorted((a, b) => b.logit - a.logit);
  const limit = free[Math.floor(refused[half] * free.length)]?.logit ?? 0;
  for (const kind of kinds) {
    const worn = fit.filter((sample) => sample.kind === kind);
    const count = all.filter((sample) => sample.kind === kind).length;
    const passed = worn.filter(({ logit }) => logit <= limit).length;
    console.error(`${half}, ${kind}: ${worn.length} of ${count} are fit for enrolment, ${passed} of them pass the rule`);
  }
  const rule = ruleFrom(samples, isCovered);
  return { weights: rule.weights, bias: rule.bias - limit };
}

/** Pictures that really show sunglasses are `worn` as they are; what was drawn on them is left out. */
function relabelled(samples: readonly Sample[], worn: ReadonlySet<string>): Sample[] {
  return samples
    .filter(({ picture, kind }) => kind === 'free' || !worn.has(picture))
    .map((sample) => (worn.has(sample.picture) ? { ...sample, kind: 'worn' } : sample));
}

/** Samples in a file: a JSON line of everything but the embeddings, which follow as float32. */
function cached(file: string | undefined, size: number): Sample[] | undefined {
  if (file === undefined || !existsSync(file)) return undefined;
  const bytes = readFileSync(file);
  const end = bytes.indexOf(10);
  const about = JSON.parse(bytes.toString('utf8', 0, end)) as Omit<Sample, 'seen'>[];
  const numbers = new Float32Array(bytes.buffer.slice(bytes.byteOffset + end + 1, bytes.byteOffset + bytes.length));
  return about.map((each, i) => ({ ...each, seen: numbers.subarray(i * size, (i + 1) * size) }));
}

function keep(file: string, samples: readonly Sample[]): void {
  const about = samples.map(({ seen: _, ...each }) => each);
  writeFileSync(
    file,
    Buffer.concat([Buffer.from(`${JSON.stringify(about)}\n`), ...samples.map(({ seen }) => Buffer.from(seen.slice().buffer))]),
  );
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { without: { type: 'string' }, worn: { type: 'string' }, cache: { type: 'string' } },
});
const [folder = modelFolder('embedder'), ...people] = positionals;
const linesOf = (path: string | undefined) => new Set(path === undefined ? [] : readFileSync(path, 'utf8').split('\n'));
const network = openEmbedderNetwork(folder);
const embedded = looks * network.output.dimension;
let samples = cached(values.cache, embedded + eyeNumbers);
if (!samples) {
  const { adapter: _, ...plain } = network;
  const eyes = {
    detector: await openDetector(openDetectorNetwork(modelFolder('detector')), { threads: 1 }),
    embedder: await openEmbedder(plain, { threads: 1 }),
    network,
  };
  samples = await allSamples(eyes, people, linesOf(values.without));
  if (values.cache !== undefined) keep(values.cache, samples);
}
const labelled = relabelled(samples, linesOf(values.worn));
const enrolment = network.info.quality?.enrolment ?? 0;
const short = (numbers: Float64Array) => [...numbers].map((value) => Number(value.toPrecision(4)));
const stated = ({ weights, bias }: Rule) => ({
  weights: short(weights.subarray(0, embedded)),
  ...(weights.length > embedded ? { eyes: short(weights.subarray(embedded)) } : {}),
  bias: Number(bias.toPrecision(6)),
});
const cover = {
  lower: stated(ruleFor('lower', labelled, maskKinds, embedded, enrolment)),
  upper: stated(ruleFor('upper', labelled, [...sunglassKinds, 'worn'], embedded + eyeNumbers, enrolment)),
};
const file = join(folder, 'manifest.json');
const manifest = JSON.parse(readFileSync(file, 'utf8')) as object;
writeFileSync(file, `${JSON.stringify({ ...manifest, cover }, null, 1)}\n`);
