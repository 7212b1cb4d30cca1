/**
 * The detector: an upright RGB picture goes in, boxes and five landmarks in the picture's pixels come out, best score
 * first. Any network that its manifest describes.
 */
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { Fault } from '../base/errors.ts';
import { type InferenceOptions, openInferenceSession, tensorOf } from '../base/model/session.ts';
import type { DetectorNetwork } from './manifest/detector.ts';
import { intersectionOverUnion } from './mask.ts';
import type { Picture } from './picture.ts';
import { openLetterbox } from './pixels/letterbox.ts';
import type { Box, Landmarks, Point } from './port.ts';

export interface Detection {
  readonly score: number;
  readonly box: Box;
  readonly landmarks: Landmarks;
}

/** Without its bytes: the runtime has copied them, and they need not stay in memory twice. */
type LoadedDetector = Omit<DetectorNetwork, 'bytes'>;

export interface Detector {
  /** The longer side of its input, pixels: a larger picture shows it no more. */
  readonly longestSide: number;
  detect(picture: Picture): Promise<readonly Detection[]>;
}

/** Opens the detector of a network. @throws Fault `model-unfit`. */
export async function openDetector({ bytes, ...network }: DetectorNetwork, options: InferenceOptions): Promise<Detector> {
  const { input } = network;
  const session = await openInferenceSession(bytes, network.name, input, {
    ...options,
    dimensions: { n: 1, h: input.height, w: input.width },
  });
  const names =
    network.decoder === 'points'
      ? Object.values(network.outputs)
      : network.strides.flatMap((s) => [`cls_${s}`, `obj_${s}`, `bbox_${s}`, `kps_${s}`]);
  const missing = names.filter((name) => !session.outputNames.includes(name));
  if (missing.length > 0)
    throw new Fault(
      'model-unfit',
      `The network ${network.name} lacks the output ${missing.join(', ')} that output.decoder "${network.decoder}" reads`,
    );
  const letterbox = openLetterbox(input, network.upscaleAtMost);
  return {
    longestSide: Math.max(input.width, input.height),
    detect: async (picture) => {
      const { data, scale } = letterbox(picture);
      const results = await session.run({ [input.name]: tensorOf(data, 1, input) });
      const candidates = network.decoder === 'points' ? readPoints(results, network) : readYunet(results, network);
      return suppress(candidates, network.nmsIou).map((d) => toPicture(d, scale));
    },
  };
}

type Results = InferenceSession.OnnxValueMapType;

const valuesOf = (results: Results, name: string): Float32Array => (results[name] as Tensor).data as Float32Array;

function landmarksAt(values: ArrayLike<number>, at: number): Landmarks {
  const point = (i: number): Point => ({ x: values[at + 2 * i] as number, y: values[at + 2 * i + 1] as number });
  return [point(0), point(1), point(2), point(3), point(4)];
}

/** Decoder `points`: scores (n), boxes (n × x1 y1 x2 y2) and points (n × five x y), all in input pixels. */
function readPoints(results: Results, network: LoadedDetector): Detection[] {
  const scores = valuesOf(results, network.outputs.scores);
  const boxes = valuesOf(results, network.outputs.boxes);
  const points = valuesOf(results, network.outputs.points);
  const found: Detection[] = [];
  for (let i = 0; i < scores.length; i++) {
    const score = scores[i] as number;
    if (!(score > network.scoreThreshold)) continue;
    const b = i * 4;
    found.push({
      score,
      box: { x1: boxes[b] as number, y1: boxes[b + 1] as number, x2: boxes[b + 2] as number, y2: boxes[b + 3] as number },
      landmarks: landmarksAt(points, i * 10),
    });
  }
  return found;
}

/**
 * Decoder `yunet`: for each stride one row per cell. score = √(class · objectness); box centre, box size (exponential)
 * and points are relative to the cell. W. Wu, H. Peng, S. Yu, "YuNet: A Tiny Millisecond-level Face Detector", 2023.
 */
function readYunet(results: Results, network: LoadedDetector): Detection[] {
  const found: Detection[] = [];
  for (const stride of network.strides) {
    const cls = valuesOf(results, `cls_${stride}`);
    const obj = valuesOf(results, `obj_${stride}`);
    const bbox = valuesOf(results, `bbox_${stride}`);
    const kps = valuesOf(results, `kps_${stride}`);
    const columns = Math.floor(network.input.width / stride);
    const unit = (v: number) => Math.min(1, Math.max(0, v));
    for (let i = 0; i < cls.length; i++) {
      const score = Math.sqrt(unit(cls[i] as number) * unit(obj[i] as number));
      if (!(score > network.scoreThreshold)) continue;
      const column = i % columns;
      const row = Math.floor(i / columns);
      const cx = (column + (bbox[i * 4] as number)) * stride;
      const cy = (row + (bbox[i * 4 + 1] as number)) * stride;
      const w = Math.exp(bbox[i * 4 + 2] as number) * stride;
      const h = Math.exp(bbox[i * 4 + 3] as number) * stride;
      const points = Array.from({ length: 10 }, (_, k) => ((kps[i * 10 + k] as number) + (k % 2 === 0 ? column : row)) * stride);
      found.push({ score, box: { x1: cx - w / 2, y1: cy - h / 2, x2: cx + w / 2, y2: cy + h / 2 }, landmarks: landmarksAt(points, 0) });
    }
  }
  return found;
}

/** Greedy non-maximum suppression, best score first. */
function suppress(candidates: Detection[], maxIou: number): Detection[] {
  const kept: Detection[] = [];
  for (const candidate of candidates.toSorted((a, b) => b.score - a.score)) {
    if (kept.every((k) => intersectionOverUnion(k.box, candidate.box) < maxIou)) kept.push(candidate);
  }
  return kept;
}

function toPicture(d: Detection, scale: number): Detection {
  const point = (p: Point): Point => ({ x: p.x / scale, y: p.y / scale });
  const [a, b, c, e, f] = d.landmarks;
  return {
    score: d.score,
    box: { x1: d.box.x1 / scale, y1: d.box.y1 / scale, x2: d.box.x2 / scale, y2: d.box.y2 / scale },
    landmarks: [point(a), point(b), point(c), point(e), point(f)],
  };
}
