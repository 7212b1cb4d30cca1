/**
 * The labelled pictures that a network is calibrated on: folders with one folder a person go in, aligned faces and
 * their embeddings come out. Of the ways to feed the network that its manifest leaves open, the one that tells the
 * people apart best is taken.
 */
import { readFile } from 'node:fs/promises';
import { basename, join, relative, resolve } from 'node:path';
import { Fault, isBadPicture } from '../../base/errors.ts';
import { alignFace } from '../../face/align.ts';
import { type Detector, openDetector } from '../../face/detect.ts';
import { type Embedder, openEmbedder } from '../../face/embed.ts';
import { openDetectorNetwork } from '../../face/manifest/detector.ts';
import type { EmbedderNetwork } from '../../face/manifest/embedder.ts';
import { decodePicture, type Picture } from '../../face/picture.ts';
import type { Embedding, Landmarks } from '../../face/port.ts';
import { byDominance } from '../../face/quality.ts';
import { readPeople } from '../../train/data/every-pair.ts';
import type { Feed, NetworkDraft } from './network-draft.ts';

export interface LabelledPeople {
  /** The folders: each is a population of its own. */
  readonly populations: readonly string[];
  readonly people: readonly { readonly name: string; readonly population: number; readonly files: readonly string[] }[];
}

/** The paths of up to `most` pictures of each person. @throws Fault `not-found`, `bad-argument`. */
export async function labelledPeople(folders: readonly string[], most: number): Promise<LabelledPeople> {
  const populations = folders.map((folder) => basename(resolve(folder)));
  const found = await Promise.all(folders.map((folder) => readPeople(folder, 'folder')));
  const people = found.flatMap(({ subjects }, population) =>
    subjects.map(({ name, first, second }) => ({ name, population, files: [...new Set([...first, ...second])].slice(0, most) })),
  );
  return { populations, people };
}

/** The picture as people are told of it: below the folder that they gave. */
export const shownPicture = (file: string, folders: readonly string[]): string => {
  const folder = folders.find((each) => !relative(each, file).startsWith('..'));
  return folder === undefined ? file : join(basename(resolve(folder)), relative(folder, file));
};

export interface Eye {
  /** The picture with the points of its dominant face; undefined where there is none, or it cannot be read. */
  look(file: string): Promise<{ readonly picture: Picture; readonly landmarks: Landmarks } | undefined>;
  /** The same face in a picture on which something was drawn; `near`: where it was before. */
  find(picture: Picture, near: Landmarks): Promise<Landmarks | undefined>;
}

export async function openEye(folder: string, threads: number): Promise<Eye> {
  const detector: Detector = await openDetector(openDetectorNetwork(folder), { threads });
  return {
    look: async (file) => {
      try {
        const picture = await decodePicture(await readFile(file));
        const [face] = byDominance(await detector.detect(picture), picture.width, picture.height);
        return face && { picture, landmarks: face.landmarks };
      } catch (error) {
        if (isBadPicture(error)) return undefined;
        throw error;
      }
    },
    find: async (picture, near) => sameFace(await detector.detect(picture), near),
  };
}

/** The face whose nose is nearest, no further away than its eyes are from each other. */
function sameFace(found: readonly { readonly landmarks: Landmarks }[], [right, left, nose]: Landmarks): Landmarks | undefined {
  const away = ({ landmarks: [, , { x, y }] }: { readonly landmarks: Landmarks }) => Math.hypot(x - nose.x, y - nose.y);
  const [nearest] = found.toSorted((a, b) => away(a) - away(b));
  return nearest && away(nearest) <= Math.hypot(left.x - right.x, left.y - right.y) ? nearest.landmarks : undefined;
}

/** A network fed in one way. */
export interface FedNetwork {
  readonly feed: Feed;
  readonly dimension: number;
  align(picture: Picture, landmarks: Landmarks): Uint8Array;
  /** `values`: as the network gives them; `embedding`: of length 1, with the mirror image where the manifest asks. */
  embed(aligned: Uint8Array): Promise<{ readonly values: Float32Array; readonly embedding: Embedding }>;
}

const unscaled = { kind: 'cosine', scale: 1, bias: 0 } as const;

/** @throws Fault `model-unfit`. */
async function openFedNetwork(draft: NetworkDraft, output: string, feed: Feed, threads: number): Promise<FedNetwork> {
  const { folder, name, sha256, bytes } = draft;
  const { input, template } = feed;
  const open = (dimension: number, how: Pick<EmbedderNetwork['output'], 'normalise' | 'mirror'>): Promise<Embedder> =>
    openEmbedder(
      {
        ...{ folder, name, version: '', sha256, bytes, input, template, onnxSha256: sha256 },
        output: { name: output, dimension, ...how },
        twin: { head: unscaled },
        info: { name, version: '', sha256, dimension, head: unscaled },
      },
      { threads },
    );
  const { embedder, dimension } = await withDimension((size) => open(size, { normalise: 'none', mirror: 'none' }));
  const both = draft.mirror === 'average' ? await open(dimension, { normalise: 'l2', mirror: 'average' }) : undefined;
  return {
    feed,
    dimension,
    align: (picture, landmarks) => alignFace(picture, landmarks, template, input.width, input.height),
    embed: async (aligned) => {
      const values = (await embedder.embed(aligned)).embedding;
      return { values, embedding: both ? (await both.embed(aligned)).embedding : unitOf(values) };
    },
  };
}

/** The length of an embedding is what the network gives: openEmbedder says so where another is asked for. */
async function withDimension(open: (dimension: number) => Promise<Embedder>) {
  try {
    return { embedder: await open(512), dimension: 512 };
  } catch (error) {
    const found = error instanceof Fault && /gives (\d+) numbers/.exec(error.message)?.[1];
    const dimension = Number(found);
    if (!found || dimension < 2) throw error;
    return { embedder: await open(dimension), dimension };
  }
}

/** People and pictures that the ways to feed a network are tried on. */
const [triedPeople, triedPictures] = [60, 3];

/**
 * The way to feed the network that tells people apart best: by the distance between the mean cosines of pairs of one
 * person and of two, in their standard deviations.
 */
export async function bestFeed(
  draft: NetworkDraft,
  output: string,
  { people }: LabelledPeople,
  eye: Eye,
  { threads, signal, onProgress }: { threads: number; signal: AbortSignal; onProgress: (done: number, total: number) => void },
): Promise<FedNetwork> {
  const { feeds } = draft;
  const first = feeds[0];
  if (!first) throw new Fault('model-unfit', `The network ${draft.name} cannot be fed`);
  if (feeds.length === 1) return await openFedNetwork(draft, output, first, threads);
  const seen: { readonly person: number; readonly picture: Picture; readonly landmarks: Landmarks }[] = [];
  const several = people.filter(({ files }) => files.length > 1);
  const stride = Math.max(1, Math.floor(several.length / triedPeople));
  const sample = several.filter((_, index) => index % stride === 0).slice(0, triedPeople);
  for (const [person, { files }] of sample.entries())
    for (const file of files.slice(0, triedPictures)) {
      signal.throwIfAborted();
      const found = await eye.look(file);
      if (found) seen.push({ person, ...found });
    }
  let best: { readonly network: FedNetwork; readonly apart: number } | undefined;
  for (const [index, feed] of feeds.entries()) {
    const network = await openFedNetwork(draft, output, feed, threads);
    const embedded: { readonly person: number; readonly embedding: Float32Array }[] = [];
    for (const { person, picture, landmarks } of seen) {
      signal.throwIfAborted();
      embedded.push({ person, ...(await network.embed(network.align(picture, landmarks))) });
    }
    const apart = howFarApart(embedded);
    // An earlier, more usual way stays where a later one is hardly better.
    if (!best || apart > 1.03 * best.apart) best = { network, apart };
    onProgress(index + 1, feeds.length);
  }
  return (best as { readonly network: FedNetwork }).network;
}

export function unitOf(values: Float32Array): Float32Array {
  const length = Math.hypot(...values) || 1;
  return values.map((value) => value / length);
}

function howFarApart(faces: readonly { readonly person: number; readonly embedding: Float32Array }[]): number {
  const [same, different]: [number[], number[]] = [[], []];
  for (const [i, one] of faces.entries())
    for (const other of faces.slice(0, i)) {
      let cosine = 0;
      for (let k = 0; k < one.embedding.length; k++) cosine += (one.embedding[k] as number) * (other.embedding[k] as number);
      (one.person === other.person ? same : different).push(cosine);
    }
  const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / Math.max(1, values.length);
  const variance = (values: readonly number[], middle: number) => mean(values.map((v) => (v - middle) ** 2));
  const [a, b] = [mean(same), mean(different)];
  const apart = (a - b) / Math.sqrt((variance(same, a) + variance(different, b)) / 2 + 1e-12);
  return Number.isFinite(apart) ? apart : Number.NEGATIVE_INFINITY;
}
