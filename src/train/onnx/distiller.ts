/**
 * Distillation of an embedder. In, step by step: pictures and the embeddings that the network should give for them.
 * Out: the network that gives them. The loss is the mean of 1 − cosine, because a comparison looks only at an
 * embedding's direction; and the squared error of the quality output, where there is one to keep. The optimiser is
 * Adam. Whoever opens it owns its ONNX Runtime session and disposes of it.
 */
import * as ort from 'onnxruntime-node';
import type { Distiller, DistillerBatch, DistillerOptions } from '../port.ts';
import { layerShapes, runBackward, runForward } from './differentiate.ts';
import { fastestBlock } from './native-block.ts';
import { type Graph, newGraph, type Tensor } from './onnx-graph.ts';
import { type OnnxModel, readOnnx } from './onnx-model.ts';
import { openTrainingSession } from './onnx-session.ts';

/** Adam's constants, as its authors propose them (Kingma, Ba 2015, algorithm 1). */
const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];

interface Learned {
  readonly name: string;
  readonly numbers: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/** An open distillation. */
interface Distillation {
  readonly model: OnnxModel;
  readonly session: ort.InferenceSession;
  readonly learned: readonly Learned[];
  /** The learned weights as inputs of the session: the same arrays as in `learned`. */
  readonly weights: Readonly<Record<string, ort.Tensor>>;
  /** Rows × channels × height × width of a step's pictures. */
  readonly dims: readonly number[];
  /** Numbers of one embedding. */
  readonly size: number;
  steps: number;
}

/**
 * Opens it. Throws Fault `model-unfit` for a network that cannot be differentiated (differentiate.ts says which can),
 * `tool-missing` where the device is not available, `reader-failed` where ONNX Runtime does not load the graph.
 */
export async function openDistiller(options: DistillerOptions): Promise<Distiller> {
  const state = await open(options);
  const { learned, model, session } = state;
  return {
    learned: learned.reduce((sum, { numbers }) => sum + numbers.length, 0),
    step: (lesson, rate) => step(state, lesson, rate),
    gradients: async (lesson) => {
      const { loss, gradient } = await run(state, lesson);
      return { loss, gradients: new Map(learned.map(({ name }) => [name, gradient(name).slice()])) };
    },
    network: () => model.withWeights(new Map(learned.map(({ name, numbers }) => [name, numbers]))),
    state: () => saved(state),
    restore: (from) => restore(state, from),
    [Symbol.asyncDispose]: () => session.release(),
  };
}

async function open({
  network,
  output,
  quality,
  rows,
  channels,
  height,
  width,
  threads,
  device = 'cpu',
  learns,
}: DistillerOptions): Promise<Distillation> {
  const model = readOnnx(network);
  const dims = [rows, channels, height, width];
  const learned = learnedOf(model, dims, { learns, output });
  const names = new Set(learned.map(({ name }) => name));
  const graph = newGraph('distillation');
  const pictures = graph.input('pictures', dims);
  const trace = runForward(graph, model, pictures, {
    learned: (name) => names.has(name),
    output,
    also: quality,
    block: device === 'cpu' ? await fastestBlock() : 0,
  });
  const alike = cosineLoss(graph, trace.output, graph.input('targets', trace.output.dims));
  const kept = trace.other && squaredLoss(graph, trace.other, graph.input('qualities', trace.other.dims));
  graph.output('loss', kept ? graph.node('Add', [alike.loss, kept.loss], []) : alike.loss);
  for (const [name, tensor] of runBackward(graph, trace, alike.gradient, kept?.gradient)) graph.output(`d:${name}`, tensor);
  const session = await openTrainingSession(graph.encode(), threads, device);
  const weights = Object.fromEntries(
    learned.map(({ name, numbers }) => [`w:${name}`, new ort.Tensor('float32', numbers, model.weights.get(name)?.dims as number[])]),
  );
  return { model, session, learned, weights, dims, size: trace.output.dims[1] as number, steps: 0 };
}

function learnedOf(model: OnnxModel, dims: readonly number[], { learns, output }: Pick<DistillerOptions, 'learns' | 'output'>): Learned[] {
  return [...layerShapes(model, dims, output)].flatMap(([name, shape]): Learned[] => {
    const { numbers, dims: own = [] } = model.weights.get(name) ?? {};
    if (!numbers || !learns({ name, side: shape[2] ?? 1, dims: own })) return [];
    return [{ name, numbers: numbers.slice(), first: new Float32Array(numbers.length), second: new Float32Array(numbers.length) }];
  });
}

async function run({ session, weights, dims, size }: Distillation, { pictures, targets, qualities }: DistillerBatch) {
  const [rows = 1] = dims;
  const feeds = {
    pictures: new ort.Tensor('float32', pictures, dims),
    targets: new ort.Tensor('float32', targets, [rows, size]),
    ...(qualities && { qualities: new ort.Tensor('float32', qualities, [rows, 1]) }),
  };
  const results = (await session.run({ ...weights, ...feeds })) as Record<string, ort.Tensor>;
  const numbers = (name: string) => (results[name] as ort.Tensor).data as Float32Array;
  return { loss: numbers('loss')[0] as number, gradient: (name: string) => numbers(`d:${name}`) };
}

async function step(state: Distillation, lesson: DistillerBatch, rate: number): Promise<number> {
  const { loss, gradient } = await run(state, lesson);
  // A step from a broken loss would break every weight: the caller stops here, with whole ones.
  if (!Number.isFinite(loss)) return Number.NaN;
  state.steps++;
  for (const each of state.learned) adam(each, gradient(each.name), rate, state.steps);
  return loss;
}

const partsOf = ({ learned }: Distillation) => learned.flatMap(({ numbers, first, second }) => [numbers, first, second]);
const lengthOf = (parts: readonly Float32Array[]) => 1 + parts.reduce((sum, part) => sum + part.length, 0);

/** The number of steps, then every part. */
function saved(state: Distillation): Float32Array {
  const parts = partsOf(state);
  const out = new Float32Array(lengthOf(parts));
  out[0] = state.steps;
  let at = 1;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function restore(state: Distillation, from: Float32Array): void {
  const parts = partsOf(state);
  if (from.length !== lengthOf(parts)) throw new RangeError(`a state of ${from.length} numbers, not ${lengthOf(parts)}`);
  state.steps = from[0] as number;
  let at = 1;
  for (const part of parts) {
    part.set(from.subarray(at, at + part.length));
    at += part.length;
  }
}

/**
 * Mean of 1 − cos(e, target), where targets have length 1, and its gradient with respect to e:
 * (cos·z − target) / (|e|·rows), where z is e at length 1.
 */
function cosineLoss(graph: Graph, e: Tensor, targets: Tensor): { readonly loss: Tensor; readonly gradient: Tensor } {
  const column = [e.dims[0] as number, 1];
  const sum = (x: Tensor) => graph.node({ op: 'ReduceSum', attributes: { keepdims: 1 } }, [x, graph.integers([1])], column);
  const product = (a: Tensor, b: Tensor) => graph.node('Mul', [a, b], e.dims);
  const number = (value: number) => graph.constant(Float32Array.of(value), []);
  // The tiny addend keeps the quotient finite for an embedding of zeros.
  const length = graph.node('Sqrt', [graph.node('Add', [sum(product(e, e)), number(1e-12)], column)], column);
  const z = graph.node('Div', [e, length], e.dims);
  const cosine = sum(product(z, targets));
  const loss = graph.node('Sub', [number(1), graph.node({ op: 'ReduceMean', attributes: { keepdims: 0 } }, [cosine], [])], []);
  const pull = graph.node('Sub', [product(z, cosine), targets], e.dims);
  const spread = graph.node('Mul', [length, number(column[0] as number)], column);
  return { loss, gradient: graph.node('Div', [pull, spread], e.dims) };
}

/** How much a change of the quality output weighs beside the cosine. */
const qualityWeight = 2;

/** The mean of the squared error, weighted, and its gradient. */
function squaredLoss(graph: Graph, y: Tensor, wanted: Tensor): { readonly loss: Tensor; readonly gradient: Tensor } {
  const number = (value: number) => graph.constant(Float32Array.of(value), []);
  const error = graph.node('Sub', [y, wanted], y.dims);
  const mean = graph.node({ op: 'ReduceMean', attributes: { keepdims: 0 } }, [graph.node('Mul', [error, error], y.dims)], []);
  const each = y.dims.reduce((product, n) => product * n, 1);
  return {
    loss: graph.node('Mul', [mean, number(qualityWeight)], []),
    gradient: graph.node('Mul', [error, number((2 * qualityWeight) / each)], y.dims),
  };
}

/** Kingma, Ba 2015, algorithm 1. */
function adam({ numbers, first, second }: Learned, gradient: Float32Array, rate: number, step: number): void {
  const [one, two] = [1 - beta1 ** step, 1 - beta2 ** step];
  for (let i = 0; i < numbers.length; i++) {
    const g = gradient[i] as number;
    const m = beta1 * (first[i] as number) + (1 - beta1) * g;
    const v = beta2 * (second[i] as number) + (1 - beta2) * g * g;
    first[i] = m;
    second[i] = v;
    numbers[i] = (numbers[i] as number) - (rate * (m / one)) / (Math.sqrt(v / two) + epsilon);
  }
}
