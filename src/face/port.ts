/** The port of the face room: an encoded picture goes in, faces with quality and embedding come out. */

/** A unit vector (Euclidean length 1) of the embedder's dimension. ISO/IEC 2382-37: a biometric probe or template. */
export type Embedding = Float32Array;

/** A point in the upright picture: pixels, fractions allowed; x to the right, y down, (0, 0) is the top left corner. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A rectangle in the upright picture, pixels: x1 < x2, y1 < y2. It may reach beyond the picture. */
export interface Box {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** The five landmarks in the order of every manifest; the person's right eye (left in the picture) comes first. */
export type Landmarks = readonly [rightEye: Point, leftEye: Point, nose: Point, rightMouth: Point, leftMouth: Point];

/** Why a face is not good enough to be compared. A frame with one of them neither matches nor counts as an attempt. */
export const qualityReasons = [
  'too-small',
  'too-dark',
  'too-bright',
  'blurred',
  'turned-away',
  /** The head leans by more than `maxRollDeg`, or the picture is on its side or upside down. */
  'turned',
  'cut-off',
  'several-faces',
  /** The detector is not sure that it is a face. */
  'uncertain',
  /** A part of the face is one flat colour: the picture was not delivered whole. */
  'damaged',
  /** The embedder's own measure says that too little of the identity is left (covered, not a face). */
  'unfit',
] as const;
export type QualityReason = (typeof qualityReasons)[number];

/** Limits of quality (`face.quality.*`). A face beyond one of them is not compared. */
export interface QualityLimits {
  /** Smallest distance between the eyes, pixels. */
  readonly minInterEyePx: number;
  /** Lowest `contrast`, and lowest `contrast` divided by `noise`. */
  readonly minContrast: number;
  readonly minContrastToNoise: number;
  /** Largest `clipped`, 0…1. */
  readonly maxClipped: number;
  /** Lowest `sharpness`, ≥ 0. */
  readonly minSharpness: number;
  /** Largest yaw or pitch, degrees, 0…90. */
  readonly maxTurnDeg: number;
  /** Largest roll, degrees, 0…180. */
  readonly maxRollDeg: number;
  /** Lowest confidence of the detector, 0…1. */
  readonly minScore: number;
  /** Lowest fitness at the door and at enrolment, 0…1; below 0: what the embedder's manifest says. */
  readonly minFitness: number;
  readonly minEnrolmentFitness: number;
  /** A second face with at least this share of the dominant face's area makes the picture `several-faces`, 0…1. */
  readonly dominance: number;
}

/** Measures of one face and what they mean for it. */
export interface Quality {
  /** Empty if the face may be compared. */
  readonly reasons: readonly QualityReason[];
  /** Distance between the eyes, pixels. */
  readonly interEyePx: number;
  /** Mean luma of the aligned face, 0…255. For people: nothing is judged by it, because it measures skin too. */
  readonly luminance: number;
  /** Standard deviation of the luma of the aligned face without its fine detail, levels (of 255). */
  readonly contrast: number;
  /** Standard deviation of the noise in the luma, levels (of 255). */
  readonly noise: number;
  /** Share of the aligned face that is as bright as the picture can show it in all three colours, 0…1. */
  readonly clipped: number;
  /** Share of the rows, or of the columns if those are more, across the face that are of one flat colour, 0…1. */
  readonly flat: number;
  /** Variance of the Laplacian of the aligned face's luma, divided by the variance of the luma: dimensionless, ≥ 0. */
  readonly sharpness: number;
  /**
   * Turn of the head estimated from the landmarks, degrees, −90…90: 0 is frontal, positive to the right of the picture.
   */
  readonly yawDeg: number;
  /** Likewise up and down; positive is down. */
  readonly pitchDeg: number;
  /** In-plane rotation, degrees, −180…180: 0 is upright, positive is clockwise. */
  readonly rollDeg: number;
}

/** Eyes and what is above them, or nose, mouth and chin. */
export type Half = 'upper' | 'lower';

/** One face in a picture. */
export interface Face {
  /** The detector's confidence, 0…1. */
  readonly score: number;
  readonly box: Box;
  readonly landmarks: Landmarks;
  readonly quality: Quality;
  /**
   * How much of the identity the embedder can tell, 0…1. Absent if it was not asked (`embedding` is absent for another
   * reason than `unfit`), or its manifest names no `quality`.
   */
  readonly fitness?: number;
  /**
   * What the face counts for beside others of the same person, ½ (hardly fit for the door) to 1 (fit for enrolment).
   * Absent where `fitness` is.
   */
  readonly weight?: number;
  /** Which half is covered, where that makes the face `unfit`. Looked for with purpose `enrolment` alone. */
  readonly covered?: Half;
  /** Absent if the face was not embedded: its quality forbids it, or `ReadOptions.embed` does not include it. */
  readonly embedding?: Embedding;
}

/** What is cut out of a picture for the checks of liveness, besides its faces. */
export interface CutOptions {
  /** How many times larger than the face's box each square is. */
  readonly scales: readonly number[];
  /** Side of each square, pixels. */
  readonly side: number;
  /** Width to which the grey picture is shrunk, pixels. */
  readonly greyWidth: number;
}

/** What was cut out around the dominant face. */
export interface Cuts {
  /**
   * One for each scale: the box enlarged about its centre, squeezed to a square of side × side × 3 bytes, interleaved
   * RGB. Where it did not fit into the picture, it was shrunk and moved until it did. Empty where the face was not good
   * enough to be compared.
   */
  readonly around: readonly Uint8Array[];
  /** The right and the left eye, 32 × 32 × 3 bytes, RGB, turned so that the eyes are level. */
  readonly eyes: readonly [right: Uint8Array, left: Uint8Array];
  /** The whole picture, shrunk; one byte a pixel. */
  readonly grey: { readonly width: number; readonly height: number; readonly pixels: Uint8Array };
  /** Mean colour of cheeks and forehead, and of a ring around the face, 0…255. */
  readonly skin: readonly [r: number, g: number, b: number];
  readonly surround: readonly [r: number, g: number, b: number];
}

/** Clockwise, degrees. */
export type QuarterTurn = 90 | 180 | 270;

/** What was found in a picture. */
export interface Reading {
  /** Size of the upright picture, pixels. */
  readonly width: number;
  readonly height: number;
  /** At most eight faces, the dominant one (largest and most central) first. Empty if there is none. */
  readonly faces: readonly Face[];
  /** Faces that `ReadOptions.mask` left out because they never move. They count for nothing. */
  readonly still?: readonly Face[];
  /**
   * Not with purpose `door`: the face is found better after this turn. `picture` is the turned picture, a JPEG.
   */
  readonly turn?: { readonly byDeg: QuarterTurn; readonly picture: Uint8Array };
  /** Of the dominant face, where `ReadOptions.cuts` asks for it and there is a face. */
  readonly cuts?: Cuts;
  /** Milliseconds spent: decoding, detecting, aligning and judging, embedding. */
  readonly timings: { readonly decode: number; readonly detect: number; readonly align: number; readonly embed: number };
}

/** Corners in order, as shares of the picture: (0, 0) is the top left, (1, 1) the bottom right. At least three. */
export type Polygon = readonly (readonly [x: number, y: number])[];

/** A face counts when its middle lies in one of `include` (empty: anywhere), and in none of `ignore`. */
export interface Zones {
  readonly include?: readonly Polygon[];
  readonly ignore?: readonly Polygon[];
}

/** What of a live picture does not count. */
export interface Mask {
  readonly zones: Zones;
  /** Places of faces that never move, pixels: a face there is in `Reading.still`. */
  readonly still: readonly Box[];
  /** Whether the faces in `still` are embedded, to see whose they are. */
  readonly check: boolean;
}

export interface ReadOptions {
  /**
   * Which faces to embed. `good` (default): those that may be compared. `dominant`: the first one, whatever its quality
   * (how `compare`, `verify` and `evaluate` read a picture of one person). `none`: detect and judge only.
   */
  readonly embed?: 'good' | 'dominant' | 'none';
  /** Absent: everything counts. */
  readonly mask?: Mask;
  /**
   * `door` (default): a live frame. `stored`: a picture that may lie on its side; it is looked at in all four
   * orientations, which takes three more detections. `enrolment`: likewise, and it has to be better
   * (`minEnrolmentFitness`).
   */
  readonly purpose?: 'door' | 'stored' | 'enrolment';
  /** Absent: nothing is cut out. */
  readonly cuts?: CutOptions;
}

export interface FaceReader extends AsyncDisposable {
  /**
   * Reads one encoded picture (JPEG, PNG, WebP, TIFF, GIF, AVIF, Netpbm or BMP). Pictures are read one after the other.
   * @throws Fault `bad-picture` if it cannot be decoded, `tool-missing` if its format needs ffmpeg and there is none,
   * `reader-failed` if the worker thread died; then every later call throws too.
   */
  read(picture: Uint8Array, options?: ReadOptions): Promise<Reading>;
  /**
   * The network behind the embeddings. It is stored with every template: templates of different embedders are never
   * compared.
   */
  readonly embedder: EmbedderInfo;
}

/** How a face is cut out: size in pixels, and the positions of its five landmarks in it. */
export interface Framing {
  readonly width: number;
  readonly height: number;
  /** Five, in the order of `Landmarks`. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** The networks as training uses them: each face is cut out once, then embedded each time it is altered. */
export interface FaceStudio {
  /** Size of an aligned face, pixels. */
  readonly width: number;
  readonly height: number;
  /** The framing that the embedder needs. */
  readonly framing: Framing;
  /** SHA-256 (hex) of the embedder's ONNX file, without an adapter. */
  readonly network: string;
  /** Length of an embedding. */
  readonly dimension: number;
  /** Head and calibration of the embedder, without an adapter. */
  readonly twin: Pick<EmbedderInfo, 'head' | 'calibration'>;
  /**
   * The dominant face of an encoded picture, aligned: interleaved RGB in the embedder's framing, or in `framing` for
   * another network. Undefined if there is no face.
   * @throws Fault `bad-picture`, `tool-missing`.
   */
  cut(picture: Uint8Array, framing?: Framing): Promise<Uint8Array | undefined>;
  /** The embedding of an aligned face, without an adapter. */
  embed(aligned: Uint8Array): Promise<Embedding>;
  /** The same with its fitness, 0…1, if the network tells it. */
  judge(aligned: Uint8Array): Promise<{ readonly embedding: Embedding; readonly fitness?: number }>;
  /** The fitness that the door demands; absent if the network does not tell it. */
  readonly leastFitness?: number;
  /** The bytes of the embedder's ONNX file, and the names of its outputs with the embeddings and with the fitness. */
  readonly bytes: Uint8Array;
  readonly output: string;
  readonly qualityOutput?: string;
  readonly layout: 'NCHW' | 'NHWC';
  /** Writes an aligned face into place `row` of a batch (float32, the network's layout and normalisation). */
  feed(aligned: Uint8Array, batch: Float32Array, row: number): void;
}

/** What other rooms need to know about the embedder in use; all of it comes from its manifest. */
export interface EmbedderInfo {
  readonly name: string;
  readonly version: string;
  /** SHA-256 (hex) of the ONNX file, or of file and adapter together. */
  readonly sha256: string;
  /** Length of an embedding. */
  readonly dimension: number;
  readonly head: Head;
  /** Absent if the manifest has none (a user's own embedder). */
  readonly calibration?: Calibration;
  /** The fitness that a face needs, 0…1. Absent if the network has no such output. */
  readonly quality?: { readonly door: number; readonly enrolment: number };
  /** Whether masks and sunglasses are noticed at enrolment. Absent if the manifest has no rules for it. */
  readonly seesCovers?: true;
}

/**
 * The Siamese head, which compares two embeddings a and b. `l1-logistic` (learned): logit = bias − Σ weights[i]·|a[i] −
 * b[i]|. `cosine` (for an embedder without a learned head): logit = scale·cos(a, b) + bias.
 */
export type Head =
  | { readonly kind: 'l1-logistic'; readonly weights: readonly number[]; readonly bias: number }
  | { readonly kind: 'cosine'; readonly scale: number; readonly bias: number };

/** Error rates measured for the embedder with its head, on one population or on several. */
export interface MeasuredRates {
  /** Whose pictures they were measured on. */
  readonly population: string;
  readonly impostorPairs: number;
  readonly genuinePairs: number;
  /**
   * Rows of falling false-match rate (per comparison, 0…1), the logit that reaches it, and the false non-match rate
   * there.
   */
  readonly table: readonly { readonly fmr: number; readonly logit: number; readonly fnmr: number }[];
}

/**
 * The table is the one that a door may trust: at each rate the strictest of several populations, if the manifest says
 * so. `wild` is measured on photographs of strangers alone (LFW): people at one door resemble each other more.
 */
export interface Calibration extends MeasuredRates {
  readonly wild?: MeasuredRates;
}

/** Pictures that the door's own camera did not take. */
export interface OutsidePictures {
  /**
   * A picture of unknown origin (JPEG, PNG or WebP of at most 12 megapixels) as a plain, upright JPEG of at most
   * 1280×1280 pixels without metadata. It is decoded in a process of its own with limits on memory and time.
   * @throws Fault `bad-picture` or `picture-damaged` that says what to do, `reader-failed` if the limits cannot be set.
   */
  clean(encoded: Uint8Array): Promise<Uint8Array>;
}
