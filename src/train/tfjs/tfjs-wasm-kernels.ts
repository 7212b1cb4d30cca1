/**
 * Kernels that TensorFlow.js's WebAssembly backend (4.22) lacks or gets wrong for training convolutions, made of
 * kernels that it has: the gradient of a convolution's filter (missing), that of maximum pooling (wrong), products of
 * transposed matrices (a plain triple loop).
 */
import type * as Tf from '@tensorflow/tfjs';
import type { KernelConfig, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs';

/** The part of the backend that is used here; its own type is not exported. */
interface WasmBackend {
  disposeData(id: object): unknown;
  makeOutput(shape: readonly number[], type: 'float32'): TensorInfo;
  typedArrayFromHeap(tensor: TensorInfo): Float32Array;
}
type Tensors = Record<string, TensorInfo>;
// biome-ignore lint/suspicious/noExplicitAny: the registry has no types of the kernels' attributes
type Attributes = Record<string, any>;
type Kernel = (call: { inputs: Tensors; backend: WasmBackend; attrs: Attributes }) => TensorInfo;

/** Registers the kernels with `tf`; calling it again is harmless. */
export function correctWasmKernels(tf: typeof Tf): void {
  const existing = (name: string): Kernel => tf.getKernel(name, 'wasm').kernelFunc as unknown as Kernel;
  const product = existing('BatchMatMul');
  put(tf, 'Conv2DBackpropFilter', filterGradient(tf, existing));
  put(tf, 'MaxPoolGrad', maxPoolGradient(tf));
  put(tf, 'BatchMatMul', matrixProduct(existing('Transpose'), product));
}

function put(tf: typeof Tf, kernelName: string, kernel: Kernel): void {
  if (tf.getKernel(kernelName, 'wasm')) tf.unregisterKernel(kernelName, 'wasm');
  const kernelFunc = kernel as unknown as KernelConfig['kernelFunc'];
  tf.registerKernel({ kernelName, backendName: 'wasm', kernelFunc });
}

/** dW = x convolved with dy, where batch and channels are exchanged and the stride becomes a dilation. */
function filterGradient(tf: typeof Tf, existing: (name: string) => Kernel): Kernel {
  return ({ inputs, backend, attrs }) => {
    const { x, dy } = inputs as { x: TensorInfo; dy: TensorInfo };
    const info = tf.backend_util.computeConv2DInfo(
      x.shape as Shape4,
      attrs.filterShape,
      attrs.strides,
      1,
      attrs.pad,
      attrs.dimRoundingMode,
    );
    const run = (name: string, tensors: Tensors, attributes: Attributes) => existing(name)({ inputs: tensors, backend, attrs: attributes });
    const { top, bottom, left, right } = info.padInfo;
    const paddings = [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ];
    const padded = run('PadV2', { x }, { paddings, constantValue: 0 });
    const pictures = run('Transpose', { x: padded }, { perm: [3, 1, 2, 0] });
    const filter = run('Transpose', { x: dy }, { perm: [1, 2, 0, 3] });
    const dilations = [info.strideHeight, info.strideWidth];
    const whole = run('Conv2D', { x: pictures, filter }, { strides: [1, 1], pad: 'valid', dataFormat: 'NHWC', dilations });
    const [height, width] = attrs.filterShape;
    const size = [whole.shape[0], height, width, whole.shape[3]];
    const cut = run('Slice', { x: whole }, { begin: [0, 0, 0, 0], size });
    const out = run('Transpose', { x: cut }, { perm: [1, 2, 0, 3] });
    for (const tensor of [padded, pictures, filter, whole, cut]) backend.disposeData(tensor.dataId);
    return out;
  };
}

type Shape4 = [number, number, number, number];

/**
 * The stock kernel starts its search at the smallest positive float, so it is wrong for windows without a positive
 * value, and it gives ties to the last. Here, as everywhere else, the first maximum gets the gradient.
 */
function maxPoolGradient(tf: typeof Tf): Kernel {
  return ({ inputs, backend, attrs }) => {
    const { dy, input } = inputs as { dy: TensorInfo; input: TensorInfo };
    const info = tf.backend_util.computePool2DInfo(
      input.shape as Shape4,
      attrs.filterSize,
      attrs.strides,
      1,
      attrs.pad,
      attrs.dimRoundingMode,
    );
    const out = backend.makeOutput(input.shape, 'float32');
    const [x, d, dx] = [input, dy, out].map((tensor) => backend.typedArrayFromHeap(tensor)) as [Float32Array, Float32Array, Float32Array];
    dx.fill(0);
    const { inHeight: h, inWidth: w, inChannels: channels, padInfo } = info;
    let at = 0;
    for (let n = 0; n < info.batchSize; n++)
      for (let row = 0; row < info.outHeight; row++)
        for (let column = 0; column < info.outWidth; column++) {
          const [y0, x0] = [row * info.strideHeight - padInfo.top, column * info.strideWidth - padInfo.left];
          const [top, bottom] = [Math.max(0, y0), Math.min(h, y0 + info.effectiveFilterHeight)];
          const [left, right] = [Math.max(0, x0), Math.min(w, x0 + info.effectiveFilterWidth)];
          for (let channel = 0; channel < channels; channel++) {
            let best = ((n * h + top) * w + left) * channels + channel;
            for (let y = top; y < bottom; y++)
              for (let place = ((n * h + y) * w + left) * channels + channel, i = left; i < right; i++, place += channels)
                if ((x[place] as number) > (x[best] as number)) best = place;
            dx[best] = (dx[best] as number) + (d[at++] as number);
          }
        }
    return out;
  };
}

/** Transposes first: the stock kernel is fast only for operands that are not transposed. */
function matrixProduct(transpose: Kernel, product: Kernel): Kernel {
  return (call) => {
    const { backend, attrs } = call;
    const { a, b } = call.inputs as { a: TensorInfo; b: TensorInfo };
    const flat = (tensor: TensorInfo) => tensor.shape.slice(0, -2).every((size) => size === 1);
    if (!(attrs.transposeA || attrs.transposeB) || !flat(a) || !flat(b)) return product(call);
    const turned = (x: TensorInfo) => {
      const perm = [...x.shape.keys()];
      perm.push(...perm.splice(-2).reverse());
      return transpose({ inputs: { x } satisfies NamedTensorInfoMap, backend, attrs: { perm } });
    };
    const [left, right] = [attrs.transposeA ? turned(a) : a, attrs.transposeB ? turned(b) : b];
    const out = product({ inputs: { a: left, b: right }, backend, attrs: { ...attrs, transposeA: false, transposeB: false } });
    if (left !== a) backend.disposeData(left.dataId);
    if (right !== b) backend.disposeData(right.dataId);
    return out;
  };
}
