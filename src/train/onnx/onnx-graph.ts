/**
 * A graph of ONNX operators, built call by call. In: inputs, constants and nodes. Out: the bytes of an ONNX model.
 * Every shape is known when its node is written, so the runtime can plan all memory before the first run.
 */
import { bytesField, encode, floatField, integerField, type Message, messageField, textField } from '../../base/model/protobuf.ts';

/** A value that flows through the graph. */
export interface Tensor {
  readonly name: string;
  readonly dims: readonly number[];
}

export type Attribute = number | string | readonly number[] | { readonly float: number };

/** The operator of a node, with its domain where it is not ONNX's own: `ReorderInput` of `com.microsoft.nchwc`. */
export interface OnnxOperator {
  readonly op: string;
  readonly domain?: string;
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

export interface Graph {
  input(name: string, dims: readonly number[]): Tensor;
  /** Float32 numbers in the model. */
  constant(data: Float32Array, dims: readonly number[]): Tensor;
  /**
   * As `constant`, stored as float16: half the file, 11 bits of each number. The runtime converts them once, when it
   * opens the model.
   */
  half(data: Float32Array, dims: readonly number[]): Tensor;
  /** Whole numbers (shapes, axes) in the model. */
  integers(data: readonly number[]): Tensor;
  /** A node with one output of shape `dims`. */
  node(operator: string | OnnxOperator, inputs: readonly Tensor[], dims: readonly number[]): Tensor;
  /** A node with several outputs. */
  nodes(operator: string | OnnxOperator, inputs: readonly Tensor[], dims: readonly (readonly number[])[]): readonly Tensor[];
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
  const nodes: { operator: OnnxOperator; inputs: readonly Tensor[]; outputs: readonly Tensor[] }[] = [];
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
        integerField(1, irVersion),
        textField(2, 'facelatch'),
        messageField(
          7,
          ...nodes.map(({ operator, inputs: ins, outputs: outs }, index) => nodeProto(operator, ins, outs, index)),
          textField(2, name),
          ...initializers,
          ...inputs.map((tensor) => messageField(11, ...valueInfo(tensor))),
          ...outputs.map((tensor) => messageField(12, ...valueInfo(tensor))),
        ),
        ...[...domains].map((domain) => messageField(8, textField(1, domain), integerField(2, domain === '' ? opset : 1))),
      );
    },
  };
}

function initializer(tensor: Tensor, type: number, data: Float32Array | Float16Array | BigInt64Array): Message {
  const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return messageField(
    5,
    ...tensor.dims.map((size) => integerField(1, size)),
    integerField(2, type),
    textField(8, tensor.name),
    bytesField(9, raw),
  );
}

function nodeProto(operator: OnnxOperator, inputs: readonly Tensor[], outputs: readonly Tensor[], index: number): Message {
  return messageField(
    1,
    ...inputs.map((tensor) => textField(1, tensor.name)),
    ...outputs.map((tensor) => textField(2, tensor.name)),
    textField(3, `${operator.op}_${index}`),
    textField(4, operator.op),
    ...Object.entries(operator.attributes ?? {}).map(([name, value]) => messageField(5, ...attributeProto(name, value))),
    textField(7, operator.domain ?? ''),
  );
}

function attributeProto(name: string, value: Attribute): Message[] {
  if (typeof value === 'number') return [textField(1, name), integerField(3, value), integerField(20, attributeTypes.int)];
  if (typeof value === 'string') return [textField(1, name), textField(4, value), integerField(20, attributeTypes.string)];
  if ('float' in value) return [textField(1, name), floatField(2, value.float), integerField(20, attributeTypes.float)];
  return [textField(1, name), ...value.map((item) => integerField(8, item)), integerField(20, attributeTypes.ints)];
}

function valueInfo(tensor: Tensor): Message[] {
  const shape = messageField(2, ...tensor.dims.map((size) => messageField(1, integerField(1, size))));
  return [textField(1, tensor.name), messageField(2, messageField(1, integerField(1, elementTypes.float), shape))];
}
