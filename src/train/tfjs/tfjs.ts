/**
 * TensorFlow.js on the best backend of this machine: the native one, else WebAssembly; or the one that was asked for.
 */
import { createRequire } from 'node:module';
import { dirname, join, sep } from 'node:path';
import type * as Tf from '@tensorflow/tfjs';
import { Fault } from '../../base/errors.ts';
import { correctWasmKernels } from './tfjs-wasm-kernels.ts';

export type TensorFlow = typeof Tf;

/**
 * `auto`: native where its library is installed, else `wasm`. `cpu` is plain JavaScript: slow, for small networks and
 * checks.
 */
export type TfDevice = 'auto' | 'wasm' | 'cpu' | 'webgpu';

const require = createRequire(import.meta.url);

/** Throws Fault `tool-missing` where the optional packages are not installed. */
export async function openTensorFlow(device: TfDevice): Promise<TensorFlow> {
  if (device === 'auto') {
    const native = load('@tensorflow/tfjs-node');
    if (native) return native;
  }
  const tf = load('@tensorflow/tfjs');
  if (!tf)
    throw new Fault('tool-missing', 'TensorFlow.js is not installed: run `npm install @tensorflow/tfjs`, or train with --engine onnx.');
  const backend = device === 'auto' ? 'wasm' : device;
  if (backend === 'wasm') findWasm();
  if (backend === 'webgpu') await openWebGpu();
  if (!(await tf.setBackend(backend)))
    throw new Fault('tool-missing', `TensorFlow.js has no ${backend} backend here: choose another with --device.`);
  await tf.ready();
  if (backend === 'wasm') correctWasmKernels(tf); // not earlier: a stock kernel is set up when its backend starts
  return tf;
}

function load(name: string): TensorFlow | undefined {
  try {
    return require(name) as TensorFlow;
  } catch {
    return undefined; // not installed, or installed without its native library
  }
}

function findWasm(): void {
  const name = '@tensorflow/tfjs-backend-wasm';
  let wasm: { setWasmPaths(folder: string): void };
  try {
    wasm = require(name);
  } catch (error) {
    throw new Fault(
      'tool-missing',
      `The package ${name} is not installed: run \`npm install ${name}\`, or train with --engine onnx.`,
      error,
    );
  }
  wasm.setWasmPaths(join(dirname(require.resolve(`${name}/package.json`)), 'dist') + sep);
}

/** Dawn, Chromium's WebGPU, as an npm package; TensorFlow.js looks for it where a browser has it. */
async function openWebGpu(): Promise<void> {
  try {
    const { create, globals } = require('webgpu') as { create(flags: string[]): object; globals: object };
    Object.assign(globalThis, globals);
    Object.defineProperty(globalThis, 'navigator', { value: { gpu: create([]) }, configurable: true });
    require('@tensorflow/tfjs-backend-webgpu');
  } catch (error) {
    const packages = 'webgpu @tensorflow/tfjs-backend-webgpu';
    throw new Fault('tool-missing', `WebGPU does not open: run \`npm install ${packages}\`, or leave out --device webgpu.`, error);
  }
}
