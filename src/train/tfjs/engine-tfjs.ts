/**
 * The network trained on TensorFlow.js, in tf.layers with its own gradients and optimisers: the second engine, and the
 * reference that the first one is tested against. Whoever opens it owns its tensors and disposes of it.
 */
import type * as Tf from '@tensorflow/tfjs';
import { Fault } from '../../base/errors.ts';
import { headInputs, isKernel, networkParameters } from '../network/network.ts';
import type { Batch, Engine, EngineOptions, EngineState, Network, Objective, Optimiser, Parameter, StepLosses, Weights } from '../port.ts';
import { fillTwin, twinLayers } from './layers-model.ts';
import { openTensorFlow, type TensorFlow, type TfDevice } from './tfjs.ts';

/** An open engine. */
interface TfjsTraining {
  readonly tf: TensorFlow;
  readonly network: Network;
  readonly objective: Objective;
  readonly parameters: readonly Parameter[];
  readonly twin: Tf.LayersModel;
  readonly head: { readonly kernel: Tf.Variable<Tf.Rank.R2>; readonly bias: Tf.Variable<Tf.Rank.R1> };
  /** One for each parameter, in their order. */
  readonly variables: readonly Tf.Variable[];
  /** The first of `variables`: all, or all but the head's where the loss does not use the head. */
  readonly trained: Tf.Variable[];
  readonly optimiser: Optimiser;
  /** The optimiser in TensorFlow.js. */
  rule: Tf.Optimizer;
  steps: number;
}

/**
 * Opens the engine. Throws Fault `bad-argument` for a normalised network, `tool-missing` where TensorFlow.js or the
 * device's package is not installed.
 */
export async function openTfjsEngine(options: EngineOptions & { readonly device: TfDevice }): Promise<Engine> {
  if (options.network.normalised)
    throw new Fault('bad-argument', 'TensorFlow.js does not train a network with batch normalisation here: choose --engine onnx.');
  const state = open(await openTensorFlow(options.device), options);
  const { tf, trained, variables, parameters } = state;
  return {
    label: `tfjs (${tf.getBackend()})`,
    step: (batch) => step(state, batch),
    gradients: async (batch) => {
      const { value, grads } = tf.variableGrads(() => lossOf(state, batch), trained);
      const gradients = await read(
        state,
        trained.map((variable) => grads[variable.name] as Tf.Tensor),
      );
      const loss = await numberOf(value);
      tf.dispose([value, ...Object.values(grads)]);
      return { loss, gradients };
    },
    embed: (pictures, count) => embed(state, pictures, count),
    read: async (name) => {
      const index = parameters.findIndex((parameter) => parameter.name === name);
      return (await variables[index]?.data<'float32'>())?.slice() ?? new Float32Array(0);
    },
    state: async () => ({ step: state.steps, weights: await read(state, variables), ...(await readMeans(state)) }),
    restore: (from) => restore(state, from),
    [Symbol.asyncDispose]: async () => {
      state.rule.dispose();
      state.twin.dispose();
      tf.dispose([state.head.kernel, state.head.bias]);
    },
  };
}

function open(tf: TensorFlow, { network, objective, optimiser, weights }: EngineOptions): TfjsTraining {
  const twin = twinLayers(tf, network);
  fillTwin(tf, twin, network, weights);
  const kernel = tf.variable(tf.tensor2d(weights.get('head/kernel') as Float32Array, [headInputs(network), 1]));
  const bias = tf.variable(tf.tensor1d(weights.get('head/bias') as Float32Array));
  // What tf.layers calls a weight's value is a tf.Variable; its types do not say so.
  const variables = [...twin.weights.map((weight) => (weight as unknown as { val: Tf.Variable }).val), kernel, bias];
  const trained = objective.loss === 'bce' ? variables : variables.slice(0, -2);
  const parameters = networkParameters(network);
  const rule = tfOptimiser(tf, optimiser);
  return { ...{ tf, network, objective, parameters, twin, variables, trained, optimiser, rule }, head: { kernel, bias }, steps: 0 };
}

function lossOf({ tf, network, objective, twin, head }: TfjsTraining, batch: Batch): Tf.Scalar {
  const { side } = network;
  const pictures = tf.tensor4d(batch.pictures, [2 * batch.pairs, side, side, 3]);
  const [first, second] = tf.split(twin.apply(pictures, { training: true }) as Tf.Tensor2D, 2) as [Tf.Tensor2D, Tf.Tensor2D];
  const labels = tf.tensor2d(batch.labels, [batch.pairs, 1]);
  if (objective.loss === 'contrastive') return contrastive(tf, tf.sub(first, second), labels, objective.margin);
  const vector = tf.abs(tf.sub(first, second));
  const distance = network.distance === 'vector' ? vector : tf.sum(vector, 1, true);
  return tf.losses.sigmoidCrossEntropy(labels, tf.add(tf.matMul(distance, head.kernel), head.bias));
}

function penaltyOf({ tf, objective, parameters, trained }: TfjsTraining): Tf.Scalar {
  return penalty(
    tf,
    objective,
    trained.filter((_, index) => isKernel(parameters[index]?.name ?? '')),
  );
}

async function step(state: TfjsTraining, batch: Batch): Promise<StepLosses> {
  const { tf, trained, rule } = state;
  const parts: Tf.Scalar[] = [];
  const { value, grads } = tf.variableGrads(() => {
    const [loss, laid] = [tf.keep(lossOf(state, batch)), tf.keep(penaltyOf(state))];
    parts.push(loss, laid);
    return tf.add(loss, laid);
  }, trained);
  const [loss = Number.NaN, laid = 0] = await Promise.all(parts.map(numberOf));
  if (Number.isFinite(loss)) {
    state.steps += 1;
    rule.applyGradients(trained.map((variable) => ({ name: variable.name, tensor: grads[variable.name] as Tf.Tensor })));
  }
  tf.dispose([value, ...parts, ...Object.values(grads)]);
  return { loss, penalty: laid };
}

async function embed({ tf, network, twin }: TfjsTraining, pictures: Float32Array, count: number): Promise<Float32Array> {
  const { side } = network;
  const embeddings = tf.tidy(() => twin.apply(tf.tensor4d(pictures, [count, side, side, 3])) as Tf.Tensor);
  const numbers = (await embeddings.data<'float32'>()).slice();
  embeddings.dispose();
  return numbers;
}

/** The numbers of one tensor per parameter; zeros without one. Never `dataSync`: WebGPU outside a browser has none. */
async function read({ parameters, variables }: TfjsTraining, tensors: readonly Tf.Tensor[]): Promise<Weights> {
  const numbers = async (index: number) =>
    (await tensors[index]?.data<'float32'>())?.slice() ?? new Float32Array(variables[index]?.size ?? 0);
  return new Map(await Promise.all(parameters.map(async ({ name }, index) => [name, await numbers(index)] as const)));
}

async function readMeans(state: TfjsTraining): Promise<{ readonly first: Weights; readonly second: Weights }> {
  const [first, second] = means(state.rule, state.optimiser, state.trained.length);
  return { first: await read(state, first), second: await read(state, second) };
}

async function restore(state: TfjsTraining, from: EngineState): Promise<void> {
  const { tf, parameters, variables, optimiser, trained } = state;
  state.steps = from.step;
  tf.tidy(() => {
    parameters.forEach(({ name, dims }, index) => {
      variables[index]?.assign(tf.tensor(from.weights.get(name) as Float32Array, [...dims]));
    });
  });
  state.rule.dispose();
  state.rule = tfOptimiser(tf, optimiser);
  await restoreMeans(tf, state.rule, optimiser, from, parameters.slice(0, trained.length));
}

const numberOf = async (scalar: Tf.Scalar): Promise<number> => (await scalar.data())[0] ?? Number.NaN;

function tfOptimiser(tf: TensorFlow, optimiser: Optimiser): Tf.Optimizer {
  if (optimiser.kind === 'sgd') return tf.train.momentum(optimiser.rate, optimiser.momentum);
  return tf.train.adam(optimiser.rate, optimiser.beta1, optimiser.beta2, optimiser.epsilon);
}

/** Hadsell, Chopra, LeCun 2006, eq. 4, with label 1 for "the same". */
function contrastive(tf: TensorFlow, difference: Tf.Tensor, labels: Tf.Tensor, margin: number): Tf.Scalar {
  const distance = tf.sqrt(tf.add(tf.sum(tf.square(difference), 1, true), 1e-12));
  const same = tf.mul(labels, tf.square(distance));
  const other = tf.mul(tf.sub(1, labels), tf.square(tf.relu(tf.sub(margin, distance))));
  return tf.mul(0.5, tf.mean(tf.add(same, other)));
}

function penalty(tf: TensorFlow, { l1, l2 }: Objective, kernels: readonly Tf.Variable[]): Tf.Scalar {
  if (l1 === 0 && l2 === 0) return tf.scalar(0);
  return tf.addN(kernels.map((kernel) => tf.add(tf.mul(l1, tf.sum(tf.abs(kernel))), tf.mul(l2, tf.sum(tf.square(kernel)))))) as Tf.Scalar;
}

/** The optimiser's own lists of running means; empty before the first step. Its types do not show them. */
function means(rule: Tf.Optimizer, optimiser: Optimiser, count: number): [Tf.Tensor[], Tf.Tensor[]] {
  type Kept = { originalName: string; variable: Tf.Variable }[];
  const inside = rule as unknown as { accumulatedFirstMoment?: Kept; accumulatedSecondMoment?: Kept; accumulations?: Kept };
  const list = (kept: Kept | undefined) => (kept ?? []).slice(0, count).map(({ variable }) => variable);
  return optimiser.kind === 'sgd'
    ? [list(inside.accumulations), []]
    : [list(inside.accumulatedFirstMoment), list(inside.accumulatedSecondMoment)];
}

function restoreMeans(
  tf: TensorFlow,
  rule: Tf.Optimizer,
  optimiser: Optimiser,
  state: { readonly step: number; readonly first: Weights; readonly second: Weights },
  parameters: readonly { readonly name: string; readonly dims: readonly number[] }[],
): Promise<void> {
  const tensors = (kept: Weights) =>
    parameters.map(({ name, dims }) => ({ name, tensor: tf.tensor(kept.get(name) as Float32Array, [...dims]) }));
  const lists = optimiser.kind === 'sgd' ? [state.first] : [state.first, state.second];
  return rule.setWeights([{ name: 'iter', tensor: tf.scalar(state.step, 'int32') }, ...lists.flatMap(tensors)]);
}
