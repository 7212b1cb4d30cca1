/**
 * As much of the Protocol Buffers wire format as an ONNX model needs: fields in, bytes out
 * (https://protobuf.dev/programming-guides/encoding/). Written here because the models we write are a hundred
 * lines of format: the libraries bring a schema compiler, and copy every weight twice.
 */

/** One message, or part of one: byte strings in order. */
export type Message = readonly Uint8Array[];

/** Field of a whole number (int32, int64, enum); not negative, or a 64-bit two's complement where it is. */
export function integer(field: number, value: number | bigint): Message {
  return [key(field, 0), varint(BigInt(value))];
}

export function float(field: number, value: number): Message {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return [key(field, 5), bytes];
}

export function text(field: number, value: string): Message {
  return bytes(field, new TextEncoder().encode(value));
}

/** Field of bytes; they are not copied. */
export function bytes(field: number, value: Uint8Array): Message {
  return [key(field, 2), varint(BigInt(value.length)), value];
}

/** Field of a message made of `parts`. */
export function message(field: number, ...parts: readonly Message[]): Message {
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
