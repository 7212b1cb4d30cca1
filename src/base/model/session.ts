/**
 * ONNX Runtime with this program's options: few threads, no spinning between runs (a door is idle most of the time),
 * fixed shapes where they are known. The bytes of a network go in, a session that was checked against its manifest
 * comes out; and pixels become tensors.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { Fault, messageOf } from '../errors.ts';
import type { NetworkInput } from './folder.ts';
import { requireSelfContained } from './onnx.ts';

/** What runs the networks: the processor, or an NVIDIA GPU if the installed ONNX Runtime was built for it. */
export type Provider = 'cpu' | 'cuda' | 'tensorrt';

export interface InferenceOptions {
  readonly threads: number;
  readonly provider?: Provider;
  /** Free dimensions of the graph to fix, by name: constant subgraphs are then folded when the network is loaded. */
  readonly dimensions?: Readonly<Record<string, number>>;
}

/**
 * Opens a network for running.
 * @throws Fault `model-unfit` if it takes data from other files, ONNX Runtime refuses it or `input` is not one of its
 * inputs, `tool-missing` if the provider cannot be used.
 */
export async function openInferenceSession(
  bytes: Uint8Array,
  name: string,
  input: NetworkInput,
  options: InferenceOptions,
): Promise<InferenceSession> {
  // ONNX Runtime would look for external data in the working directory.
  requireSelfContained(bytes, name);
  let session: InferenceSession;
  const { provider = 'cpu' } = options;
  try {
    session = await InferenceSession.create(bytes, {
      // Parts that the GPU cannot compute run on the processor.
      executionProviders: provider === 'cpu' ? ['cpu'] : [provider, 'cpu'],
      intraOpNumThreads: options.threads,
      interOpNumThreads: 1,
      executionMode: 'sequential',
      graphOptimizationLevel: 'all',
      // With it, memory for all steps of a network is laid out in one piece beside what the first run took: 19 MB of
      // the door's four networks, and no time (measured).
      enableMemPattern: false,
      ...(options.dimensions ? { freeDimensionOverrides: options.dimensions } : {}),
      // A spinning thread uses the core that another thread needs: it gains 1 ms per frame on an idle machine and loses
      // 25 ms on a busy one (measured).
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
  } catch (error) {
    if (provider !== 'cpu')
      throw new Fault(
        'tool-missing',
        `ONNX Runtime cannot use ${provider} (face.provider) here: ${messageOf(error)}. Set face.provider to "cpu", or see docs/start/jetson.md`,
        error,
      );
    throw new Fault('model-unfit', `ONNX Runtime cannot load the network ${name}: ${messageOf(error)}`, error);
  }
  const found = session.inputMetadata.find((m) => m.name === input.name);
  if (!found?.isTensor)
    throw new Fault(
      'model-unfit',
      `The network ${name} has no input "${input.name}" (it has ${session.inputNames.join(', ')}): correct input.name in its manifest`,
    );
  const want = input.layout === 'NCHW' ? [undefined, 3, input.height, input.width] : [undefined, input.height, input.width, 3];
  const fits =
    found.shape.length === 4 &&
    want.every(
      (size, i) => size === undefined || typeof found.shape[i] !== 'number' || (found.shape[i] as number) <= 0 || found.shape[i] === size,
    );
  if (!fits)
    throw new Fault(
      'model-unfit',
      `The network ${name} takes ${found.shape.join('×')} and its manifest says ${want.map((v) => v ?? 'n').join('×')}: correct input in its manifest`,
    );
  return session;
}

/** An input or an output of a network; a size that is not fixed is 0. */
export interface TensorShape {
  readonly name: string;
  readonly shape: readonly number[];
}

/** What a network takes and gives, from its graph. @throws Fault `model-unfit`. */
export async function shapeOfNetwork(
  bytes: Uint8Array,
  name: string,
): Promise<{ readonly inputs: readonly TensorShape[]; readonly outputs: readonly TensorShape[] }> {
  requireSelfContained(bytes, name);
  let session: InferenceSession;
  try {
    session = await InferenceSession.create(bytes, { executionProviders: ['cpu'], graphOptimizationLevel: 'disabled' });
  } catch (error) {
    throw new Fault('model-unfit', `ONNX Runtime cannot load the network ${name}: ${messageOf(error)}`, error);
  }
  const shapes = (all: InferenceSession['inputMetadata']): TensorShape[] =>
    all.flatMap((each) =>
      each.isTensor ? [{ name: each.name, shape: each.shape.map((size) => (typeof size === 'number' && size > 0 ? size : 0)) }] : [],
    );
  const found = { inputs: shapes(session.inputMetadata), outputs: shapes(session.outputMetadata) };
  await session.release();
  return found;
}

/**
 * Writes interleaved RGB pixels into `out` as picture `index` of a batch: `width`×`height` at the top left of the
 * network's input; the rest is unchanged.
 */
export function fill(
  out: Float32Array,
  index: number,
  rgb: Uint8Array,
  width: number,
  height: number,
  input: NetworkInput,
  mirrored = false,
): void {
  const plane = input.width * input.height;
  const nchw = input.layout === 'NCHW';
  for (let c = 0; c < 3; c++) {
    const channel = input.channels === 'RGB' ? c : 2 - c;
    const mean = input.mean[c] as number;
    const scale = 1 / (input.std[c] as number);
    for (let y = 0; y < height; y++) {
      let p = (y * width + (mirrored ? width - 1 : 0)) * 3 + channel;
      const step = mirrored ? -3 : 3;
      let o = index * plane * 3 + (nchw ? c * plane + y * input.width : y * input.width * 3 + c);
      const stride = nchw ? 1 : 3;
      for (let x = 0; x < width; x++, p += step, o += stride) out[o] = ((rgb[p] as number) - mean) * scale;
    }
  }
}

/** A float32 tensor over `data`: a batch of `n` pictures. */
export function tensorOf(data: Float32Array, n: number, input: NetworkInput): Tensor {
  return new Tensor('float32', data, input.layout === 'NCHW' ? [n, 3, input.height, input.width] : [n, input.height, input.width, 3]);
}
