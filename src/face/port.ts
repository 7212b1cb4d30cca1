/** The door of the face room: from an encoded picture to faces with quality and embedding. */

/** A unit vector (Euclidean length 1) of the embedder's dimension. ISO/IEC 2382-37: a biometric probe or template. */
export type Embedding = Float32Array;

/** Pixels of the upright picture; x to the right, y down. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** The five landmarks in the order of every manifest: the person's right eye first (left in the picture). */
export type Landmarks = readonly [rightEye: Point, leftEye: Point, nose: Point, rightMouth: Point, leftMouth: Point];

/** Why a face is not good enough to be compared. */
export const qualityReasons = ['too-small', 'too-dark', 'too-bright', 'blurred', 'turned-away', 'cut-off', 'several-faces'] as const;
export type QualityReason = (typeof qualityReasons)[number];

/** Limits of quality, from the configuration (`face.quality.*`). */
export interface QualityLimits {
  readonly minInterEyePx: number;
  /** Mean luma of the aligned face, 0…255. */
  readonly minLuminance: number;
  readonly maxLuminance: number;
  readonly minSharpness: number;
  readonly maxTurnDeg: number;
  /** A second face of at least this share of the dominant one's area makes the picture one of several faces, 0…1. */
  readonly dominance: number;
}

export interface Quality {
  /** Empty when the face may be compared. */
  readonly reasons: readonly QualityReason[];
  /** Distance between the eyes, pixels. */
  readonly interEyePx: number;
  /** Mean luma of the aligned face, 0…255. */
  readonly luminance: number;
  /** Variance of the Laplacian of the aligned face's luma, divided by its luma variance: dimensionless, ≥ 0. */
  readonly sharpness: number;
  /** Head turn estimated from the landmarks, degrees; 0 is frontal, positive to the picture's right. */
  readonly yawDeg: number;
  readonly pitchDeg: number;
  /** In-plane rotation, degrees. */
  readonly rollDeg: number;
}

export interface Face {
  /** The detector's confidence, 0…1. */
  readonly score: number;
  readonly box: Box;
  readonly landmarks: Landmarks;
  readonly quality: Quality;
  /** Absent where the face was not embedded (quality refused it, or only the dominant face was asked for). */
  readonly embedding?: Embedding;
}

/** What a picture holds. */
export interface Reading {
  /** Size of the upright picture, pixels. */
  readonly width: number;
  readonly height: number;
  /** Faces, the dominant one (largest and most central) first. */
  readonly faces: readonly Face[];
  /** Milliseconds spent: decoding, detecting, aligning and judging, embedding. */
  readonly timings: { readonly decode: number; readonly detect: number; readonly align: number; readonly embed: number };
}

export interface ReadOptions {
  /**
   * Which faces to embed. `good` (default): those whose quality lets them be compared. `dominant`: the first one, whatever its quality
   * (how `compare`, `verify` and `evaluate` read a picture of one person). `none`: detect and judge only.
   */
  readonly embed?: 'good' | 'dominant' | 'none';
}

export interface FaceReader extends AsyncDisposable {
  /** Reads one encoded picture. Throws Fault `bad-picture` when it cannot be decoded, `reader-failed` when the worker died. */
  read(picture: Uint8Array, options?: ReadOptions): Promise<Reading>;
  /** Which networks answer; stored with every template so that a template is never compared across embedders. */
  readonly embedder: EmbedderInfo;
}

/** How a face is cut out: pixels, and where its five landmarks come to lie in them. */
export interface Framing {
  readonly width: number;
  readonly height: number;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** The networks as training uses them: faces are cut out once, then embedded as often as they are changed. */
export interface FaceStudio {
  /** Of an aligned face, pixels. */
  readonly width: number;
  readonly height: number;
  /** As the embedder wants it. */
  readonly framing: Framing;
  /** SHA-256 of the embedder's ONNX file: an adapter that lies upon it is left out here. */
  readonly network: string;
  readonly dimension: number;
  /**
   * The dominant face of an encoded picture, aligned (interleaved RGB) as the embedder wants it, or as `framing` says for another network; undefined
   * where none is found. Throws Fault `bad-picture`.
   */
  cut(picture: Uint8Array, framing?: Framing): Promise<Uint8Array | undefined>;
  /** The embedding of an aligned face, without an adapter. */
  embed(aligned: Uint8Array): Promise<Embedding>;
  /** The embedder's ONNX file. */
  readonly bytes: Uint8Array;
  readonly layout: 'NCHW' | 'NHWC';
  /** Lays an aligned face into place `row` of a batch, as the network is fed. */
  feed(aligned: Uint8Array, batch: Float32Array, row: number): void;
}

/** What the rest of the house needs to know of the embedder in use: from its manifest, nothing hard-wired. */
export interface EmbedderInfo {
  readonly name: string;
  readonly version: string;
  readonly sha256: string;
  readonly dimension: number;
  readonly head: Head;
  /** Rows of falling false-match rate; absent when the manifest has none (a user's own embedder). */
  readonly calibration?: Calibration;
}

/**
 * The Siamese head: logit = bias − Σ weights[i]·|a[i] − b[i]| (`l1-logistic`, learned), or for an embedder that ships none
 * logit = scale·cos(a, b) + bias (`cosine`).
 */
export type Head =
  | { readonly kind: 'l1-logistic'; readonly weights: readonly number[]; readonly bias: number }
  | { readonly kind: 'cosine'; readonly scale: number; readonly bias: number };

export interface Calibration {
  readonly population: string;
  readonly impostorPairs: number;
  readonly genuinePairs: number;
  /** False-match rate per comparison, the logit that reaches it, and the false non-match rate measured there. */
  readonly table: readonly { readonly fmr: number; readonly logit: number; readonly fnmr: number }[];
}
