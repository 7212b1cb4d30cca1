/**
 * The door of the training room: the Siamese network as data, what trains it, and what training reports.
 *
 * Below the files at the top are network/ (layers, head and files of weights), data/ (pictures, splits, pairs and
 * augmentation), onnx/ and tfjs/ (the two engines, and the models that they read and write) and figures/ (error
 * rates, intervals and plots of compared pairs). Above them are tune/ (searches for the best settings) and paper/
 * (repeats the published experiment).
 */

/** Convolution (valid, stride 1) → ReLU → maximum pooling (`same`), where there is one. */
export interface Convolution {
  readonly filters: number;
  /** The window's side, pixels. */
  readonly size: number;
  readonly pool?: { readonly size: number; readonly stride: number };
}

/** A twin (the embedding network, run on both pictures) and the head that compares the two embeddings. */
export interface Network {
  readonly name: string;
  /** Side of the square RGB input, pixels; values 0…1. */
  readonly side: number;
  readonly convolutions: readonly Convolution[];
  /** Batch normalisation between each convolution and its ReLU; the bias is added after it. ONNX engine only. */
  readonly normalised?: true;
  /** Width of the dense sigmoid layer: the embedding's dimension. */
  readonly units: number;
  /** What the head sees: the vector |a − b|, or its sum, one number. */
  readonly distance: 'vector' | 'sum';
}

/** One trained array, in the layout of Keras: kernels are height × width × in × out, or in × out. */
export interface Parameter {
  /**
   * `conv1/kernel`, `conv1/bias`, …, `embedding/kernel`, `embedding/bias`, `head/kernel`, `head/bias`; with batch
   * normalisation also `conv1/scale`, `conv1/mean`, `conv1/variance`, ….
   */
  readonly name: string;
  readonly dims: readonly number[];
}

/** Every parameter of a network by name, in the layout of `Parameter`. */
export type Weights = ReadonlyMap<string, Float32Array>;

/**
 * Pairs of pictures: `pictures` holds the first picture of each pair, then the second of each; side × side × 3, 0…1.
 */
export interface Batch {
  readonly pairs: number;
  readonly pictures: Float32Array;
  /** 1 where both show the same person, else 0. */
  readonly labels: Float32Array;
}

/** What training minimises. Penalties (as in Keras: l1·Σ|w| + l2·Σw²) apply to kernels, never to biases. */
export interface Objective {
  /** Binary cross-entropy of the head's probability, or the contrastive loss of the embeddings' distance. */
  readonly loss: 'bce' | 'contrastive';
  /** Contrastive only: the distance beyond which different people cost nothing. Greater than 0. */
  readonly margin: number;
  readonly l1: number;
  readonly l2: number;
}

export type Optimiser =
  | { readonly kind: 'adam'; readonly rate: number; readonly beta1: number; readonly beta2: number; readonly epsilon: number }
  | { readonly kind: 'sgd'; readonly rate: number; readonly momentum: number };

/** All that the next step depends on besides the batch: what a checkpoint holds. */
export interface EngineState {
  readonly step: number;
  readonly weights: Weights;
  /** The optimiser's running means (`first`: gradient or velocity; `second`: squared gradient, Adam only). */
  readonly first: Weights;
  readonly second: Weights;
}

export interface EngineOptions {
  readonly network: Network;
  /** Pairs in every batch. */
  readonly pairs: number;
  readonly objective: Objective;
  readonly optimiser: Optimiser;
  readonly weights: Weights;
  /** Threads of the engine; 0 leaves the choice to it. */
  readonly threads: number;
}

export interface StepLosses {
  /** Mean loss over the batch before the step, without penalties. */
  readonly loss: number;
  /** The penalties on the weights before the step; 0 without penalties. */
  readonly penalty: number;
}

/** Trains the network: ONNX Runtime or TensorFlow.js. One call at a time. */
export interface Engine extends AsyncDisposable {
  readonly label: string;
  /** One step of the optimiser. */
  step(batch: Batch): Promise<StepLosses>;
  /** Loss and gradient (without penalties) of the batch; nothing is changed. */
  gradients(batch: Batch): Promise<{ readonly loss: number; readonly gradients: Weights }>;
  /** Embeddings of `count` pictures (count × side × side × 3, 0…1): count × units. */
  embed(pictures: Float32Array, count: number): Promise<Float32Array>;
  /** A copy of one parameter. */
  read(name: string): Promise<Float32Array>;
  /** A copy of everything: three times the weights. */
  state(): Promise<EngineState>;
  /** Continues from a state of the same network. */
  restore(state: EngineState): Promise<void>;
}

/** What ONNX Runtime trains on: the processor, or a GPU through its WebGPU or its CUDA provider. */
export type OnnxDevice = 'cpu' | 'webgpu' | 'cuda';

export interface DistillerOptions {
  /** The ONNX file's bytes, with one picture input. */
  readonly network: Uint8Array;
  /** The output with the embeddings; it may be left out where the network has only one. Other outputs are kept. */
  readonly output?: string | undefined;
  /** An output with one number for each picture that is to stay as it is; each step then takes `qualities`. */
  readonly quality?: string | undefined;
  /** Pictures in every step, and the shape of each as the network is fed. */
  readonly rows: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly threads: number;
  /** Default: `cpu`. */
  readonly device?: OnnxDevice;
  /**
   * Whether a weight is learned. `side`: of the output of its layer, pixels (1 after the last convolution); `dims`: its
   * own shape.
   */
  readonly learns: (weight: { readonly name: string; readonly side: number; readonly dims: readonly number[] }) => boolean;
}

/** What a step learns from. */
export interface DistillerBatch {
  /** Rows × channels × height × width, as the network is fed. */
  readonly pictures: Float32Array;
  /** Rows × dimension, each of length 1. */
  readonly targets: Float32Array;
  /** What the quality output should say of each. */
  readonly qualities?: Float32Array | undefined;
}

/** Trains an embedder to give certain embeddings. One call at a time. */
export interface Distiller extends AsyncDisposable {
  /** How many numbers are learned. */
  readonly learned: number;
  /**
   * One step of Adam. Returns the loss before the step: the mean of 1 − cosine, 0…2, and what the quality output is
   * off; NaN where it broke: then nothing was changed.
   */
  step(batch: DistillerBatch, rate: number): Promise<number>;
  /** Loss and gradient; nothing is changed. */
  gradients(batch: DistillerBatch): Promise<{ readonly loss: number; readonly gradients: Weights }>;
  /** The current network: the bytes of an ONNX file. */
  network(): Uint8Array;
  /** All that the next step depends on, to continue from. */
  state(): Float32Array;
  /** Throws RangeError for the state of another network. */
  restore(state: Float32Array): void;
}

/** One person's faces, cut out and aligned. */
export interface Sitter {
  /** No two have the same. */
  readonly name: string;
  /** side × side × 3 bytes each: interleaved RGB, rows top to bottom. */
  readonly faces: readonly Uint8Array[];
  /** Two of these may be one person: their faces are paired only with other people, as the second of a pair. */
  readonly stranger: boolean;
}

/**
 * A training on faces in memory. It ends by itself once people that it does not learn from are told apart no better.
 */
export interface Course {
  readonly network: Network;
  /** At least two people, one of whom is not a stranger and has two faces. */
  readonly learnFrom: readonly Sitter[];
  /** Other people, under the same conditions. The weights after the epoch in which their pairs cost least are kept. */
  readonly stopBy: readonly Sitter[];
  /** Pairs of a step. */
  readonly pairs: number;
  readonly stepsPerEpoch: number;
  /** At most. */
  readonly epochs: number;
  /** Epochs in a row that may bring nothing better. */
  readonly patience: number;
  readonly optimiser: Optimiser;
  /** Strength of the augmentation, 0…1. */
  readonly augment: number;
  /** Folder of its checkpoint: the same course in the same folder continues where it stopped. */
  readonly folder: string;
  /** Steps between two checkpoints; a kill loses the steps since the last. */
  readonly checkpointEvery: number;
  readonly seed: number;
  /** 0 leaves the choice to the engine. */
  readonly threads: number;
  /** Default: `cpu`. */
  readonly device?: OnnxDevice;
  readonly signal: AbortSignal;
  readonly onStep: (step: CourseStep) => void;
}

export interface CourseStep {
  readonly step: number;
  /** At most. */
  readonly steps: number;
  /** Mean over the last steps, at most one epoch. */
  readonly loss: number;
  readonly stepsPerS: number;
  /** Of `stopBy` after the last whole epoch; pairs of one person and of two count alike. */
  readonly validation?: Validation;
}

export interface Validation {
  /** Binary cross-entropy; ln 2 ≈ 0.693 for a guess. */
  readonly loss: number;
  /** Share that is right at probability 0.5, 0…1; 0.5 for a guess. */
  readonly accuracy: number;
}

export interface CourseResult {
  /** Of the best epoch, rounded to float16. */
  readonly weights: Weights;
  /** Steps behind these weights, and steps taken in all. */
  readonly step: number;
  readonly steps: number;
  /** Mean training loss of the best epoch. */
  readonly loss: number;
  readonly validation: Validation;
}
