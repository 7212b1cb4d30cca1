/**
 * The parts of an ONNX model that training needs. In: its bytes. Out: nodes, weights and shapes, and the bytes with
 * other weights of the same shapes. Only what is in the file itself is read: no external data, no subgraphs.
 */
import { Fault } from '../../base/errors.ts';
import { requireSelfContained } from '../../base/model/onnx.ts';
import { type Field, fieldsOf } from '../../base/model/protobuf.ts';

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, number | readonly number[]>>;
}

/** Float32 numbers of the model. */
export interface OnnxWeight {
  readonly dims: readonly number[];
  readonly numbers: Float32Array;
}

export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  readonly weights: ReadonlyMap<string, OnnxWeight>;
  /** Sizes of the inputs that are not weights; 0 for an open size (the batch). */
  readonly inputs: ReadonlyMap<string, readonly number[]>;
  readonly outputs: readonly string[];
  /**
   * The bytes of the model with these numbers as the weights of the same names; others stay. Throws RangeError for
   * other sizes.
   */
  withWeights(weights: ReadonlyMap<string, Float32Array>): Uint8Array;
}

// Field numbers and types: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
const float32 = 1;

/** Throws Fault `model-unfit` where the bytes are not an ONNX model, or its numbers are not in them. */
export function readOnnx(bytes: Uint8Array): OnnxModel {
  try {
    requireSelfContained(bytes, 'to train on');
    return read(bytes);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('model-unfit', 'The network is not an ONNX model that can be read', error);
  }
}

function read(bytes: Uint8Array): OnnxModel {
  const graph = one(fieldsOf(bytes), 7);
  if (!graph) throw new Fault('model-unfit', 'The network is not an ONNX model: it has no graph');
  const fields = [...fieldsOf(graph)];
  const places = new Map(all(fields, 5).flatMap(placeOf));
  const weights = new Map([...places].map(([name, { dims, raw }]) => [name, { dims, numbers: numbersOf(raw) }]));
  const inputs = new Map(all(fields, 11).map(shapeOf));
  return {
    nodes: all(fields, 1).map(nodeOf),
    weights,
    inputs: new Map([...inputs].filter(([name]) => !weights.has(name))),
    outputs: all(fields, 12).map((output) => text(one(fieldsOf(output), 1))),
    withWeights: (replacing) => {
      const copy = Uint8Array.from(bytes);
      for (const [name, numbers] of replacing) {
        const raw = places.get(name)?.raw;
        if (raw?.length !== numbers.byteLength) throw new RangeError(`weights ${name}: ${numbers.byteLength} bytes, not ${raw?.length}`);
        copy.set(new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength), raw.byteOffset - bytes.byteOffset);
      }
      return copy;
    },
  };
}

const all = (fields: Iterable<Field>, number: number) =>
  [...fields].flatMap((field) => (field.number === number && field.value instanceof Uint8Array ? [field.value] : []));
const one = (fields: Iterable<Field>, number: number) => all(fields, number)[0];
const text = (value: Uint8Array | undefined) => new TextDecoder().decode(value);

/** Whole numbers, each in its own field or packed into one. */
function wholes(fields: Iterable<Field>, number: number): number[] {
  return [...fields].flatMap((field) => {
    if (field.number !== number) return [];
    return field.value instanceof Uint8Array ? [...varintsOf(field.value)] : [Number(BigInt.asIntN(64, field.value))];
  });
}

function* varintsOf(packed: Uint8Array): Generator<number> {
  let [value, shift] = [0n, 0n];
  for (const byte of packed) {
    value |= BigInt(byte & 127) << shift;
    shift += 7n;
    if (byte < 128) {
      yield Number(BigInt.asIntN(64, value));
      [value, shift] = [0n, 0n];
    }
  }
}

function nodeOf(node: Uint8Array): OnnxNode {
  const fields = [...fieldsOf(node)];
  const attributes = all(fields, 5).flatMap((attribute) => {
    const parts = [...fieldsOf(attribute)];
    const value = attributeOf(parts);
    return value === undefined ? [] : [[text(one(parts, 1)), value] as const];
  });
  const domain = text(one(fields, 7));
  return {
    op: `${domain && `${domain}.`}${text(one(fields, 4))}`,
    inputs: all(fields, 1).map(text),
    outputs: all(fields, 2).map(text),
    attributes: Object.fromEntries(attributes),
  };
}

/** A float, a whole number or several; undefined for attributes that no layer here has. */
function attributeOf(parts: readonly Field[]): number | readonly number[] | undefined {
  const real = one(parts, 2);
  if (real) return new DataView(real.buffer, real.byteOffset).getFloat32(0, true);
  const several = wholes(parts, 8);
  return several.length > 0 ? several : wholes(parts, 3)[0];
}

/** The bytes of a tensor's numbers; nothing for tensors of other types (shapes, axes). */
function placeOf(tensor: Uint8Array): readonly (readonly [string, { readonly dims: readonly number[]; readonly raw: Uint8Array }])[] {
  const fields = [...fieldsOf(tensor)];
  const [name, dims, raw] = [text(one(fields, 8)), wholes(fields, 1), one(fields, 9)];
  if (wholes(fields, 2)[0] !== float32) return [];
  if (raw?.length !== 4 * dims.reduce((product, size) => product * size, 1))
    throw new Fault(
      'model-unfit',
      `The weights ${name} are not in the ONNX file itself as raw numbers: such a network cannot be trained on`,
    );
  return [[name, { dims, raw }]];
}

/** A copy, because raw bytes are not aligned. */
const numbersOf = (raw: Uint8Array) => new Float32Array(Uint8Array.from(raw).buffer);

function shapeOf(input: Uint8Array): readonly [string, readonly number[]] {
  const fields = [...fieldsOf(input)];
  const type = one(fieldsOf(one(fields, 2) ?? new Uint8Array()), 1) ?? new Uint8Array();
  const shape = one(fieldsOf(type), 2) ?? new Uint8Array();
  return [text(one(fields, 1)), all(fieldsOf(shape), 1).map((dimension) => wholes(fieldsOf(dimension), 1)[0] ?? 0)];
}
