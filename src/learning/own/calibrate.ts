/**
 * `facelatch models calibrate`: a network's folder and folders of labelled pictures go in. Its head is learned from one
 * half of the people, its thresholds are measured on the other; the manifest is written when all of it is known.
 */
import { join } from 'node:path';
import { Fault } from '../../base/errors.ts';
import { newRandom, shuffled } from '../../base/random.ts';
import { version } from '../../base/version.ts';
import { writeWhole } from '../../base/whole-file.ts';
import { logitOf } from '../../identity/siamese.ts';
import { fitSiameseHead, type HeadFit } from '../../recipes/own/head.ts';
import { checkPictureLabels, type LabelledFace } from '../../recipes/own/labelled.ts';
import { type StrictCalibration, strictTable } from '../../recipes/own/strict-table.ts';
import { probit } from '../../train/figures/error-curves.ts';
import { type CoverRulesFit, fitCoverRules } from './cover-rules.ts';
import { embeddingOutput, type NetworkDraft, openNetworkDraft } from './network-draft.ts';
import { fitQuality, type PlainFace, type QualityFit } from './quality-head.ts';
import { bestFeed, type FedNetwork, type LabelledPeople, labelledPeople, openEye, shownPicture, unitOf } from './reading.ts';

export interface CalibrateOptions {
  readonly folders: readonly string[];
  /** The network's folder. */
  readonly network: string;
  /** The detector's folder. */
  readonly detector: string;
  readonly threads: number;
  /** Most pictures of a person. */
  readonly pictures: number;
  /** Most pictures that masks and glasses are drawn on. Default: 1,000. */
  readonly coverPictures?: number;
  readonly signal: AbortSignal;
  /** A stage of the work, in words, and how much of it is done. */
  readonly onProgress: (stage: string, done: number, total: number) => void;
}

export interface Calibrated {
  readonly manifest: string;
  readonly network: { readonly name: string; readonly sha256: string; readonly dimension: number; readonly feed: string };
  readonly pictures: { readonly used: number; readonly withoutFace: readonly string[] };
  readonly people: { readonly learned: number; readonly measured: number };
  readonly mislabelled: readonly { readonly picture: string; readonly nearer: string }[];
  readonly alike: readonly (readonly [string, string])[];
  readonly head: HeadFit;
  readonly calibration: StrictCalibration;
  /** `output`: the network has one of its own. `none`: a head told nothing. */
  readonly quality: QualityFit | 'output' | 'none';
  /** `none`: the network does not tell covered faces. */
  readonly cover: CoverRulesFit | 'none';
}

/** Fewer people say nothing of strangers: half of them are measured on. */
export const fewestPeople = 20;
/** Where more pictures are nearer to others than to their own person, the network is fed wrongly or knows no faces. */
const mostMislabelled = 0.25;
/** Faces that are spoiled for the quality head to learn from, and to be measured on. */
const [qualityLearned, qualityMeasured] = [700, 300];
const usualCoverPictures = 1000;

/** @throws Fault `bad-argument` that says what is needed, `model-…`, `not-found`. Nothing is written then. */
export async function calibrateNetwork(options: CalibrateOptions): Promise<Calibrated> {
  const { folders, threads, signal, onProgress } = options;
  const draft = await openNetworkDraft(options.network);
  const output = await embeddingOutput(draft);
  const labelled = await labelledPeople(folders, options.pictures);
  requireEnough(labelled.people.filter(({ files }) => files.length > 1).length, '');
  const eye = await openEye(options.detector, threads);
  const network = await bestFeed(draft, output, labelled, eye, {
    ...{ threads, signal },
    onProgress: (done, total) => onProgress('trying how it is fed', done, total),
  });
  const { faces, withoutFace } = await readFaces(labelled, network, eye.look, options);
  const checked = checkPictureLabels(faces, labelled.people.length);
  const nameOf = (person: number) => {
    const { name = '', population = 0 } = labelled.people[person] ?? {};
    return labelled.populations.length > 1 ? join(labelled.populations[population] ?? '', name) : name;
  };
  const mislabelled = checked.mislabelled.map(({ picture, nearer }) => ({ picture, nearer: nameOf(nearer) }));
  requireRightLabels(mislabelled, faces.length);
  const parts = splitPeople(checked.right as readonly ReadFace[], labelled);
  const fit = fitSiameseHead(parts.learn, parts.scale);
  const calibration = await strictTable(
    labelled.populations.map((name, population) => ({
      name,
      faces: parts.measure.filter(({ person }) => labelled.people[person]?.population === population),
    })),
    { logitOf: (a, b) => logitOf(fit.head, a, b), probit, signal, onProgress: (done, total) => onProgress('comparing', done, total) },
  );
  requireTable(calibration, parts.measuredPeople, labelled.populations.length);
  const quality = await qualityOf(draft, network, parts, options);
  const cover =
    (await fitCoverRules(network, eye, checked.right as readonly ReadFace[], {
      ...{ quality: typeof quality === 'object' ? quality : undefined, most: options.coverPictures ?? usualCoverPictures },
      ...{ signal, onProgress },
    })) ?? 'none';
  const manifest = writeManifest({ draft, network, output, fit, calibration, quality, cover });
  return {
    manifest,
    network: { name: draft.name, sha256: draft.sha256, dimension: network.dimension, feed: network.feed.words },
    pictures: { used: checked.right.length, withoutFace },
    people: { learned: parts.learnedPeople, measured: parts.measuredPeople },
    ...{
      mislabelled,
      alike: checked.alike.map(([one, other]) => [nameOf(one), nameOf(other)] as const),
      head: fit,
      calibration,
      quality,
      cover,
    },
  };
}

function requireEnough(people: number, why: string): void {
  if (people >= fewestPeople) return;
  throw new Fault(
    'bad-argument',
    `Calibration needs at least ${fewestPeople} people with two or more pictures in which a face is found, and ${people === 1 ? 'there is 1' : `there are ${people}`}${why}. Add people, a folder each; 100 people with 5 pictures each give a threshold for one in 10,000`,
  );
}

function requireRightLabels(mislabelled: Calibrated['mislabelled'], faces: number): void {
  if (mislabelled.length <= mostMislabelled * faces) return;
  const some = mislabelled.slice(0, 3).map(({ picture, nearer }) => `${picture} is nearer to ${nearer}`);
  throw new Fault(
    'bad-argument',
    `${mislabelled.length} of ${faces} pictures are nearer to somebody else than to the person of their folder (${some.join(', ')}, …): is there one folder for each person, and does the manifest say rightly how the network is fed (input.channels, input.mean, input.std, alignment.points)?`,
  );
}

function requireTable({ table, impostorPairs }: StrictCalibration, people: number, folders: number): void {
  if (table.length >= 3) return;
  throw new Fault(
    'bad-argument',
    `The ${people} people that are measured on give ${impostorPairs} pairs of strangers, too few for a threshold at one in 100: add people, or more pictures of each${folders > 1 ? '; or put folders of a few people together: people of two folders are not compared' : ''}`,
  );
}

interface ReadFace extends LabelledFace {
  readonly file: string;
  readonly values: Float32Array;
  /** Kept for a few of each person: they take much memory. */
  readonly aligned?: Uint8Array;
}

/** Faces that keep their pixels, spread over the people: the quality head learns from them and is measured on them. */
const keptFaces = 1600;

async function readFaces(
  { people }: LabelledPeople,
  network: FedNetwork,
  look: Awaited<ReturnType<typeof openEye>>['look'],
  { folders, signal, onProgress }: CalibrateOptions,
): Promise<{ readonly faces: readonly ReadFace[]; readonly withoutFace: readonly string[] }> {
  const faces: ReadFace[] = [];
  const withoutFace: string[] = [];
  const total = people.reduce((sum, { files }) => sum + files.length, 0);
  const keptOfEach = Math.max(2, Math.ceil(keptFaces / people.length));
  let done = 0;
  for (const [person, { files }] of people.entries()) {
    let kept = 0;
    for (const file of files) {
      signal.throwIfAborted();
      const found = await look(file);
      if (found) {
        const aligned = network.align(found.picture, found.landmarks);
        const own = { file, picture: shownPicture(file, folders), person, ...(await network.embed(aligned)) };
        faces.push(kept++ < keptOfEach ? { ...own, aligned } : own);
      } else withoutFace.push(shownPicture(file, folders));
      onProgress('reading', ++done, total);
    }
  }
  return { faces, withoutFace };
}

interface Parts {
  /** People from whom the head is learned, on whom its scores are scaled, and on whom it is measured. */
  readonly learn: readonly ReadFace[];
  readonly scale: readonly ReadFace[];
  readonly measure: readonly ReadFace[];
  readonly learnedPeople: number;
  readonly measuredPeople: number;
}

/** Half of the people of each population are measured on, a third of the others is scaled on. */
function splitPeople(faces: readonly ReadFace[], { people, populations }: LabelledPeople): Parts {
  const byPerson = Map.groupBy(faces, ({ person }) => person);
  const several = [...byPerson].filter(([, own]) => own.length > 1);
  requireEnough(several.length, ' after pictures without a face and mislabelled ones');
  const random = newRandom(20);
  // One population after the other, counted through: several small ones have everybody between them that is needed.
  const drawn = populations.flatMap((_, population) =>
    shuffled(
      several.filter(([person]) => people[person]?.population === population),
      random,
    ),
  );
  const take = (wanted: (index: number) => boolean) => drawn.filter((_, index) => wanted(index)).flatMap(([, some]) => some);
  const learn = take((index) => index % 2 === 1 && index % 6 !== 5);
  const scale = take((index) => index % 6 === 5);
  const measured = Math.ceil(drawn.length / 2);
  return { learn, scale, measure: take((index) => index % 2 === 0), learnedPeople: several.length - measured, measuredPeople: measured };
}

async function qualityOf(
  { stated }: NetworkDraft,
  network: FedNetwork,
  parts: Parts,
  { signal, onProgress }: CalibrateOptions,
): Promise<Calibrated['quality']> {
  if (outputOfQuality(stated) !== undefined) return 'output';
  const found = await fitQuality(
    network,
    {
      learnFrom: plainFaces([...parts.learn, ...parts.scale], qualityLearned),
      measureOn: plainFaces(parts.measure, qualityMeasured),
      good: parts.measure.map(({ values }) => values),
    },
    { signal, onProgress },
  );
  return found ?? 'none';
}

/** The manifest's own `quality` where it names an output. */
function outputOfQuality({ quality }: NetworkDraft['stated']): object | undefined {
  return typeof quality === 'object' && quality !== null && 'name' in quality ? quality : undefined;
}

/** Those with their pixels, each with the mean of the others of its person; at most `most`, spread over the people. */
function plainFaces(faces: readonly ReadFace[], most: number): readonly PlainFace[] {
  const found = [...Map.groupBy(faces, ({ person }) => person).values()].flatMap((own) =>
    own.flatMap(({ aligned, values, embedding }): PlainFace[] => {
      if (!aligned) return [];
      const others = own.filter((other) => other.embedding !== embedding);
      const mean = embedding.map((_, i) => others.reduce((sum, other) => sum + (other.embedding[i] as number), 0));
      return [{ aligned, values, own: unitOf(mean) }];
    }),
  );
  const stride = Math.max(1, found.length / most);
  return found.filter((_, index) => Math.floor(index / stride) !== Math.floor((index - 1) / stride));
}

interface Result {
  readonly draft: NetworkDraft;
  readonly network: FedNetwork;
  readonly output: string;
  readonly fit: HeadFit;
  readonly calibration: StrictCalibration;
  readonly quality: Calibrated['quality'];
  readonly cover: Calibrated['cover'];
}

const text = (value: unknown, otherwise: string) => (typeof value === 'string' && value !== '' ? value : otherwise);

/** Fields that are not of calibration stay as they are. Names of people and pictures are left out. */
function writeManifest({ draft, network, output, fit, calibration, quality, cover }: Result): string {
  const { stated, folder, name, file, sha256, bytes } = draft;
  const { input, template } = network.feed;
  const { quality: _, measured: __, cover: ___, ...kept } = stated;
  const path = join(folder, 'manifest.json');
  const manifest = {
    ...{ schema: 1, kind: 'face-embedder', ...kept, name, version: text(stated.version, '1.0.0'), file, sha256, bytes: bytes.length },
    input: { ...Object(stated.input), ...input },
    output: { ...Object(stated.output), name: output, dimension: network.dimension, normalise: 'l2', mirror: draft.mirror },
    alignment: { ...Object(stated.alignment), width: input.width, height: input.height, points: template },
    ...(quality === 'output' && { quality: { door: 0.5, enrolment: 0.6, ...Object(stated.quality) } }),
    ...(typeof quality === 'object' && { quality: { head: { layers: quality.layers }, door: quality.door, enrolment: quality.enrolment } }),
    ...(cover !== 'none' && { cover: cover.stated }),
    head: fit.head,
    calibration: { ...calibration, by: `facelatch ${version}` },
    licence: text(stated.licence, 'none stated'),
  };
  writeWhole(path, `${JSON.stringify(manifest)}\n`, { mode: 0o644 });
  return path;
}
