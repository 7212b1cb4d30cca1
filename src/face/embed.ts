/** The embedder (the Siamese twin): aligned faces go in, unit vectors come out, as its manifest describes. */
import type { Tensor } from 'onnxruntime-node';
import { Fault } from '../base/errors.ts';
import { alignFace } from './align.ts';
import type { Adapter, EmbedderNetwork } from './manifest.ts';
import type { Picture } from './picture.ts';
import type { Embedding, Landmarks } from './port.ts';
import { fill, type InferenceOptions, openInferenceSession, tensorOf } from './session.ts';

export interface Embedder {
  /** Cuts the face out and aligns it: interleaved RGB of the network's input size. */
  align(picture: Picture, landmarks: Landmarks): Uint8Array;
  /** The embedding of one aligned face. */
  embed(aligned: Uint8Array): Promise<Embedding>;
}

/**
 * Opens the embedder of a network and runs it once. @throws Fault `model-unfit` if its output is not what the manifest
 * says.
 */
export async function openEmbedder({ bytes, ...network }: EmbedderNetwork, options: InferenceOptions): Promise<Embedder> {
  const { input, output } = network;
  const session = await openInferenceSession(bytes, network.name, input, options);
  if (!session.outputNames.includes(output.name)) {
    throw new Fault(
      'model-unfit',
      `The network ${network.name} has no output "${output.name}" (it has ${session.outputNames.join(', ')}): correct output.name in its manifest`,
    );
  }
  const batch = session.inputMetadata.find((m) => m.name === input.name);
  const oneByOne = batch?.isTensor === true && batch.shape[0] === 1;
  const size = 3 * input.width * input.height;
  const mirrored = output.mirror === 'average';
  const data = new Float32Array(size * (mirrored && !oneByOne ? 2 : 1));

  const run = async (n: number): Promise<Float32Array> => {
    const values = ((await session.run({ [input.name]: tensorOf(data.subarray(0, n * size), n, input) }))[output.name] as Tensor)
      .data as Float32Array;
    if (values.length !== n * output.dimension) {
      throw new Fault(
        'model-unfit',
        `The network ${network.name} gives ${values.length / n} numbers for a face and its manifest says ${output.dimension}: correct output.dimension`,
      );
    }
    return values;
  };
  const embed = async (aligned: Uint8Array): Promise<Embedding> => {
    fill(data, 0, aligned, input.width, input.height, input);
    if (!mirrored) return normalised((await run(1)).slice(), output.normalise);
    if (!oneByOne) {
      fill(data, 1, aligned, input.width, input.height, input, true);
      const both = await run(2);
      return sumOf(both.subarray(0, output.dimension), both.subarray(output.dimension), output.normalise);
    }
    const straight = (await run(1)).slice();
    fill(data, 0, aligned, input.width, input.height, input, true);
    return sumOf(straight, await run(1), output.normalise);
  };
  await embed(new Uint8Array(size));
  const { adapter } = network;
  return {
    align: (picture, landmarks) => alignFace(picture, landmarks, network.template, input.width, input.height),
    embed: adapter ? async (aligned) => adapted(adapter, await embed(aligned)) : embed,
  };
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
