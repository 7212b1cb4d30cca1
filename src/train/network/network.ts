/**
 * The paper's Siamese network as data: its layers, their shapes and parameters, and the weights that training starts
 * from.
 */
import { Fault } from '../../base/errors.ts';
import { newRandom } from '../../base/random.ts';
import type { Convolution, Network, Parameter, Weights } from '../port.ts';

const pooled = { size: 2, stride: 2 };

/**
 * The network of the paper, section III (as in the public TensorFlow face-verification tutorial, except for the
 * pools).
 */
export const paperNetwork: Network = {
  name: 'paper',
  side: 100,
  convolutions: [
    { filters: 64, size: 10, pool: pooled },
    { filters: 128, size: 7, pool: pooled },
    { filters: 128, size: 4, pool: pooled },
    { filters: 256, size: 4 },
  ],
  units: 4096,
  distance: 'vector',
};

/**
 * The tutorial has `MaxPooling2D(64, (2, 2), padding="same")`: windows of 64 × 64 at stride 2, which give the same
 * shapes.
 */
export const tutorialNetwork: Network = {
  ...paperNetwork,
  name: 'paper-tutorial',
  convolutions: paperNetwork.convolutions.map((layer) => (layer.pool ? { ...layer, pool: { size: 64, stride: 2 } } : layer)),
};

/** One convolution with the shapes around it. */
export interface PlacedConvolution extends Convolution {
  readonly name: string;
  readonly inSide: number;
  readonly inChannels: number;
  /** After the convolution. */
  readonly convolvedSide: number;
  /** After the pool; `convolvedSide` without one. */
  readonly outSide: number;
}

/**
 * The convolutions in order with their shapes. Throws Fault `bad-argument` where the picture is too small for a
 * window.
 */
export function place(network: Network): readonly PlacedConvolution[] {
  let [inSide, inChannels] = [network.side, 3];
  return network.convolutions.map((layer, index) => {
    const convolvedSide = inSide - layer.size + 1;
    if (convolvedSide < 1)
      throw new Fault('bad-argument', `Layer conv${index + 1} is ${layer.size} wide but its input only ${inSide}: take a larger picture.`);
    const outSide = layer.pool ? Math.ceil(convolvedSide / layer.pool.stride) : convolvedSide;
    const placed = { ...layer, name: `conv${index + 1}`, inSide, inChannels, convolvedSide, outSide };
    [inSide, inChannels] = [outSide, layer.filters];
    return placed;
  });
}

/** Numbers in the flattened output of the last convolution: the inputs of the dense layer. */
export function flattened(network: Network): number {
  const last = place(network).at(-1);
  return last ? last.outSide * last.outSide * last.filters : network.side * network.side * 3;
}

/** Numbers that the head sees. */
export const headInputs = (network: Network) => (network.distance === 'vector' ? network.units : 1);

/** Every parameter in order, in the layout of Keras. */
export function networkParameters(network: Network): readonly Parameter[] {
  return [
    ...place(network).flatMap(({ name, size, inChannels, filters }) => [
      ...layer(name, [size, size, inChannels, filters]),
      ...(network.normalised ? normalisation(name, filters) : []),
    ]),
    ...layer('embedding', [flattened(network), network.units]),
    ...layer('head', [headInputs(network), 1]),
  ];
}

const layer = (name: string, kernel: readonly number[]): Parameter[] => [
  { name: `${name}/kernel`, dims: kernel },
  { name: `${name}/bias`, dims: [kernel.at(-1) ?? 1] },
];

/** The scale is trained; mean and variance are running means over the batches, for embedding. */
const normalisation = (name: string, filters: number): Parameter[] =>
  ['scale', ...runningStatistics].map((part) => ({ name: `${name}/${part}`, dims: [filters] }));

export const runningStatistics = ['mean', 'variance'] as const;

export const sizeOf = (dims: readonly number[]) => dims.reduce((product, size) => product * size, 1);

/** Penalties apply to kernels only. */
export const isKernel = (name: string) => name.endsWith('/kernel');

/** A row of the network's table. */
export interface LayerRow {
  readonly layer: string;
  /** Of one picture: height × width × channels, or width. */
  readonly shape: readonly number[];
  readonly parameters: number;
}

/** Initial weights, as Keras draws them by default: kernels Glorot uniform (Glorot, Bengio 2010, eq. 16), biases 0. */
export function initialWeights(network: Network, seed: number): Weights {
  const random = newRandom(seed);
  return new Map(
    networkParameters(network).map(({ name, dims }) => {
      const values = new Float32Array(sizeOf(dims));
      if (isKernel(name)) {
        const [inputs = 1, outputs = 1] = dims.slice(-2);
        const window = sizeOf(dims.slice(0, -2));
        const limit = Math.sqrt(6 / (window * (inputs + outputs)));
        for (let index = 0; index < values.length; index++) values[index] = (2 * random() - 1) * limit;
      }
      if (/\/(scale|variance)$/.test(name)) values.fill(1);
      return [name, values];
    }),
  );
}
