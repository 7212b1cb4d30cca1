/** The network trained on TensorFlow.js, in tf.layers with its own gradients and optimisers: the second engine, and the first one's oracle. */
import type * as Tf from '@tensorflow/tfjs';
import { headInputs, isKernel, networkParameters } from '../network/network.ts';
import type { Batch, Engine, EngineOptions, Objective, Optimiser, Weights } from '../port.ts';
import { fillTwin, twinLayers } from './layers-model.ts';
import { openTensorFlow, type TensorFlow, type TfDevice } from './tfjs.ts';

/** Opens the engine. Throws Fault `tool-missing` where TensorFlow.js or the device's package is not installed. */
export async function openTfjsEngine(options: EngineOptions & { readonly device: TfDevice }): Promise<Engine> {
  const tf = await openTensorFlow(options.device);
  const { network, objective } = options;
  const parameters = networkParameters(network);
  const twin = twinLayers(tf, network);
  fillTwin(tf, twin, network, options.weights);
  const kernel = tf.variable(tf.tensor2d(options.weights.get('head/kernel') as Float32Array, [headInputs(network), 1]));
  const bias = tf.variable(tf.tensor1d(options.weights.get('head/bias') as Float32Array));
  // What tf.layers calls a weight's value is a tf.Variable, which its types do not say.
  const variables = [...twin.weights.map((weight) => (weight as unknown as { val: Tf.Variable }).val), kernel, bias];
  const trained = objective.loss === 'bce' ? variables : variables.slice(0, -2);
  let [steps, optimiser, rule] = [0, options.optimiser, tfOptimiser(tf, options.optimiser)];

  const lossOf = (batch: Batch): Tf.Scalar => {
    const { side } = network;
    const pictures = tf.tensor4d(batch.pictures, [2 * batch.pairs, side, side, 3]);
    const [first, second] = tf.split(twin.apply(pictures, { training: true }) as Tf.Tensor2D, 2) as [Tf.Tensor2D, Tf.Tensor2D];
    const labels = tf.tensor2d(batch.labels, [batch.pairs, 1]);
    if (objective.loss === 'contrastive') return contrastive(tf, tf.sub(first, second), labels, objective.margin);
    const vector = tf.abs(tf.sub(first, second));
    const distance = network.distance === 'vector' ? vector : tf.sum(vector, 1, true);
    return tf.losses.sigmoidCrossEntropy(labels, tf.add(tf.matMul(distance, kernel), bias));
  };
  const penaltyOf = () =>
    penalty(
      tf,
      objective,
      variables.filter((_, index) => isKernel(parameters[index]?.name ?? '') && index < trained.length),
    );
  // Never `dataSync`: WebGPU outside of a browser has none.
  const read = async (tensors: readonly Tf.Tensor[]): Promise<Weights> =>
    new Map(
      await Promise.all(
        parameters.map(
          async ({ name }, index) =>
            [name, (await tensors[index]?.data<'float32'>())?.slice() ?? new Float32Array(variables[index]?.size ?? 0)] as const,
        ),
      ),
    );

  return {
    label: `tfjs (${tf.getBackend()})`,
    step: async (batch) => {
      const parts: Tf.Scalar[] = [];
      const { value, grads } = tf.variableGrads(() => {
        const [loss, laid] = [tf.keep(lossOf(batch)), tf.keep(penaltyOf())];
        parts.push(loss, laid);
        return tf.add(loss, laid);
      }, trained);
      const [loss, laid] = await Promise.all(parts.map(numberOf));
      const found = { loss: loss ?? Number.NaN, penalty: laid ?? 0 };
      if (Number.isFinite(found.loss)) {
        steps += 1;
        rule.applyGradients(trained.map((variable) => ({ name: variable.name, tensor: grads[variable.name] as Tf.Tensor })));
      }
      tf.dispose([value, ...parts, ...Object.values(grads)]);
      return found;
    },
    gradients: async (batch) => {
      const { value, grads } = tf.variableGrads(() => lossOf(batch), trained);
      const gradients = await read(trained.map((variable) => grads[variable.name] as Tf.Tensor));
      const loss = await numberOf(value);
      tf.dispose([value, ...Object.values(grads)]);
      return { loss, gradients };
    },
    embed: async (pictures, count) => {
      const { side } = network;
      const embeddings = tf.tidy(() => twin.apply(tf.tensor4d(pictures, [count, side, side, 3])) as Tf.Tensor);
      const numbers = (await embeddings.data<'float32'>()).slice();
      embeddings.dispose();
      return numbers;
    },
    read: async (name) => {
      const index = parameters.findIndex((parameter) => parameter.name === name);
      return (await variables[index]?.data<'float32'>())?.slice() ?? new Float32Array(0);
    },
    state: async () => {
      const [first, second] = means(rule, optimiser, trained.length);
      return { step: steps, weights: await read(variables), first: await read(first), second: await read(second) };
    },
    restore: async (state) => {
      steps = state.step;
      tf.tidy(() => {
        parameters.forEach(({ name, dims }, index) => {
          variables[index]?.assign(tf.tensor(state.weights.get(name) as Float32Array, [...dims]));
        });
      });
      rule.dispose();
      rule = tfOptimiser(tf, optimiser);
      await restoreMeans(tf, rule, optimiser, state, parameters.slice(0, trained.length));
    },
    optimise: async (next) => {
      const state = await Promise.all(means(rule, optimiser, trained.length).map(read));
      optimiser = next;
      rule = tfOptimiser(tf, next);
      const [first, second] = state as [Weights, Weights];
      await restoreMeans(tf, rule, next, { step: steps, first, second }, parameters.slice(0, trained.length));
    },
    [Symbol.asyncDispose]: async () => {
      rule.dispose();
      twin.dispose();
      tf.dispose([kernel, bias]);
    },
  };
}

const numberOf = async (scalar: Tf.Scalar): Promise<number> => (await scalar.data())[0] ?? Number.NaN;

function tfOptimiser(tf: TensorFlow, optimiser: Optimiser): Tf.Optimizer {
  if (optimiser.kind === 'sgd') return tf.train.momentum(optimiser.rate, optimiser.momentum);
  return tf.train.adam(optimiser.rate, optimiser.beta1, optimiser.beta2, optimiser.epsilon);
}

/** Hadsell, Chopra, LeCun 2006, eq. 4, with label 1 for «the same». */
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

/** The optimiser's own lists of running means; empty before the first step. Its types keep them to itself. */
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
