/**
 * The part of the Protocol Buffers wire format that an ONNX model needs: fields in, bytes out, and back
 * (https://protobuf.dev/programming-guides/encoding/). It is written here because our models need a hundred lines of
 * the format; the libraries bring a schema compiler and copy every weight twice.
 */

/** A message or a part of one: byte strings in order. */
export type Message = readonly Uint8Array[];

/** Field of a whole number (int32, int64, enum); negative numbers as 64-bit two's complement. */
export function integerField(field: number, value: number | bigint): Message {
  return [key(field, 0), varint(BigInt(value))];
}

export function floatField(field: number, value: number): Message {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [key(field, 5), bytes];
}

export function textField(field: number, value: string): Message {
  return bytesField(field, new TextEncoder().encode(value));
}

/** Field of bytes, without a copy. */
export function bytesField(field: number, value: Uint8Array): Message {
  return [key(field, 2), varint(BigInt(value.length)), value];
}

/** Field of a message made of `parts`. */
export function messageField(field: number, ...parts: readonly Message[]): Message {
  const inside = parts.flat();
  return [key(field, 2), varint(BigInt(lengthOf(inside))), ...inside];
}

/** The one byte string of a message. */
export function encode(...parts: readonly Message[]): Uint8Array {
  const all = parts.flat();
  const out = new Uint8Array(lengthOf(all));
  let at = 0;
  for (const part of all) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** One field: a whole number, or the bytes of anything else. */
export interface Field {
  readonly number: number;
  readonly value: bigint | Uint8Array;
}

/** The fields of a message in order, without a copy. Throws RangeError where the bytes end within a field. */
export function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 63n) throw new RangeError('a message ends within a number');
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  const take = (length: number) => {
    if (length > bytes.length - at) throw new RangeError('a message ends within a field');
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const [number, wireType] = [tag >>> 3, tag & 7];
    if (wireType === 0) yield { number, value: varint() };
    else if (wireType === 2) yield { number, value: take(Number(varint())) };
    else if (wireType === 5) yield { number, value: take(4) };
    else if (wireType === 1) yield { number, value: take(8) };
    else throw new RangeError(`a field of wire type ${wireType}`);
  }
}

const key = (field: number, wireType: 0 | 2 | 5) => varint(BigInt((field << 3) | wireType));

const lengthOf = (parts: Message) => parts.reduce((sum, part) => sum + part.length, 0);

function varint(value: bigint): Uint8Array {
  const out: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest > 127n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  out.push(Number(rest));
  return Uint8Array.from(out);
}
