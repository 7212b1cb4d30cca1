/**
 * What `adapt` gains at doors of people whom the base networks have never seen: 50 residents enrolled with 5 pictures each in good light, who come again, and 200
 * strangers of LFW who come, too, before a camera that is dim, out of focus, far away, or another one altogether; and before a good one. The people of
 * `adapt-residents.txt` are held-out people on whom nothing was chosen (settings were chosen on the other held-out people, with other strangers); strangers and
 * the pictures with which residents come are never trained on.
 *
 * A comparison is of one picture at the door with one resident: the largest logit over the resident's five templates, as the door takes it. The
 * false-match rate is over all comparisons of strangers' pictures with residents, measured on them for both networks alike, and FNMR at that threshold.
 * Pictures that the base's quality gates refuse are compared by neither.
 */

import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { modelFolder } from '../../src/adapters/basics.ts';
import { shelfIn } from '../../src/base/model/shelf.ts';
import { newRandom, shuffled } from '../../src/base/random.ts';
import type { Row } from '../../src/cli/door/figures.ts';
import { decodePicture } from '../../src/face/picture.ts';
import type { EmbedderInfo, Embedding, FaceReader } from '../../src/face/port.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { logitOf } from '../../src/identity/siamese.ts';
import { calibrationCurve } from '../../src/identity/threshold.ts';
import { workshopOf } from '../../src/learning/workshop.ts';
import { degrade } from '../../src/recipes/degrade.ts';
import type { Recipe, RecipeRun, Sample } from '../../src/retrain/port.ts';
import { loadConfig } from '../../src/settings/load.ts';
import { sharedData } from '../fakes/shared-data.ts';

export const faces = sharedData('faces-train') ?? '../shared/data/faces-train';
export const seed = 2026;
const fmr = 1e-3;
const [enrolled, mostProbes, strangersWanted, mostOfStranger] = [5, 12, 200, 2];

type Range = readonly [low: number, high: number];
interface Camera {
  readonly exposure: Range;
  readonly red: Range;
  readonly blue: Range;
  readonly slope: Range;
  readonly noise: Range;
  readonly blur: Range;
  readonly scale: Range;
  readonly quality: Range;
}
const even = { exposure: [0.6, 1], red: [0.95, 1.05], blue: [0.95, 1.05], slope: [-0.2, 0.2], noise: [1, 3] } as const;
/** Cameras of doors, each chosen once; `good` leaves a picture as it is. Sizes are those of a face of 112 pixels. */
const cameras = {
  good: undefined,
  dim: {
    ...{ exposure: [0.08, 0.25], red: [1, 1.15], blue: [0.8, 1], slope: [-0.5, 0.5], noise: [2, 5] },
    ...{ blur: [0.3, 0.9], scale: [0.5, 0.9], quality: [50, 80] },
  },
  blurred: { ...even, blur: [1.6, 2.6], scale: [0.7, 1], quality: [60, 85] },
  'far away': { ...even, blur: [0, 0.6], scale: [0.22, 0.34], quality: [60, 85] },
  another: {
    ...{ exposure: [0.25, 0.7], red: [0.7, 0.95], blue: [1.05, 1.35], slope: [-0.7, 0.7], noise: [7, 13] },
    ...{ blur: [0.3, 0.8], scale: [0.5, 0.8], quality: [22, 40] },
  },
} as const satisfies Record<string, Camera | undefined>;
export type CameraName = keyof typeof cameras;
export const cameraNames = Object.keys(cameras) as CameraName[];

async function seenBy(name: CameraName, path: string): Promise<Buffer> {
  const camera: Camera | undefined = cameras[name];
  if (!camera) return readFileSync(path);
  const picture = await decodePicture(readFileSync(path));
  const random = newRandom(
    createHash('sha256')
      .update(`${seed} ${name === 'dim' ? '' : name}${basename(path)}`)
      .digest()
      .readUIntBE(0, 6),
  );
  const within = ([low, high]: Range) => low + (high - low) * random();
  const how = {
    exposure: within(camera.exposure),
    cast: [within(camera.red), within(camera.blue)] as const,
    slope: within(camera.slope),
    noise: within(camera.noise),
    blur: within(camera.blur),
    scale: within(camera.scale),
    quality: Math.round(within(camera.quality)),
  };
  const { width, height } = picture;
  return sharp(await degrade(picture, how, random), { raw: { width, height, channels: 3 } })
    .png({ compressionLevel: 1 })
    .toBuffer();
}

const picturesOf = (folder: string) =>
  readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));

export interface Door {
  readonly residents: readonly { readonly enrolled: readonly Buffer[]; readonly probes: readonly Buffer[] }[];
  readonly strangers: readonly (readonly Buffer[])[];
}

export async function openDoor(camera: CameraName): Promise<Door> {
  const seen = (path: string) => seenBy(camera, path);
  const random = newRandom(seed);
  const names = readFileSync(new URL('./adapt-residents.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter(Boolean);
  const residents = [];
  for (const name of names) {
    const pictures = shuffled(picturesOf(join(faces, name)), random);
    const probes = await Promise.all(pictures.slice(enrolled, enrolled + mostProbes).map(seen));
    residents.push({ enrolled: pictures.slice(0, enrolled).map((path) => readFileSync(path)), probes });
  }
  const lfw = sharedData('lfw-view1') ?? '';
  const people = shuffled(
    readdirSync(lfw, { withFileTypes: true })
      .flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
      .sort(),
    random,
  ).slice(0, strangersWanted);
  const strangers = [];
  for (const name of people) strangers.push(await Promise.all(picturesOf(join(lfw, name)).slice(0, mostOfStranger).map(seen)));
  return { residents, strangers };
}

const sampleOf = (picture: Uint8Array): Sample => ({
  id: createHash('sha256').update(picture).digest('hex'),
  picture,
  origin: 'enrolment',
  takenAt: '2026-11-01T12:00:00Z',
});

export function runOf(people: readonly (readonly Uint8Array[])[], out: string, base: string): RecipeRun {
  return {
    data: { people: people.map((pictures, i) => ({ personId: `resident ${i + 1}`, samples: pictures.map(sampleOf) })), strangers: [] },
    ...{ base, out: shelfIn(out), seed: 1, threads: 2, checkpoint: shelfIn(join(out, 'checkpoint')) },
    signal: new AbortController().signal,
    onProgress: () => undefined,
  };
}

/** What one network says of the door's pictures. */
export interface Seen {
  readonly info: EmbedderInfo;
  /** Logits of each resident's probes with that resident; null where a gate of the base refused the picture. */
  readonly genuine: readonly (readonly (number | null)[])[];
  /** Logits of each stranger's comparisons with residents, picture by picture; null where a gate refused the picture. */
  readonly strangers: readonly (readonly (readonly number[] | null)[])[];
}

/** `gates`: what the base said, whose gates count for every network. */
export async function see(door: Door, folder: string, gates?: Seen): Promise<Seen> {
  const { face } = loadConfig({}).config;
  await using reader = await openFaceReader({
    detector: modelFolder(face.detector),
    embedder: folder,
    threads: face.threads,
    limits: face.quality,
  });
  const { head } = reader.embedder;
  const templates: Embedding[][] = [];
  for (const { enrolled: pictures } of door.residents) {
    const own = [];
    for (const picture of pictures) own.push(...((await read(reader, picture, 'dominant')) ?? []));
    templates.push(own);
  }
  const likeness = (probe: Embedding, own: readonly Embedding[]) => Math.max(...own.map((template) => logitOf(head, probe, template)));
  const probeOf = async (picture: Buffer, passed: unknown) =>
    passed === null ? undefined : (await read(reader, picture, gates ? 'dominant' : 'good'))?.[0];
  const genuine = [];
  for (const [index, { probes }] of door.residents.entries()) {
    const own = [];
    for (const [at, picture] of probes.entries()) {
      const probe = await probeOf(picture, gates?.genuine[index]?.[at]);
      own.push(probe ? likeness(probe, templates[index] ?? []) : null);
    }
    genuine.push(own);
  }
  const strangers = [];
  for (const [index, pictures] of door.strangers.entries()) {
    const own = [];
    for (const [at, picture] of pictures.entries()) {
      const probe = await probeOf(picture, gates?.strangers[index]?.[at]);
      own.push(probe ? templates.map((each) => likeness(probe, each)) : null);
    }
    strangers.push(own);
  }
  return { info: reader.embedder, genuine, strangers };
}

async function read(reader: FaceReader, picture: Uint8Array, embed: 'good' | 'dominant'): Promise<[Embedding] | undefined> {
  const embedding = (await reader.read(picture, { embed })).faces[0]?.embedding;
  return embedding && [embedding];
}

/** Comparisons of strangers, the most alike first. */
const fallingOf = ({ strangers }: Seen) =>
  strangers
    .flatMap((own, stranger) => own.flatMap((logits) => (logits ?? []).map((logit) => ({ logit, stranger }))))
    .sort((a, b) => b.logit - a.logit);

/** FNMR at the false-match rate, residents and strangers counted as often as drawn. */
function fnmrOf(
  { genuine }: Seen,
  impostors: readonly { readonly logit: number; readonly stranger: number }[],
  timesResident: readonly number[],
  timesStranger: readonly number[],
): number {
  let room = fmr * impostors.reduce((sum, { stranger }) => sum + (timesStranger[stranger] as number), 0);
  let threshold = Number.NEGATIVE_INFINITY;
  for (const { logit, stranger } of impostors) {
    room -= timesStranger[stranger] as number;
    if (room >= 0) continue;
    threshold = logit;
    break;
  }
  let [missed, all] = [0, 0];
  for (const [i, own] of genuine.entries())
    for (const logit of own)
      if (logit !== null) {
        all += timesResident[i] as number;
        if (logit <= threshold) missed += timesResident[i] as number;
      }
  return missed / all;
}

export interface Gain {
  readonly base: number;
  readonly adapted: number;
  /** 1 − adapted / base, and its 95 % interval: residents and strangers drawn anew 1,000 times, the same for both networks. */
  readonly fall: number;
  readonly interval: readonly [number, number];
}

/** Where the base misses nobody, nothing falls. */
const fallOf = (base: number, adapted: number) => (base > 0 ? 1 - adapted / base : adapted > 0 ? Number.NEGATIVE_INFINITY : 0);

export function gainOf(base: Seen, adapted: Seen): Gain {
  const ones = (count: number) => new Array<number>(count).fill(1);
  const [residents, strangers] = [base.genuine.length, base.strangers.length];
  const [ofBase, ofAdapted] = [fallingOf(base), fallingOf(adapted)];
  const b = fnmrOf(base, ofBase, ones(residents), ones(strangers));
  const a = fnmrOf(adapted, ofAdapted, ones(residents), ones(strangers));
  const random = newRandom(seed);
  const drawn = (count: number) => {
    const times = new Array<number>(count).fill(0);
    for (let i = 0; i < count; i++) times[Math.floor(random() * count)]! += 1;
    return times;
  };
  const falls = Array.from({ length: 1000 }, () => {
    const [r, s] = [drawn(residents), drawn(strangers)];
    return fallOf(fnmrOf(base, ofBase, r, s), fnmrOf(adapted, ofAdapted, r, s));
  }).sort((x, y) => x - y);
  return { base: b, adapted: a, fall: fallOf(b, a), interval: [falls[25] as number, falls[974] as number] };
}

/** Runs a recipe on 50 people with 20 pictures each: seconds on the clock and of the processor, and the most memory that came on top, MB. */
async function costOf(recipe: Recipe, folder: string, base: string): Promise<{ wall: number; cpu: number; memory: number }> {
  // One person is in the set under two names, with the very same pictures: a job rightly refuses that.
  const seen = new Set<string>();
  const people = readFileSync(join(faces, 'held-out-people.txt'), 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((name) =>
      picturesOf(join(faces, name))
        .slice(0, 20)
        .map((path) => readFileSync(path)),
    )
    .filter((pictures) => {
      const ids = pictures.map((picture) => sampleOf(picture).id);
      const known = ids.some((id) => seen.has(id));
      for (const id of ids) seen.add(id);
      return pictures.length === 20 && !known;
    })
    .slice(0, 50);
  const run = runOf(people, folder, base);
  const before = process.memoryUsage().rss;
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 50);
  const [cpu, from] = [process.cpuUsage(), performance.now()];
  try {
    await recipe.run({ ...run, onProgress: () => (most = Math.max(most, process.memoryUsage().rss)) });
  } finally {
    clearInterval(watch);
  }
  const { user, system } = process.cpuUsage(cpu);
  return { wall: (performance.now() - from) / 1000, cpu: (user + system) / 1e6, memory: (most - before) / 1e6 };
}

export const enrolledAt = ({ residents }: Door) => residents.map(({ enrolled: pictures }) => pictures);

/** The figures of one door. `fall`: by how much FNMR should fall, in per cent; before a good camera it may not rise by more than 2 %. */
export function rowsOf(camera: CameraName, recipe: string, before: Seen, after: Seen, fall: number): Row[] {
  const gain = gainOf(before, after);
  const [low, high] = gain.interval.map((bound) => 100 * bound);
  const { calibration } = after.info;
  const stated = calibration ? calibrationCurve(calibration).logitAt(fmr).logit : Number.NaN;
  const impostors = fallingOf(after).map(({ logit }) => logit);
  const probes = before.genuine.flat();
  const compared = probes.filter((logit) => logit !== null).length;
  console.error(
    `bench: ${camera} camera, ${recipe}: ${compared} of ${probes.length} pictures of residents passed the gates; ` +
      `${impostors.length.toLocaleString('en')} comparisons of ${before.strangers.length} strangers; the fall's 95 % interval: ${low?.toFixed(1)} to ${high?.toFixed(1)} %`,
  );
  const base = { what: 'base', value: 100 * gain.base };
  return [
    { what: `${camera} camera, unknown people, FNMR at FMR 1e-3, ${recipe}`, value: 100 * gain.adapted, unit: '%', baseline: base },
    { what: '… fall of FNMR', value: 100 * gain.fall, unit: '%', target: camera === 'good' ? -2 : fall, atLeast: true },
    { what: '… lower, upper 95 % bound of the fall', value: low as number, unit: '%' },
    { what: '…', value: high as number, unit: '%' },
    {
      what: '… FMR of these strangers at the threshold that its calibration gives for 1e-3',
      value: 1000 * (impostors.filter((logit) => logit >= stated).length / impostors.length),
      unit: '‰',
      target: 1,
    },
  ];
}

export async function benchAdapt(): Promise<Row[]> {
  if (!existsSync(faces)) {
    console.error(`bench: adapt is left out: its pictures of real people are not at ${faces}`);
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), 'facelatch-bench-'));
  try {
    const base = modelFolder('embedder');
    const recipe = workshopOf().recipes.adapt;
    if (!recipe) throw new Error('there is no recipe adapt');
    const cost = await costOf(recipe, join(folder, 'cost'), base);
    console.error(`bench: adapt on 50 × 20 pictures: ${cost.wall.toFixed(1)} s, ${cost.cpu.toFixed(1)} s of processor time`);
    const out = join(folder, 'adapted');
    const rows: Row[] = [];
    for (const camera of cameraNames) {
      const door = await openDoor(camera);
      // They are enrolled in good light at every door: one network serves all.
      if (rows.length === 0) await recipe.run(runOf(enrolledAt(door), out, base));
      const before = await see(door, base);
      rows.push(...rowsOf(camera, 'adapt', before, await see(door, out, before), 20));
    }
    return [
      ...rows,
      { what: 'adapt on 50 people × 20 pictures', value: cost.wall, unit: 's', target: 20 },
      { what: '… processor time', value: cost.cpu, unit: 's' },
      { what: '… memory on top', value: cost.memory, unit: 'MB', target: 300 },
    ];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
