/** The embedder (the Siamese twin): aligned faces go in, unit vectors come out, as its manifest describes. */
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { Fault } from '../base/errors.ts';
import { fill, type InferenceOptions, openInferenceSession, tensorOf } from '../base/model/session.ts';
import { alignFace } from './align.ts';
import { aroundEyes, coveredHalf, looksAt } from './cover.ts';
import { type FitnessHead, fitnessOf } from './fitness.ts';
import type { Adapter } from './manifest/adapter.ts';
import type { EmbedderNetwork } from './manifest/embedder.ts';
import type { Picture } from './picture.ts';
import type { Embedding, Half, Landmarks } from './port.ts';

export interface Embedder {
  /** Cuts the face out and aligns it: interleaved RGB of the network's input size. */
  align(picture: Picture, landmarks: Landmarks): Uint8Array;
  /** The embedding of one aligned face, and its fitness if the network has an output for it. */
  embed(aligned: Uint8Array): Promise<EmbeddedFace>;
  /**
   * Which half of an aligned face is covered. Several passes, before each of which `next` is waited for; undefined too
   * where the network has no rules for it.
   */
  coveredHalf(aligned: Uint8Array, next: () => Promise<void>): Promise<Half | undefined>;
}

export interface EmbeddedFace {
  readonly embedding: Embedding;
  /** 0…1 */
  readonly fitness?: number;
}

/**
 * Opens the embedder of a network and runs it once. @throws Fault `model-unfit` if its output is not what the manifest
 * says.
 */
export async function openEmbedder({ bytes, ...network }: EmbedderNetwork, options: InferenceOptions): Promise<Embedder> {
  const { input, output, quality } = network;
  const session = await openInferenceSession(bytes, network.name, input, options);
  const fitnessName = quality && 'name' in quality ? quality.name : undefined;
  for (const [field, name] of [['output.name', output.name] as const, ['quality.name', fitnessName] as const]) {
    if (name === undefined || session.outputNames.includes(name)) continue;
    throw new Fault(
      'model-unfit',
      `The network ${network.name} has no output "${name}" (it has ${session.outputNames.join(', ')}): correct ${field} in its manifest`,
    );
  }
  const batch = session.inputMetadata.find((m) => m.name === input.name);
  const oneByOne = batch?.isTensor === true && batch.shape[0] === 1;
  const size = 3 * input.width * input.height;
  const mirrored = output.mirror === 'average';
  const data = new Float32Array(size * (mirrored && !oneByOne ? 2 : 1));

  const run = async (n: number): Promise<EmbeddedFace> => {
    const results = await session.run({ [input.name]: tensorOf(data.subarray(0, n * size), n, input) });
    const values = numbersOf(results, output.name, n * output.dimension);
    if (!values) {
      const found = (results[output.name]?.data.length ?? 0) / n;
      throw new Fault(
        'model-unfit',
        `The network ${network.name} gives ${found} numbers for a face and its manifest says ${output.dimension}: correct output.dimension`,
      );
    }
    if (!quality) return { embedding: values };
    if ('head' in quality) return { embedding: values, fitness: meanFitness(quality.head, values, n) };
    const fitness = numbersOf(results, quality.name, n);
    if (!fitness)
      throw new Fault(
        'model-unfit',
        `The output "${quality.name}" of the network ${network.name} is not one number for a face: correct quality.name in its manifest`,
      );
    return { embedding: values, fitness: fitness.reduce((sum, v) => sum + v / n, 0) };
  };
  const embed = async (aligned: Uint8Array): Promise<EmbeddedFace> => {
    fill(data, 0, aligned, input.width, input.height, input);
    if (!mirrored) {
      const straight = await run(1);
      return { ...straight, embedding: normalised(straight.embedding.slice(), output.normalise) };
    }
    if (!oneByOne) {
      fill(data, 1, aligned, input.width, input.height, input, true);
      const { embedding, ...rest } = await run(2);
      return { ...rest, embedding: sumOf(embedding.subarray(0, output.dimension), embedding.subarray(output.dimension), output.normalise) };
    }
    const { embedding, ...rest } = await run(1);
    const straight = embedding.slice();
    fill(data, 0, aligned, input.width, input.height, input, true);
    return { ...rest, embedding: sumOf(straight, (await run(1)).embedding, output.normalise) };
  };
  await embed(new Uint8Array(size));
  const { adapter, cover } = network;
  return {
    coveredHalf: async (aligned, next) => {
      if (!cover) return undefined;
      const seen: Embedding[] = [];
      // Without an adapter: the rules are those of the network, whatever a door has learned.
      for (const look of looksAt(aligned, input.width, network.template)) {
        await next();
        seen.push((await embed(look)).embedding);
      }
      return coveredHalf(cover, { seen, eyes: aroundEyes(aligned, input.width, network.template) });
    },
    align: (picture, landmarks) => alignFace(picture, landmarks, network.template, input.width, input.height),
    embed: adapter ? async (aligned) => withAdapter(adapter, await embed(aligned)) : embed,
  };
}

/** Of a face, and of its mirror image where the network looks at both. */
function meanFitness(head: FitnessHead, values: Float32Array, n: number): number {
  const size = values.length / n;
  let sum = 0;
  for (let at = 0; at < n; at++) sum += fitnessOf(head, values.subarray(at * size, (at + 1) * size));
  return sum / n;
}

const withAdapter = (adapter: Adapter, { embedding, ...rest }: EmbeddedFace): EmbeddedFace => ({
  ...rest,
  embedding: adapted(adapter, embedding),
});

/** The float32 values of an output; undefined where there are not `count`. */
function numbersOf(results: InferenceSession.OnnxValueMapType, name: string, count: number): Float32Array | undefined {
  const data = (results[name] as Tensor | undefined)?.data;
  return data instanceof Float32Array && data.length === count ? data : undefined;
}

/** Applies an adapter to an embedding (see `Adapter`), summed in double precision. */
export function adapted({ matrix, offset, keys, values, gate: [from, to] }: Adapter, embedding: Embedding): Embedding {
  const size = offset.length;
  const z = new Float32Array(size);
  for (let row = 0; row < size; row++) z[row] = (offset[row] as number) + product(matrix, row * size, embedding);
  normalised(z, 'l2');
  let [nearest, place] = [from, -1];
  for (let at = 0; at < keys.length; at += size) {
    const cosine = product(keys, at, z);
    if (cosine > nearest) [nearest, place] = [cosine, at];
  }
  if (place < 0) return z;
  const share = Math.min(1, (nearest - from) / (to - from));
  for (let i = 0; i < size; i++) z[i] = (1 - share) * (z[i] as number) + share * (values[place + i] as number);
  return normalised(z, 'l2');
}

function product(rows: Float32Array, at: number, vector: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += (rows[at + i] as number) * (vector[i] as number);
  return sum;
}

function normalised(vector: Float32Array, how: 'l2' | 'none'): Float32Array {
  if (how === 'none') return vector;
  let square = 0;
  for (const v of vector) square += v * v;
  const length = Math.sqrt(square) || 1;
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) / length;
  return vector;
}

function sumOf(a: Float32Array, b: Float32Array, how: 'l2' | 'none'): Float32Array {
  const x = normalised(a.slice(), how);
  const y = normalised(b.slice(), how);
  for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) + (y[i] as number);
  if (how === 'none') for (let i = 0; i < x.length; i++) x[i] = (x[i] as number) / 2;
  return normalised(x, how);
}
