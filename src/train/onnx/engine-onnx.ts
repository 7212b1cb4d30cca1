/**
 * The network trained on ONNX Runtime: forward and backward pass in its graph, the optimiser's step in our loops on
 * its inputs. Whoever opens it owns its sessions and disposes of them.
 */
import * as ort from 'onnxruntime-node';
import { flattened, networkParameters, sizeOf } from '../network/network.ts';
import type { Batch, Engine, EngineOptions, Network, OnnxDevice } from '../port.ts';
import { toKeras } from './layout.ts';
import { fastestBlock } from './native-block.ts';
import { openTrainingSession } from './onnx-session.ts';
import { type Factors, openWeightStore, takesFactors } from './optimiser.ts';
import { embeddingGraph, onnxDims, trainingGraph } from './siamese-graph.ts';

type Feeds = Record<string, ort.Tensor>;
type Results = Awaited<ReturnType<ort.InferenceSession['run']>>;

/** Pictures in one run of the twin alone. */
const embedAtOnce = 16;

export interface OnnxEngineOptions extends EngineOptions {
  /** Default: `cpu`. The optimiser's step runs on the processor, whatever computes the gradients. */
  readonly device?: OnnxDevice;
}

/**
 * Opens the engine. Throws Fault `bad-argument` for an impossible network, `tool-missing` where the device is not
 * available, `reader-failed` where ONNX Runtime does not load the graph.
 */
export async function openOnnxEngine(options: OnnxEngineOptions): Promise<Engine> {
  const { network, pairs, objective, threads, device = 'cpu' } = options;
  // Blocks are the processor's own layout; a GPU has none.
  const block = device === 'cpu' ? await fastestBlock() : 0;
  const factored = takesFactors(flattened(network), network.units);
  const store = openWeightStore({ ...options, rows: 2 * pairs });
  const parameters = networkParameters(network);
  const weightFeeds: Feeds = Object.fromEntries(
    parameters.map(({ name, dims }) => [name, new ort.Tensor('float32', store.live.get(name) as Float32Array, onnxDims(dims))]),
  );
  const graph = (denseGradient: 'whole' | 'factors') => () =>
    openTrainingSession(
      trainingGraph({ network, pairs, objective, block, denseGradient, located: device === 'cpu' ? 'float' : 'double' }),
      threads,
      device,
    );
  const training = once(graph(factored ? 'factors' : 'whole'));
  const checking = once(graph('whole'));
  const twin = once(() => openTrainingSession(embeddingGraph(network, embedAtOnce, block), threads, device));
  await training.get();

  return {
    label: device !== 'cpu' ? `onnx (${device})` : block === 0 ? 'onnx' : `onnx (blocks of ${block})`,
    step: async (batch) => {
      const results = await (await training.get()).run(feedsOf(network, batch, weightFeeds));
      const loss = numbers(results, 'loss')[0] ?? Number.NaN;
      // A step from a broken loss would break every weight: the caller stops here, with whole ones.
      if (!Number.isFinite(loss)) return { loss, penalty: 0 };
      const factors: Factors | undefined = factored
        ? { input: numbers(results, 'embedding/input'), delta: numbers(results, 'embedding/delta'), rows: 2 * batch.pairs }
        : undefined;
      const penalty = store.step(gradientsOf(results), factors);
      followStatistics(store.live, results);
      return { loss, penalty };
    },
    gradients: async (batch) => {
      const results = await (await checking.get()).run(feedsOf(network, batch, weightFeeds));
      const found = gradientsOf(results);
      const gradients = new Map(
        parameters.map((parameter) => [
          parameter.name,
          toKeras(parameter, found.get(parameter.name) ?? new Float32Array(sizeOf(parameter.dims))),
        ]),
      );
      return { loss: numbers(results, 'loss')[0] ?? Number.NaN, gradients };
    },
    embed: async (pictures, count) => {
      const size = network.side * network.side * 3;
      const out = new Float32Array(count * network.units);
      for (let from = 0; from < count; from += embedAtOnce) {
        const part = new Float32Array(embedAtOnce * size);
        part.set(pictures.subarray(from * size, Math.min(count, from + embedAtOnce) * size));
        const feed = new ort.Tensor('float32', part, [embedAtOnce, network.side, network.side, 3]);
        const results = await (await twin.get()).run({ ...twinFeeds(weightFeeds), pictures: feed });
        out.set(
          numbers(results, 'embeddings').subarray(0, (Math.min(count, from + embedAtOnce) - from) * network.units),
          from * network.units,
        );
      }
      return out;
    },
    read: async (name) => store.read(name),
    state: async () => store.state(),
    restore: async (state) => store.restore(state),
    [Symbol.asyncDispose]: async () => {
      for (const session of [training, checking, twin]) await session.close();
    },
  };
}

function feedsOf(network: Network, batch: Batch, weights: Feeds): Feeds {
  const { side } = network;
  return {
    ...weights,
    pictures: new ort.Tensor('float32', batch.pictures, [2 * batch.pairs, side, side, 3]),
    labels: new ort.Tensor('float32', batch.labels, [batch.pairs, 1]),
  };
}

const twinFeeds = (weights: Feeds): Feeds => Object.fromEntries(Object.entries(weights).filter(([name]) => !name.startsWith('head/')));

const numbers = (results: Results, name: string): Float32Array => results[name]?.data as Float32Array;

const outputsOf = (results: Results, mark: 'd:' | 's:') =>
  new Map(
    Object.keys(results)
      .filter((name) => name.startsWith(mark))
      .map((name) => [name.slice(2), numbers(results, name)]),
  );

const gradientsOf = (results: Results) => outputsOf(results, 'd:');

/** The share of the batches before in a running mean: it follows the weights over some ten steps. */
const remembered = 0.9;

function followStatistics(live: ReadonlyMap<string, Float32Array>, results: Results): void {
  for (const [name, found] of outputsOf(results, 's:')) {
    const running = live.get(name) as Float32Array;
    for (let index = 0; index < found.length; index++)
      running[index] = remembered * (running[index] as number) + (1 - remembered) * (found[index] as number);
  }
}

/** A session that opens when it is first needed. */
function once(open: () => Promise<ort.InferenceSession>) {
  let session: Promise<ort.InferenceSession> | undefined;
  return {
    get: () => {
      session ??= open();
      return session;
    },
    close: async () => (await session)?.release(),
  };
}
