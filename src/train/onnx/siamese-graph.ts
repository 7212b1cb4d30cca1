/**
 * The Siamese network as ONNX graphs: the twin alone (pictures in, embeddings out), and a whole training pass
 * (pictures, labels and weights in; loss and gradients out). Any ONNX runtime can run it, even one that has no
 * training.
 */

import {
  flattened,
  headInputs,
  type LayerRow,
  networkParameters,
  type PlacedConvolution,
  place,
  runningStatistics,
  sizeOf,
} from '../network/network.ts';
import type { Network, Objective, Weights } from '../port.ts';
import { type Block, convolution, convolutionInputAdjoint, convolutionKernelAdjoint, convolutionRelu } from './convolution.ts';
import * as layers from './layers.ts';
import { toOnnx } from './layout.ts';
import { binaryCrossEntropy, contrastive } from './losses.ts';
import { folded, type Normalised, normalise, normaliseAdjoint } from './normalisation.ts';
import { type Graph, newGraph, type Tensor } from './onnx-graph.ts';

/** Where the kernels and biases of a graph come from: an input of the graph, or a constant. */
type Source = (name: string, dims: readonly number[]) => Tensor;

interface ConvolutionTrace {
  readonly layer: PlacedConvolution;
  readonly kernel: Tensor;
  readonly x: Tensor;
  /** Where the batch's own statistics normalise. */
  readonly normalised?: Normalised;
  readonly rectified: Tensor;
  readonly pooled?: { readonly y: Tensor; readonly index?: Tensor };
}

interface Trace {
  readonly convolutions: readonly ConvolutionTrace[];
  readonly last: Tensor;
  readonly flat: Tensor;
  readonly kernel: Tensor;
  readonly embedding: Tensor;
}

/** The dims of a kernel in the layout of ONNX, from those of Keras. */
export const onnxDims = (dims: readonly number[]) => {
  const [height = 1, width = 1, channels = 1, out = 1] = dims;
  return dims.length === 4 ? [out, channels, height, width] : dims;
};

/** Pictures N × side × side × 3 through the twin; keeps what the adjoints need, for a pool as `located` says. */
function twin(graph: Graph, network: Network, pictures: Tensor, source: Source, block: Block, located: layers.Located): Trace {
  let x = graph.node(
    { op: 'Transpose', attributes: { perm: [0, 3, 1, 2] } },
    [pictures],
    [pictures.dims[0] ?? 1, 3, network.side, network.side],
  );
  const convolutions = place(network).map((layer): ConvolutionTrace => {
    const kernel = source(`${layer.name}/kernel`, [layer.filters, layer.inChannels, layer.size, layer.size]);
    const bias = source(`${layer.name}/bias`, [layer.filters]);
    const convolved = network.normalised
      ? throughNormalisation(graph, { layer, x, kernel, bias }, source, block, located !== 'no')
      : { rectified: convolutionRelu(graph, x, kernel, bias, block) };
    const { rectified } = convolved;
    const pooled = layer.pool && layers.maxPool(graph, rectified, layer.pool, located);
    const trace = { layer, kernel, x, ...convolved, ...(pooled && { pooled }) };
    x = pooled?.y ?? rectified;
    return trace;
  });
  const flat = layers.flatten(graph, x);
  const kernel = source('embedding/kernel', [flattened(network), network.units]);
  const bias = source('embedding/bias', [network.units]);
  return { convolutions, last: x, flat, kernel, embedding: layers.sigmoid(graph, layers.dense(graph, flat, kernel, bias)) };
}

/** In training the statistics of the batch normalise, else the running ones, folded into kernel and bias. */
function throughNormalisation(
  graph: Graph,
  { layer, x, kernel, bias }: Pick<ConvolutionTrace, 'layer' | 'x' | 'kernel'> & { readonly bias: Tensor },
  source: Source,
  block: Block,
  isTraining: boolean,
): { readonly normalised?: Normalised; readonly rectified: Tensor } {
  const of = (part: string) => source(`${layer.name}/${part}`, [layer.filters]);
  const scale = of('scale');
  if (!isTraining) {
    const one = folded(graph, kernel, { scale, shift: bias, mean: of('mean'), variance: of('variance') });
    return { rectified: convolutionRelu(graph, x, one.kernel, one.bias, block) };
  }
  const normalised = normalise(graph, convolution(graph, x, kernel, undefined, block), scale, bias);
  return { normalised, rectified: layers.relu(graph, normalised.y) };
}

/** `pictures` (count × side × side × 3) and every parameter of the twin in, `embeddings` (count × units) out. */
export function embeddingGraph(network: Network, count: number, block: Block): Uint8Array {
  const graph = newGraph(`${network.name}-twin`);
  const pictures = graph.input('pictures', [count, network.side, network.side, 3]);
  graph.output('embeddings', twin(graph, network, pictures, graph.input, block, 'no').embedding);
  return graph.encode();
}

/** The twin as a model with its weights inside: `pictures` (count × side × side × 3, 0…1) in, `embeddings` out. */
export function embeddingModel(network: Network, count: number, weights: Weights): Uint8Array {
  const graph = newGraph(`${network.name}-twin`);
  const pictures = graph.input('pictures', [count, network.side, network.side, 3]);
  // Block 0: the runtime itself blocks constant kernels.
  graph.output('embeddings', twin(graph, network, pictures, inside(network, weights, graph.constant), 0, 'no').embedding);
  return graph.encode();
}

/** Parameters as constants of the graph, added by `keep`. */
function inside(network: Network, weights: Weights, keep: Graph['constant']): Source {
  const parameters = networkParameters(network);
  return (name, dims) => {
    const numbers = new Float32Array(sizeOf(dims));
    const parameter = parameters.find((one) => one.name === name);
    if (parameter) toOnnx(parameter, weights.get(name) ?? numbers, numbers);
    return keep(numbers, dims);
  };
}

/**
 * The twin for a comparison of unit vectors, its weights inside as float16. In: one picture (1 × side × side × 3,
 * 0…1). Out: units + 1 numbers of length 1: the embedding e over √units (each number of e is in 0…1, so its length is
 * at most 1), and then √(1 − |e|²/units), which no head uses. |a − b| of two such vectors is that of the embeddings
 * over √units, so nothing is lost, as it would be by dividing each vector by its length.
 */
export function unitModel(network: Network, weights: Weights): Uint8Array {
  const graph = newGraph(`${network.name}-twin`);
  const { units } = network;
  const pictures = graph.input('pictures', [1, network.side, network.side, 3]);
  const { embedding } = twin(graph, network, pictures, inside(network, weights, graph.half), 0, 'no');
  const number = (value: number) => graph.constant(Float32Array.of(value), []);
  const scaled = graph.node('Mul', [embedding, number(1 / Math.sqrt(units))], [1, units]);
  const squares = graph.node('ReduceSum', [graph.node('Mul', [scaled, scaled], [1, units]), graph.integers([1])], [1, 1]);
  // Rounding may leave slightly less than 0.
  const left = graph.node('Relu', [graph.node('Sub', [number(1), squares], [1, 1])], [1, 1]);
  const rest = graph.node('Sqrt', [left], [1, 1]);
  graph.output('embeddings', graph.node({ op: 'Concat', attributes: { axis: 1 } }, [scaled, rest], [1, units + 1]));
  return graph.encode();
}

/** The table of layers, from the graph: shapes of one picture, and the sizes of the inputs that are parameters. */
export function describe(network: Network): readonly LayerRow[] {
  const graph = newGraph(network.name);
  const parameters = new Map<string, number>();
  const source: Source = (name, dims) => {
    const layer = name.slice(0, name.indexOf('/'));
    parameters.set(layer, (parameters.get(layer) ?? 0) + sizeOf(dims));
    return graph.input(name, dims);
  };
  const pictures = graph.input('pictures', [2, network.side, network.side, 3]);
  const trace = twin(graph, network, pictures, source, 0, 'float');
  const { distance, logits } = head(graph, network, trace.embedding, source);
  const picture = ({ dims: [, channels = 1, height = 1, width = 1] }: Tensor) => [height, width, channels];
  const row = (layer: string, shape: readonly number[]) => ({ layer, shape, parameters: parameters.get(layer) ?? 0 });
  return [
    row('input', pictures.dims.slice(1)),
    ...trace.convolutions.flatMap(({ layer, rectified, pooled }) => [
      row(layer.name, picture(rectified)),
      ...(pooled ? [row(layer.name.replace('conv', 'pool'), picture(pooled.y))] : []),
    ]),
    row('flatten', trace.flat.dims.slice(1)),
    row('embedding', trace.embedding.dims.slice(1)),
    row('distance', distance.dims.slice(1)),
    row('head', logits.dims.slice(1)),
  ];
}

function head(graph: Graph, network: Network, embedding: Tensor, source: Source) {
  const [first, second] = layers.halves(graph, embedding);
  const difference = graph.node('Sub', [first, second], first.dims);
  const distance = layers.l1Distance(graph, difference, network.distance);
  const kernel = source('head/kernel', [headInputs(network), 1]);
  return { difference, distance, kernel, logits: layers.dense(graph, distance, kernel, source('head/bias', [1])) };
}

export interface TrainingGraphOptions {
  readonly network: Network;
  readonly pairs: number;
  readonly objective: Objective;
  readonly block: Block;
  /**
   * `whole`: the gradient of the dense kernel itself. `factors`: its two factors, `embedding/input` (2·pairs × in)
   * and `embedding/delta` (2·pairs × units), whose product inputᵀ·delta it is: 1.7 MB instead of 151 MB for the
   * paper's network.
   */
  readonly denseGradient: 'whole' | 'factors';
  /** How the places of maxima are found. Default: `float`. */
  readonly located?: Exclude<layers.Located, 'no'>;
}

/**
 * Inputs: `pictures`, `labels` (pairs × 1), every parameter. Outputs: `loss`, and the gradient of each parameter as
 * `d:` + its name; where the network is normalised, the statistics of the batch as `s:` + their name.
 */
export function trainingGraph({ network, pairs, objective, block, denseGradient, located = 'float' }: TrainingGraphOptions): Uint8Array {
  const graph = newGraph(`${network.name}-training`);
  const pictures = graph.input('pictures', [2 * pairs, network.side, network.side, 3]);
  const labels = graph.input('labels', [pairs, 1]);
  const gradient = (name: string, tensor: Tensor) => graph.output(`d:${name}`, tensor);
  const trace = twin(graph, network, pictures, graph.input, block, located);

  const dDifference =
    objective.loss === 'bce' ? throughHead(graph, network, trace, labels) : throughDistance(graph, trace, labels, objective);
  const dSum = layers.sigmoidAdjoint(graph, trace.embedding, layers.halvesAdjoint(graph, dDifference));
  if (denseGradient === 'whole') gradient('embedding/kernel', layers.denseKernelAdjoint(graph, trace.flat, dSum));
  else {
    graph.output('embedding/input', trace.flat);
    graph.output('embedding/delta', dSum);
  }
  gradient('embedding/bias', layers.biasAdjoint(graph, dSum));

  let dy = layers.flattenAdjoint(graph, trace.last, layers.denseInputAdjoint(graph, trace.kernel, dSum));
  for (const step of trace.convolutions.toReversed()) dy = throughConvolution(graph, step, dy, block);
  return graph.encode();
}

function throughHead(graph: Graph, network: Network, trace: Trace, labels: Tensor): Tensor {
  const { difference, distance, kernel, logits } = head(graph, network, trace.embedding, graph.input);
  const { loss, gradient } = binaryCrossEntropy(graph, logits, labels);
  graph.output('loss', loss);
  graph.output('d:head/kernel', layers.denseKernelAdjoint(graph, distance, gradient));
  graph.output('d:head/bias', layers.biasAdjoint(graph, gradient));
  return layers.l1DistanceAdjoint(graph, difference, layers.denseInputAdjoint(graph, kernel, gradient));
}

function throughDistance(graph: Graph, trace: Trace, labels: Tensor, objective: Objective): Tensor {
  const [first, second] = layers.halves(graph, trace.embedding);
  const { loss, gradient } = contrastive(graph, graph.node('Sub', [first, second], first.dims), labels, objective.margin);
  graph.output('loss', loss);
  return gradient;
}

/**
 * Gradient with respect to the convolution's input. The adjoint of the ReLU goes before that of the pool, and the
 * bias's is taken there: the same numbers, at a quarter of the places.
 */
function throughConvolution(graph: Graph, step: ConvolutionTrace, dy: Tensor, block: Block): Tensor {
  const { layer, kernel, x, normalised, rectified, pooled } = step;
  const masked = layers.reluAdjoint(graph, pooled?.y ?? rectified, dy);
  graph.output(`d:${layer.name}/bias`, layers.biasAdjoint(graph, masked));
  const dRectified = pooled?.index && layer.pool ? layers.maxPoolAdjoint(graph, rectified, pooled.index, masked, layer.pool) : masked;
  const dz = normalised ? throughStatistics(graph, layer.name, normalised, dRectified) : dRectified;
  graph.output(`d:${layer.name}/kernel`, convolutionKernelAdjoint(graph, x, dz, block));
  // The input of the first layer is the picture: its gradient is not needed.
  return layer.name === 'conv1' ? dy : convolutionInputAdjoint(graph, kernel, dz, block);
}

/** Gradient with respect to what was normalised. */
function throughStatistics(graph: Graph, name: string, normalised: Normalised, dy: Tensor): Tensor {
  const { dx, dScale } = normaliseAdjoint(graph, normalised, dy);
  graph.output(`d:${name}/scale`, dScale);
  for (const part of runningStatistics) graph.output(`s:${name}/${part}`, normalised[part]);
  return dx;
}
