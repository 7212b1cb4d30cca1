/** The losses that training minimises, over a batch of pairs, in ONNX operators, each with its adjoint. */
import type { Graph, Tensor } from './onnx-graph.ts';

const number = (graph: Graph, value: number) => graph.constant(Float32Array.of(value), []);
const mean = (graph: Graph, x: Tensor) => graph.node({ op: 'ReduceMean', attributes: { keepdims: 0 } }, [x], []);
const pairsOf = (x: Tensor) => x.dims[0] ?? 1;

/** A loss and its gradient with respect to its input. */
export interface Loss {
  readonly loss: Tensor;
  readonly gradient: Tensor;
}

/** Mean binary cross-entropy of sigmoid(logit) against `labels`, as softplus(z) − y·z, which stays finite. */
export function binaryCrossEntropy(graph: Graph, logits: Tensor, labels: Tensor): Loss {
  const each = graph.node(
    'Sub',
    [graph.node('Softplus', [logits], logits.dims), graph.node('Mul', [labels, logits], logits.dims)],
    logits.dims,
  );
  const error = graph.node('Sub', [graph.node('Sigmoid', [logits], logits.dims), labels], logits.dims);
  return { loss: mean(graph, each), gradient: graph.node('Mul', [error, number(graph, 1 / pairsOf(logits))], logits.dims) };
}

/**
 * Contrastive loss (Hadsell, Chopra, LeCun 2006, eq. 4; here label 1 is "the same"): the mean of y·½D² + (1 −
 * y)·½max(0, m − D)², where D is the Euclidean length of `difference`. The gradient is with respect to the
 * difference.
 */
export function contrastive(graph: Graph, difference: Tensor, labels: Tensor, margin: number): Loss {
  const dims = [pairsOf(difference), 1];
  const binary = (op: string, a: Tensor, b: Tensor) => graph.node(op, [a, b], dims);
  const squared = graph.node('ReduceSum', [graph.node('Mul', [difference, difference], difference.dims), graph.integers([1])], dims);
  // D has no derivative at 0; the tiny addend keeps the quotient below finite for two equal pictures.
  const distance = graph.node('Sqrt', [binary('Add', squared, number(graph, 1e-12))], dims);
  const short = graph.node('Relu', [binary('Sub', number(graph, margin), distance)], dims);
  const other = binary('Sub', number(graph, 1), labels);
  const each = binary('Add', binary('Mul', labels, binary('Mul', distance, distance)), binary('Mul', other, binary('Mul', short, short)));
  const dDistance = binary('Sub', binary('Mul', labels, distance), binary('Mul', other, short));
  const perUnit = binary('Mul', binary('Div', dDistance, distance), number(graph, 1 / pairsOf(difference)));
  return {
    loss: graph.node('Mul', [mean(graph, each), number(graph, 0.5)], []),
    gradient: graph.node('Mul', [difference, perUnit], difference.dims),
  };
}
