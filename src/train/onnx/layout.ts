/**
 * Kernels of convolutions between the layouts of Keras (height × width × in × out) and ONNX (out × in × height ×
 * width).
 */
import type { Parameter } from '../port.ts';

/** Copies the numbers of a parameter from the layout of Keras into `to`, in that of ONNX. */
export function toOnnx({ dims }: Parameter, from: Float32Array, to: Float32Array): void {
  if (dims.length !== 4) to.set(from);
  else walk(dims, (keras, onnx) => copy(from, keras, to, onnx));
}

/** The reverse of `toOnnx`: a new array in the layout of Keras. */
export function toKeras({ dims }: Parameter, from: Float32Array): Float32Array {
  if (dims.length !== 4) return from.slice();
  const to = new Float32Array(from.length);
  walk(dims, (keras, onnx) => copy(from, onnx, to, keras));
  return to;
}

function copy(from: Float32Array, fromIndex: number, to: Float32Array, toIndex: number): void {
  to[toIndex] = from[fromIndex] ?? 0;
}

function walk([height = 1, width = 1, channels = 1, out = 1]: readonly number[], visit: (keras: number, onnx: number) => void): void {
  let keras = 0;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++) for (let o = 0; o < out; o++) visit(keras++, ((o * channels + c) * height + y) * width + x);
}
