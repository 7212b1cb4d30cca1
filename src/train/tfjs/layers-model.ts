/**
 * The Siamese network as a TensorFlow.js layers model (`model.json` and `weights.bin`, the format that Keras models
 * are converted to): written to a folder and read from one; and the twin that the TensorFlow.js engine trains.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type * as Tf from '@tensorflow/tfjs';
import { asFault, Fault } from '../../base/errors.ts';
import { writeWhole } from '../../base/whole-file.ts';
import { headInputs, networkParameters } from '../network/network.ts';
import type { Convolution, Network, Weights } from '../port.ts';
import type { TensorFlow } from './tfjs.ts';

/** The embedding network in tf.layers; its weights in the order of `networkParameters`. */
export function twinLayers(tf: TensorFlow, network: Network): Tf.LayersModel {
  const input = tf.input({ shape: [network.side, network.side, 3], name: 'input_image' });
  let x = input as Tf.SymbolicTensor;
  network.convolutions.forEach(({ filters, size, pool }, index) => {
    const name = `conv${index + 1}`;
    x = tf.layers.conv2d({ name, filters, kernelSize: size, activation: 'relu' }).apply(x) as Tf.SymbolicTensor;
    if (pool)
      x = tf.layers
        .maxPooling2d({ name: `pool${index + 1}`, poolSize: pool.size, strides: pool.stride, padding: 'same' })
        .apply(x) as Tf.SymbolicTensor;
  });
  x = tf.layers.flatten({ name: 'flatten' }).apply(x) as Tf.SymbolicTensor;
  const dense = tf.layers.dense({ name: 'embedding', units: network.units, activation: 'sigmoid' });
  return tf.model({ inputs: input, outputs: dense.apply(x) as Tf.SymbolicTensor, name: 'embedding' });
}

/** Sets the weights of the twin, without those of the head. */
export function fillTwin(tf: TensorFlow, twin: Tf.LayersModel, network: Network, weights: Weights): void {
  const tensors = networkParameters(network)
    .slice(0, -2)
    .map(({ name, dims }) => tf.tensor(weights.get(name) as Float32Array, [...dims]));
  twin.setWeights(tensors);
  tf.dispose(tensors);
}

/**
 * Writes `model.json` and `weights.bin` into `folder`, which is made where it is missing. The distance is the
 * tutorial's layer `L1Dist`.
 */
export async function exportLayersModel(tf: TensorFlow, network: Network, weights: Weights, folder: string): Promise<void> {
  const twin = twinLayers(tf, network);
  fillTwin(tf, twin, network, weights);
  const shape = [network.side, network.side, 3];
  const pictures = ['input_img', 'validation_img'].map((name) => tf.input({ shape, name }));
  const distance = new (l1DistanceLayer(tf))({ name: 'distance', sum: network.distance === 'sum' });
  const head = tf.layers.dense({ name: 'head', units: 1, activation: 'sigmoid' });
  const between = distance.apply(pictures.map((picture) => twin.apply(picture) as Tf.SymbolicTensor)) as Tf.SymbolicTensor;
  const model = tf.model({ inputs: pictures, outputs: head.apply(between) as Tf.SymbolicTensor, name: 'SiameseNetwork' });
  const kernel = tf.tensor2d(weights.get('head/kernel') as Float32Array, [headInputs(network), 1]);
  const bias = tf.tensor1d(weights.get('head/bias') as Float32Array);
  head.setWeights([kernel, bias]);
  const handler = tf.io.withSaveHandler(async (artifacts) => {
    write(folder, artifacts);
    return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
  });
  await model.save(handler);
  tf.dispose([kernel, bias]);
  model.dispose();
}

function write(folder: string, artifacts: Tf.io.ModelArtifacts): void {
  const { modelTopology, weightSpecs, weightData } = artifacts;
  const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
  const parts = Array.isArray(weightData) ? weightData : [weightData as ArrayBuffer];
  const json = JSON.stringify({ format: 'layers-model', generatedBy: 'facelatch', modelTopology, weightsManifest });
  const readable = { mode: 0o644, folderMode: 0o777 } as const;
  writeWhole(join(folder, 'weights.bin'), Buffer.concat(parts.map((part) => new Uint8Array(part))), readable);
  writeWhole(join(folder, 'model.json'), json, readable);
}

/**
 * Reads a folder that `exportLayersModel` wrote, or a Siamese model converted from Keras: a nested twin of valid
 * convolutions and pools, `L1Dist`, a dense output. Throws Fault `model-missing`, or `model-unfit` for other layers.
 */
export async function importLayersModel(tf: TensorFlow, folder: string): Promise<{ network: Network; weights: Weights }> {
  l1DistanceLayer(tf);
  const model = await read(tf, folder);
  try {
    const twin = model.layers.find((layer) => 'layers' in layer) as Tf.LayersModel | undefined;
    const head = model.layers.at(-1);
    if (!twin || !head) throw unfit(folder, 'it holds no embedding network inside');
    const network = { ...readTwin(twin, folder), name: model.name };
    const values = [...twin.getWeights(), ...head.getWeights()];
    const inputs = values.at(-2)?.shape[0];
    if (inputs !== 1 && inputs !== network.units) throw unfit(folder, `its last layer takes ${inputs} numbers`);
    const whole: Network = { ...network, distance: inputs === 1 ? 'sum' : 'vector' };
    const weights = new Map(networkParameters(whole).map(({ name }, index) => [name, values[index]?.dataSync().slice() as Float32Array]));
    return { network: whole, weights };
  } finally {
    model.dispose();
  }
}

async function read(tf: TensorFlow, folder: string): Promise<Tf.LayersModel> {
  let json: { modelTopology: object; weightsManifest: { paths: string[]; weights: Tf.io.WeightsManifestEntry[] }[] };
  let data: Buffer;
  try {
    json = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8'));
    const paths = json.weightsManifest.flatMap((group) => group.paths);
    data = Buffer.concat(await Promise.all(paths.map((path) => readFile(join(folder, path)))));
  } catch (error) {
    throw new Fault('model-missing', `${folder} holds no readable TensorFlow.js model (model.json and its weights).`, error);
  }
  const weightData = data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength) as ArrayBuffer;
  const weightSpecs = json.weightsManifest.flatMap((group) => group.weights);
  try {
    return await tf.loadLayersModel(tf.io.fromMemory({ modelTopology: json.modelTopology, weightSpecs, weightData }));
  } catch (error) {
    throw asFault(error, 'model-unfit', `TensorFlow.js does not open the model in ${folder}`);
  }
}

function readTwin(twin: Tf.LayersModel, folder: string): Network {
  const convolutions: Convolution[] = [];
  let units = 0;
  for (const layer of twin.layers) {
    const config = layer.getConfig() as {
      filters: number;
      kernelSize: number[];
      poolSize: number[];
      strides: number[];
      units: number;
      padding: string;
    };
    const kind = layer.getClassName();
    if (kind === 'Conv2D' && config.padding === 'valid') convolutions.push({ filters: config.filters, size: config.kernelSize[0] ?? 1 });
    else if (kind === 'MaxPooling2D' && config.padding === 'same') {
      const last = convolutions.pop();
      if (!last) throw unfit(folder, 'a pool comes before any convolution');
      convolutions.push({ ...last, pool: { size: config.poolSize[0] ?? 2, stride: config.strides[0] ?? 2 } });
    } else if (kind === 'Dense') units = config.units;
    else if (kind !== 'InputLayer' && kind !== 'Flatten') throw unfit(folder, `it has a layer ${layer.name} (${kind})`);
  }
  const side = (twin.inputs[0]?.shape[1] as number | undefined) ?? 0;
  return { name: twin.name, side, convolutions, units, distance: 'vector' };
}

const unfit = (folder: string, why: string) =>
  new Fault('model-unfit', `The model in ${folder} is not a Siamese network of this kind: ${why}.`);

/** The tutorial's distance layer, |a − b|, with our option `sum`; registered, so that models with it can be read. */
function l1DistanceLayer(tf: TensorFlow) {
  class L1Distance extends tf.layers.Layer {
    static readonly className = 'L1Dist';
    readonly #sum: boolean;

    constructor(config: { name?: string; sum?: boolean }) {
      super(config);
      this.#sum = config.sum ?? false;
    }

    override computeOutputShape(shapes: Tf.Shape[]): Tf.Shape {
      const [shape = [null, 1]] = shapes;
      return this.#sum ? [shape[0] ?? null, 1] : shape;
    }

    override call(inputs: Tf.Tensor[]): Tf.Tensor {
      const [a, b] = inputs as [Tf.Tensor, Tf.Tensor];
      const distance = tf.abs(tf.sub(a, b));
      return this.#sum ? tf.sum(distance, 1, true) : distance;
    }

    override getConfig(): Tf.serialization.ConfigDict {
      return { ...super.getConfig(), sum: this.#sum };
    }
  }
  tf.serialization.registerClass(L1Distance);
  return L1Distance;
}
