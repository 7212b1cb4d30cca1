/**
 * What the quality of a face lets through: LFW's pictures turned on their sides and upside down, the London Set in little
 * light by brightness of the face, and people of LFW, London, ORL and the demo behind masks and sunglasses that are drawn
 * on them. Nothing was fitted on these people. A set that is not there is named and left out.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { demoPeopleFolder, modelFolder } from '../../src/adapters/basics.ts';
import { newRandom, type Random } from '../../src/base/random.ts';
import type { Row } from '../../src/cli/door/figures.ts';
import { decodePicture, type Picture } from '../../src/face/picture.ts';
import type { Embedding, Face, FaceReader, ReadOptions } from '../../src/face/port.ts';
import { openFaceReader } from '../../src/face/reader.ts';
import { logitOf } from '../../src/identity/siamese.ts';
import { calibrationCurve } from '../../src/identity/threshold.ts';
import { type CoveringKind, maskKinds, sunglassKinds } from '../../src/recipes/own/covering-drawings.ts';
import { covered } from '../../src/recipes/own/coverings.ts';
import { qualityLimits } from '../fakes/quality-limits.ts';
import { sharedData } from '../fakes/shared-data.ts';

const seed = 29;
const fmr = 1e-4;
/** Room beside the face, as in a picture of a camera: ORL's faces fill theirs. */
const largest = 400;

const percent = (part: number, whole: number) => (100 * part) / Math.max(1, whole);

interface Set {
  readonly name: string;
  readonly pictures: readonly { readonly person: string; readonly path: string }[];
}

const isPicture = (name: string) => /\.(jpg|png|pgm)$/i.test(name);

/** The first pictures of each person of a folder of people. */
function byFolder(name: string, folder: string | undefined, most: number): Set {
  if (folder === undefined) console.error(`bench: ${name} is not here (../shared/data): left out`);
  const people = folder === undefined ? [] : readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return {
    name,
    pictures: people.flatMap(({ name: person }) =>
      readdirSync(join(folder ?? '', person))
        .filter(isPicture)
        .toSorted()
        .slice(0, most)
        .map((file) => ({ person, path: join(folder ?? '', person, file) })),
    ),
  };
}

function londonSet(): Set {
  const folder = sharedData('london');
  if (folder === undefined) console.error('bench: London is not here (../shared/data): left out');
  const shots = folder === undefined ? [] : ['neutral_front', 'smiling_front'].map((look) => join(folder, look));
  return {
    name: 'London',
    pictures: shots.flatMap((shot) =>
      readdirSync(shot)
        .filter(isPicture)
        .map((file) => ({ person: file.slice(0, 3), path: join(shot, file) })),
    ),
  };
}

const demoSet = (): Set => ({
  name: 'demo people',
  pictures: readdirSync(demoPeopleFolder)
    .filter(isPicture)
    .map((file) => ({ person: file.slice(0, 3), path: join(demoPeopleFolder, file) })),
});

const encoded = ({ width, height, rgb }: Picture): Promise<Uint8Array> =>
  sharp(rgb, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 92 })
    .toBuffer();

async function faceIn(reader: FaceReader, picture: Uint8Array, options: ReadOptions): Promise<Face | undefined> {
  return (await reader.read(picture, options)).faces[0];
}

/** Faces found in LFW's pictures after each quarter turn, and those of them that the door would compare. */
async function turnedRows(reader: FaceReader): Promise<Row[]> {
  const lfw = byFolder('LFW', sharedData('lfw-view1'), Number.POSITIVE_INFINITY);
  let [found, compared, upright] = [0, 0, 0];
  for (const { path } of lfw.pictures) {
    const face = await faceIn(reader, readFileSync(path), {});
    if (face?.quality.reasons.includes('unfit')) upright++;
    for (const angle of [90, 180, 270]) {
      const turned = await faceIn(reader, await sharp(path).rotate(angle).jpeg({ quality: 95 }).toBuffer(), {});
      if (turned) found++;
      if (turned?.embedding) compared++;
    }
  }
  if (lfw.pictures.length === 0) return [];
  return [
    { what: `LFW turned by 90°, 180°, 270°: of ${found} faces found, compared at the door`, value: compared, unit: 'faces', target: 0 },
    { what: 'LFW upright: unfit at the door', value: percent(upright, lfw.pictures.length), unit: '%', target: 1 },
  ];
}

/** The London Set in little light: how far the refusals of the darkest and the brightest third of the faces are apart. */
async function lightRows(reader: FaceReader): Promise<Row[]> {
  const neutral = londonSet().pictures.filter(({ path }) => path.includes('neutral'));
  const faces: { readonly path: string; readonly luminance: number }[] = [];
  for (const { path } of neutral) {
    const face = await faceIn(reader, readFileSync(path), { embed: 'none' });
    if (face) faces.push({ path, luminance: face.quality.luminance });
  }
  if (faces.length === 0) return [];
  const sorted = faces.toSorted((a, b) => a.luminance - b.luminance);
  const third = Math.floor(sorted.length / 3);
  const refusedAt = async (light: number, some: typeof faces) => {
    let refused = 0;
    for (const { path } of some) {
      const face = await faceIn(reader, await sharp(path).linear(light, 0).jpeg({ quality: 92 }).toBuffer(), {});
      if (!face?.embedding) refused++;
    }
    return percent(refused, some.length);
  };
  const rows: Row[] = [];
  for (const light of [0.35, 0.2]) {
    const [dark, bright] = [await refusedAt(light, sorted.slice(0, third)), await refusedAt(light, sorted.slice(-third))];
    const what = `London at ${light} of its light, refused: ${dark.toFixed(1)} % of the darkest third of faces, ${bright.toFixed(1)} % of the brightest; apart`;
    rows.push({ what, value: Math.abs(dark - bright), unit: 'points', target: 5 });
  }
  return rows;
}

/** What became of the pictures of one kind. */
interface Tally {
  pictures: number;
  enrolled: number;
  /** Refused by the check of the halves alone. */
  covered: number;
}

interface Masked {
  readonly person: string;
  /** Absent where the door would not compare it. */
  readonly atDoor?: Embedding;
  readonly enrolled?: Embedding;
}

interface Measured {
  readonly tallies: Map<CoveringKind | 'free', Tally>;
  readonly free: { readonly person: string; readonly template: Embedding }[];
  readonly masked: Masked[];
}

async function measure(reader: FaceReader, { pictures }: Set, random: Random): Promise<Measured> {
  const measured: Measured = { tallies: new Map(), free: [], masked: [] };
  for (const [turn, { person, path }] of pictures.entries()) {
    const picture = await decodePicture(readFileSync(path), largest);
    const plain = await encoded(picture);
    const free = await enrolling(reader, plain, 'free', measured);
    if (!free) continue;
    if (free.embedding) measured.free.push({ person, template: free.embedding });
    for (const kinds of [maskKinds, sunglassKinds]) {
      const kind = kinds[turn % kinds.length] as CoveringKind;
      const worn = await encoded(await covered(picture, free.landmarks, kind, random));
      const enrolled = await enrolling(reader, worn, kind, measured);
      if (kinds !== maskKinds) continue;
      const atDoor = await faceIn(reader, worn, {});
      measured.masked.push({
        person,
        ...(atDoor?.embedding && { atDoor: atDoor.embedding }),
        ...(enrolled?.embedding && { enrolled: enrolled.embedding }),
      });
    }
  }
  return measured;
}

async function enrolling(
  reader: FaceReader,
  picture: Uint8Array,
  kind: CoveringKind | 'free',
  { tallies }: Measured,
): Promise<Face | undefined> {
  const face = await faceIn(reader, picture, { purpose: 'enrolment' });
  const tally = tallies.get(kind) ?? { pictures: 0, enrolled: 0, covered: 0 };
  tallies.set(kind, tally);
  tally.pictures++;
  if (face?.embedding) tally.enrolled++;
  if (face?.covered) tally.covered++;
  return face;
}

function coverRows(name: string, { tallies }: Measured): Row[] {
  const sum = (kinds: readonly (CoveringKind | 'free')[], of: keyof Tally) =>
    kinds.reduce((total, kind) => total + (tallies.get(kind)?.[of] ?? 0), 0);
  const share = (kinds: readonly CoveringKind[]) =>
    kinds.map((kind) => `${kind} ${percent(sum([kind], 'enrolled'), sum([kind], 'pictures')).toFixed(1)} %`).join(', ');
  const free = sum(['free'], 'covered') + sum(['free'], 'enrolled');
  return [
    {
      what: `${name}, masked: enrolled (${share(maskKinds)})`,
      value: percent(sum(maskKinds, 'enrolled'), sum(maskKinds, 'pictures')),
      unit: '%',
      target: 5,
    },
    {
      what: `${name}, sunglasses: enrolled (${share(sunglassKinds)})`,
      value: percent(sum(sunglassKinds, 'enrolled'), sum(sunglassKinds, 'pictures')),
      unit: '%',
      target: 5,
    },
    { what: `${name}, uncovered: taken for covered, of ${free}`, value: percent(sum(['free'], 'covered'), free), unit: '%', target: 1 },
  ];
}

/** How often a masked stranger passes at the door for somebody who is enrolled. */
function impostorRows(reader: FaceReader, all: readonly Measured[]): Row[] {
  const { head, calibration } = reader.embedder;
  if (!calibration) return [];
  const bound = calibrationCurve(calibration).logitAt(fmr).logit;
  const rate = (
    probes: readonly { person: string; template?: Embedding | undefined }[],
    templates: readonly { person: string; template?: Embedding | undefined }[],
  ) => {
    let [passed, pairs] = [0, 0];
    for (const probe of probes)
      for (const { person, template } of templates) {
        if (!probe.template || !template || person === probe.person) continue;
        pairs++;
        if (logitOf(head, probe.template, template) >= bound) passed++;
      }
    return { value: (10_000 * passed) / Math.max(1, pairs), unit: `of 10,000 (${passed} of ${pairs})` };
  };
  const masked = all.flatMap((set) => set.masked);
  const atDoor = masked.map(({ person, atDoor: template }) => ({ person, template }));
  const enrolled = masked.map(({ person, enrolled: template }) => ({ person, template }));
  const free = all.flatMap((set) => set.free);
  const seen = atDoor.filter(({ template }) => template).length;
  return [
    { what: `masked strangers at the threshold for one in 10,000, before people enrolled uncovered`, ...rate(atDoor, free), target: 2 },
    { what: `masked strangers among one another, with what of them is enrolled`, ...rate(atDoor, enrolled), target: 2 },
    { what: 'masked faces that the door compares', value: percent(seen, atDoor.length), unit: '%' },
  ];
}

/** This bench takes long: what is known already is told. */
function told(rows: readonly Row[]): readonly Row[] {
  for (const { what, value, unit } of rows) console.error(`bench: ${what}: ${value.toFixed(2)} ${unit}`);
  return rows;
}

export async function benchFitness(): Promise<Row[]> {
  await using reader = await openFaceReader({
    ...{ detector: modelFolder('detector'), embedder: process.env.FACELATCH_BENCH_EMBEDDER ?? modelFolder('embedder') },
    ...{ threads: 1, limits: qualityLimits },
  });
  const rows: Row[] = [];
  const random = newRandom(seed);
  const lfw = byFolder('LFW', sharedData('lfw-view1'), 1);
  // They wear sunglasses as they are, and were seen among those that were refused.
  const worn = new Set(readFileSync(new URL('lfw-sunglasses.txt', import.meta.url), 'utf8').split('\n'));
  const some = { ...lfw, pictures: lfw.pictures.filter(({ path }, i) => i % 2 === 0 && !worn.has(basename(path))) };
  const sets = [demoSet(), some, byFolder('ORL', sharedData('orl'), 4), londonSet()];
  const measured: Measured[] = [];
  for (const set of sets) {
    if (set.pictures.length === 0) continue;
    console.error(`bench: ${set.name}, ${set.pictures.length} pictures …`);
    const found = await measure(reader, set, random);
    measured.push(found);
    rows.push(...told(coverRows(set.name, found)));
  }
  rows.push(...told(impostorRows(reader, measured)));
  return [...rows, ...told(await turnedRows(reader)), ...(await lightRows(reader))];
}
