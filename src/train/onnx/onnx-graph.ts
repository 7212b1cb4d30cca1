/**
 * A graph of ONNX operators built call by call: inputs, constants and nodes go in, the bytes of an ONNX model come out.
 * Every shape is known when its node is written, so that the runtime can plan all memory before the first run.
 */
import { bytes, encode, float, integer, type Message, message, text } from './protobuf.ts';

/** A value that flows through the graph. */
export interface Tensor {
  readonly name: string;
  readonly dims: readonly number[];
}

export type Attribute = number | string | readonly number[] | { readonly float: number };

/** A node's operator, with its domain where that is not ONNX's own: `ReorderInput` of `com.microsoft.nchwc`. */
export interface Operator {
  readonly op: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

export interface Graph {
  input(name: string, dims: readonly number[]): Tensor;
  /** Float32 numbers that belong to the model. */
  constant(data: Float32Array, dims: readonly number[]): Tensor;
  /** The same, kept as float16: half the file, 11 bits of each number. The runtime makes them float32 once, when it opens the model. */
  half(data: Float32Array, dims: readonly number[]): Tensor;
  /** Whole numbers (shapes, axes) that belong to the model. */
  integers(data: readonly number[]): Tensor;
  /** A node with one output of shape `dims`. */
  node(operator: string | Operator, inputs: readonly Tensor[], dims: readonly number[]): Tensor;
  /** A node with several outputs. */
  nodes(operator: string | Operator, inputs: readonly Tensor[], dims: readonly (readonly number[])[]): readonly Tensor[];
  /** Makes `tensor` an output of the graph under `name`. */
  output(name: string, tensor: Tensor): void;
  encode(): Uint8Array;
}

// Field numbers and types: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
const irVersion = 8;
const opset = 17;
const elementTypes = { float: 1, int64: 7, float16: 10 } as const;
const attributeTypes = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** An empty graph. */
export function newGraph(name: string): Graph {
  const nodes: { operator: Operator; inputs: readonly Tensor[]; outputs: readonly Tensor[] }[] = [];
  const initializers: Message[] = [];
  const inputs: Tensor[] = [];
  const outputs: Tensor[] = [];
  let values = 0;
  const value = (dims: readonly number[]): Tensor => ({ name: `t${values++}`, dims });

  const several: Graph['nodes'] = (operator, ins, dims) => {
    const made = dims.map(value);
    nodes.push({ operator: typeof operator === 'string' ? { op: operator } : operator, inputs: ins, outputs: made });
    return made;
  };
  const one: Graph['node'] = (operator, ins, dims) => several(operator, ins, [dims])[0] as Tensor;

  return {
    input: (inputName, dims) => {
      const tensor = { name: inputName, dims };
      inputs.push(tensor);
      return tensor;
    },
    constant: (data, dims) => {
      const tensor = value(dims);
      initializers.push(initializer(tensor, elementTypes.float, data));
      return tensor;
    },
    half: (data, dims) => {
      const kept = value(dims);
      initializers.push(initializer(kept, elementTypes.float16, new Float16Array(data)));
      return one({ op: 'Cast', attributes: { to: elementTypes.float } }, [kept], dims);
    },
    integers: (data) => {
      const tensor = value([data.length]);
      initializers.push(initializer(tensor, elementTypes.int64, BigInt64Array.from(data, BigInt)));
      return tensor;
    },
    node: one,
    nodes: several,
    output: (outputName, tensor) => {
      const named = { name: outputName, dims: tensor.dims };
      outputs.push(named);
      nodes.push({ operator: { op: 'Identity' }, inputs: [tensor], outputs: [named] });
    },
    encode: () => {
      const domains = new Set(nodes.map(({ operator }) => operator.domain ?? ''));
      return encode(
        integer(1, irVersion),
        text(2, 'facelatch'),
        message(
          7,
          ...nodes.map(({ operator, inputs: ins, outputs: outs }, index) => nodeProto(operator, ins, outs, index)),
          text(2, name),
          ...initializers,
          ...inputs.map((tensor) => message(11, ...valueInfo(tensor))),
          ...outputs.map((tensor) => message(12, ...valueInfo(tensor))),
        ),
        ...[...domains].map((domain) => message(8, text(1, domain), integer(2, domain === '' ? opset : 1))),
      );
    },
  };
}

function initializer(tensor: Tensor, type: number, data: Float32Array | Float16Array | BigInt64Array): Message {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return message(5, ...tensor.dims.map((size) => integer(1, size)), integer(2, type), text(8, tensor.name), bytes(9, raw));
}

function nodeProto(operator: Operator, inputs: readonly Tensor[], outputs: readonly Tensor[], index: number): Message {
  return message(
    1,
    ...inputs.map((tensor) => text(1, tensor.name)),
    ...outputs.map((tensor) => text(2, tensor.name)),
    text(3, `${operator.op}_${index}`),
    text(4, operator.op),
    ...Object.entries(operator.attributes ?? {}).map(([name, value]) => message(5, ...attributeProto(name, value))),
    text(7, operator.domain ?? ''),
  );
}

function attributeProto(name: string, value: Attribute): Message[] {
  if (typeof value === 'number') return [text(1, name), integer(3, value), integer(20, attributeTypes.int)];
  if (typeof value === 'string') return [text(1, name), text(4, value), integer(20, attributeTypes.string)];
  if ('float' in value) return [text(1, name), float(2, value.float), integer(20, attributeTypes.float)];
  return [text(1, name), ...value.map((item) => integer(8, item)), integer(20, attributeTypes.ints)];
}

function valueInfo(tensor: Tensor): Message[] {
  const shape = message(2, ...tensor.dims.map((size) => message(1, integer(1, size))));
  return [text(1, tensor.name), message(2, message(1, integer(1, elementTypes.float), shape))];
}
