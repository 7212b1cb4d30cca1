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
import { biasAdjoint, denseInputAdjoint, denseKernelAdjoint, relu, reluAdjoint } from './layers.ts';
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
export function layerShapes(model: OnnxModel, dims: readonly number[]): ReadonlyMap<string, readonly number[]> {
  const graph = newGraph('shapes');
  const { steps } = runForward(graph, model, graph.input('pictures', dims), { learned: () => false });
  const shapes = steps.flatMap(({ node: { op, inputs }, output }) =>
    (op === 'BatchNormalization' ? inputs.slice(1, 3) : inputs).flatMap((name) =>
      model.weights.has(name) ? [[name, output.dims] as const] : [],
    ),
  );
  return new Map(shapes);
}

export interface ForwardOptions {
  /** Which weights are learned: these are inputs of the graph, the others are part of it. */
  readonly learned: (name: string) => boolean;
  readonly block?: Block;
}

/**
 * Runs the nodes of the model on `x` (rows × channels × height × width). Throws Fault `model-unfit` for a model with
 * several inputs or outputs, or with an operator that has no adjoint here. Conv (of one group, or depthwise over the
 * whole picture), Relu, Add, Flatten, MatMul and BatchNormalization have one.
 */
export function runForward(graph: Graph, model: OnnxModel, x: Tensor, { learned, block = 0 }: ForwardOptions): Trace {
  const [input, ...others] = model.inputs.keys();
  const [outputName, ...more] = model.outputs;
  if (input === undefined || outputName === undefined || others.length + more.length > 0)
    throw new Fault('model-unfit', 'A network that has more than one input or output cannot be trained on');
  const weights = new Map<string, Tensor>();
  const values = new Map<string, Tensor>([[input, x]]);
  for (const [name, { dims, numbers }] of model.weights) {
    const tensor = learned(name) ? graph.input(`w:${name}`, dims) : graph.constant(numbers, dims);
    if (learned(name)) weights.set(name, tensor);
    values.set(name, tensor);
  }
  const steps: Step[] = [];
  for (const node of model.nodes) {
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
    const output = forward(graph, node, inputs, block);
    values.set(node.outputs[0] as string, output);
    steps.push({ node, inputs, output });
  }
  return { output: values.get(outputName) as Tensor, weights, steps, block };
}

/**
 * From the gradient with respect to the output to those with respect to the learned weights, by name. Computes only
 * what they need.
 */
export function runBackward(graph: Graph, { output, weights, steps, block }: Trace, dOutput: Tensor): ReadonlyMap<string, Tensor> {
  // What depends on a learned weight: its gradient comes only through these.
  const wanted = new Set([...weights.values()].map(({ name }) => name));
  for (const { inputs, output: y } of steps) if (inputs.some(({ name }) => wanted.has(name))) wanted.add(y.name);
  const gradients = new Map<string, Tensor>([[output.name, dOutput]]);
  for (const step of steps.toReversed()) {
    const dy = gradients.get(step.output.name);
    if (!dy || !wanted.has(step.output.name)) continue;
    const adjoint = adjoints(graph, step, dy, block);
    for (const [index, to] of step.inputs.entries()) {
      const dx = wanted.has(to.name) ? adjoint[index]?.() : undefined;
      if (!dx) continue;
      const before = gradients.get(to.name);
      gradients.set(to.name, before ? graph.node('Add', [before, dx], to.dims) : dx);
    }
  }
  return new Map([...weights].map(([name, weight]) => [name, gradients.get(weight.name) as Tensor]));
}

function forward(graph: Graph, node: OnnxNode, inputs: readonly Tensor[], block: Block): Tensor {
  const [x, w] = inputs as [Tensor, Tensor];
  switch (node.op) {
    case 'Relu':
      return relu(graph, x);
    case 'Add':
      if (String(x.dims) !== String(w.dims)) break;
      return graph.node('Add', [x, w], x.dims);
    case 'Flatten':
      return reshape(graph, x, [size(x, 0), x.dims.slice(1).reduce((product, n) => product * n, 1)]);
    case 'MatMul':
      if (x.dims.length !== 2 || w.dims.length !== 2) break;
      return graph.node('MatMul', [x, w], [size(x, 0), size(w, 1)]);
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
      return [() => reluAdjoint(graph, y, dy)];
    case 'Add':
      return [() => dy, () => dy];
    case 'Flatten':
      return [() => reshape(graph, dy, x.dims)];
    case 'MatMul':
      return [() => denseInputAdjoint(graph, w, dy), () => denseKernelAdjoint(graph, x, dy)];
    case 'BatchNormalization':
      return normalisationAdjoints(graph, node, inputs, dy);
    default: {
      const steps = stepsOf(node, w) as Steps;
      const bias = () => biasAdjoint(graph, dy);
      return isDepthwise(x, w)
        ? [() => graph.node('Mul', [dy, spread(graph, w, x)], x.dims), () => depthwiseKernelAdjoint(graph, x, w, dy), bias]
        : [
            () => convolutionInputAdjoint(graph, w, dy, block, steps, [size(x, 2), size(x, 3)]),
            () => convolutionKernelAdjoint(graph, x, dy, block, steps, size(w, 2)),
            bias,
          ];
    }
  }
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
    () => biasAdjoint(graph, graph.node('Mul', [dy, normal()], x.dims)),
    () => biasAdjoint(graph, dy),
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

/** One kernel per channel, as large as the picture. */
const isDepthwise = (x: Tensor, w: Tensor) =>
  size(w, 1) === 1 && size(x, 1) === size(w, 0) && size(x, 1) > 1 && size(w, 2) === size(x, 2) && size(w, 3) === size(x, 3);

/** A depthwise kernel as 1 × channels × height × width. */
const spread = (graph: Graph, w: Tensor, x: Tensor) => reshape(graph, w, [1, ...x.dims.slice(1)]);

function convolved(graph: Graph, node: OnnxNode, inputs: readonly Tensor[], block: Block): Tensor {
  const [x, w, b] = inputs as [Tensor, Tensor, Tensor | undefined];
  const steps = stepsOf(node, w);
  const [group = 1] = several(node, 'group', [1]);
  const depthwise = isDepthwise(x, w) && group === size(x, 1) && steps?.pad === 0;
  if (!steps || !(depthwise || (group === 1 && size(w, 1) === size(x, 1))))
    throw new Fault(
      'model-unfit',
      `The network has a convolution that cannot be trained on here: ${w.dims.join(' × ')} in ${group} groups`,
    );
  if (!depthwise) return convolution(graph, x, w, b, block, steps);
  const summed = graph.node(
    { op: 'ReduceSum', attributes: { keepdims: 1 } },
    [graph.node('Mul', [x, spread(graph, w, x)], x.dims), graph.integers([2, 3])],
    [size(x, 0), size(x, 1), 1, 1],
  );
  return b ? graph.node('Add', [summed, reshape(graph, b, [1, size(b, 0), 1, 1])], summed.dims) : summed;
}

/** dw[c, i, j] = Σ over rows of x[c, i, j] · dy[c]. */
function depthwiseKernelAdjoint(graph: Graph, x: Tensor, w: Tensor, dy: Tensor): Tensor {
  const product = graph.node('Mul', [x, dy], x.dims);
  return reshape(
    graph,
    graph.node({ op: 'ReduceSum', attributes: { keepdims: 0 } }, [product, graph.integers([0])], x.dims.slice(1)),
    w.dims,
  );
}
