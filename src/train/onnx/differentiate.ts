/**
 * Differentiates an ONNX model. In: its nodes. Out: a graph that runs them on weights given at each run, and that
 * computes the gradients of a loss with respect to the weights, from that with respect to the output. Reverse mode:
 * each node is followed backwards by its adjoint.
 *
 * Batch normalisation runs on the means and variances of the model (as in inference) and is learned as the scale and
 * shift that it is then.
 */
import { Fault } from '../../base/errors.ts';
import { type Block, convolution, convolutionInputAdjoint, convolutionKernelAdjoint, type Steps } from './convolution.ts';
import { depthwise, depthwiseInputAdjoint, depthwiseKernelAdjoint } from './depthwise.ts';
import * as layers from './layers.ts';
import { type Graph, newGraph, type Tensor } from './onnx-graph.ts';
import type { OnnxModel, OnnxNode } from './onnx-model.ts';

/** A node with its input and output tensors. */
interface Step {
  readonly node: OnnxNode;
  readonly inputs: readonly Tensor[];
  readonly output: Tensor;
}

export interface Trace {
  readonly output: Tensor;
  /** What `also` named. */
  readonly other?: Tensor;
  /** The weights by name, as inputs of the graph: `w:` and the name. */
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly steps: readonly Step[];
  readonly block: Block;
}

const size = (tensor: Tensor | undefined, axis: number) => tensor?.dims[axis] ?? 1;
const several = (node: OnnxNode, name: string, otherwise: readonly number[]) => {
  const value = node.attributes[name];
  return value === undefined ? otherwise : typeof value === 'number' ? [value] : value;
};
const reshape = (graph: Graph, x: Tensor, dims: readonly number[]) => graph.node('Reshape', [x, graph.integers(dims)], dims);

/**
 * For each weight that can be learned (all but means and variances of batch normalisation): the shape of its layer's
 * output for pictures of `dims`.
 */
export function layerShapes(model: OnnxModel, dims: readonly number[], output?: string): ReadonlyMap<string, readonly number[]> {
  const graph = newGraph('shapes');
  const { steps } = runForward(graph, model, graph.input('pictures', dims), { learned: () => false, output });
  const shapes = steps.flatMap(({ node: { op, inputs }, output: made }) =>
    (op === 'BatchNormalization' ? inputs.slice(1, 3) : inputs).flatMap((name) =>
      model.weights.has(name) ? [[name, made.dims] as const] : [],
    ),
  );
  return new Map(shapes);
}

export interface ForwardOptions {
  /** Which weights are learned: these are inputs of the graph, the others are part of it. */
  readonly learned: (name: string) => boolean;
  /** The output that is trained; it may be left out where the model has only one. */
  readonly output?: string | undefined;
  /** A second output that is run and differentiated. */
  readonly also?: string | undefined;
  readonly block?: Block;
}

/**
 * Runs the nodes of the model that lead to one of its outputs on `x` (rows × channels × height × width). Throws Fault
 * `model-unfit` for a model with several inputs, for one with several outputs of which none is named, and for an
 * operator that has no adjoint here. Conv (of one group, or depthwise), Relu, LeakyRelu, Sigmoid, Add, Mul,
 * GlobalAveragePool, Flatten, MatMul, Gemm and BatchNormalization have one.
 */
export function runForward(graph: Graph, model: OnnxModel, x: Tensor, { learned, output, also, block = 0 }: ForwardOptions): Trace {
  const [input, ...others] = model.inputs.keys();
  if (input === undefined || others.length > 0)
    throw new Fault('model-unfit', 'A network that has more than one input cannot be trained on');
  const outputName = output ?? (model.outputs.length === 1 ? model.outputs[0] : undefined);
  for (const name of [outputName, ...(also === undefined ? [] : [also])])
    if (name === undefined || !model.outputs.includes(name))
      throw new Fault('model-unfit', `The network has no output "${name ?? ''}" to train on: it has ${model.outputs.join(', ')}`);
  const nodes = nodesTo(model, [outputName as string, ...(also === undefined ? [] : [also])]);
  const used = new Set(nodes.flatMap(({ inputs }) => inputs));
  const weights = new Map<string, Tensor>();
  const values = new Map<string, Tensor>([[input, x]]);
  for (const [name, { dims, numbers }] of model.weights) {
    if (!used.has(name)) continue;
    const tensor = learned(name) ? graph.input(`w:${name}`, dims) : graph.constant(numbers, dims);
    if (learned(name)) weights.set(name, tensor);
    values.set(name, tensor);
  }
  const steps: Step[] = [];
  for (const node of nodes) {
    const inputs = node.inputs.map((name) => {
      const value = values.get(name);
      if (!value)
        throw new Fault(
          'model-unfit',
          `The network's node ${node.op} takes "${name}", which is not a float32 tensor: it cannot be trained on here`,
        );
      return value;
    });
    if (node.op === 'Identity') {
      values.set(node.outputs[0] as string, inputs[0] as Tensor);
      continue;
    }
    const made = forward(graph, node, inputs, blockFor(weights, inputs, block));
    values.set(node.outputs[0] as string, made);
    steps.push({ node, inputs, output: made });
  }
  const other = also === undefined ? undefined : values.get(also);
  return { output: values.get(outputName as string) as Tensor, ...(other && { other }), weights, steps, block };
}

/** ONNX Runtime blocks constant kernels itself, and keeps whole chains of layers blocked. */
function blockFor(weights: Trace['weights'], [, kernel]: readonly Tensor[], block: Block): Block {
  return kernel && [...weights.values()].includes(kernel) ? block : 0;
}

/** The nodes on which outputs depend, in their order: another output's are neither run nor differentiated. */
function nodesTo({ nodes }: OnnxModel, outputs: readonly string[]): readonly OnnxNode[] {
  const wanted = new Set(outputs);
  const found: OnnxNode[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((name) => wanted.has(name))) continue;
    found.push(node);
    for (const name of node.inputs) wanted.add(name);
  }
  return found.reverse();
}

/**
 * From the gradients with respect to the outputs to those with respect to the learned weights, by name. Computes only
 * what they need.
 */
export function runBackward(
  graph: Graph,
  { output, other, weights, steps, block }: Trace,
  dOutput: Tensor,
  dOther?: Tensor,
): ReadonlyMap<string, Tensor> {
  // What depends on a learned weight: its gradient comes only through these.
  const wanted = new Set([...weights.values()].map(({ name }) => name));
  for (const { inputs, output: y } of steps) if (inputs.some(({ name }) => wanted.has(name))) wanted.add(y.name);
  const gradients = new Map<string, Tensor>([[output.name, dOutput]]);
  if (other && dOther) gradients.set(other.name, dOther);
  for (const step of steps.toReversed()) {
    const dy = gradients.get(step.output.name);
    if (!dy || !wanted.has(step.output.name)) continue;
    const adjoint = adjoints(graph, step, dy, blockFor(weights, step.inputs, block));
    for (const [index, to] of step.inputs.entries()) {
      const dx = wanted.has(to.name) ? adjoint[index]?.() : undefined;
      if (!dx) continue;
      const before = gradients.get(to.name);
      gradients.set(to.name, before ? graph.node('Add', [before, dx], to.dims) : dx);
    }
  }
  return new Map([...weights].map(([name, weight]) => [name, gradients.get(weight.name) as Tensor]));
}

const slopeOf = ({ attributes: { alpha = 0.01 } }: OnnxNode) => Number(alpha);

function forward(graph: Graph, node: OnnxNode, inputs: readonly Tensor[], block: Block): Tensor {
  const [x, w] = inputs as [Tensor, Tensor];
  switch (node.op) {
    case 'Relu':
      return layers.relu(graph, x);
    case 'LeakyRelu':
      return layers.leakyRelu(graph, x, slopeOf(node));
    case 'Sigmoid':
      return layers.sigmoid(graph, x);
    case 'GlobalAveragePool':
      return layers.globalAverage(graph, x);
    case 'Add':
    case 'Mul': {
      const dims = layers.broadcast(x, w);
      if (!dims) break;
      return graph.node(node.op, [x, w], dims);
    }
    case 'Flatten':
      return reshape(graph, x, [size(x, 0), x.dims.slice(1).reduce((product, n) => product * n, 1)]);
    case 'MatMul':
      if (x.dims.length !== 2 || w.dims.length !== 2) break;
      return graph.node('MatMul', [x, w], [size(x, 0), size(w, 1)]);
    case 'Gemm': {
      const { transA = 0, transB = 0, alpha = 1, beta = 1 } = node.attributes;
      if (transA !== 0 || alpha !== 1 || beta !== 1 || w.dims.length !== 2) break;
      const attributes = { transB: Number(transB) };
      return graph.node({ op: 'Gemm', attributes }, inputs, [size(x, 0), size(w, transB === 0 ? 1 : 0)]);
    }
    case 'BatchNormalization': {
      const { epsilon = 1e-5 } = node.attributes;
      return graph.node({ op: 'BatchNormalization', attributes: { epsilon: { float: Number(epsilon) } } }, inputs, x.dims);
    }
    case 'Conv':
      return convolved(graph, node, inputs, block);
  }
  throw new Fault(
    'model-unfit',
    `The network has a layer that cannot be trained on here: ${node.op} of ${inputs.map(({ dims }) => dims.join(' × ')).join(' and ')}`,
  );
}

/** For each input, its gradient: written into the graph only when it is asked for. */
function adjoints(graph: Graph, { node, inputs, output: y }: Step, dy: Tensor, block: Block): readonly (() => Tensor)[] {
  const [x, w] = inputs as [Tensor, Tensor];
  switch (node.op) {
    case 'Relu':
      return [() => layers.reluAdjoint(graph, y, dy)];
    case 'LeakyRelu':
      return [() => layers.leakyReluAdjoint(graph, x, dy, slopeOf(node))];
    case 'Sigmoid':
      return [() => layers.sigmoidAdjoint(graph, y, dy)];
    case 'GlobalAveragePool':
      return [() => layers.globalAverageAdjoint(graph, x, dy)];
    case 'Add':
      return [x, w].map(
        ({ dims }) =>
          () =>
            layers.broadcastAdjoint(graph, dims, dy),
      );
    case 'Mul':
      return [
        () => layers.broadcastAdjoint(graph, x.dims, graph.node('Mul', [dy, w], y.dims)),
        () => layers.broadcastAdjoint(graph, w.dims, graph.node('Mul', [dy, x], y.dims)),
      ];
    case 'Flatten':
      return [() => reshape(graph, dy, x.dims)];
    case 'MatMul':
      return [() => layers.denseInputAdjoint(graph, w, dy), () => layers.denseKernelAdjoint(graph, x, dy)];
    case 'Gemm':
      return denseAdjoints(graph, node, x, w, dy);
    case 'BatchNormalization':
      return normalisationAdjoints(graph, node, inputs, dy);
    default: {
      const steps = stepsOf(node, w) as Steps;
      const bias = () => layers.biasAdjoint(graph, dy);
      return isDepthwise(node, x, w)
        ? [() => depthwiseInputAdjoint(graph, x, w, dy, block, steps), () => depthwiseKernelAdjoint(graph, x, w, dy, steps), bias]
        : [
            () => convolutionInputAdjoint(graph, w, dy, block, steps, [size(x, 2), size(x, 3)]),
            () => convolutionKernelAdjoint(graph, x, dy, block, steps, size(w, 2)),
            bias,
          ];
    }
  }
}

function denseAdjoints(graph: Graph, { attributes: { transB = 0 } }: OnnxNode, x: Tensor, w: Tensor, dy: Tensor) {
  const bias = () => layers.biasAdjoint(graph, dy);
  return transB === 0
    ? [() => layers.denseInputAdjoint(graph, w, dy), () => layers.denseKernelAdjoint(graph, x, dy), bias]
    : [() => graph.node('MatMul', [dy, w], x.dims), () => layers.denseKernelAdjoint(graph, dy, x), bias];
}

/** y = scale · (x − mean) / √(variance + ε) + shift. */
function normalisationAdjoints(graph: Graph, node: OnnxNode, inputs: readonly Tensor[], dy: Tensor): readonly (() => Tensor)[] {
  const [x, scale, , mean, variance] = inputs as [Tensor, Tensor, Tensor, Tensor, Tensor];
  const channels = [1, size(x, 1), ...x.dims.slice(2).map(() => 1)];
  const { epsilon = 1e-5 } = node.attributes;
  const each = (tensor: Tensor) => reshape(graph, tensor, channels);
  const spread = graph.node(
    'Sqrt',
    [graph.node('Add', [variance, graph.constant(Float32Array.of(Number(epsilon)), [])], variance.dims)],
    variance.dims,
  );
  const normal = () => graph.node('Div', [graph.node('Sub', [x, each(mean)], x.dims), each(spread)], x.dims);
  return [
    () => graph.node('Mul', [dy, each(graph.node('Div', [scale, spread], scale.dims))], x.dims),
    () => layers.biasAdjoint(graph, graph.node('Mul', [dy, normal()], x.dims)),
    () => layers.biasAdjoint(graph, dy),
  ];
}

/** Undefined where rows and columns differ, which no network that we know does. */
function stepsOf(node: OnnxNode, w: Tensor): Steps | undefined {
  const same = (name: string, otherwise: number) => {
    const [first = otherwise, ...rest] = several(node, name, [otherwise]);
    return rest.every((value) => value === first) ? first : undefined;
  };
  const [stride, pad, dilation] = [same('strides', 1), same('pads', 0), same('dilations', 1)];
  if (stride === undefined || pad === undefined || dilation !== 1 || size(w, 2) !== size(w, 3)) return undefined;
  return { stride, pad };
}

/** One kernel for each channel. */
const isDepthwise = ({ attributes: { group = 1 } }: OnnxNode, x: Tensor, w: Tensor) =>
  group === size(x, 1) && size(w, 1) === 1 && size(w, 0) === size(x, 1) && size(x, 1) > 1;

function convolved(graph: Graph, node: OnnxNode, inputs: readonly Tensor[], block: Block): Tensor {
  const [x, w, b] = inputs as [Tensor, Tensor, Tensor | undefined];
  const steps = stepsOf(node, w);
  const [group = 1] = several(node, 'group', [1]);
  if (!steps || !(isDepthwise(node, x, w) || (group === 1 && size(w, 1) === size(x, 1))))
    throw new Fault(
      'model-unfit',
      `The network has a convolution that cannot be trained on here: ${w.dims.join(' × ')} in ${group} groups`,
    );
  return isDepthwise(node, x, w) ? depthwise(graph, x, w, b, block, steps) : convolution(graph, x, w, b, block, steps);
}
